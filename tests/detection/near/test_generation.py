from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detection.near import generation
from detection.near.generation import Generation
from detection.templates.template import TEMPLATE_BYTES

PROBE = np.random.default_rng(0).integers(0, 256, TEMPLATE_BYTES, dtype=np.uint8)


@pytest.fixture(scope="module", autouse=True)
def small_segments() -> Iterator[None]:
    """So that a few templates fill several, each of several blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generation, "SEGMENT", 8)
        patch.setattr(generation, "BLOCK_BYTES", TEMPLATE_BYTES)
        yield


def near_the_probe(row: int) -> NDArray[np.uint8]:
    """Differs from it in `row % 97` bits, other ones for each row."""
    bits = np.unpackbits(PROBE)
    bits[np.random.default_rng(row).permutation(len(bits))[: row % 97]] ^= 1
    return np.packbits(bits)


Step = tuple[str, list[int]]
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.sampled_from(["put", "drop"]), st.lists(st.integers(1, 200), unique=True, max_size=30)), max_size=12
)


@given(STEPS, st.integers(0, 100), st.sampled_from([0, 16, 32]), st.sampled_from([None, 10, 25]))
def test_what_is_near_is_what_counting_bits_finds(
    steps: list[Step], reach: int, lead: int, lead_reach: int | None
) -> None:
    """However rows came and went, across segments: the rows that are here, and how far each is."""
    held, found = Generation(TEMPLATE_BYTES, lead, lead_reach=lead_reach), dict[int, NDArray[np.uint8]]()
    first = slice(0, lead or TEMPLATE_BYTES)
    for what, rows in steps:
        if what == "put":
            new = [row for row in rows if row not in found]
            held.put(new, [near_the_probe(row).tobytes() for row in new])
            found |= {row: near_the_probe(row) for row in new}
        else:
            held.drop(np.asarray(rows, dtype=np.int64))
            found = {row: bits for row, bits in found.items() if row not in rows}
    distances = {row: int(np.bitwise_count(bits ^ PROBE).sum()) for row, bits in found.items()}
    leads = {row: int(np.bitwise_count(bits[first] ^ PROBE[first]).sum()) for row, bits in found.items()}
    near, away = held.near(PROBE, reach)
    assert len(near) == len(set(near.tolist()))
    assert dict(zip(near.tolist(), away.tolist(), strict=True)) == {
        row: distance
        for row, distance in distances.items()
        if distance <= reach and (lead_reach is None or leads[row] <= lead_reach)
    }
    assert len(held) == len(found)
    apart = [held.near(probe, reach) for probe in (PROBE, near_the_probe(40))]
    each = held.near(np.stack([PROBE, near_the_probe(40)]), reach)
    together = [np.concatenate(part).tolist() for part in zip(*apart, strict=True)]
    assert sorted(zip(*each, strict=True)) == sorted(zip(*together, strict=True)), "several at once, as one by one"


@pytest.mark.parametrize("lead", [0, 16])
def test_what_is_near_is_measured_by_its_bits(lead: int) -> None:
    """Whoever asks is shown the bits of each that is near, whole, and nobody else's, and changes go on meanwhile."""
    held, templates = Generation(TEMPLATE_BYTES, lead), {row: near_the_probe(row) for row in range(1, 61)}
    held.put([*templates], [bits.tobytes() for bits in templates.values()])
    shown = set[bytes]()

    def last(some: NDArray[np.uint8]) -> NDArray[np.float32]:
        shown.update(bits.tobytes() for bits in some)
        held.drop(np.asarray([60]))
        return some[:, -1].astype(np.float32)

    near, told = held.measured(PROBE, 40, last)
    assert shown == {templates[row].tobytes() for row in range(1, 41)}
    assert dict(zip(near.tolist(), told.tolist(), strict=True)) == {row: templates[row][-1] for row in range(1, 41)}


def test_what_goes_is_wiped() -> None:
    held = Generation(TEMPLATE_BYTES, 16)
    held.put(range(1, 21), [near_the_probe(row).tobytes() for row in range(1, 21)])
    held.drop(np.arange(1, 21, 2))
    left = {near_the_probe(row).tobytes() for row in range(2, 21, 2)} | {bytes(TEMPLATE_BYTES)}
    for segment in held._segments:
        assert {b"".join(map(bytes, parts)) for parts in zip(segment._lead, segment._rest, strict=True)} <= left
        assert set(segment._rows.tolist()) <= {0, *range(2, 21, 2)}


def test_searches_beside_changes_see_each_row_that_stays_once() -> None:
    staying = list(range(1, 200, 2))
    held = Generation(TEMPLATE_BYTES)
    held.put(range(1, 200), [near_the_probe(row).tobytes() for row in range(1, 200)])
    over, wrong = threading.Event(), list[object]()

    def search() -> None:
        while not over.is_set():
            rows, _ = held.near(PROBE, 97)
            seen = rows.tolist()
            if len(set(seen)) != len(seen) or not set(seen) >= set(staying):
                wrong.append(seen)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for row in range(2, 200, 2):
        held.drop(np.asarray([row]))
        held.put([1000 + row], [near_the_probe(row).tobytes()])
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert set(held.near(PROBE, 97)[0].tolist()) == {*staying, *range(1002, 1200, 2)}
