"""A ledger under load in a process of its own, whose syncs can be slowed; and the bare syncs it is set beside.

    python benchmarks/appends.py '{"work": "units", "callers": 32, "folder": "/tmp/x", "url": "sqlite:////tmp/x/log.db"}'

`work` is *units* (one state row and one entry), *appends* (one entry), or *syncs* (300 bytes written and synced, no
ledger). With `pace`, so many a second are asked for and no more. Prints one JSON object (`Seen`).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

# Run as a script, Python looks for packages in this folder, not in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import Column, Connection, MetaData, String, Table, insert

from benchmarks.window import Done, Span, Window, percentile
from keys.local import LocalKeyStore
from ledger.forgetting.subjects import Subject
from ledger.ids import PrincipalId, TenantId
from ledger.log import Ledger
from ledger.payload import Draft, Kind
from ledger.storage.database import Database
from ledger.storage.tenancy import Access, Binding, SystemSession

WRITTEN: Final = 300
"""Bytes of a bare write: about what an entry adds."""

LOOK_SECONDS: Final = 0.005
"""How often it is looked how far the log is proven."""

# A state row, as a decision would change one. Not on the service's metadata: no migration makes it.
STATE: Final = Table(
    "benchmark_state",
    MetaData(),
    Column("tenant_id", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("state", String, nullable=False),
    info={"tenant": True},
)
_INSERT: Final = insert(STATE)


@dataclass(frozen=True)
class Decided:
    """A payload of the size that decisions have."""

    outcome: str
    model: str
    score: int
    reasons: tuple[str, ...]


KIND: Final = Kind("benchmark.decided", Decided)
_PAYLOAD: Final = Decided("removed", "detector@7", 912_345, ("likeness of a registered person", "no consent on record"))


@dataclass(frozen=True)
class Order:
    """What to do."""

    work: str
    folder: str
    url: str = ""
    callers: int = 1
    seconds: float = 2.0
    warm_up: float = 0.5
    pace: int = 0


@dataclass(frozen=True)
class Seen:
    """Done a second, and milliseconds until each was durable; with a pace, seconds until it was proven."""

    per_second: float
    p50_ms: float
    p99_ms: float
    proven_p50_s: float = 0.0
    proven_p99_s: float = 0.0


@dataclass(frozen=True)
class Open:
    """A running log with a tenant and a subject that has lived for a while."""

    ledger: Ledger
    database: Database
    tenant: TenantId
    subject: Subject
    actor: PrincipalId

    def append(self, count: int = 1) -> None:
        """So many entries in one unit of work."""
        drafts = [self._draft() for _ in range(count)]
        self.ledger.record(lambda _connection: drafts, self.tenant)

    def decide(self) -> None:
        """A state row and its entry."""
        draft = self._draft()
        row = {"tenant_id": self.tenant, "id": draft.id, "state": "removed"}

        def work(connection: Connection) -> list[Draft]:
            connection.execute(_INSERT, row)
            return [draft]

        self.ledger.record(work, self.tenant)

    def _draft(self) -> Draft:
        return self.ledger.draft(KIND.name, "benchmark@1", self.actor, self.subject, _PAYLOAD)


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Open]:
    """A log of its own, with the service's embedded key store."""
    database = Database(url)
    ledger = Ledger(database, LocalKeyStore.open(folder / "keys", embedded_profile=True), (KIND,))
    ledger.start()
    try:
        tenant = ledger.create_tenant("benchmark")
        with database.writing(Binding(SystemSession.SETUP, Access.FULL)) as connection:
            STATE.create(connection)
        yield Open(ledger, database, tenant, ledger.subjects.system(tenant), ledger.system_principal(tenant))
    finally:
        ledger.close()
        database.close()


def repeated(action: Callable[[], None], window: Window, callers: int, pace: int = 0) -> list[Span]:
    """When each began and ended, of so many threads until the window ends."""
    spans: list[list[Span]] = [[] for _ in range(callers)]

    def run(number: int) -> None:
        due = time.monotonic() + (number / pace if pace else 0.0)
        while (began := time.monotonic()) < window.end:
            if pace and began < due:
                time.sleep(min(due - began, window.end - began))
                continue
            due += callers / pace if pace else 0.0
            action()
            spans[number].append((began, time.monotonic()))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [span for each in spans for span in each]


def main() -> None:
    order = Order(**json.loads(sys.argv[1]))
    print(json.dumps(asdict(_syncs(order) if order.work == "syncs" else _load(order))))


def _syncs(order: Order) -> Seen:
    with (Path(order.folder) / "syncs").open("wb", buffering=0) as file:

        def write() -> None:
            file.write(bytes(WRITTEN))
            os.fdatasync(file.fileno())

        window = Window.of(order.warm_up, order.seconds)
        return _seen(Done.within(window, repeated(write, window, 1)))


def _load(order: Order) -> Seen:
    with opened(order.url, Path(order.folder)) as log:
        action = {"units": log.decide, "appends": log.append}[order.work]
        window, proofs = Window.of(order.warm_up, order.seconds), Proofs(log.ledger)
        with proofs.watched() if order.pace else _nothing():
            done = Done.within(window, repeated(lambda: proofs.after(action), window, order.callers, order.pace))
        return _seen(done, proofs.seconds(window) if order.pace else ())


class Proofs:
    """How long after it was asked for each entry is proven."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._asked: list[tuple[float, int]] = []
        """When, and a size of the log that holds it."""

        self._proven: list[tuple[float, int]] = []

    def after(self, action: Callable[[], None]) -> None:
        """Do it, and remember when."""
        began = time.monotonic()
        action()
        self._asked.append((began, self._ledger.status().committed))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look how far the log is proven meanwhile, and until everything is."""
        over = threading.Event()

        def look() -> None:
            while not (over.is_set() and self._is_whole()):
                time.sleep(LOOK_SECONDS)  # not `over.wait`: once it is set, looking would not leave the log its turn
                self._proven.append((time.monotonic(), self._ledger.status().proven))

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def seconds(self, window: Window) -> list[float]:
        """Of those asked for in the window."""
        found, proven = [], iter(self._proven)
        at, size = next(proven)
        for asked, needed in sorted(self._asked, key=lambda each: each[1]):
            while size < needed:
                at, size = next(proven)
            if window.begin <= asked < window.end:
                found.append(at - asked)
        return found

    def _is_whole(self) -> bool:
        status = self._ledger.status()
        return bool(self._proven) and self._proven[-1][1] >= status.committed


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _seen(done: Done, proven: list[float] | tuple[()] = ()) -> Seen:
    durable = [percentile(done.milliseconds, each) for each in (50, 99)]
    return Seen(done.per_second, *durable, *(percentile(proven, each) for each in (50, 99) if proven))


if __name__ == "__main__":
    main()
