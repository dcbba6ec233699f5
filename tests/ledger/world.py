"""A small running ledger for tests: a table of notes, one kind, a clock that is told what time it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, select

from ledger.database import Database
from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId
from ledger.log import Ledger, Recorded
from ledger.payload import Draft, Kind
from ledger.subjects import Subject
from ledger.tenancy import Access, Binding, SystemSession
from ledger.witnesses import ALONE, WitnessPolicy
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

    def __post_init__(self) -> None:
        self.database = Database(f"sqlite:///{self.path}")
        self.ledger = Ledger(
            self.database,
            self.keys,
            KINDS,
            origin="log.example/test",
            clock=self.clock,
            checkpoint_interval=self.interval,
            witnesses=self.witnesses,
        )

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


@contextmanager
def running(
    path: Path, interval: float = 0.02, keys: SimulatedKeyStore | None = None, witnesses: WitnessPolicy = ALONE
) -> Iterator[World]:
    world = World(path, keys or SimulatedKeyStore(), interval=interval, witnesses=witnesses)
    world.start()
    try:
        yield world
    finally:
        world.close()
