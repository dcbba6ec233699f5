"""A whole folder signed with `sigillo sign --recursive`, against what as many workers alone would sign.

    python benchmarks/bulk.py            tables: of photographs as cameras make them, and of small ones
    python benchmarks/bulk.py --json     one object, by size
    python benchmarks/bulk.py --photo 1mp --files 300    less, and less exact
    python benchmarks/bulk.py --pinned   workers on one core, in both; all else on another
    python benchmarks/bulk.py --where    by the stages of an upload, too (benchmarks/stages.py)

Rules
- Ours is the command, its start included: files read from disk, HTTP, the ledger with its disk, the signed files
  written. The workers' own rate is the same jobs (examine, sign) in a pool of as many, kept busy, with files and key in
  memory.
- Both take turns of TURN_SECONDS, the other's processes being stopped (SIGSTOP) meanwhile, and each has the time of its
  own turns: a machine that grows slower within a minute does so for both.
- Where all share the cores, the ratio cannot be more than that of all processor time that each takes for a file, which
  is told besides (`bulk_over_workers_by_processor`, and `…_ms`): how loaded the machine is matters little for that.
- A virtual machine whose host takes back what it frees waits for the host at each page that is new to it, and ours
  writes files where the workers alone write none: `writing_ms_per_mb` tells what that costs (a few tenths where memory
  is the machine's own). Where it is more than one, limit the memory, as a container does, and fill it before.
- Each file differs from each, and each round claims another title: nothing is answered out of what was done before.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import cycle
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

FILES: Final = {ONE_MEGAPIXEL.name: 3000, TWELVE_MEGAPIXELS.name: 600}
"""A bulk is thousands: what the command takes to start is shared by all of them. Of the large ones, as many as take as
long.
"""

WARM_FILES: Final = 64
"""Signed before anything is measured: workers start with the first upload."""

ALONE_FILES: Final = 256
"""In memory, for the workers alone, again and again."""

ROUNDS: Final = 1
MEGABYTE: Final = 1 << 20
WRITTEN: Final = 256
"""To learn what that costs."""

TURN_SECONDS: Final = 1.0
"""Long beside what begins anew when they go on, short beside what a machine's speed takes to change."""

SIZES: Final = {one.name: one for one in (TWELVE_MEGAPIXELS, ONE_MEGAPIXEL)}
WORKERS: Final = Settings().workers


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, help=f"in the folder; unless said otherwise, by size: {FILES}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often the folder is signed")
    parser.add_argument("--photo", choices=SIZES, help="how large the photographs are; one after the other unless said")
    parser.add_argument("--json", action="store_true", help="one object instead of tables")
    parser.add_argument("--pinned", action="store_true", help="workers on one core, in both; all else on another")
    parser.add_argument("--where", action="store_true", help="by the stages of an upload, too")
    chosen = parser.parse_args()
    told = {}
    for name in [chosen.photo] if chosen.photo else SIZES:
        files = chosen.files or FILES[name]
        told[name] = measured(files, chosen.rounds, SIZES[name], pinned=chosen.pinned, by_stage=chosen.where)
        if not chosen.json:
            print(f"{files} photographs, {name}")
            for figure, value in told[name].items():
                print(f"  {figure:<52} {value:8.2f}")
    if chosen.json:
        print(json.dumps(told, indent=2))


def measured(
    files: int, rounds: int, of: Photograph, *, pinned: bool = False, by_stage: bool = False
) -> dict[str, float]:
    """Files a second of both, their ratio, and milliseconds of processor time for each file."""
    photographs = [_numbered(number, of) for number in range(ALONE_FILES)]
    keep_freed()  # as the service does
    if pinned:
        os.sched_setaffinity(0, {0})
    with (
        tempfile.TemporaryDirectory(prefix="sigillo-bulk-") as name,
        Sandbox(JOBS, size=WORKERS, isolation=Isolation.WARN, wait_seconds=600) as workers,
    ):
        folder = Path(name)
        _written(folder / "photos", range(files), of)
        _written(folder / "warm", range(files, files + WARM_FILES), of)
        store = LocalKeyStore.open(folder / "keys", embedded_profile=True)
        alone = _Alone(workers, store.signer(Purpose.CLAIM), TrustPolicy.of({"this service": store.anchors()}))
        clocks = ("-m", "benchmarks.stages", str(folder / "stages")) if by_stage else SIGILLO
        with embedded(folder / "home", clocks) as server:
            with _command(server, folder, "warm", rounds) as command:
                _signed(command)
            with alone.kept_busy(photographs):
                time.sleep(TURN_SECONDS)
            if pinned:
                _pin({server.process.pid, os.getpid()})
            dear = _writing_ms(folder)
            before, alone.done = _spent(server.process.pid), 0
            pairs = []
            for number in range(rounds):
                with _command(server, folder, "photos", number) as command, alone.kept_busy(photographs):
                    pairs.append(_in_turns(server, command, alone))
            spent = {who: _spent(server.process.pid)[who] - was for who, was in before.items()}
            dear = max(dear, _writing_ms(folder))
        stages = json.loads((folder / "stages").read_text()) if by_stage else {}
    ours, theirs = zip(*pairs, strict=True)
    per = {who: alone.done if who.startswith("alone") else files * rounds for who in spent}
    by = {who: 1000 * seconds / per[who] for who, seconds in spent.items()}
    taken = sum(by[who] for who in ("workers", "service", "command"))
    told = {f"  {stage}_ms": 1000 * seconds / (files * rounds + WARM_FILES) for stage, seconds in stages.items()}
    return {
        "bulk_over_workers": median(one / other for one, other in pairs),
        "bulk_over_workers_by_processor": (by["alone_workers"] + by["alone_driver"]) / taken,
        "bulk_files_per_second": median(ours),
        "workers_files_per_second": median(theirs),
        "writing_ms_per_mb": dear,
        **{f"{who}_ms": one for who, one in by.items()},
        **dict(sorted(told.items(), key=lambda one: -one[1])),
        **({"  threads, the event loop, and the rest_ms": by["service"] - sum(told.values())} if told else {}),
    }


def _pin(parents: set[int]) -> None:
    """Their workers go to a core of their own."""
    for process in set().union(*map(_workers, parents)) - parents:
        for thread in Path(f"/proc/{process}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {1})


def _spent(service: int) -> dict[str, float]:
    """Seconds of processor time so far: of workers, which are children of who gives them their jobs; of the service and
    of the commands; of this process's other threads, which give them theirs alone.
    """
    processes = _processes()

    def children(of: int) -> float:
        return sum(spent for process, (parent, spent) in processes.items() if parent == of and process != service)

    return {
        "workers": children(service),
        "service": processes[service][1],
        "command": sum(getrusage(RUSAGE_CHILDREN)[:2]),
        "alone_workers": children(os.getpid()),
        "alone_driver": time.process_time() - time.thread_time(),
    }


def _processes() -> dict[int, tuple[int, float]]:
    """Every process's parent, and the seconds that it has had."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(ProcessLookupError, FileNotFoundError):  # ended meanwhile
            after = file.read_text().rpartition(")")[2].split()
            found[int(file.parent.name)] = int(after[1]), sum(map(int, after[11:13])) / os.sysconf("SC_CLK_TCK")
    return found


@contextmanager
def _command(server: Deployment, folder: Path, photos: str, number: int) -> Iterator[subprocess.Popen[str]]:
    """`sigillo sign` of that folder, as it starts."""
    out, claim = folder / f"signed-{photos}-{number}", folder / "claim.json"
    claim.write_text(CLAIM.model_dump_json(exclude_defaults=True))
    command = [sys.executable, "-m", "api.cli", "sign", "--recursive", str(folder / photos), "-o", str(out)]
    command += ["--claim", str(claim), "--title", f"Round {number}", "--json"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SIGILLO_")}
    chosen = {"SIGILLO_SERVER": server.url, "SIGILLO_TOKEN": server.token}
    with subprocess.Popen(command, env={**inherited, **chosen}, stdout=subprocess.PIPE, text=True) as process:
        yield process


def _signed(command: subprocess.Popen[str]) -> int:
    """How many files it signed, once it has ended."""
    told, _ = command.communicate()
    if command.returncode:
        raise SystemExit(f"the command ended with {command.returncode}: {told[-2000:]}")
    return int(json.loads(told)["signed"])


class _Alone:
    """The workers' own jobs, and how many files are through them."""

    def __init__(self, workers: Sandbox, signer: Signer, trust: TrustPolicy) -> None:
        self._workers, self._signer, self._trust = workers, signer, trust
        self._counting = threading.Lock()
        self.done = 0

    @contextmanager
    def kept_busy(self, photographs: Sequence[bytes]) -> Iterator[None]:
        """With these, again and again."""
        enough = threading.Event()

        def work(mine: Iterator[bytes]) -> None:
            while not enough.is_set():
                self._sign(next(mine))
                with self._counting:
                    self.done += 1

        with ThreadPoolExecutor(2 * WORKERS) as threads:
            busy = [threads.submit(work, cycle(photographs[at :: 2 * WORKERS])) for at in range(2 * WORKERS)]
            try:
                yield
            finally:  # or the threads would go on for ever
                enough.set()
        for one in busy:
            one.result()

    def _sign(self, photograph: bytes) -> None:
        with Memfd.of([photograph]) as upload:
            seen, *_ = examine(self._workers, upload, "image/jpeg", self._trust)
            definition = define(CLAIM.claim(TOOL), content(seen), Verdict.ABSENT, Tool("Sigillo", "0"))
            sign(self._workers, self._signer, upload, definition, self._trust).content.close()


def _in_turns(server: Deployment, command: subprocess.Popen[str], alone: _Alone) -> tuple[float, float]:
    """Files a second of both, each in its own turns, until the command ends."""
    spent = {"ours": 0.0, "theirs": 0.0}
    ours, began = {server.process.pid, command.pid}, alone.done
    while command.poll() is None:
        with _stopped(*_workers(os.getpid()) - ours):
            spent["ours"] += _waited(command)
        if command.poll() is None:
            with _stopped(*ours | _workers(server.process.pid)):
                spent["theirs"] += _waited(command)
    return _signed(command) / spent["ours"], (alone.done - began) / spent["theirs"]


def _waited(command: subprocess.Popen[str]) -> float:
    """One turn, in seconds; less where the command ends."""
    began = time.monotonic()
    with suppress(subprocess.TimeoutExpired):
        command.wait(TURN_SECONDS)
    return time.monotonic() - began


@contextmanager
def _stopped(*processes: int) -> Iterator[None]:
    """These, for a while."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def _workers(parent: int) -> set[int]:
    """Those who get their jobs from this process."""
    return {process for process, (of, _) in _processes().items() if of == parent}


def _writing_ms(folder: Path) -> float:
    """Processor time of writing a megabyte to a file, in milliseconds."""
    content, began = os.urandom(MEGABYTE), time.process_time()
    for _ in range(WRITTEN):
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(content)
    return 1000 * (time.process_time() - began) / WRITTEN


def _written(folder: Path, numbers: Iterable[int], of: Photograph) -> None:
    folder.mkdir()
    for number in numbers:
        (folder / f"{number:05}.jpg").write_bytes(_numbered(number, of))


def _numbered(number: int, of: Photograph) -> bytes:
    """The photograph with a comment of its own (JPEG, COM)."""
    photograph, comment = of.content(), f"{number:08}".encode()
    return photograph[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + photograph[2:]


if __name__ == "__main__":
    main()
