"""Finding a registered face among many: protected templates against the same vectors in the clear.

    python benchmarks/matching.py               100,000 and 1,000,000 people, in about ten minutes
    python benchmarks/matching.py --quick       100,000 alone, within two
    python benchmarks/matching.py --json        one object
    python benchmarks/matching.py --json p50_ms_1m      one of its figures, and no more than it needs
    python benchmarks/matching.py --people 10000000     another number, where there is memory for it (`make soak`)
    python benchmarks/matching.py --hnsw        HNSW at every size: a million take it six minutes to build
    python benchmarks/matching.py --quick --alike 0.14      people whose mean cosine is that, as real faces have one

Rules
- Both sides search the same vectors for the same probes, in turn, in one process, one thread each. Ours does all that a
  search in the service does: change counter, encoding, Hamming search, rows of candidates, AES-GCM, exact cosine.
- Vectors have the face model's 128 dimensions and are drawn at random, `--alike` with something in common.
- A generation is what proves somebody absent from the index (`detection.generations`), within a minute of their
  leaving, of which housekeeping may take five seconds to begin. It is measured in processor time.
- Memory is what the process holds more once a side is built; ours is built from the database's rows.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Final

# Run as a script, Python looks for packages in this folder, not in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from benchmarks.face_banks import COSINES, FaceBank, Ranked, Side, enrolled, spread
from benchmarks.memory import available
from benchmarks.verdicts import verdicts

SIZES: Final = {100_000: "100k", 1_000_000: "1m"}
PROBES: Final = 300
"""At each cosine."""

STRANGERS: Final = 10_000
WANTED: Final = {
    "speedup_vs_flat_1m": "≥ 5",
    "p50_ms_1m": "≤ 4",
    "search_mb_1m": "≤ 100",
    "identification_gap_at_055": "≤ 0.5",
    "verdict_ratio": "≤ 1.5",
    "generation_cpu_seconds_1m": "≤ 50",
}
"""What the project has set itself."""

BYTES_EACH: Final = 1600
"""Of memory, for each person: both sides, and what the benchmark knows of them."""

VERDICTS: Final = ("verdict_ratio", "verdict_ms", "faces_alone_ms")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="100,000 people alone")
    parser.add_argument("--json", action="store_true", help="one object instead of the table")
    parser.add_argument("--hnsw", action="store_true", help="HNSW at every size")
    parser.add_argument("--people", type=int, help="so many people instead")
    parser.add_argument("--alike", type=float, default=0.0, help="the mean cosine between two people")
    parser.add_argument("names", nargs="*", help="these figures alone, by their names in --json")
    chosen = parser.parse_args()
    takes, free = (chosen.people or 0) * BYTES_EACH, available()
    if takes > free:
        print(f"NOT MEASURED: {chosen.people:,} people take {takes / 1e9:.0f} GB of memory; {free / 1e9:.0f} are free")
        return
    sizes = [chosen.people] if chosen.people else [*SIZES][:1] if chosen.quick else _needed(chosen.names)
    found: dict[str, float] = {}
    shown = Table(
        "", "people", "p50 ms", "p99", "MB", "build s", *(f"rank 1 at {one:.2f}" for one in COSINES), box=None
    )
    with tempfile.TemporaryDirectory(prefix="sigillo-benchmark-") as folder:
        for size in sizes:
            with enrolled(Path(folder) / str(size), size, chosen.alike) as bank:
                found |= _measured(bank, size, shown, hnsw=chosen.hnsw or size <= min(SIZES))
        if not chosen.people and (not chosen.names or set(chosen.names) & set(VERDICTS)):
            found |= verdicts(Path(folder) / "verdicts")
    found = {name: value for name, value in found.items() if not chosen.names or name in chosen.names}
    if chosen.json:
        print(json.dumps(dict(sorted(found.items())), indent=2))
    else:
        _show(shown, found)


def _needed(names: list[str]) -> list[int]:
    """The sizes that these figures are of."""
    if not names:
        return [*SIZES]
    general = {"identification_gap_at_055", "false_alarms_per_million", "false_alarms_per_million_at_most"}
    return [size for size, suffix in SIZES.items() if any(one.endswith(suffix) for one in names)] or (
        [max(SIZES)] if general & set(names) else []
    )


def _measured(bank: FaceBank, size: int, shown: Table, *, hnsw: bool) -> Mapping[str, float]:
    suffix = SIZES.get(size, str(size))
    makers: dict[str, Callable[[], Side]] = {"protected": bank.protected, "flat": bank.flat}
    if hnsw:
        makers["hnsw"] = bank.hnsw
    sides = {name: make() for name, make in makers.items()}
    bank.ranked(sides, 5)  # warm
    ranked = bank.ranked(sides, PROBES)
    found: dict[str, float] = {f"enrol_us_{suffix}": bank.enrol_seconds / size * 1e6}
    for name, side in sides.items():
        found |= _of_side(name, side, ranked[name], suffix)
        rates = (f"{ranked[name].found[cosine]:.3f}" for cosine in COSINES)
        figures = (*spread(ranked[name]), side.megabytes, side.build_seconds)
        shown.add_row(name, f"{size:,}", *(f"{figure:,.2f}" for figure in figures), *rates)
    ours, flat = ranked["protected"], ranked["flat"]
    pairs = zip(flat.milliseconds, ours.milliseconds, strict=True)
    found[f"speedup_vs_flat_{suffix}"] = median(theirs / mine for theirs, mine in pairs)
    found["identification_gap_at_055"] = 100 * (flat.found[0.55] - ours.found[0.55])
    found[f"opened_for_a_stranger_{suffix}"], found[f"opened_at_055_{suffix}"] = bank.opened(PROBES)
    alarms = bank.false_alarms(STRANGERS)
    found["false_alarms_per_million"] = alarms / STRANGERS * 1e6
    found[f"generation_cpu_seconds_{suffix}"] = bank.committed()
    # With none seen, the rule of three: 95 times of 100 there are fewer.
    found["false_alarms_per_million_at_most"] = max(alarms, 3) / STRANGERS * 1e6
    return found


def _of_side(name: str, side: Side, ranked: Ranked, suffix: str) -> dict[str, float]:
    end = suffix if name == "protected" else f"{name}_{suffix}"
    p50, p99 = spread(ranked)
    found = {f"p50_ms_{end}": p50, f"p99_ms_{end}": p99, f"search_mb_{end}": side.megabytes}
    found[f"build_seconds_{end}"] = side.build_seconds
    return found | {f"rank1_at_{100 * cosine:03.0f}_{end}": rate for cosine, rate in ranked.found.items()}


def _show(sides: Table, found: Mapping[str, float]) -> None:
    sides.title = (
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )
    rest = Table("", "", "wanted", box=None)
    for name, figure in found.items():
        if name in WANTED or name in VERDICTS or name.startswith(("false", "speedup", "enrol", "generation", "opened")):
            rest.add_row(name, f"{figure:,.2f}", WANTED.get(name, ""))
    for shown in (sides, rest):
        if shown.row_count:
            Console().print(shown)


if __name__ == "__main__":
    main()
