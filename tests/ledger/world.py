"""A small running ledger for tests: a table of notes, one kind, a clock that is told what time it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, func, insert, select

from keys.clock import Clock, system_clock
from ledger.errors import NotProvenError
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId
from ledger.log import Ledger, Recorded
from ledger.payload import Draft, Kind
from ledger.sequencing.elected import LEADERSHIP, ElectedSequencer
from ledger.sequencing.sequencer import SEQUENCER
from ledger.storage.database import Database
from ledger.storage.tables import Pending
from ledger.storage.tenancy import Access, Binding, SystemSession
from ledger.witnessing.policy import ALONE, WitnessPolicy
from tests.databases import KIND, url_of
from tests.simulators.key_store import SimulatedKeyStore

ACTOR = PrincipalId("prn_author")
POLICY = "notes@1"
FULL = Binding(SystemSession.SETUP, Access.FULL)
LONG = 30.0
"""Seconds a test waits before it calls a thread stuck; never a measurement."""

# Not on the service's metadata: no migration makes it.
NOTES = Table(
    "note",
    MetaData(),
    Column("tenant_id", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("text", String, nullable=False),
    info={"tenant": True},
)


@dataclass(frozen=True)
class NoteWritten:
    text: str
    score: int = 0
    tags: tuple[str, ...] = ()


KINDS = (Kind("note.written", NoteWritten, {"text": ("text",)}),)


@dataclass
class HeldClock:
    """Stands still until moved."""

    now: datetime = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, step: timedelta) -> None:
        self.now += step


@dataclass
class World:
    path: Path
    keys: SimulatedKeyStore = field(default_factory=SimulatedKeyStore)
    clock: HeldClock = field(default_factory=HeldClock)
    interval: float = 0.02
    witnesses: WitnessPolicy = ALONE
    kind: str = KIND
    kinds: tuple[Kind, ...] = KINDS
    waits: bool = True
    """Whether to record, on PostgreSQL, ends when the entries have their place: a moment after they are durable."""

    def __post_init__(self) -> None:
        self.database = Database(url_of(self.path, self.kind))
        self.ledger = Ledger(
            self.database,
            self.keys,
            self.kinds,
            origin="log.example/test",
            clock=self.clock,
            checkpoint_interval=self.interval,
            witnesses=self.witnesses,
        )

        if self.waits and self.database.backend.concurrent:
            record = self.ledger.record
            self.ledger.record = lambda work, tenant: placed(self.ledger, record(work, tenant))  # type: ignore[method-assign]

    def start(self) -> None:
        self.ledger.start()
        with self.database.writing(FULL) as connection:
            NOTES.create(connection, checkfirst=True)

    def close(self) -> None:
        self.ledger.close()
        self.database.close()

    def write_note(self, tenant: TenantId, text: str, subject: Subject | None = None) -> Recorded:
        """A note, its row and its entry; under a new subject unless one is given."""
        about = subject or self.ledger.subjects.create(tenant)
        draft = self.ledger.draft("note.written", POLICY, ACTOR, about, NoteWritten(text, 7, ("a", "b")))

        def work(connection: Connection) -> Sequence[Draft]:
            if subject is None:
                self.ledger.subjects.insert(connection, about)
            connection.execute(insert(NOTES), {"tenant_id": tenant, "id": draft.id, "text": text})
            return [draft]

        return self.ledger.record(work, tenant)

    def erase(self, tenant: TenantId, subject: SubjectId) -> None:
        def work(connection: Connection) -> Sequence[Draft]:
            self.ledger.subjects.erase(connection, tenant, subject)
            return []

        self.ledger.record(work, tenant)

    def note_ids(self, tenant: TenantId) -> set[EntryId]:
        with self.database.read(tenant) as connection:
            rows = connection.execute(select(NOTES.c.id).where(NOTES.c.tenant_id == tenant)).scalars()
            return set(rows)

    def subject_of(self, tenant: TenantId, entry: EntryId) -> SubjectId:
        return self.ledger.payloads.open(tenant, entry).subject


def until_all_placed(database: Database) -> None:
    """Until nothing that is durable waits for its place."""
    for _ in range(int(LONG / 0.002)):
        with database.read(SystemSession.FSCK) as connection:
            if connection.execute(select(func.count(Pending.seq))).scalar_one() == 0:
                return
        time.sleep(0.002)
    raise AssertionError("entries never got their place")


def placed(ledger: Ledger, recorded: Recorded) -> Recorded:
    for _ in range(int(LONG / 0.002)):
        with suppress(NotProvenError):
            for entry in recorded.entries:
                ledger.entry(entry)
            return recorded
        time.sleep(0.002)
    raise AssertionError("an entry never got its place")


def settle(database: Database, clock: Clock = system_clock, name: str = LEADERSHIP) -> None:
    """Place what a process left that was killed, as whoever leads next will."""
    if database.backend.concurrent:
        with database.elected(name) as connection:
            assert connection is not None
            while ElectedSequencer(database, clock).place(SEQUENCER.bind(connection)):
                pass


@contextmanager
def tampering(database: Database) -> Iterator[Connection]:
    """As somebody who owns the database, and has lifted the tripwires."""
    with database.writing(FULL) as connection:
        if database.backend.concurrent:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        else:
            for name in (
                connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
            ):
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        yield connection


@contextmanager
def running(
    path: Path,
    interval: float = 0.02,
    keys: SimulatedKeyStore | None = None,
    witnesses: WitnessPolicy = ALONE,
    kind: str = KIND,
    *,
    kinds: tuple[Kind, ...] = KINDS,
    waits: bool = True,
) -> Iterator[World]:
    world = World(
        path, keys or SimulatedKeyStore(), interval=interval, witnesses=witnesses, kind=kind, kinds=kinds, waits=waits
    )
    world.start()
    try:
        yield world
    finally:
        world.close()
