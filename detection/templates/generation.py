"""The templates of one tenant under one rotation, by one face model, in memory: found by Hamming distance.

Rules
- Flat: every template is compared with the probe (Faiss), so that what is near enough is found for certain.
- The memory is ours, not an index object's: a template that goes is overwritten with zeros in the same step, and no
  growth ever copies all there is. Segments bound both, and how long a search keeps a change waiting.
- One writer at a time (`index`), any number of searches beside it. A template is in one segment and never moves to
  another, so no search misses one that stays.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detection.templates.rotation import Matrix
from detection.templates.template import TEMPLATE_BYTES

SEGMENT: Final = 1 << 17
"""Templates in a segment: 9 MB, searched in a quarter of a millisecond."""


Near: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32]]
"""Numbers of rows, in no order, and how many bits each is away."""


class Generation:
    """Templates by the numbers of their rows, with the rotation that probes are encoded by; None where nothing is ever
    compared with them, as they are another face model's.
    """

    def __init__(self, rotation: Matrix | None, width: int = TEMPLATE_BYTES) -> None:
        """Of templates of `width` bytes."""
        self.rotation, self._width = rotation, width
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
        """The rows at most `reach` bits away, in no order, and how far each is."""
        found = [segment.near(template, reach) for segment in self._segments]
        none = (np.empty(0, np.int64), np.empty(0, np.int32))
        rows, distances = zip(*found, strict=True) if found else ((none[0],), (none[1],))
        return np.concatenate(rows), np.concatenate(distances)

    def _with_room(self) -> Iterator[_Segment]:
        yield from [segment for segment in self._segments if segment.size < SEGMENT]
        while True:
            self._segments.append(_Segment(self._width))
            yield self._segments[-1]


class _Segment:
    def __init__(self, width: int) -> None:
        self._lock = threading.Lock()
        # Under the lock. Mapped as it is written to.
        self.size = 0
        self._rows = np.zeros(SEGMENT, dtype=np.int64)
        self._bits = np.zeros((SEGMENT, width), dtype=np.uint8)

    def put(self, rows: NDArray[np.int64], bits: NDArray[np.uint8]) -> int:
        """As many as there is room for; how many."""
        with self._lock:
            end = min(self.size + len(rows), SEGMENT)
            taken = end - self.size
            self._rows[self.size : end], self._bits[self.size : end] = rows[:taken], bits[:taken]
            self.size = end
        return taken

    def drop(self, rows: NDArray[np.int64]) -> None:
        """The last ones take the places of those that go."""
        with self._lock:
            kept = np.flatnonzero(~np.isin(self._rows[: self.size], rows))
            size = len(kept)
            holes = np.setdiff1d(np.arange(size), kept, assume_unique=True)
            fillers = kept[size - len(holes) :]
            self._rows[holes], self._bits[holes] = self._rows[fillers], self._bits[fillers]
            self._rows[size : self.size], self._bits[size : self.size] = 0, 0
            self.size = size

    def near(self, template: NDArray[np.uint8], reach: int) -> Near:
        with self._lock:
            places, distances = _within(template, self._bits[: self.size], reach)
            return self._rows[places], distances


def _within(template: NDArray[np.uint8], bits: NDArray[np.uint8], reach: int) -> Near:
    faiss, probe = _faiss(), np.ascontiguousarray(template)
    found = faiss.RangeSearchResult(1)
    pointers = faiss.swig_ptr(probe), faiss.swig_ptr(bits)
    faiss.hamming_range_search(*pointers, 1, len(bits), reach + 1, bits.shape[1], found)
    count = int(faiss.rev_swig_ptr(found.lims, 2)[1])
    return faiss.rev_swig_ptr(found.labels, count).copy(), faiss.rev_swig_ptr(found.distances, count).astype(np.int32)


def _faiss() -> Any:
    """Loaded with the first search: 40 MB that a service without registrations does without. One thread for each
    search: requests run beside each other already.
    """
    import faiss

    if faiss.omp_get_max_threads() != 1:
        faiss.omp_set_num_threads(1)
    return faiss
