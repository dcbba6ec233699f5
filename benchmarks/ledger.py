"""The ledger beside bare syncs of the same disk, with syncs as they are and slowed by 1 and by 5 ms.

    python benchmarks/ledger.py            tables, in about nine minutes
    python benchmarks/ledger.py --quick    shorter windows and a log of 100,000 entries, in about two minutes
    python benchmarks/ledger.py --json     one object

Rules
- Every load runs in a process of its own, with the service's own ledger and embedded key store; a unit of work is one
  state row and one entry, committed together.
- Bare syncs (300 bytes written and synced, over and over, by one thread) are measured right before each load, on the
  same disk, slowed alike: a ratio to them is comparable between machines, the columns *a second* are not.
- Slowing needs a C compiler (benchmarks/slowsync.c); without one those lines are left out, and it is said.
- Data go to a temporary folder: on a memory file system (set TMPDIR elsewhere) syncing them costs nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Final, TypeAlias

# Run as a script, Python looks for packages in this folder, not in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from benchmarks.appends import Order, Seen
from benchmarks.databases import DATABASES, Environment, Url, sqlite
from benchmarks.growth import grown

HERE: Final = Path(__file__).parent
DELAYS: Final = (0, 1, 5)
"""Milliseconds that are added to every sync."""

CALLERS: Final = {"sqlite": (1, 32, 256), "postgresql": (1, 16, 32, 256)}
"""Of each database: how many ask at once."""

PACE: Final = 5_000
PACED_CALLERS: Final = 64

Figures: TypeAlias = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """How thoroughly to measure."""

    warm_up: float
    seconds: float
    paced_seconds: float
    sizes: tuple[int, ...]

    def order(self, work: str, callers: int, seconds: float, pace: int = 0) -> Order:
        return Order(work, "", callers=callers, seconds=seconds, warm_up=self.warm_up, pace=pace)


QUICK: Final = Plan(0.5, 1.0, 4.0, sizes=(1_000, 100_000))
WHOLE: Final = Plan(0.5, 2.0, 10.0, sizes=(1_000, 100_000, 1_000_000))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="less, and less exact, in about two minutes")
    parser.add_argument("--json", action="store_true", help="one object instead of tables")
    chosen = parser.parse_args()
    plan = QUICK if chosen.quick else WHOLE
    with tempfile.TemporaryDirectory(prefix="sigillo-benchmark-") as name:
        Path(name).chmod(0o755)  # PostgreSQL may run as another user, and must find what slows it
        loads = dict(_loads(Path(name), plan))
        paced = _ran(Path(name), {}, sqlite, plan.order("appends", PACED_CALLERS, plan.paced_seconds, PACE))
        log = grown(_fresh(Path(name)), plan.sizes)
    if chosen.json:
        found = _figures(loads) | _proven(paced) | _of_log(log, plan.sizes[-1])
        print(json.dumps({key: round(value, 3) for key, value in found.items()}, indent=2))
    else:
        _show(loads, paced, log)


@dataclass(frozen=True)
class Line:
    """What was asked for."""

    database: str
    work: str
    callers: int
    delay: int

    @property
    def name(self) -> str:
        slowed = f"_{self.delay}ms" if self.delay else ""
        return f"{self.database}_{self.work}_{self.callers}{slowed}"


@dataclass(frozen=True)
class Beside:
    """A load, and the bare syncs just before it."""

    seen: Seen
    syncs: Seen

    @property
    def ratio(self) -> float:
        """Done for each sync that a bare writer makes in the same time."""
        return self.seen.per_second / self.syncs.per_second


def _loads(folder: Path, plan: Plan) -> Iterator[tuple[Line, Beside]]:
    for delay in DELAYS:
        slowed = _slowed(folder, delay)
        if slowed is None:
            print(f"no C compiler: nothing is measured with syncs slowed by {delay} ms", file=sys.stderr)
            continue
        for database, work in product(CALLERS, ("units", "appends")):
            for callers in CALLERS[database]:
                syncs = _ran(folder, slowed, sqlite, plan.order("syncs", 1, min(1.0, plan.seconds)))
                seen = _ran(folder, slowed, DATABASES[database], plan.order(work, callers, plan.seconds))
                yield Line(database, work, callers, delay), Beside(seen, syncs)


def _slowed(folder: Path, delay: int) -> Environment | None:
    """What makes a process's syncs slower; None where that cannot be built."""
    if not delay:
        return {}
    library, compiler = folder / "slowsync.so", shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    if not library.exists():
        source = str(HERE / "slowsync.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "SLOWSYNC_US": str(delay * 1000)}


def _ran(folder: Path, slowed: Environment, url: Url, order: Order) -> Seen:
    """The order carried out in a process and a folder of its own."""
    fresh = _fresh(folder)
    with url(fresh, slowed) as database:
        asked = json.dumps(asdict(order) | {"folder": str(fresh), "url": database})
        command = [sys.executable, str(HERE / "appends.py"), asked]
        answer = subprocess.run(command, env={**os.environ, **slowed}, capture_output=True, text=True, check=False)
    shutil.rmtree(fresh)
    if answer.returncode:
        raise SystemExit(f"{order} failed:\n{answer.stderr}")
    return Seen(**json.loads(answer.stdout))


def _fresh(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


def _figures(loads: Mapping[Line, Beside]) -> Figures:
    found: Figures = {}
    for line, beside in loads.items():
        found[f"{line.name}_per_s"] = beside.seen.per_second
        found[f"{line.name}_p50_ms"] = beside.seen.p50_ms
        found[f"{line.name}_p99_ms"] = beside.seen.p99_ms
        found[f"{line.name}_per_fsync"] = beside.ratio
    slowed, shared = loads.get(Line("sqlite", "appends", 256, 5)), loads.get(Line("postgresql", "units", 16, 0))
    found |= {"appends_per_fsync_5ms": slowed.ratio} if slowed else {}
    return found | ({"postgres_units_16_per_s": shared.seen.per_second} if shared else {})


def _proven(paced: Seen) -> Figures:
    return {
        "paced_appends_per_s": paced.per_second,
        "proven_p50_s_at_5k": paced.proven_p50_s,
        "proven_p99_s_at_5k": paced.proven_p99_s,
    }


def _of_log(log: Mapping[str, float], largest: int) -> Figures:
    found = {_short(name): value for name, value in log.items()}
    found[_short(f"receipt_ms_{largest}")] = found.pop("receipt_ms")
    return found


def _short(name: str) -> str:
    """With its size as people say it: `append_us_at_1000000` is `append_us_at_1m`."""
    for zeros, letter in (("000000", "m"), ("000", "k")):
        if name.endswith(zeros):
            return name.removesuffix(zeros) + letter
    return name


def _show(loads: Mapping[Line, Beside], paced: Seen, log: Mapping[str, float]) -> None:
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    table = Table("", "callers", "sync +ms", "a second", "p50 ms", "p99 ms", "syncs a second", "ratio", box=None)
    table.title = machine
    for line, beside in loads.items():
        seen, syncs = beside.seen, beside.syncs
        figures = (f"{each:,.1f}" for each in (seen.per_second, seen.p50_ms, seen.p99_ms, syncs.per_second))
        table.add_row(
            f"{line.database}, {line.work}", str(line.callers), str(line.delay), *figures, f"{beside.ratio:.2f}"
        )
    console = Console()
    console.print(table)
    console.print(
        f"\nasked for {PACE:,} appends a second, {paced.per_second:,.0f} were made: "
        f"proven after {paced.proven_p50_s:.2f} s (p50), {paced.proven_p99_s:.2f} s (p99)\n"
    )
    for name, value in log.items():
        console.print(f"{name.replace('_', ' '):32}{value:>14,.2f}")


if __name__ == "__main__":
    main()
