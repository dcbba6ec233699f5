"""Waiting for what another thread or process does: until it is so, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.api.wire import PATIENCE


def until(true: Callable[[], object], what: str = "it does not come true") -> None:
    """Look until it is true; AssertionError with `what` if it never is."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)
