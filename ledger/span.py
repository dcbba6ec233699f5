"""How long something takes, in words for people."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
_LEAST: Final = 2
"""Of a unit: `90 minutes` says more than `2 hours`, and `36 hours` than `2 days`."""


def in_words(seconds: int) -> str:
    """`29 days`, `36 hours`, `5 minutes`, `1 second`: rounded up, so that nobody waits so long in vain."""
    for size, unit in _UNITS:
        if seconds >= _LEAST * size:
            return f"{-(-seconds // size)} {unit}s"
    return f"{seconds} second{'s' * (seconds != 1)}"
