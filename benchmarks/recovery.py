"""Finding a signed picture by an edited copy: how often, how wrongly, and how fast beside Meta's index.

    python benchmarks/recovery.py               1,000,000 hashes against threatexchange's; edits among 100,000 others
    python benchmarks/recovery.py --quick       a tenth of both
    python benchmarks/recovery.py --json        one object
    python benchmarks/recovery.py --encoder CARD   and by an encoder, of a model card (`benchmarks/embedding.py`)

Needs `pip install 'sigillo[bench]'`; without it there is no comparison, and one photograph instead of eighteen.

Rules
- Both indexes hold the same hashes and are asked the same ones, in turn, now the one first and now the other, in one
  process, one thread each: everything within 31 bits of one hash. Ours are the service's own search structure and
  reaches. The ratio is of medians; beside it that of the processor's time. With `--rest` it rests before each search,
  as a service between two requests, and finds colder caches: that costs a flat search more.
- A file is asked about in eight ways at once, turned and mirrored (`…_eight`); of Meta's index that is eight queries.
- Memory is what the process holds more once an index is built.
- Hashes of the race are drawn at random; what is asked is as far from one of them as 0 to 31 bits.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final

# Run as a script, Python looks for packages in this folder, not in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.edits import EDITS, others, photographs, whole
from benchmarks.embedding import encoded
from cases.recovery.search import CODE_REACH
from detection.copies.fingerprint import FORMS, HASH_BYTES, LEAST_QUALITY, REACH, Bits, from_hex, nearest
from detection.fingerprint import frame_hash, turned_hashes
from detection.image_code import image_code, image_codes
from detection.near.generation import Generation
from detection.pixels import normalised

QUERIES: Final = 320
"""Ten at each distance from 0 to 31."""

WANTED: Final = {"recall_31": "1.0", "latency_ratio_threatexchange": "≤ 1.5", "memory_ratio_threatexchange": "≤ 0.1"}
_PAGE: Final = 4096
_BATCH: Final = 50_000
Search = Callable[[Sequence[str]], set[int]]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a tenth of both")
    parser.add_argument("--json", action="store_true", help="one object instead of the tables")
    parser.add_argument("--hashes", type=int, default=1_000_000)
    parser.add_argument("--others", type=int, default=100_000)
    parser.add_argument("--rest", type=float, default=0, help="milliseconds before each search of the first part")
    parser.add_argument("--encoder", type=Path, help="a model card: what an encoder recovers, too")
    chosen = parser.parse_args()
    share = 10 if chosen.quick else 1
    found = race(chosen.hashes // share, chosen.rest / 1000)
    shown = Table(title="Recovered, and false matches a query, by each method")
    found |= edited(chosen.others // share, shown)
    seen = Table(title="Recovered by an encoder, and false matches")
    if chosen.encoder:
        found |= encoded(chosen.encoder, chosen.others // share, seen)
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    console = Console(width=120)
    console.print(shown)
    if chosen.encoder:
        console.print(seen)
    for name, figure in found.items():
        console.print(f"{name:<34} {figure:.4g}  {WANTED.get(name, '')}")


def race(size: int, rest: float = 0) -> dict[str, float]:
    """Both indexes over so many hashes; `rest`: seconds before each search."""
    draw = np.random.default_rng(1)
    hashes = draw.integers(0, 256, (size, HASH_BYTES), dtype=np.uint8)
    asked = [(int(draw.integers(size)), n % (REACH + 1)) for n in range(QUERIES)]
    probes = [(row, _moved(hashes[row], away, draw).tobytes().hex()) for row, away in asked]
    ours, ours_bytes = _built(lambda: _ours(hashes))
    found = {"hashes": float(size), "memory_mb": ours_bytes / 1e6}
    sides: list[Search] = [ours]
    if find_spec("threatexchange") is not None:
        theirs, theirs_bytes = _built(lambda: _threatexchange(hashes))
        sides.append(theirs)
        found |= {"memory_mb_threatexchange": theirs_bytes / 1e6}
        found |= {"memory_ratio_threatexchange": ours_bytes / theirs_bytes}
    each, hits = [_Times(rest) for _ in sides], [0 for _ in sides]
    for turn, (row, probe) in enumerate(probes):
        for n in _in_turn(turn, sides):
            hits[n] += row in each[n].of(sides[n], [probe])
    eight = [_Times(rest) for _ in sides]
    for turn, start in enumerate(range(0, QUERIES, FORMS)):
        for n in _in_turn(turn, sides):
            eight[n].of(sides[n], [probe for _, probe in probes[start : start + FORMS]])
    found |= {"recall_31": hits[0] / QUERIES, "p50_ms": each[0].wall_ms, "p50_ms_eight": eight[0].wall_ms}
    if len(sides) > 1:
        found |= {"recall_31_threatexchange": hits[1] / QUERIES, "p50_ms_threatexchange": each[1].wall_ms}
        found |= {"p50_ms_eight_threatexchange": eight[1].wall_ms}
        found |= {"latency_ratio_threatexchange": each[0].wall_ms / each[1].wall_ms}
        found |= {"processor_ratio_threatexchange": each[0].processor_ms / each[1].processor_ms}
        found |= {"latency_ratio_eight_threatexchange": eight[0].wall_ms / eight[1].wall_ms}
    return found


class _Times:
    """Of one side's searches."""

    def __init__(self, rest: float) -> None:
        self._rest, self._wall, self._processor = rest, list[float](), list[float]()

    def of(self, search: Search, probes: Sequence[str]) -> set[int]:
        """Search, and note how long it took."""
        time.sleep(self._rest)
        begun, busy = time.perf_counter(), time.thread_time()
        rows = search(probes)
        self._wall.append(time.perf_counter() - begun)
        self._processor.append(time.thread_time() - busy)
        return rows

    @property
    def wall_ms(self) -> float:
        return 1000 * median(self._wall)

    @property
    def processor_ms(self) -> float:
        return 1000 * median(self._processor)


def _in_turn(turn: int, sides: Sequence[Search]) -> Iterable[int]:
    order = range(len(sides))
    return reversed(order) if turn % 2 else order


def edited(count: int, shown: Table) -> dict[str, float]:
    """What edits leave of photographs' fingerprints, among so many other pictures."""
    photos = [(photo, *_fingerprints(photo)) for photo in photographs()]
    kept = [one for one in photos if one[3] >= LEAST_QUALITY]
    pdq = _indexed([forms[0] for _, forms, _, _ in kept], 0)
    codes = _indexed([forms[0] for _, _, forms, _ in kept], 0, lead=HASH_BYTES)
    mine = [whole(number) for number, one in enumerate(photos) if one[3] >= LEAST_QUALITY]
    within = {row: frozenset({photo}) for row, photo in enumerate(mine)}
    within |= _add_others([photo for photo, *_ in photos], count, pdq, codes)
    shown.add_column("edit")
    for column in ("PDQ", "false", "image code", "false", "either", "strangers", "PDQ moved", "code moved"):
        shown.add_column(column)
    found = {"photographs": float(len(kept)), "others": float(count)}
    for name, edit in EDITS.items():
        row = _of_edit(edit, kept, pdq, codes, lambda number, other: mine[number] in within[other])
        shares = (f"{row[key]:.3g}" for key in ("pdq", "pdq_false", "code", "code_false", "either", "strangers"))
        moved = (f"{row[f'{key}_moved']:.0f}, {row[f'{key}_moved_p90']:.0f}" for key in ("pdq", "code"))
        shown.add_row(name, *shares, *moved)
        found |= {f"recovered_{name}": row["either"], f"recovered_{name}_pdq": row["pdq"]}
        found |= {f"recovered_{name}_image_code": row["code"]}
        found |= {f"false_{name}": row["pdq_false"] + row["code_false"], f"strangers_{name}": row["strangers"]}
        found |= {f"moved_{name}_pdq": row["pdq_moved"], f"moved_{name}_image_code": row["code_moved"]}
    return found


def _of_edit(
    edit: Callable[[Image.Image], Image.Image],
    kept: list[Any],
    pdq: Generation,
    codes: Generation,
    shares: Callable[[int, int], bool],
) -> Mapping[str, float]:
    """`shares`: whether a photograph is in another picture."""
    by_pdq, by_code, wrong_pdq, wrong_code, strangers = list[bool](), list[bool](), 0, 0, 0
    moved_pdq, moved_code = list[int](), list[int]()
    for row, (photo, was, was_code, _) in enumerate(kept):
        forms, code_forms, _ = _fingerprints(edit(photo))
        near_pdq, near_code = (
            set(index.near(from_hex(list(probes)), reach)[0].tolist())
            for index, probes, reach in ((pdq, forms, REACH), (codes, code_forms, CODE_REACH))
        )
        by_pdq.append(row in near_pdq)
        by_code.append(row in near_code)
        wrong_pdq, wrong_code = wrong_pdq + len(near_pdq - {row}), wrong_code + len(near_code - {row})
        strangers += sum(not shares(row, other) for other in (near_pdq | near_code) - {row})
        moved_pdq.append(nearest(from_hex(list(forms)), from_hex([was[0]])))
        moved_code.append(nearest(from_hex(list(code_forms)), from_hex([was_code[0]])))
    both = [one or other for one, other in zip(by_pdq, by_code, strict=True)]
    return {
        "pdq": float(np.mean(by_pdq)),
        "code": float(np.mean(by_code)),
        "either": float(np.mean(both)),
        "pdq_false": wrong_pdq / len(kept),
        "code_false": wrong_code / len(kept),
        "strangers": strangers / len(kept),
        "pdq_moved": median(moved_pdq),
        "pdq_moved_p90": float(np.percentile(moved_pdq, 90)),
        "code_moved": median(moved_code),
        "code_moved_p90": float(np.percentile(moved_code, 90)),
    }


def _fingerprints(photo: Image.Image) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    normal = normalised(photo)
    forms, quality = turned_hashes(normal)
    return forms, image_codes(normal), quality


def _add_others(
    photos: list[Image.Image], count: int, pdq: Generation, codes: Generation
) -> Mapping[int, frozenset[int]]:
    """So many rows; which photographs are in each."""
    made, within = ((normalised(other), of) for other, of in others(photos, 2)), dict[int, frozenset[int]]()
    seen = ((other, of, frame_hash(other)) for other, of in made)
    # What says too little is not indexed by the service, either.
    kept = islice((one for one in seen if one[2].quality >= LEAST_QUALITY), count)
    for row, (other, of, found) in enumerate(kept, start=len(pdq)):
        pdq.put([row], [bytes.fromhex(found.pdq)])
        codes.put([row], [bytes.fromhex(image_code(other))])
        within[row] = of
    return within


def _indexed(hashes: list[str], first: int, lead: int = HASH_BYTES // 2) -> Generation:
    index = Generation(HASH_BYTES, lead)
    index.put(range(first, first + len(hashes)), [bytes.fromhex(one) for one in hashes])
    return index


def _ours(hashes: Bits) -> Search:
    index = Generation(HASH_BYTES, HASH_BYTES // 2)
    for start in range(0, len(hashes), _BATCH):
        some = hashes[start : start + _BATCH]
        index.put(range(start, start + len(some)), [some.tobytes()])

    def search(probes: Sequence[str]) -> set[int]:
        return set(index.near(from_hex(list(probes)), REACH)[0].tolist())

    return search


def _threatexchange(hashes: Bits) -> Search:
    import faiss
    from threatexchange.signal_type.pdq.pdq_index import PDQIndex

    faiss.omp_set_num_threads(1)

    def entries() -> Iterator[tuple[str, int]]:
        for row, one in enumerate(hashes):
            yield one.tobytes().hex(), row

    index = PDQIndex(entries())
    return lambda probes: {match.metadata for probe in probes for match in index.query(probe)}


def _built(build: Callable[[], Search]) -> tuple[Search, int]:
    gc.collect()
    before = _held()
    search = build()
    gc.collect()
    return search, max(_held() - before, 1)


def _held() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def _moved(one: Bits, away: int, draw: np.random.Generator) -> Bits:
    bits = np.unpackbits(one)
    bits[draw.permutation(len(bits))[:away]] ^= 1
    return np.packbits(bits)


if __name__ == "__main__":
    main()
