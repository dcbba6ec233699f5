"""Renewing a tenant's rotation key: every template made anew from its sealed embedding, without a photo.

    begun ──▶ templates move in batches ──▶ none is left under an older version: their keys are destroyed
    (entry)   (bookkeeping, resumable)      (entry, in the same unit of work)

Rules
- What is to be done is in the rows: killed anywhere, the next round goes on. New faces are under the new key at once.
- A batch is one short transaction. A row that went, or changed, since it was read is left as it is.
- Who searches meanwhile looks under both keys (`index`), and misses nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from detection.errors import RotationUnderWayError
from detection.templates.bank import WITH_KEY, Bank, count_changes
from detection.templates.decisions import POLICY, ROTATION_BEGUN, ROTATION_RENEWED, RotationBegun, RotationRenewed
from detection.templates.index import TemplateIndex
from detection.templates.rotation import Matrix
from detection.templates.rotations import EPOCH_TRIES, newest
from detection.templates.sealed import FaceKey, Place
from detection.templates.tables import FaceRotation, FaceTemplate
from detection.templates.template import encode, from_bytes
from keys.clock import Entropy
from keys.errors import KeysError
from ledger.errors import EpochClosedError, LedgerError
from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession

BATCH: Final = 256
"""Templates that are made anew in one transaction: some milliseconds."""

ROUND_SECONDS: Final = 10.0
"""How long one round goes on before others have a turn."""


@dataclass(frozen=True)
class RenewalStatus:
    """How a tenant's rotation key stands."""

    version: int
    """For new templates; 0 before the first."""

    waiting: int
    """Templates that are under an older one."""

    under_way: bool
    """Whether an older one is still there."""


@dataclass(frozen=True)
class Renewing:
    """The renewal of every tenant's rotation key. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    bank: Bank
    index: TemplateIndex
    entropy: Entropy

    def begin(self, tenant: TenantId, by: PrincipalId, alive: Callable[[Connection], None]) -> EntryId:
        """Begin another rotation key; `round` does the rest. `alive` raises when who asks may not any more.

        Raises RotationUnderWayError, KeyStoreUnavailableError.
        """
        self.bank.rotations.current(tenant)
        subject, system = self.bank.rotations.new_subject(tenant), self.ledger.subjects.system(tenant)
        draft = self.ledger.draft(ROTATION_BEGUN.name, POLICY, by, system, None)

        def work(connection: Connection) -> Sequence[Draft]:
            alive(connection)
            if _older(connection, tenant):
                raise RotationUnderWayError
            version = self.bank.rotations.insert(connection, subject)
            return [replace(draft, payload=RotationBegun(version, _waiting(connection, tenant, version)))]

        for _ in range(EPOCH_TRIES):
            try:
                self.ledger.record(work, tenant)
            except EpochClosedError:
                subject = self.ledger.subjects.rewrap(subject)
            else:
                return draft.id
        raise EpochClosedError("epochs end faster than a rotation key can be wrapped")

    def status(self, tenant: TenantId) -> RenewalStatus:
        """How it stands now."""
        with self.database.read(tenant) as connection:
            version = newest(connection, tenant) or 0
            return RenewalStatus(version, _waiting(connection, tenant, version), bool(_older(connection, tenant)))

    def round(self, pause: Callable[[], bool]) -> None:
        """Do what is due, for ROUND_SECONDS at most. `pause` is called between batches, and ends it by answering True.

        Raises KeyStoreUnavailableError, DatabaseUnavailableError, SealBrokenError.
        """
        until = time.monotonic() + ROUND_SECONDS
        with self.database.read(SystemSession.MATCHING) as connection:
            tenants = connection.execute(_UNDER_WAY).scalars().all()
        failed: KeysError | LedgerError | None = None
        for tenant in tenants:
            try:
                while self._batch(tenant):
                    if pause() or time.monotonic() > until:
                        return
                self._end(tenant)
            except (KeysError, LedgerError) as error:  # of one tenant; the others are served
                failed = failed or error
        if failed is not None:
            raise failed

    def _batch(self, tenant: TenantId) -> int:
        """Make some templates anew; how many were to be."""
        with self.database.read(tenant) as connection:
            version = newest(connection, tenant) or 0
            rows = connection.execute(_OLD.where(*_under_older(tenant, version)).limit(BATCH)).all()
        moves = list(self._moves(tenant, version, rows))
        if moves:
            self.database.write(lambda connection: _move(connection, tenant, moves))
            self.index.follow(tenant)
        return len(rows)

    def _moves(self, tenant: TenantId, version: int, rows: Sequence[Row[Any]]) -> Iterator[dict[str, object]]:
        matrices: dict[int, Matrix] = {}
        for row in rows:
            key = FaceKey.of(self.ledger.subjects.unwrap(tenant, row.owner_id, row.epoch, row.wrapped))
            place = Place(row.n, row.model)
            opened = key.open_embedding(place, row.embedding)
            dimensions = len(opened) // 4
            if dimensions not in matrices:
                matrices[dimensions] = self.bank.rotations.matrix(tenant, version, dimensions)
            template = encode(from_bytes([opened], dimensions), matrices[dimensions])[0].tobytes()
            sealed = key.seal_template(place, version, template, self.entropy)
            seen = {"owner": row.owner_id, "photo": row.n, "seen": row.changed}
            yield seen | {"tenant": tenant, "version": version, "sealed": sealed}

    def _end(self, tenant: TenantId) -> None:
        """Destroy the older keys, now that nothing is under them."""
        system, actor = self.ledger.subjects.system(tenant), self.ledger.system_principal(tenant)
        draft = self.ledger.draft(ROTATION_RENEWED.name, POLICY, actor, system, None)

        def work(connection: Connection) -> Sequence[Draft]:
            version = newest(connection, tenant) or 0
            older = _older(connection, tenant)
            if not older or _waiting(connection, tenant, version):
                return []
            its = (FaceRotation.tenant_id == tenant, FaceRotation.version < version)
            connection.execute(delete(FaceRotation).where(*its))
            for row in older:
                self.ledger.subjects.erase(connection, tenant, row.subject_id)
            return [replace(draft, payload=RotationRenewed(version, tuple(row.version for row in older)))]

        self.ledger.record(work, tenant)
        self.bank.rotations.forget()
        self.database.truncate_wal()


def _older(connection: Connection, tenant: TenantId) -> Sequence[Row[int, SubjectId]]:
    """The versions before the newest."""
    rows = select(FaceRotation.version, FaceRotation.subject_id).where(FaceRotation.tenant_id == tenant)
    return connection.execute(rows.order_by(FaceRotation.version)).all()[:-1]


def _waiting(connection: Connection, tenant: TenantId, version: int) -> int:
    return connection.execute(select(func.count(FaceTemplate.n)).where(*_under_older(tenant, version))).scalar_one()


def _under_older(tenant: TenantId, version: int) -> tuple[Any, Any]:
    return FaceTemplate.tenant_id == tenant, FaceTemplate.rotation < version


def _move(connection: Connection, tenant: TenantId, moves: Sequence[dict[str, object]]) -> None:
    first = count_changes(connection, tenant, len(moves))
    connection.execute(_MOVE, [move | {"change": first + n} for n, move in enumerate(moves)])


_UNDER_WAY = (
    select(FaceRotation.tenant_id).group_by(FaceRotation.tenant_id).having(func.count(FaceRotation.version) > 1)
)
_OLD = WITH_KEY.add_columns(FaceTemplate.changed, FaceTemplate.model, FaceTemplate.embedding)
_MOVE = (
    update(FaceTemplate)
    .where(
        FaceTemplate.tenant_id == bindparam("tenant"),
        FaceTemplate.owner_id == bindparam("owner"),
        FaceTemplate.n == bindparam("photo"),
        FaceTemplate.changed == bindparam("seen"),
    )
    .values(rotation=bindparam("version"), template=bindparam("sealed"), changed=bindparam("change"))
)
