"""Signing and verifying over HTTP against the same work in a bare thread pool; keys in OpenBao against embedded ones.

    python benchmarks/signing.py            a table, in about eight minutes
    python benchmarks/signing.py --quick    the lines that matter most, less exact, within 40 seconds
    python benchmarks/signing.py --json     one object
    python benchmarks/signing.py ratio_upload_mp4 peak_mb_300mb_mp4     some of it alone

Rules
- Both sides take turns within one run, and a ratio is the median of the ratios of neighbours: a machine that slows
  down for a while slows both.
- Clients, server, workers and OpenBao share this machine's cores; the pool has them to itself.
- Only 2xx answers count; any other ends the run. Nothing leaves 127.0.0.1.
- Data go to a temporary folder: on a memory file system (set TMPDIR elsewhere) syncing them costs nothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Run as a script, Python looks for packages in this folder, not in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from benchmarks import bare
from benchmarks.bench import Bench, started
from benchmarks.films import THREE_HUNDRED_MEGABYTES
from benchmarks.measurements import MEASUREMENTS, Comparison, Measurement, compare
from benchmarks.memory import BOUND_MEGABYTES, peak_megabytes

SIDES: Final = ("ours", "other")
COLUMNS: Final = ("_per_second", "_p50_ms", "_p95_ms", "_p99_ms")


PEAK: Final = "peak_mb_300mb_mp4"


@dataclass(frozen=True)
class Plan:
    """How thoroughly to measure."""

    warm_up: float
    quick: bool = False
    quick_rounds: int = 3

    def lines(self, names: Sequence[str]) -> list[Measurement]:
        """What to measure, of these names or of all."""
        return [line for line in MEASUREMENTS if _asked(line.name, names) and (line.quick or not self.quick)]

    def comparison(self, line: Measurement, bench: Bench) -> Comparison:
        seconds, rounds = (line.quick, self.quick_rounds) if self.quick else (line.seconds, line.rounds)
        return compare(line, bench, seconds or line.seconds, rounds, self.warm_up)


QUICK: Final = Plan(warm_up=0.25, quick=True)
WHOLE: Final = Plan(warm_up=0.5)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="less, and less exact, within 40 seconds")
    parser.add_argument("--json", action="store_true", help="one object instead of the table")
    parser.add_argument("names", nargs="*", help="measure these alone, by their names in --json")
    chosen = parser.parse_args()
    plan = QUICK if chosen.quick else WHOLE
    lines = plan.lines(chosen.names)
    with started(max((line.clients for line in lines), default=1)) as bench:
        found = {line: plan.comparison(line, bench) for line in lines}
        wanted = _asked(PEAK, chosen.names) and not plan.quick
        peak = {PEAK: peak_megabytes(THREE_HUNDRED_MEGABYTES, bench.folder / "peak")} if wanted else {}
    if chosen.json:
        figures = {name: figure for line, one in found.items() for name, figure in one.figures(line.name).items()}
        print(json.dumps({name: round(figure, 3) for name, figure in (figures | peak).items()}, indent=2))
    else:
        _show(found)
        for megabytes in peak.values():
            print(f"most memory while an MP4 of 300 MB is signed: {megabytes:.0f} MB ({BOUND_MEGABYTES} are granted)")


def _asked(name: str, names: Sequence[str]) -> bool:
    return not names or name in names


def _show(found: Mapping[Measurement, Comparison]) -> None:
    machine = f"{bare.THREADS} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    table = Table("over HTTP", "clients", "a second", "p50 ms", "p95 ms", "p99 ms", "ratio", "wanted", box=None)
    table.title = machine
    for line, compared in found.items():
        figures = compared.figures(line.name)
        ours, other = ([f"{figures[f'{line.name}_{side}{column}']:.1f}" for column in COLUMNS] for side in SIDES)
        table.add_row(line.what, str(line.clients), *ours, f"{compared.ratio:.2f}", f"{line.wanted or ''}")
        table.add_row(f"  against {line.against}", "", *other, style="dim")
    Console().print(table)


if __name__ == "__main__":
    main()
