"""An auditor who comes back: what they know of a log, and what it takes to go on from there.

Rules
- The key is fixed at the first visit. A checkpoint is kept as soon as its signature verified, before anything under it
  is read: hanging up does not unsay it.
- What was checked under a checkpoint is kept for good; what was read since is kept too, so that an interrupted visit is
  not lost, and thrown away if it leads to a fault.
- Of a log that forked both checkpoints are kept: the second may never be shown again.
- The notebook is the auditor's own: whoever can write it can have them believe anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ConfigDict, RootModel, ValidationError

from ledger.auditing.audit import LogReport, audit
from ledger.auditing.faults import FaultKind
from ledger.auditing.mirror import read_mirror
from ledger.auditing.walk import NOTHING, Kept
from ledger.errors import NotebookError
from ledger.publishing.source import Fetch
from ledger.stamping.stamp_check import Judge
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.witnessing.cosignature import NO_WITNESSES, Quorum


@dataclass(frozen=True)
class Notebook:
    """What an auditor knows of one log."""

    vkey: str
    checked: Kept = NOTHING
    """All of it under a checkpoint."""

    under_way: Kept | None = None
    """What was read beyond that, when a visit was interrupted."""

    seen: str = ""
    """The newest checkpoint by the log's key, read or not: nothing may contradict it any more."""

    against: str = ""
    """The first that did, all the same: with the one before it is the evidence of a fork."""


class _Form(RootModel[Notebook]):
    """JSON, with bytes in hex."""

    model_config = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")


def read_notebook(file: Path) -> Notebook | None:
    """What was kept; None before the first visit. Raises NotebookError, OSError."""
    if not file.exists():
        return None
    try:
        return _Form.model_validate_json(file.read_bytes()).root
    except ValidationError as error:
        raise NotebookError(f"{file} is no auditor's notebook, or was damaged: begin a new one elsewhere") from error


def write_notebook(file: Path, notebook: Notebook) -> None:
    """Replace what was kept, whole. Raises OSError."""
    draft = file.with_name(f"{file.name}.part")
    draft.write_text(_Form(notebook).model_dump_json(indent=1))
    draft.replace(file)


@dataclass
class Auditor:
    """One auditor of one log; `save` keeps the notebook, and `quorum` is of the witnesses whom they believe."""

    fetch: Fetch
    notebook: Notebook
    save: Callable[[Notebook], None] = lambda _notebook: None
    quorum: Quorum = NO_WITNESSES
    judge: Judge | None = None
    """Of stamps; without one they are only seen to be of this log."""

    def visit(self, progress: Callable[[int, int], None] = lambda _done, _total: None) -> LogReport:
        """Check what is new. Raises CheckpointError for a key that is none, CheckpointAbsentError, and what `fetch` and
        `save` raise.
        """
        book, key = self.notebook, VerifierKey.parse(self.notebook.vkey)
        mirror = read_mirror(self.fetch, key, book.checked)
        if isinstance(mirror, LogReport):
            return mirror
        for note in filter(None, (book.checked.note, book.seen)):
            fault = mirror.contradicts(verify_checkpoint(note, key))
            if fault is not None:
                if fault.kind is FaultKind.FORK and not book.against:
                    self._write(replace(book, against=mirror.note))
                return LogReport(book.checked.size, book.checked.proven, 0, 0, 0, fault)
        self._write(replace(book, seen=mirror.note))
        going_on = book.under_way is not None and book.under_way.size <= mirror.head.size
        kept = book.under_way if going_on and book.under_way else book.checked
        report = audit(mirror, key, None, progress, kept, self._keep, self.quorum, self.judge)
        if report.fault is not None:
            self._write(replace(self.notebook, under_way=None))
        return report

    def _keep(self, kept: Kept) -> None:
        proven = kept.size == kept.proven
        self._write(replace(self.notebook, **{"checked": kept, "under_way": None} if proven else {"under_way": kept}))

    def _write(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self.save(notebook)
