"""`sigillo sign --recursive DIR`: a whole folder, several files in a request; interrupted, it goes on where it was.

Rules
- The folder itself is never written to: signed files stand in another, under the same names.
- What is done is a line in a journal there. A file that stands in it with the same content, and whose signed file is
  there, is not sent again; one that was sent and is not in it (the power went) is sent again under the same
  Idempotency-Key, and within a day is the same asset.
- A file that is refused is a line in the failures, and does not keep the others; what may pass is tried again. What is
  refused as a whole is sent again file by file, so that each is told its own refusal.
- Whoever may not sign is told once, and so is who reaches no server: no other file would be taken either.
- All of it is one batch of the server's, which whoever has the key may ask how far it is (`GET /v1/batches/{id}`); an
  interrupted run goes on with its batch.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISLNK, S_ISREG
from typing import Any, Final, TypeAlias

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from api.cli.files import SIDECAR_SUFFIX, write
from api.cli.output import UNAVAILABLE_STATUS, described, err
from sigillo_client import BatchFile, ClientError, Problem, Sigillo, UnreachableError
from sigillo_client.answers import Asset

JOURNAL: Final = "sigillo-signed.jsonl"
FAILURES: Final = "sigillo-failures.jsonl"
BATCH: Final = "sigillo-batch"
"""The id of the batch that is under way there."""

OURS: Final = (JOURNAL, FAILURES, BATCH)
"""Nobody's media."""

NAMES: Final = "surrogateescape"
"""As the system gives them: a name may be any bytes."""

AT_ONCE: Final = 4
"""Requests under way: enough for the workers of a usual server never to wait for this side."""

TOGETHER: Final = 32
LEAST_TOGETHER: Final = 4
"""Files in one request: fewer towards the end, so that the last request does not keep all but one worker waiting. And
fewer at first, more each time: requests that began together would end together, again and again, and the workers would
wait while all of them are synced and written.
"""

TOGETHER_BYTES: Final = 16 * 1024 * 1024
"""And how large they are together; a larger one goes alone."""

TRIES: Final = 6
"""How often a file is tried while the server says that it may pass: over half a minute."""

NOT_FOUND_STATUS: Final = 404
UNENTITLED_STATUS: Final = (401, 403)
REPORT_SECONDS: Final = 10.0
"""How often a line is written where no progress bar can be shown."""

Failure: TypeAlias = ClientError | OSError
Sign: TypeAlias = Callable[[Sequence[BatchFile]], Sequence[Asset | Failure]]
"""Has files signed, and written; each is named by its path in the folder. Raises what all of them meet."""


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


@dataclass(frozen=True)
class Found:
    """What is to be signed, and how many links are not: what they lead to may lie anywhere."""

    files: list[Path]
    links: int
    written: int
    """Folders that an earlier run wrote signed files into: those are signed already."""


def found(folder: Path, out: Path) -> Found:
    """Every file under the folder, in a fixed order: no links, nothing hidden, no manifests that lie beside, and not
    what is written, by this run or another. A folder in it that cannot be read stands for what is in it, and fails as a
    file does.
    """
    files, closed, links, written = list[Path](), list[Path](), 0, 0
    for at, names, here in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        names[:] = sorted(
            name for name in names if not name.startswith(".") and Path(at, name).resolve() != out.resolve()
        )
        links += sum(Path(at, name).is_symlink() for name in names)
        outputs = [name for name in names if _mode(Path(at, name, JOURNAL)) and not Path(at, name).is_symlink()]
        names[:] = [name for name in names if name not in outputs]
        written += len(outputs)
        for file in (Path(at, name) for name in sorted(here) if not name.startswith(".")):
            if not file.name.endswith(SIDECAR_SUFFIX) and file.name not in OURS:
                mode = _mode(file)
                links += S_ISLNK(mode)
                files += [file] if S_ISREG(mode) else []
    return Found(files + closed, links, written)


def _mode(file: Path) -> int:
    """What it is itself, no link followed; 0 where it is gone. Asked once, as the workers wait meanwhile."""
    try:
        return file.lstat().st_mode
    except OSError:
        return 0


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
    _answered: bool = field(default=False, init=False)
    """Whether there is a server at all."""

    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def run(self, files: Sequence[Path], at_once: int = AT_ONCE) -> None:
        """Sign what is not signed yet. Raises OSError for what cannot be written, Problem where the caller may
        not, UnreachableError where no server ever answered.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        before, whole = self._journal(), _ends_whole(self.out / JOURNAL)
        failures = self.out / FAILURES
        failures.unlink(missing_ok=True)
        with (
            (self.out / JOURNAL).open("a", encoding="utf-8", errors=NAMES) as journal,
            _progress(len(files), lambda: self.finished, lambda: self.finished - self.skipped) as advance,
            ThreadPoolExecutor(at_once) as threads,
        ):
            if journal.tell() and not whole:
                journal.write("\n")  # behind a line that was cut off

            over = threading.Event()

            def some(files: Sequence[Path]) -> None:
                if over.is_set():
                    return
                try:
                    lines = self._some(files, before)
                except BaseException:
                    over.set()  # before the next are taken
                    raise
                with self._lock:
                    for line in lines:
                        self._note(line, journal.write, failures)
                        advance()
                    journal.flush()

            try:
                for _ in threads.map(some, together(files, at_once)):
                    pass
            except BaseException as error:  # interrupted: what is under way ends, what waits is left
                if isinstance(error, KeyboardInterrupt):
                    err.print("stopping once what is under way is signed and written")
                threads.shutdown(cancel_futures=True)
                raise

    @property
    def finished(self) -> int:
        """Files that are settled, in whichever way."""
        return self.done + self.skipped + self.failed + self.held

    def _some(self, files: Sequence[Path], before: Mapping[str, str]) -> list[dict[str, Any]]:
        lines = list[dict[str, Any]]()
        wanted = list[BatchFile]()
        for file in files:
            name = str(file.relative_to(self.folder))
            try:
                content, digest = _read(file)
                key = hashlib.sha256(os.fsencode(f"{name}\0{digest}\0{self.claim}")).hexdigest()
                (self.out / name).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                lines.append({"file": name, "problem": described(error)})
                continue
            if before.get(name) == key:
                lines.append({"file": name, "skipped": True})
            else:
                wanted.append(BatchFile(content, key, name))
        return [*lines, *(_line(file, done) for file, done in self._patiently(wanted).items())]

    def _patiently(self, files: Sequence[BatchFile]) -> dict[BatchFile, Asset | Failure]:
        """What became of each, once what stands in the way passed."""
        done: dict[BatchFile, Asset | Failure] = {}
        left = files
        for tried in range(TRIES):
            if not left:
                break
            if tried:
                self.wait(2 ** (tried - 1))
            done |= self._signed(left)
            left = [file for file in left if _passes(done[file])]
        for file in left if len(left) > 1 else ():  # one of them may be what stands in the way
            done |= self._signed([file])
        if not self._answered and isinstance(failure := next(iter(done.values()), None), UnreachableError):
            raise failure
        return done

    def _signed(self, files: Sequence[BatchFile]) -> dict[BatchFile, Asset | Failure]:
        try:
            signed = self.sign(files)
            self._answered = True
            return dict(zip(files, signed, strict=True))
        except (ClientError, OSError) as error:
            if isinstance(error, Problem) and error.status in UNENTITLED_STATUS:
                raise
            self._answered |= isinstance(error, Problem)
            failure = error
        if len(files) == 1 or _passes(failure):
            return dict.fromkeys(files, failure)
        return {file: done for one in files for file, done in self._signed([one]).items()}

    def _note(self, line: dict[str, Any], write: Callable[[str], object], failures: Path) -> None:
        if "skipped" in line:
            self.skipped += 1
        elif "problem" in line:
            self.failed += 1
            with failures.open("a", encoding="utf-8", errors=NAMES) as told:
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


def _passes(done: object) -> bool:
    """Whether it may pass by itself."""
    return isinstance(done, UnreachableError) or (isinstance(done, Problem) and done.status in _PASSING)


def _line(file: BatchFile, done: Asset | Failure) -> dict[str, Any]:
    if isinstance(done, Exception):
        return {"file": file.name, "problem": described(done)}
    entry, held = done["ledger"]["entry"], bool(done["hold"])
    return {"file": file.name, "key": file.key, "asset": done["id"], "entry": entry, "held": held}


def _read(file: Path) -> tuple[bytes | Path, str]:
    """Its content, itself where it is large, and the SHA-256 of that. Raises OSError."""
    if file.stat().st_size <= TOGETHER_BYTES:
        content = file.read_bytes()
        return content, hashlib.sha256(content).hexdigest()
    with file.open("rb") as stream:
        return file, hashlib.file_digest(stream, "sha256").hexdigest()


def together(files: Sequence[Path], at_once: int) -> Iterator[Sequence[Path]]:
    """Files for one request after another, in their order."""
    some, size, before = list[Path](), 0, 0
    for number, file in enumerate(files):
        bytes_ = _size(file)
        few = min((before + 1) * TOGETHER // at_once, (len(files) - number) // (2 * at_once))
        most = max(min(TOGETHER, few), LEAST_TOGETHER)
        if some and (size + bytes_ > TOGETHER_BYTES or len(some) >= most):
            yield some
            some, size, before = [], 0, before + 1
        some.append(file)
        size += bytes_
    if some:
        yield some


def _size(file: Path) -> int:
    """In bytes; whoever reads it is told if that cannot be known."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    if not file.exists():
        return
    # No `splitlines`: names may have what that takes for the end of a line.
    for text in file.read_text(encoding="utf-8", errors=NAMES).split("\n"):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and {"file", "key", "held"} <= line.keys():
            yield line


def _ends_whole(file: Path) -> bool:
    return not file.exists() or file.read_bytes()[-1:] in (b"", b"\n")


class _Pace(ProgressColumn):
    """Files a second, and how long it takes yet."""

    def __init__(self, sent: Callable[[], int]) -> None:
        super().__init__()
        self._sent = sent

    def render(self, task: Task) -> Text:
        return Text(_pace(self._sent(), int(task.remaining or 0), task.elapsed or 0))


def _pace(sent: int, left: int, seconds: float) -> str:
    """In words; a whole request is answered at once, so nothing is said before the first. What was signed by an earlier
    run took none of this time.
    """
    if not sent or not seconds:
        return "waiting for the first answer"
    return f"{sent / seconds:.1f}/s, {left * seconds / sent:.0f} s left"


@contextmanager
def _progress(total: int, finished: Callable[[], int], sent: Callable[[], int]) -> Iterator[Callable[[], None]]:
    """What to call when a file is settled: a bar with rate and time left; a line now and then where no terminal is."""
    if err.is_terminal:
        columns = (TextColumn("signing"), BarColumn(), MofNCompleteColumn(), _Pace(sent))
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
            err.print(f"{count} of {total}, {_pace(sent(), total - count, now - began)}")

    yield line
