"""Servers of this process that stop soon: uvicorn looks every tenth of a second whether it should, and rests as long
before it does, while many a test of a deployment of its own takes no longer itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch


@contextmanager
def quick_to_stop() -> Iterator[None]:
    """While this lasts, they look, and rest, for a fifth of that."""
    with patch("uvicorn.server.asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": _sleep})):
        yield


def _sleep(seconds: float) -> Coroutine[Any, Any, None]:
    return asyncio.sleep(seconds / 5)
