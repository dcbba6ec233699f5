"""What is counted: what is done inside a stretch of time while the load goes on before and after it.

What is under way at its beginning or end counts for the part of it that lies inside, so that a few long pieces of work
are counted as exactly as many short ones.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Span: TypeAlias = tuple[float, float]
"""When something began and when it ended."""


@dataclass(frozen=True)
class Window:
    """From `begin` to `end` on the clock that all processes of this machine share (CLOCK_MONOTONIC)."""

    begin: float
    end: float

    @classmethod
    def of(cls, warm_up: float, seconds: float) -> Window:
        """One of `seconds`, after a warm-up that begins now."""
        begin = time.monotonic() + warm_up
        return cls(begin, begin + seconds)

    def share(self, span: Span) -> float:
        """How much of something that took from one moment to another was done in here, of 1."""
        began, ended = span
        return max(0.0, min(ended, self.end) - max(began, self.begin)) / (ended - began)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.begin


@dataclass(frozen=True)
class Done:
    """What a window saw."""

    per_second: float
    milliseconds: Sequence[float]
    """How long each took, seen by whoever asked for it."""

    @classmethod
    def within(cls, window: Window, spans: Sequence[Span]) -> Done:
        """What was done within the window; spans that lie outside do not count."""
        inside = [span for span in spans if window.share(span)]
        return cls(sum(map(window.share, inside)) / window.seconds, [1000 * (end - begin) for begin, end in inside])


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed (nearest rank)."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]
