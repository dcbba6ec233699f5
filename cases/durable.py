"""Work that outlives the process: workflows of DBOS, which start with the first that there is to do.

Rules
- A workflow is one turn after another until nothing is left. What is done in a turn must be harmless a second time:
  killed, it goes on with the turn that was not finished.
- A workflow's id is that of what it is for: begun again while it is under way, it runs once.
- DBOS's own tables hold names, ids and how far a workflow is; nothing about anybody.
- DBOS exists once in a process, so of two services in one process the second has no workflows, and says so.
- A turn that fails is told and taken again, ever more slowly: no workflow ends in an error that nobody mends.
- Closing interrupts workflows between two turns; the next start goes on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final, TypeAlias

from sqlalchemy.exc import SQLAlchemyError

from cases.errors import CasesError
from ledger.errors import DatabaseUnavailableError
from ledger.storage.grants import WORKFLOW_SCHEMA

VERSION: Final = "1"
"""Of the workflows here: DBOS goes on only with those of its own. Change it with the meaning of a turn, and finish or
begin anew what an earlier one left.
"""

EXECUTOR: Final = "leader"
"""One process at a time runs workflows, the one that leads the ledger; whoever leads next goes on with them."""

FIRST_PAUSE: Final = 2.0
LAST_PAUSE: Final = 300.0
"""Seconds before a turn that could not be taken is taken again; each time twice as long."""

CLOSING_SECONDS: Final = 30.0
"""How long closing waits for the turns under way."""


class Next(StrEnum):
    """What a turn leaves."""

    MORE = "more"
    LATER = "later"
    """It could not be taken now."""

    DONE = "done"


Turn: TypeAlias = Callable[[tuple[str, ...]], Next]
"""Takes one turn of the workflow that was begun with these words."""


class WorkflowsElsewhereError(CasesError):
    """Another service of this process runs workflows."""


class _Interrupted(BaseException):
    """The service closes. No Exception: DBOS would take it for the workflow's end."""


class Workflows:
    """The workflows of one service. Safe to call from many threads; `close` it."""

    def __init__(self, url: str, turns: Mapping[str, Turn], tell: Callable[[str, BaseException], object]) -> None:
        """`url`: of the database for DBOS's tables. `turns` by name of the workflow. `tell` is told of the workflow
        whose turn failed, and how.
        """
        self._url, self._turns, self._tell = url, turns, tell
        self._stop = threading.Event()
        self._lock = threading.Lock()
        # Under the lock.
        self._started: dict[str, Callable[..., Any]] | None = None
        self._running = 0
        self._idle = threading.Condition(self._lock)

    def begin(self, name: str, key: str, *words: str) -> None:
        """Begin a workflow with the id `key`, unless it is under way.

        Raises WorkflowsElsewhereError, DatabaseUnavailableError.
        """
        with self._lock:
            if self._stop.is_set():
                return
            try:
                self._started = self._started or self._start()
                self._run(name, key, words)
            except SQLAlchemyError as error:
                raise DatabaseUnavailableError(f"workflows cannot be begun: {type(error).__name__}") from error

    def pause(self) -> None:
        """Interrupt what is under way: another process goes on with it. `begin` starts anew."""
        self.close()
        self._stop.clear()

    def close(self) -> None:
        """Interrupt what is under way, and stop; closing twice is harmless."""
        self._stop.set()
        with self._lock:
            if self._started is None:
                return
            self._idle.wait_for(lambda: not self._running, CLOSING_SECONDS)
            from dbos import DBOS

            DBOS.destroy(destroy_registry=True)
            self._started = None
            _SEAT.leave()

    @property
    def started(self) -> bool:
        """Whether DBOS runs here."""
        return self._started is not None

    def _run(self, name: str, key: str, words: tuple[str, ...]) -> None:
        from dbos import DBOS, SetWorkflowID  # late: a third of a second that most services need not spend

        assert self._started is not None
        before = DBOS.get_workflow_status(key)
        if before is not None and before.status == "SUCCESS":
            DBOS.delete_workflow(key)  # it is wanted again: the rows that it worked on are older ones
            before = None
        if before is None:
            with SetWorkflowID(key):
                DBOS.start_workflow(self._started[name], *words)

    def _start(self) -> dict[str, Callable[..., Any]]:
        _SEAT.take(self)
        from dbos import DBOS

        logging.getLogger("dbos").setLevel(logging.ERROR)  # it advertises a console
        try:
            known = {name: self._workflow(name, turn) for name, turn in self._turns.items()}
            DBOS(
                config={
                    "name": "sigillo",
                    "system_database_url": self._url,
                    "dbos_system_schema": WORKFLOW_SCHEMA,
                    "application_version": VERSION,
                    "executor_id": EXECUTOR,
                    "log_level": "ERROR",
                }
            )
            DBOS.launch()
        except BaseException:
            DBOS.destroy(destroy_registry=True)
            _SEAT.leave()
            raise
        return known

    def _workflow(self, name: str, turn: Turn) -> Callable[..., Any]:
        from dbos import DBOS

        def step(words: tuple[str, ...]) -> str:
            if self._stop.is_set():
                raise _Interrupted
            return self._taken(name, turn, words)

        def workflow(*words: str) -> None:
            with self._counted():
                failures = 0
                while (left := DBOS.run_step({"name": name}, step, words)) != Next.DONE:
                    failures = failures + 1 if left == Next.LATER else 0
                    if failures and self._stop.wait(min(FIRST_PAUSE * 2 ** (failures - 1), LAST_PAUSE)):
                        raise _Interrupted

        return DBOS.workflow(name=name, max_recovery_attempts=None)(workflow)

    def _taken(self, name: str, turn: Turn, words: tuple[str, ...]) -> Next:
        try:
            return turn(words)
        except Exception as error:  # noqa: BLE001 (whatever it is: it is told, and the turn is taken again)
            self._tell(name, error)
            return Next.LATER

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """A workflow under way, for whoever waits until there is none."""
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                self._idle.notify_all()


class _Seat:
    """DBOS, of which there is one in a process: whose it is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.holder: Workflows | None = None

    def take(self, workflows: Workflows) -> None:
        """Raises WorkflowsElsewhereError."""
        with self._lock:
            if self.holder is not None:
                raise WorkflowsElsewhereError("another service of this process runs workflows: one does in each")
            self.holder = workflows

    def leave(self) -> None:
        self.holder = None


_SEAT: Final = _Seat()
