"""A whole folder signed with `sigillo sign --recursive`, against what as many workers alone would sign.

    python benchmarks/bulk.py            a table
    python benchmarks/bulk.py --json     one object
    python benchmarks/bulk.py --files 100 --rounds 1     less, and less exact
    python benchmarks/bulk.py --photo 12mp               photographs as cameras make them
    python benchmarks/bulk.py --pinned   workers on one core, in both; all else on another
    python benchmarks/bulk.py --where    by the stages of an upload, too (benchmarks/stages.py)

Rules
- Ours is the command, its start included: files read from disk, HTTP, the ledger with its disk, the signed files
  written. The workers' own rate is the same jobs (examine, sign) in a pool of as many, kept busy, with files and key in
  memory.
- Both take turns, and the ratio is the median of the ratios of neighbours.
- Where all share the cores, the ratio cannot be more than that of all processor time that each takes for a file, which
  is told besides (`bulk_over_workers_by_processor`, and `…_ms`): how loaded the machine is matters little for that.
- Each file differs from each, and each round claims another title: nothing is answered out of what was done before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import Final

# Run as a script, Python looks for packages in this folder, not in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from api.parts.pools import JOBS
from api.settings import Settings
from benchmarks.bench import CLAIM
from benchmarks.deployment import SIGILLO, TOOL, Deployment, embedded
from benchmarks.photos import ONE_MEGAPIXEL, TWELVE_MEGAPIXELS, Photograph
from cases.signing import content
from detection.allocation import keep_freed
from detection.isolation import Isolation
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from keys.local import LocalKeyStore
from keys.signer import Purpose, Signer
from provenance.manifest import define
from provenance.request import Tool
from provenance.sign import sign
from provenance.trust import TrustPolicy
from provenance.validation import examine
from provenance.verdict import Verdict

FILES: Final = 1000
"""A bulk is thousands: what the command takes to start is shared by all of them."""

ROUNDS: Final = 3
SIZES: Final = {one.name: one for one in (ONE_MEGAPIXEL, TWELVE_MEGAPIXELS)}
WORKERS: Final = Settings().workers


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=FILES, help=f"in the folder; {FILES} unless said otherwise")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often both take turns")
    parser.add_argument("--photo", choices=SIZES, default="1mp", help="how large the photographs are")
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    parser.add_argument("--pinned", action="store_true", help="workers on one core, in both; all else on another")
    parser.add_argument("--where", action="store_true", help="by the stages of an upload, too")
    chosen = parser.parse_args()
    figures = measured(chosen.files, chosen.rounds, SIZES[chosen.photo], pinned=chosen.pinned, by_stage=chosen.where)
    if chosen.json:
        print(json.dumps(figures, indent=2))
        return
    for name, figure in figures.items():
        print(f"{name:<52} {figure:8.2f}")


def measured(
    files: int, rounds: int, of: Photograph = ONE_MEGAPIXEL, *, pinned: bool = False, by_stage: bool = False
) -> dict[str, float]:
    """Files a second of both, their ratio, and milliseconds of processor time for each file."""
    photographs = [_numbered(number, of) for number in range(files)]
    keep_freed()  # as the service does
    if pinned:
        os.sched_setaffinity(0, {0})
    with (
        tempfile.TemporaryDirectory(prefix="sigillo-bulk-") as name,
        Sandbox(JOBS, size=WORKERS, isolation=Isolation.WARN, wait_seconds=600) as workers,
    ):
        folder = Path(name)
        (folder / "photos").mkdir()
        for number, photograph in enumerate(photographs):
            (folder / "photos" / f"{number:05}.jpg").write_bytes(photograph)
        store = LocalKeyStore.open(folder / "keys", embedded_profile=True)
        signer, trust = store.signer(Purpose.CLAIM), TrustPolicy.of({"this service": store.anchors()})
        clocks = ("-m", "benchmarks.stages", str(folder / "stages")) if by_stage else SIGILLO
        with embedded(folder / "home", clocks) as server:
            _bulk(server, folder, rounds)  # workers start with the first upload
            if pinned:
                _pin({server.process.pid, os.getpid()})
            before = _spent(server.process.pid)
            pairs = [
                (_bulk(server, folder, number), _alone(workers, signer, trust, photographs)) for number in range(rounds)
            ]
            spent = {who: _spent(server.process.pid)[who] - was for who, was in before.items()}
        stages = json.loads((folder / "stages").read_text()) if by_stage else {}
    ours, theirs = zip(*pairs, strict=True)
    by = {who: 1000 * seconds / (files * rounds) for who, seconds in spent.items()}
    taken = sum(by[who] for who in ("workers", "service", "command"))
    told = {f"  {stage}_ms": 1000 * seconds / (files * (rounds + 1)) for stage, seconds in stages.items()}
    return {
        "bulk_over_workers": median(one / other for one, other in pairs),
        "bulk_over_workers_by_processor": (by["alone_workers"] + by["alone_driver"]) / taken,
        "bulk_files_per_second": median(ours),
        "workers_files_per_second": median(theirs),
        **{f"{who}_ms": one for who, one in by.items()},
        **dict(sorted(told.items(), key=lambda one: -one[1])),
        **({"  threads, the event loop, and the rest_ms": by["service"] - sum(told.values())} if told else {}),
    }


def _pin(parents: set[int]) -> None:
    """Their workers go to a core of their own."""
    for process, (parent, _) in _processes().items():
        if parent in parents and process not in parents:
            for thread in Path(f"/proc/{process}/task").iterdir():
                os.sched_setaffinity(int(thread.name), {1})


def _spent(service: int) -> dict[str, float]:
    """Seconds of processor time so far: of workers, which are children of who gives them their jobs; of the service and
    of the commands; of this process, which gives them theirs alone.
    """
    processes = _processes()

    def children(of: int) -> float:
        return sum(spent for process, (parent, spent) in processes.items() if parent == of and process != service)

    return {
        "workers": children(service),
        "service": processes[service][1],
        "command": sum(getrusage(RUSAGE_CHILDREN)[:2]),
        "alone_workers": children(os.getpid()),
        "alone_driver": time.process_time(),
    }


def _processes() -> dict[int, tuple[int, float]]:
    """Every process's parent, and the seconds that it has had."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(ProcessLookupError, FileNotFoundError):  # ended meanwhile
            after = file.read_text().rpartition(")")[2].split()
            found[int(file.parent.name)] = int(after[1]), sum(map(int, after[11:13])) / os.sysconf("SC_CLK_TCK")
    return found


def _bulk(server: Deployment, folder: Path, number: int) -> float:
    """The command itself, its start included."""
    out, claim = folder / f"signed-{number}", folder / "claim.json"
    claim.write_text(CLAIM.model_dump_json(exclude_defaults=True))
    command = [sys.executable, "-m", "api.cli", "sign", "--recursive", str(folder / "photos"), "-o", str(out)]
    command += ["--claim", str(claim), "--title", f"Round {number}", "--json"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SIGILLO_")}
    chosen = {"SIGILLO_SERVER": server.url, "SIGILLO_TOKEN": server.token}
    began = time.monotonic()
    done = subprocess.run(command, env={**inherited, **chosen}, capture_output=True, text=True, check=False)
    spent = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"the command ended with {done.returncode}: {done.stderr[-2000:]}")
    return int(json.loads(done.stdout)["signed"]) / spent


def _alone(workers: Sandbox, signer: Signer, trust: TrustPolicy, photographs: Sequence[bytes]) -> float:
    def one(photograph: bytes) -> None:
        with Memfd.of([photograph]) as upload:
            seen, *_ = examine(workers, upload, "image/jpeg", trust)
            definition = define(CLAIM.claim(TOOL), content(seen), Verdict.ABSENT, Tool("Sigillo", "0"))
            sign(workers, signer, upload, definition, trust).content.close()

    began = time.monotonic()
    with ThreadPoolExecutor(2 * WORKERS) as threads:
        for _ in threads.map(one, photographs):
            pass
    return len(photographs) / (time.monotonic() - began)


def _numbered(number: int, of: Photograph) -> bytes:
    """The photograph with a comment of its own (JPEG, COM)."""
    photograph, comment = of.content(), f"{number:08}".encode()
    return photograph[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + photograph[2:]


if __name__ == "__main__":
    main()
