"""Subjects: whose data it is. One key per person, asset or case; deleting it is the erasure.

Rules
- `create` and `rewrap` touch no row: a unit of work inserts what they made, and checks there that its epoch
  is open.
- A subject key is AES-256, wrapped under its epoch's data key with tenant, subject and epoch as associated
  data. When the epoch ends the key stays and is wrapped again: nothing sealed under it changes.
- Erasing deletes the wrapped key and every payload's ciphertext in one transaction; afterwards the caller
  truncates the write-ahead log (`Database.truncate_wal`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_, update

from keys.clock import Entropy
from keys.errors import EpochDestroyedError, KeyNotFoundError
from keys.sealing import KEY_BYTES, seal, unseal
from ledger.errors import EpochClosedError, SubjectErasedError
from ledger.forgetting.epochs import Epochs
from ledger.forgetting.holds import require_unheld
from ledger.ids import SubjectId, TenantId, new_id
from ledger.storage.database import Database
from ledger.storage.tables import Payload, SubjectKey, Tenant

# Built once: to build a statement takes as long as to run it, and each upload asks some of these.
_SYSTEM = select(Tenant.system_subject).where(Tenant.tenant_id == bindparam("tenant"))
_STORED = select(SubjectKey.epoch, SubjectKey.wrapped).where(
    SubjectKey.tenant_id == bindparam("tenant"), SubjectKey.id == bindparam("subject")
)
_KEY = tuple_(SubjectKey.tenant_id, SubjectKey.id)
_ALIVE = select(SubjectKey.tenant_id, SubjectKey.id).where(_KEY.in_(bindparam("subjects", expanding=True)))
_MOVE = (
    update(SubjectKey)
    .where(
        SubjectKey.tenant_id == bindparam("tenant"),
        SubjectKey.id == bindparam("subject"),
        SubjectKey.epoch == bindparam("ended"),
    )
    .values(epoch=bindparam("current"), wrapped=bindparam("again"))
)


@dataclass(frozen=True)
class Subject:
    """A subject with its key opened. Keep it no longer than one piece of work."""

    tenant: TenantId
    id: SubjectId
    epoch: int
    key: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)


def check_alive(connection: Connection, subjects: Iterable[tuple[TenantId, SubjectId]]) -> None:
    """Raises SubjectErasedError unless each has its key: nothing is kept that is sealed under a destroyed one."""
    wanted = set(subjects)
    found = {(row.tenant_id, row.id) for row in connection.execute(_ALIVE, {"subjects": list(wanted)})}
    for _, subject in sorted(wanted - found):
        raise SubjectErasedError(f"subject {subject} is erased, or was never inserted")


class Subjects:
    """The subjects of every tenant."""

    def __init__(self, database: Database, epochs: Epochs, entropy: Entropy) -> None:
        self._database = database
        self._epochs = epochs
        self._entropy = entropy
        self._along: list[Callable[[Connection, TenantId, SubjectId], None]] = []

    def on_erase(self, remove: Callable[[Connection, TenantId, SubjectId], None]) -> None:
        """Have what else there is of a subject removed in the unit of work that erases it, whoever erases it."""
        self._along.append(remove)

    def create(self, tenant: TenantId, subject_id: SubjectId | None = None) -> Subject:
        """A new subject under the open epoch, not yet stored. An asset's subject may take the asset's own id.

        Raises KeyStoreUnavailableError.
        """
        return self.create_under(self._epochs.current(tenant), tenant, subject_id)

    def create_all(self, tenant: TenantId, subjects: Iterable[SubjectId]) -> list[Subject]:
        """The same of each of these. Raises as `create`."""
        epoch = self._epochs.current(tenant)
        return [self.create_under(epoch, tenant, subject) for subject in subjects]

    def create_under(self, epoch: int, tenant: TenantId, subject_id: SubjectId | None = None) -> Subject:
        """The same under an epoch whose row the same unit of work will insert."""
        chosen = subject_id or SubjectId(new_id("sub", self._entropy))
        return self._wrap(Subject(tenant, chosen, epoch, self._entropy(KEY_BYTES), b""))

    def rewrap(self, subject: Subject) -> Subject:
        """The same key under the epoch that is open now: the answer to EpochClosedError."""
        return self._wrap(replace(subject, epoch=self._epochs.current(subject.tenant)))

    def rewrap_batch(self, tenant: TenantId, limit: int) -> int:
        """Wrap stored subjects of ended epochs again, `limit` at most; how many were found, 0 when none is left.

        A subject that is erased, or wrapped again, in between is left as it is.
        Raises KeyStoreUnavailableError, EpochDestroyedError, SealBrokenError, DatabaseUnavailableError.
        """
        current = self._epochs.current(tenant)
        stored = select(SubjectKey.id, SubjectKey.epoch, SubjectKey.wrapped)
        with self._database.read(tenant) as connection:
            rows = connection.execute(
                stored.where(SubjectKey.tenant_id == tenant, SubjectKey.epoch < current).limit(limit)
            ).all()
        moves = [self._move(self._opened(tenant, *row), current) for row in rows]
        if moves:
            self._database.write(lambda connection: connection.execute(_MOVE, moves))
        return len(moves)

    def insert(self, connection: Connection, *subjects: Subject) -> None:
        """Store subjects in a unit of work. Raises EpochClosedError when an epoch of theirs has ended since."""
        for tenant, epoch in {(subject.tenant, subject.epoch): None for subject in subjects}:
            if not self._epochs.is_open(connection, tenant, epoch):
                raise EpochClosedError(f"epoch {epoch} is no longer open: wrap again what is under it")
        rows = [
            {"tenant_id": subject.tenant, "id": subject.id, "epoch": subject.epoch, "wrapped": subject.wrapped}
            for subject in subjects
        ]
        connection.execute(insert(SubjectKey), rows)

    def open(self, tenant: TenantId, subject_id: SubjectId) -> Subject:
        """Open a stored subject. Raises SubjectErasedError, KeyStoreUnavailableError, SealBrokenError."""
        epoch, wrapped = self._stored(tenant, subject_id)
        try:
            return self._opened(tenant, subject_id, epoch, wrapped)
        except EpochDestroyedError as error:
            if self._stored(tenant, subject_id)[0] == epoch:
                raise SubjectErasedError(f"subject {subject_id} died with epoch {epoch}") from error
            return self.open(tenant, subject_id)  # it moved on while we looked

    def unwrap(self, tenant: TenantId, subject_id: SubjectId, epoch: int, wrapped: bytes) -> Subject:
        """Open a subject whose stored key was read in one statement with what it seals: a query less for each of many.

        Raises as `open`.
        """
        try:
            return self._opened(tenant, subject_id, epoch, wrapped)
        except EpochDestroyedError:
            return self.open(tenant, subject_id)  # it moved on since, or died with it

    def system(self, tenant: TenantId) -> Subject:
        """The tenant's own subject, for erasures and system entries.

        Raises KeyNotFoundError where what seals it is lost, SubjectErasedError for no such tenant, and as `open`.
        """
        found = self._database.look(tenant, _SYSTEM, {"tenant": tenant})
        if found is None:
            raise SubjectErasedError(f"tenant {tenant} was never set up")
        try:
            return self.open(tenant, found["system_subject"])
        except SubjectErasedError as error:  # nobody erases it
            raise KeyNotFoundError(f"what seals the entries of tenant {tenant} is lost: {error}") from error

    def erase(self, connection: Connection, tenant: TenantId, subject_id: SubjectId) -> None:
        """Erase in a unit of work: the key, every payload sealed under it, and what goes along (`on_erase`).

        Raises SubjectErasedError, SubjectHeldError.
        """
        require_unheld(connection, tenant, subject_id)
        for remove in self._along:
            remove(connection, tenant, subject_id)
        key = (SubjectKey.tenant_id == tenant, SubjectKey.id == subject_id)
        if not connection.execute(delete(SubjectKey).where(*key)).rowcount:
            raise SubjectErasedError(f"subject {subject_id} is erased already, or never was")
        sealed = (Payload.tenant_id == tenant, Payload.subject_id == subject_id)
        connection.execute(update(Payload).where(*sealed).values(sealed=None))

    def _stored(self, tenant: TenantId, subject_id: SubjectId) -> tuple[int, bytes]:
        """Its epoch, and its key wrapped under that."""
        row = self._database.look(tenant, _STORED, {"tenant": tenant, "subject": subject_id})
        if row is None:
            raise SubjectErasedError(f"subject {subject_id} is erased, or never was")
        return row["epoch"], row["wrapped"]

    def _opened(self, tenant: TenantId, subject_id: SubjectId, epoch: int, wrapped: bytes) -> Subject:
        key = unseal(self._epochs.key(tenant, epoch), wrapped, _associated(tenant, subject_id, epoch))
        return Subject(tenant, subject_id, epoch, key, wrapped)

    def _move(self, subject: Subject, current: int) -> dict[str, object]:
        names = {"tenant": subject.tenant, "subject": subject.id, "ended": subject.epoch, "current": current}
        return names | {"again": self._wrap(replace(subject, epoch=current)).wrapped}

    def _wrap(self, subject: Subject) -> Subject:
        epoch_key = self._epochs.key(subject.tenant, subject.epoch)
        associated = _associated(subject.tenant, subject.id, subject.epoch)
        return replace(subject, wrapped=seal(epoch_key, subject.key, associated, self._entropy))


def _associated(tenant: TenantId, subject_id: SubjectId, epoch: int) -> bytes:
    return f"subject-key/v1\0{tenant}\0{subject_id}\0{epoch}".encode()
