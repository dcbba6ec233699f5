"""Hashes of recovery codes that cost little: every registration makes one, and as the service makes it that takes a
tenth of a second of a core. Who tests the cost itself has it `dear`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Final
from unittest.mock import patch

from identity.registration import recovery

_cost: Final = partial(patch.multiple, recovery)
_OURS: Final[dict[str, Any]] = {"PASSES": recovery.PASSES, "MEMORY_KIB": recovery.MEMORY_KIB}


def cheap() -> AbstractContextManager[object]:
    """While this lasts, the least that Argon2id takes."""
    return _cost(PASSES=1, MEMORY_KIB=8)


def dear() -> AbstractContextManager[object]:
    """While this lasts, what the service has it cost."""
    return _cost(**_OURS)
