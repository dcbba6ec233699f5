"""Hostile files before real workers: what came of each, and what it cost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from detection.errors import (
    JobFailedError,
    MediaError,
    WorkerCrashedError,
    WorkerError,
    WorkerMemoryError,
    WorkerTimeoutError,
)
from detection.isolation import MEMORY_BYTES
from detection.memfd import Memfd
from provenance.errors import FormatUnsupportedError
from provenance.validation import examine, verify
from provenance.verdict import Verdict
from tests.hostile.damage import Case
from tests.hostile.seeds import seeds
from tests.provenance.house import House

BOUNDED = (WorkerTimeoutError, WorkerMemoryError)
"""What ends a worker, and is an honest answer."""

DEFECTS = (JobFailedError, WorkerCrashedError)


@dataclass
class Trial:
    """Runs cases one after another and keeps what they came to."""

    house: House
    outcomes: Counter[str] = field(default_factory=Counter)
    defects: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    """Cases that ended a worker by a bound."""

    slowest: tuple[float, str] = (0.0, "")
    peak_kilobytes: int = 0
    """The most that any worker ever had resident."""

    def run(self, cases: Iterable[Case]) -> None:
        """Examine and verify each; where one ends its worker, the next must serve."""
        sandbox, trust = self.house.sandbox, self.house.trust
        for case in cases:
            before = len(self.ended) + len(self.defects)
            with Memfd.of([case.make()]) as file:
                self._try(f"examine {case}", partial(examine, sandbox, file, None, trust))
                self._try(f"verify {case}", partial(verify, sandbox, file, trust))
            if len(self.ended) + len(self.defects) > before:
                self.check()

    def check(self) -> None:
        """A sound file is examined and verified as ever, and no worker ever held more than it may."""
        with Memfd.of([seeds()["jpeg"]]) as file:
            examination, *_ = examine(self.house.sandbox, file, None, self.house.trust)
        assert examination.mime == "image/jpeg"
        assert self.house.verify(seeds()["png"]).verdict is Verdict.ABSENT
        assert self.peak_kilobytes * 1024 <= MEMORY_BYTES

    def told(self) -> str:
        """In a few lines."""
        outcomes = ", ".join(f"{outcome} {count}" for outcome, count in sorted(self.outcomes.items()))
        seconds, slowest = self.slowest
        return f"{outcomes}; at most {self.peak_kilobytes // 1024} MB, {seconds:.1f} s ({slowest})"

    def _try(self, name: str, job: Callable[[], object]) -> None:
        started = time.monotonic()
        try:
            job()
        except (MediaError, FormatUnsupportedError) as refusal:
            outcome = refusal.code
        except BOUNDED as bound:
            outcome = type(bound).__name__
            self.ended.append(f"{name}: {outcome}")
        except (*DEFECTS, WorkerError) as defect:
            outcome = type(defect).__name__
            self.defects.append(f"{name}: {defect}")
        else:
            outcome = "handled"
        self.outcomes[f"{name.partition(' ')[0]} {outcome}"] += 1
        self.slowest = max(self.slowest, (time.monotonic() - started, name))
        self.peak_kilobytes = max([self.peak_kilobytes, *_peaks(self.house)])


def _peaks(house: House) -> Iterator[int]:
    """High-water marks of the workers that live, in kilobytes."""
    for worker in house.sandbox._alive:
        with suppress(FileNotFoundError, ProcessLookupError, StopIteration):
            lines = Path(f"/proc/{worker._process.pid}/status").read_text().splitlines()
            yield next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
