"""Templates that may be compared with each other, in memory: found by Hamming distance.

Rules
- Flat: every template is compared with the probe (Faiss), so that what is near enough is found for certain.
- The memory is ours, not an index object's: a template that goes is overwritten with zeros in the same step, and no
  growth ever copies all there is. Segments bound both, and how long a search keeps a change waiting.
- The first bytes of every template may be compared before the rest, with half of the memory read: what differs in more
  there than the whole may is out for certain; what differs in more than is likely, where a generation says how much.
- One writer at a time (`follower`), any number of searches beside it. A template is in one segment and never moves to
  another, so no search misses one that stays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

SEGMENT: Final = 1 << 19
"""Templates in a segment: 38 MB of faces, searched in a millisecond."""

FIRST: Final = 1 << 14
"""In the first one: most tenants have no more."""

BLOCK_BYTES: Final = 1 << 20
"""What is compared with several probes at once: half of what a core of today has to itself."""

Near: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32]]
"""Numbers of rows, in no order, and how many bits each is away."""

Measured: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Numbers of rows, in no order, and what was measured of each."""

Within: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]
"""Which probe, which place, how far."""

Measure: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Says of templates that are near, one a row, something of each."""

Compare: TypeAlias = Callable[[NDArray[np.uint8], NDArray[np.uint8], int], Within]
"""Finds for each probe the templates that are within reach of it; both one a row."""

_Told = TypeVar("_Told", bound=np.generic)


class Generation:
    """Templates by the numbers of their rows. Several may have one number."""

    def __init__(
        self,
        width: int,
        lead: int = 0,
        rotation: NDArray[np.float32] | None = None,
        lead_reach: int | None = None,
        compare: Compare | None = None,
    ) -> None:
        """Of templates of `width` bytes, of which the first `lead` are compared before the rest; 0: all at once.
        `lead_reach`: bits by which those may differ, where fewer than in the whole. `rotation`: what probes are encoded
        by, where they are. `compare`: by bits, unless said otherwise; then all at once.
        """
        self.rotation, self._width, self._lead = rotation, width, lead or width
        self._lead_reach, self._compare = lead_reach, compare or _by_bits
        self._segments: list[_Segment] = []

    def __len__(self) -> int:
        return sum(segment.size for segment in self._segments)

    def put(self, rows: Sequence[int], templates: Sequence[bytes]) -> None:
        """Add rows that are not here."""
        numbers = np.asarray(rows, dtype=np.int64)
        bits = np.frombuffer(b"".join(templates), dtype=np.uint8).reshape(-1, self._width)
        done = 0
        for segment in self._with_room():
            done += segment.put(numbers[done:], bits[done:])
            if done == len(numbers):
                return

    def drop(self, rows: NDArray[np.int64]) -> None:
        """Wipe these rows, those of them that are here."""
        for segment in self._segments:
            segment.drop(rows)

    def near(self, template: NDArray[np.uint8], reach: int) -> Near:
        """The rows at most `reach` bits away. `template` may be several, one a row: then what is near to any of them,
        as often as it is.
        """
        asked = self._asked(template, reach)
        return _joined((segment.near(*asked) for segment in self._segments), np.int32)

    def measured(self, template: NDArray[np.uint8], reach: int, measure: Measure) -> Measured:
        """The same rows, and what `measure` says of the templates there."""
        asked = self._asked(template, reach)
        found = (segment.templates(*asked) for segment in self._segments)
        return _joined(((rows, measure(templates)) for rows, templates in found), np.float32)

    def _asked(self, template: NDArray[np.uint8], reach: int) -> tuple[NDArray[np.uint8], int, int]:
        """Probes, their reach, and that of what is compared first."""
        probes = np.ascontiguousarray(template).reshape(-1, self._width)
        return probes, reach, reach if self._lead_reach is None else min(reach, self._lead_reach)

    def _with_room(self) -> Iterator[_Segment]:
        yield from [segment for segment in self._segments if segment.size < segment.room]
        while True:
            room = SEGMENT if self._segments else min(FIRST, SEGMENT)
            self._segments.append(_Segment(self._width, self._lead, room, self._compare))
            yield self._segments[-1]


class _Segment:
    def __init__(self, width: int, lead: int, room: int, compare: Compare) -> None:
        self._lock, self.room, self._compare = threading.Lock(), room, compare
        # Under the lock. Mapped as it is written to.
        self.size = 0
        self._rows = np.zeros(room, dtype=np.int64)
        self._lead, self._rest = (np.zeros((room, part), dtype=np.uint8) for part in (lead, width - lead))

    def put(self, rows: NDArray[np.int64], bits: NDArray[np.uint8]) -> int:
        """As many as there is room for; how many."""
        with self._lock:
            end = min(self.size + len(rows), self.room)
            taken, new, cut = end - self.size, slice(self.size, end), self._lead.shape[1]
            self._rows[new] = rows[:taken]
            self._lead[new], self._rest[new] = bits[:taken, :cut], bits[:taken, cut:]
            self.size = end
        return taken

    def drop(self, rows: NDArray[np.int64]) -> None:
        """The last ones take the places of those that go."""
        with self._lock:
            gone = np.flatnonzero(np.isin(self._rows[: self.size], rows))
            size = self.size - len(gone)
            holes = gone[gone < size]
            fillers = np.setdiff1d(np.arange(size, self.size), gone, assume_unique=True)
            for column in (self._rows, self._lead, self._rest):
                column[holes] = column[fillers]
                column[size : self.size] = 0
            self.size = size

    def near(self, probes: NDArray[np.uint8], reach: int, lead_reach: int) -> Near:
        with self._lock:
            places, distances = self._within(probes, reach, lead_reach)
            return self._rows[places], distances

    def templates(
        self, probes: NDArray[np.uint8], reach: int, lead_reach: int
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Copies: whatever is done with them, nobody waits for it."""
        with self._lock:
            places, _ = self._within(probes, reach, lead_reach)
            rows, parts = self._rows[places], (self._lead[places], self._rest[places])
        return rows, np.concatenate(parts, axis=1)

    def _within(self, probes: NDArray[np.uint8], reach: int, lead_reach: int) -> Near:
        """Places instead of rows; under the lock."""
        cut = self._lead.shape[1]
        which, places, distances = _by_blocks(self._compare, probes[:, :cut], self._lead[: self.size], lead_reach)
        if len(places) and cut < probes.shape[1]:
            rest = np.bitwise_count(probes[which, cut:] ^ self._rest[places])
            distances = distances + rest.sum(axis=1, dtype=np.int32)
            places, distances = places[distances <= reach], distances[distances <= reach]
        return places, distances


def _joined(
    found: Iterable[tuple[NDArray[np.int64], NDArray[_Told]]], kind: type[_Told]
) -> tuple[NDArray[np.int64], NDArray[_Told]]:
    """Of all segments, of which there may be none."""
    rows, told = zip(*found, (np.empty(0, np.int64), np.empty(0, kind)), strict=True)
    return np.concatenate(rows), np.concatenate(told)


def places_of(found: Any, probes: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """What Faiss found of so many probes: which probe, which place, and its measure of each."""
    faiss = faiss_alone()
    limits = faiss.rev_swig_ptr(found.lims, probes + 1).astype(np.int64)
    count = int(limits[-1])
    if not count:  # of most segments
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    which = np.repeat(np.arange(probes), np.diff(limits))
    return which, *(faiss.rev_swig_ptr(one, count).copy() for one in (found.labels, found.distances))


def faiss_alone() -> Any:
    """Loaded with the first search: 40 MB that a service without registrations does without. One thread for each
    search: requests run beside each other already.
    """
    import faiss

    if faiss.omp_get_max_threads() != 1:
        faiss.omp_set_num_threads(1)
    return faiss


def _by_blocks(compare: Compare, probes: NDArray[np.uint8], bits: NDArray[np.uint8], reach: int) -> Within:
    """By blocks where there are several probes."""
    step = len(bits) if len(probes) == 1 else BLOCK_BYTES // bits.shape[1]
    if len(bits) <= step:
        return compare(probes, bits, reach)
    found = []
    for start in range(0, len(bits), step):
        which, places, distances = compare(probes, bits[start : start + step], reach)
        found.append((which, places + start, distances))
    which, places, distances = (np.concatenate(part) for part in zip(*found, strict=True))
    return which, places, distances


def _by_bits(probes: NDArray[np.uint8], bits: NDArray[np.uint8], reach: int) -> Within:
    faiss, probes = faiss_alone(), np.ascontiguousarray(probes)
    found = faiss.RangeSearchResult(len(probes))
    pointers = faiss.swig_ptr(probes), faiss.swig_ptr(bits)
    faiss.hamming_range_search(*pointers, len(probes), len(bits), reach + 1, bits.shape[1], found)
    which, places, distances = places_of(found, len(probes))
    return which, places, distances.astype(np.int32)
