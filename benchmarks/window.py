"""What is counted: what ends inside a stretch of time while the load goes on before and after it."""

from __future__ import annotations

import time
from dataclasses import dataclass


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

    def __contains__(self, moment: float) -> bool:
        return self.begin <= moment < self.end

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.begin
