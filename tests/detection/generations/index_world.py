"""An index's rows over a real ledger, at the level of tables: who joins and leaves, without a face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, update

from detection.generations.absence import Absences, leave
from detection.generations.decisions import KINDS, IndexCommitted
from detection.generations.generations import Generations
from detection.templates.tables import FaceBank, FaceRotation, FaceTemplate
from keys.clock import system_entropy
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId, TenantId, milliseconds, new_id
from ledger.log import Ledger
from ledger.payload import Draft, Kind
from ledger.storage.database import Database
from ledger.storage.tables import SubjectKey
from tests.databases import KIND, url_of
from tests.ledger.world import LONG, HeldClock, until_all_placed
from tests.simulators.key_store import SimulatedKeyStore

ORIGIN = "log.example/index"
PROMISED = Kind("index.promised", IndexCommitted)
"""As if it were a generation."""


@dataclass(frozen=True)
class IndexWorld:
    database: Database
    ledger: Ledger
    clock: HeldClock

    @property
    def generations(self) -> Generations:
        return Generations(self.ledger, self.database, system_entropy)

    @property
    def absences(self) -> Absences:
        return Absences(self.ledger, self.database)

    def index(self) -> TenantId:
        """A tenant with an index that nobody is in."""
        tenant = self.ledger.create_tenant("index")
        rotation = self.ledger.subjects.create(tenant)

        def work(connection: Connection) -> Sequence[Draft]:
            self.ledger.subjects.insert(connection, rotation)
            row = {"tenant_id": tenant, "version": 1, "subject_id": rotation.id}
            connection.execute(insert(FaceRotation), row)
            connection.execute(insert(FaceBank), {"tenant_id": tenant, "changes": 0})
            return []

        self.ledger.record(work, tenant)
        return tenant

    def join(self, tenant: TenantId, count: int = 1) -> list[SubjectId]:
        """So many registrations, in one unit of work."""
        names = [SubjectId(new_id("reg", system_entropy)) for _ in range(count)]
        subjects = [self.ledger.subjects.create(tenant, name) for name in names]
        self.ledger.record(lambda connection: self._join(connection, tenant, subjects), tenant)
        return names

    def leave(self, tenant: TenantId, *registrations: SubjectId) -> None:
        """All of these, in one unit of work."""

        def work(connection: Connection) -> Sequence[Draft]:
            theirs = (FaceTemplate.tenant_id == tenant, FaceTemplate.owner_id.in_(registrations))
            connection.execute(delete(FaceTemplate).where(*theirs))
            for one in registrations:
                leave(connection, tenant, one, milliseconds(self.clock()))
            _count(connection, tenant, len(registrations))
            return []

        self.ledger.record(work, tenant)

    def proof(self, registration: SubjectId) -> bytes:
        """Once a checkpoint covers its generation."""
        until_all_placed(self.database)
        entry = self.absences._find(registration)[0]
        assert self.ledger.wait_proven(entry, LONG)
        return self.absences.proof(registration)

    def _join(self, connection: Connection, tenant: TenantId, subjects: Sequence[Subject]) -> Sequence[Draft]:
        first = _count(connection, tenant, len(subjects))
        sealed = {"rotation": 1, "model": "m@1", "template": b"", "embedding": b"", "tenant_id": tenant, "n": 0}
        whole = [{"tenant_id": tenant, "id": one.id, "epoch": one.epoch, "wrapped": one.wrapped} for one in subjects]
        connection.execute(insert(SubjectKey), whole)
        rows = [sealed | {"owner_id": one.id, "row": at, "changed": at} for at, one in enumerate(subjects, start=first)]
        connection.execute(insert(FaceTemplate), rows)
        return []


def _count(connection: Connection, tenant: TenantId, changes: int) -> int:
    counted = update(FaceBank).where(FaceBank.tenant_id == tenant).values(changes=FaceBank.changes + changes)
    connection.execute(counted)
    return connection.execute(select(FaceBank.changes).where(FaceBank.tenant_id == tenant)).scalar_one() - changes + 1


@contextmanager
def running(path: Path, kind: str = KIND) -> Iterator[IndexWorld]:
    database, clock = Database(url_of(path, kind)), HeldClock()
    ledger = Ledger(
        database, SimulatedKeyStore(), (*KINDS, PROMISED), origin=ORIGIN, clock=clock, checkpoint_interval=0.02
    )
    ledger.start()
    try:
        yield IndexWorld(database, ledger, clock)
    finally:
        ledger.close()
        database.close()
