"""`sigillo sign --recursive DIR`: a whole folder, file by file, several at once; interrupted, it goes on where it was.

Rules
- The folder itself is never written to: signed files stand in another, under the same names.
- What is done is a line in a journal there. A file that stands in it with the same content, and whose signed file is
  there, is not sent again; one that was sent and is not in it (the power went) is sent again under the same
  Idempotency-Key, and within a day is the same asset.
- A file that is refused is a line in the failures, and does not keep the others; what may pass is tried again.
- All of it is one batch of the server's, which whoever has the key may ask how far it is (`GET /v1/batches/{id}`); an
  interrupted run goes on with its batch.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from api.cli.files import SIDECAR_SUFFIX, write
from api.cli.output import UNAVAILABLE_STATUS, described, err
from sigillo_client import ClientError, Problem, Sigillo, UnreachableError

JOURNAL: Final = "sigillo-signed.jsonl"
FAILURES: Final = "sigillo-failures.jsonl"
BATCH: Final = "sigillo-batch"
"""The id of the batch that is under way there."""

AT_ONCE: Final = 8
"""Files under way: enough for the workers of a usual server never to wait for this side."""

TRIES: Final = 6
"""How often a file is tried while the server says that it may pass: over half a minute."""

NOT_FOUND_STATUS: Final = 404
REPORT_SECONDS: Final = 10.0
"""How often a line is written where no progress bar can be shown."""

Sign = Callable[[Path, Path, str], dict[str, Any]]
"""(file, where its signed copy goes, Idempotency-Key) → the asset."""


class Batch:
    """The batch of one run: that of the run before, while it lasts and was meant for so many files; else a new one. It
    begins with the first file that is sent. Safe to use from many threads.
    """

    def __init__(self, sigillo: Sigillo, out: Path, files: int) -> None:
        self._sigillo, self._note, self._files = sigillo, out / BATCH, files
        self._lock = threading.Lock()
        self.id = ""
        """Empty while nothing was sent."""

    def begun(self) -> str:
        """Its id. Raises ClientError, OSError."""
        with self._lock:
            if not self.id:
                before = self._note.read_text().strip() if self._note.exists() else ""
                self.id = before if before and self._goes_on(before) else self._begin()
            return self.id

    def _begin(self) -> str:
        made = str(self._sigillo.begin_batch(self._files)["id"])
        write(self._note, lambda stream: stream.write(made.encode()))
        return made

    def _goes_on(self, batch: str) -> bool:
        try:
            found = self._sigillo.batch(batch)
        except Problem as problem:
            if problem.status != NOT_FOUND_STATUS:
                raise
            return False
        return bool(found["expected"] >= self._files)


def found(folder: Path, out: Path) -> list[Path]:
    """Every file under the folder, in a fixed order: no links, nothing hidden, no manifests that lie beside, and not
    what is written.
    """
    files = []
    for at, names, here in os.walk(folder):
        names[:] = sorted(
            name for name in names if not name.startswith(".") and Path(at, name).resolve() != out.resolve()
        )
        files += [Path(at, name) for name in sorted(here) if not name.startswith(".")]
    return [one for one in files if one.is_file() and not one.is_symlink() and one.suffix != SIDECAR_SUFFIX]


@dataclass
class Bulk:
    """One run over one folder."""

    folder: Path
    out: Path
    claim: str
    """What is claimed of all files, as text: another claim is another request."""

    sign: Sign
    wait: Callable[[float], object] = time.sleep
    done: int = field(default=0, init=False)
    skipped: int = field(default=0, init=False)
    failed: int = field(default=0, init=False)
    held: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def run(self, files: Sequence[Path], at_once: int = AT_ONCE) -> None:
        """Sign what is not signed yet. Raises OSError for what cannot be written."""
        self.out.mkdir(parents=True, exist_ok=True)
        before, whole = self._journal(), _ends_whole(self.out / JOURNAL)
        failures = self.out / FAILURES
        failures.unlink(missing_ok=True)
        with (
            (self.out / JOURNAL).open("a", encoding="utf-8") as journal,
            _progress(len(files), lambda: self.finished) as advance,
            ThreadPoolExecutor(at_once) as threads,
        ):
            if journal.tell() and not whole:
                journal.write("\n")  # behind a line that was cut off

            def one(file: Path) -> None:
                line = self._one(file, before)
                with self._lock:
                    self._note(line, journal.write, failures)
                    journal.flush()
                advance()

            try:
                for _ in threads.map(one, files):
                    pass
            except BaseException:  # interrupted: what is under way ends, what waits is left
                threads.shutdown(cancel_futures=True)
                raise

    @property
    def finished(self) -> int:
        """Files that are settled, in whichever way."""
        return self.done + self.skipped + self.failed + self.held

    def _one(self, file: Path, before: dict[str, str]) -> dict[str, Any]:
        name = str(file.relative_to(self.folder))
        target = self.out / name
        try:
            with file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            key = hashlib.sha256(f"{name}\0{digest}\0{self.claim}".encode()).hexdigest()
            if before.get(name) == key:
                return {"file": name, "skipped": True}
            target.parent.mkdir(parents=True, exist_ok=True)
            asset = self._patiently(file, target, key)
        except (ClientError, OSError) as error:
            return {"file": name, "problem": described(error)}
        ledger = asset["ledger"]["entry"]
        return {"file": name, "key": key, "asset": asset["id"], "entry": ledger, "held": bool(asset.get("hold"))}

    def _patiently(self, file: Path, target: Path, key: str) -> dict[str, Any]:
        """Signed, once what stands in the way passes. Raises ClientError, OSError."""
        for tried in range(TRIES - 1):
            try:
                return self.sign(file, target, key)
            except UnreachableError:
                self.wait(2**tried)
            except Problem as problem:
                if problem.status not in _PASSING:
                    raise
                self.wait(2**tried)
        return self.sign(file, target, key)

    def _note(self, line: dict[str, Any], write: Callable[[str], object], failures: Path) -> None:
        if "skipped" in line:
            self.skipped += 1
        elif "problem" in line:
            self.failed += 1
            with failures.open("a", encoding="utf-8") as told:
                told.write(json.dumps(line, ensure_ascii=False) + "\n")
        else:
            self.held += line["held"]
            self.done += not line["held"]
            write(json.dumps(line, ensure_ascii=False) + "\n")

    def _journal(self) -> dict[str, str]:
        """Keys by file, of those whose signed file is there, or that are held. A line that was cut off counts for
        nothing.
        """
        settled: dict[str, str] = {}
        for line in _lines(self.out / JOURNAL):
            if line["held"] or (self.out / line["file"]).exists() or self._beside(line["file"]).exists():
                settled[line["file"]] = line["key"]
        return settled

    def _beside(self, name: str) -> Path:
        return (self.out / name).with_suffix(SIDECAR_SUFFIX)


_PASSING: Final = (429, UNAVAILABLE_STATUS)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    if not file.exists():
        return
    for text in file.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and {"file", "key", "held"} <= line.keys():
            yield line


def _ends_whole(file: Path) -> bool:
    return not file.exists() or file.read_bytes()[-1:] in (b"", b"\n")


class _Rate(ProgressColumn):
    """Files a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:.1f}/s")


@contextmanager
def _progress(total: int, finished: Callable[[], int]) -> Iterator[Callable[[], None]]:
    """What to call when a file is settled: a bar with rate and time left; a line now and then where no terminal is."""
    if err.is_terminal:
        columns = (TextColumn("signing"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task("signing", total=total)
            yield lambda: bar.advance(task)
        return
    began = told = time.monotonic()

    def line() -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= REPORT_SECONDS:
            told, count = now, finished()
            rate = count / (now - began)
            err.print(f"{count} of {total}, {rate:.1f}/s, {(total - count) / max(rate, 1e-9):.0f} s left")

    yield line
