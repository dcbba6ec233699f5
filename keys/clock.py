"""Time and randomness, passed in rather than reached for, so that every test can hold them still."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Returns the present as an aware UTC datetime."""

Entropy: TypeAlias = Callable[[int], bytes]
"""Returns that many unpredictable bytes."""


def system_clock() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


system_entropy: Entropy = secrets.token_bytes


def fraction(entropy: Entropy) -> float:
    """A random number from 0 up to, and not including, 1."""
    return int.from_bytes(entropy(6), "big") / 2**48
