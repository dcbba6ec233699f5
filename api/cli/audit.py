"""`sigillo ledger verify --url …`: the audit of a published log, by anyone; once, or for as long as it lives.

With a notebook (`--state`) each visit goes on where the last one ended, and a log that was rolled back or exchanged for
another is told from one that grew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from api.cli.output import Exit, fail, quoted, say, show
from ledger.auditing.audit import LogReport
from ledger.auditing.auditor import Auditor, Notebook, read_notebook, write_notebook
from ledger.auditing.faults import FaultKind
from ledger.errors import CheckpointAbsentError
from ledger.publishing.source import VKEY_FILE
from ledger.stamping.stamp_check import Judge
from ledger.witnessing.cosignature import NO_WITNESSES, Quorum
from sigillo_client import Problem, PublishedLog, UnreachableError

Tell = Callable[[str, dict[str, Any]], None]
"""Takes what happened (`checking`, `grown`, `stalled`, `unreachable`, `unwitnessed`, `untrusted`) and the facts."""

LONG_SECONDS = 10.0
"""How often a visit that takes long says how far it is."""

SOON_SECONDS = 2.0
"""Before the first visit after a failure; then twice as long each time, up to the interval."""


@contextmanager
def auditor_of(
    url: str, key: Path | None, state: Path | None, quorum: Quorum = NO_WITNESSES, judge: Judge | None = None
) -> Iterator[Auditor]:
    """The auditor of a log, with what they kept. Raises CheckpointError, NotebookError, ClientError, OSError."""
    kept = read_notebook(state) if state else None
    given = key.read_text(errors="replace").strip() if key else ""
    if kept and given and kept.vkey != given:
        raise fail(f"{state} is of a log with another key ({kept.vkey}): name another file", Exit.USAGE)
    with PublishedLog(url) as fetch:
        book = kept or Notebook(given or _own_key(fetch))
        save = (lambda notebook: write_notebook(state, notebook)) if state else _keep_nothing
        yield Auditor(fetch, book, save, quorum, judge)


def follow(
    auditor: Auditor, every: float, stall_after: float, tell: Tell, sleep: Callable[[float], None] = time.sleep
) -> LogReport:
    """Visit until something is wrong with the log; the report that says what. What passes is told, once.

    Raises CheckpointError for a key that is none, CheckpointAbsentError where no log was ever seen.
    """
    watch = _Watch(stall_after, tell)
    pause = SOON_SECONDS
    while True:
        try:
            report = auditor.visit(watch.visiting())
        except (UnreachableError, Problem, CheckpointAbsentError) as error:
            if isinstance(error, CheckpointAbsentError) and not auditor.notebook.seen:
                raise
            watch.unreachable(str(error))
            pause = min(2 * pause, every)
        else:
            if report.fault is None:
                watch.seen(report)
            elif report.fault.kind is FaultKind.QUORUM:
                watch.unwitnessed(report.fault.reason, report.entries)
            else:
                return report
            pause = every
        sleep(pause)


def telling(*, as_json: bool) -> Tell:
    """Tells people, or programs."""

    def tell(what: str, facts: dict[str, Any]) -> None:
        if as_json:
            show({"event": what, **facts})
        else:
            say(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {what:<12} {quoted(_WORDS[what].format(**facts))}")

    return tell


_WORDS = {
    "checking": "{done} of {total} entries so far",
    "grown": "entries: {entries}, all of them sound",
    "stalled": "no new entry for {seconds} s",
    "unreachable": "{reason}",
    "unwitnessed": "{reason}",
    "untrusted": "stamps by authorities under none of the given roots: {count}",
}


class _Watch:
    """Tells of each change once."""

    def __init__(self, stall_after: float, tell: Tell) -> None:
        self._stall_after, self._tell = stall_after, tell
        self._size, self._grew_at = -1, time.monotonic()
        self._sound = -1
        self._down = self._stalled = self._alone = False

    def visiting(self) -> Callable[[int, int], None]:
        """Takes (done, total) of a visit; told now and then when it is a long one."""
        told_at = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= LONG_SECONDS:
                told_at = time.monotonic()
                self._tell("checking", {"done": done, "total": total})

        return progress

    def seen(self, report: LogReport) -> None:
        self._down = self._alone = False
        if report.stamps.untrusted:
            self._tell("untrusted", {"count": report.stamps.untrusted})
        if report.entries != self._sound:
            self._sound = report.entries
            self._tell("grown", {"entries": report.entries})
        self._look_for_growth(report.entries)

    def unwitnessed(self, reason: str, entries: int) -> None:
        self._down = False
        if not self._alone:
            self._alone = True
            self._tell("unwitnessed", {"reason": reason})
        self._look_for_growth(entries)

    def _look_for_growth(self, entries: int) -> None:
        if entries != self._size:
            self._size, self._grew_at, self._stalled = entries, time.monotonic(), False
        elif not self._stalled and (rested := time.monotonic() - self._grew_at) >= self._stall_after:
            self._stalled = True
            self._tell("stalled", {"entries": entries, "seconds": round(rested)})

    def unreachable(self, reason: str) -> None:
        if not self._down:
            self._down = True
            self._tell("unreachable", {"reason": reason})


def _own_key(fetch: PublishedLog) -> str:
    found = fetch(VKEY_FILE)
    if found is None:
        raise fail("no log.vkey is published there: give the log's key (`--key FILE`)", Exit.USAGE)
    return found.decode("utf-8", "replace").strip()


def _keep_nothing(_notebook: Notebook) -> None:
    """Without a file, a visit begins anew."""
