"""`SOAK_MINUTES` of mixed load on one server: what it holds stays flat.

Rules
- What is held is looked at SAMPLES times. The first quarter is warming up; the medians of the second and the last are
  compared, so that one large file at the wrong moment says nothing.
- Memory is the resident memory of the service and its workers; descriptors are the service's.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median
from typing import Self

import pytest

from tests.journeys.test_kill import check_at_rest
from tests.journeys.uploader import Server
from tests.soak.visitors import CLIENTS, MINUTES, Memory, check, told, visiting

SAMPLES = 120
MEGABYTES_MORE = 24
"""What memory may grow by, in half of the time: allocators keep a little more as time goes. In an hour of thirty
requests a second a leak of 500 bytes in each would be more.
"""

DESCRIPTORS_MORE = 8
"""Connections to the database come and go with the load."""


@dataclass(frozen=True)
class Held:
    """By a service at one moment."""

    service_megabytes: float
    workers_megabytes: float
    descriptors: float

    @classmethod
    def by(cls, process: int) -> Self:
        descriptors = len(list(Path(f"/proc/{process}/fd").iterdir()))
        return cls(_megabytes(process), sum(map(_megabytes, _children(process))), descriptors)

    @classmethod
    def median(cls, seen: list[Held]) -> Self:
        return cls(*map(median, zip(*map(astuple, seen), strict=True)))


def _children(process: int) -> list[int]:
    found = list[int]()
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found += map(int, (task / "children").read_text().split())
    return found


def _megabytes(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # a worker that was just replaced
    return next((int(line.split()[1]) / 1024 for line in fields if line.startswith("VmRSS")), 0.0)


@pytest.mark.soak
def test_what_is_held_stays_flat(tmp_path: Path) -> None:
    with Server(tmp_path / "home") as server:
        _hold_steady(server, tmp_path)


def _hold_steady(server: Server, folder: Path) -> None:
    memory, seen = Memory(), list[Held]()
    with visiting(server, folder, memory):
        for _ in range(SAMPLES):
            time.sleep(MINUTES * 60 / SAMPLES)
            seen.append(Held.by(server.process))
    quarter = SAMPLES // 4
    early, late = Held.median(seen[quarter : 2 * quarter]), Held.median(seen[-quarter:])
    print(f"\n{MINUTES:g} minutes, {CLIENTS} clients: {told(memory)}\nsecond quarter {early}\nlast quarter   {late}")
    with server.client() as sigillo:
        for asset, sha256 in list(memory.kept.items())[-1000:]:
            check(sigillo, asset, sha256, memory)
    assert server.stop() == 0
    check_at_rest(folder / "home")
    assert late.service_megabytes <= early.service_megabytes + MEGABYTES_MORE
    assert late.workers_megabytes <= early.workers_megabytes + MEGABYTES_MORE
    assert late.descriptors <= early.descriptors + DESCRIPTORS_MORE
