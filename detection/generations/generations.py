"""Generations of each tenant's index: committed to in the log when what is searched has changed.

Rules
- A generation is read from the rows that the index is built from, not from a list kept beside them: what is searched is
  what is committed to.
- It is committed by whoever leads, some seconds after a change; the next is numbered one higher. In the same unit of
  work those that left by then get their proofs. Whoever leaves later is proved absent by the next.
- Nobody is proved absent whose rows are still there, whatever was said of them.
- Reading and hashing come before the unit of work; a second process that did the same meanwhile wins or loses whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from detection.copies.tables import PictureBankRow, PictureFingerprint
from detection.generations.absence import place_of, unreceipted
from detection.generations.decisions import INDEX_COMMITTED, POLICY, IndexCommitted
from detection.generations.prefix_tree import PrefixTree
from detection.generations.tables import AbsenceRow, GenerationRow
from detection.templates.tables import FaceBank, FaceTemplate
from keys.clock import Entropy
from ledger.ids import EntryId, SubjectId, TenantId
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession

SEARCHED: Final = ((FaceTemplate, FaceBank), (PictureFingerprint, PictureBankRow))
"""What is searched, and what counts its changes: every room that an index is built from."""

SALT_BYTES: Final = 32
BATCH: Final = 2000
"""Proofs made with one generation: a unit of work must not keep others waiting."""

_PROVED: Final = (
    update(AbsenceRow)
    .where(AbsenceRow.tenant_id == bindparam("tenant"), AbsenceRow.id == bindparam("registration"))
    .values(entry_id=bindparam("entry"), proof=bindparam("made"))
)


@dataclass(frozen=True)
class _Read:
    """One snapshot of a tenant's index."""

    number: int
    """Of the last generation; 0 before the first."""

    committed: int
    """How often the rows had changed by then."""

    changes: int
    """And by now."""

    members: frozenset[SubjectId]
    left: tuple[SubjectId, ...]
    """Those that left and are not proved absent yet."""

    @property
    def due(self) -> bool:
        """Whether there is anything to commit to."""
        return self.changes > self.committed or bool(self.left)


@dataclass(frozen=True)
class GenerationStatus:
    """How a tenant's index stands."""

    number: int
    """Of the last generation; 0 before the first."""

    entry: EntryId | None
    faces: int
    """Registrations whose templates are searched."""

    pictures: int
    """And whose fingerprints are."""

    owed: int
    """That left, and are not proved absent yet."""


@dataclass(frozen=True)
class Generations:
    """The generations of every tenant's index. Safe to use from many threads and processes."""

    ledger: Ledger
    database: Database
    entropy: Entropy

    def round(self) -> int:
        """Commit to what changed; to how many indexes. Call until it answers 0.

        Raises KeyStoreUnavailableError, and as `Ledger.record`.
        """
        return sum([self.commit(tenant) for tenant in self._due()])

    def commit(self, tenant: TenantId) -> bool:
        """Commit to a tenant's index as it is now; False where nothing is new, or somebody else did meanwhile.

        Raises as `round`.
        """
        found = self._read(tenant)
        if not found.due:
            return False
        salt = self.entropy(SALT_BYTES)
        tree = PrefixTree(place_of(salt, member) for member in found.members)
        said = IndexCommitted(tenant, found.number + 1, tree.size, tree.root.hex(), salt.hex())
        actor, system = self.ledger.system_principal(tenant), self.ledger.subjects.system(tenant)
        draft = self.ledger.draft(INDEX_COMMITTED.name, POLICY, actor, system, said)
        proofs = [
            {"tenant": tenant, "registration": one, "entry": draft.id, "made": unreceipted(tree, one, draft)}
            for one in found.left
        ]

        def work(connection: Connection) -> Sequence[Draft]:
            if _last(connection, tenant)[0] != found.number:
                return []
            _begin(connection, tenant, found, draft)
            if proofs:
                connection.execute(_PROVED, proofs)
            return [draft]

        try:
            return bool(self.ledger.record(work, tenant).entries)
        except IntegrityError:  # somebody else's first generation came before
            return False

    def status(self, tenant: TenantId) -> GenerationStatus:
        """How a tenant's index stands now. Raises DatabaseUnavailableError."""
        last = select(GenerationRow.number, GenerationRow.entry_id).where(GenerationRow.tenant_id == tenant)
        owed = select(func.count(AbsenceRow.id)).where(AbsenceRow.tenant_id == tenant, AbsenceRow.entry_id.is_(None))
        with self.database.read(tenant) as connection:
            row = connection.execute(last).one_or_none()
            faces, pictures = (
                connection.execute(
                    select(func.count(func.distinct(rows.owner_id))).where(rows.tenant_id == tenant)
                ).scalar_one()
                for rows, _ in SEARCHED
            )
            left = connection.execute(owed).scalar_one()
        return GenerationStatus(row.number if row else 0, row.entry_id if row else None, faces, pictures, left)

    def _due(self) -> list[TenantId]:
        owed = select(AbsenceRow.tenant_id).where(AbsenceRow.entry_id.is_(None)).distinct()
        last = select(GenerationRow.tenant_id, GenerationRow.changes)
        changes = Counter[TenantId]()
        with self.database.read(SystemSession.SWEEP) as connection:
            for _, bank in SEARCHED:
                for row in connection.execute(select(bank.tenant_id, bank.changes)):
                    changes[row.tenant_id] += row.changes
            tenants = set(connection.execute(owed).scalars())
            committed = {row.tenant_id: row.changes for row in connection.execute(last)}
        return sorted(tenants | {one for one, count in changes.items() if count > committed.get(one, 0)})

    def _read(self, tenant: TenantId) -> _Read:
        owed = select(AbsenceRow.id).where(AbsenceRow.tenant_id == tenant, AbsenceRow.entry_id.is_(None))
        with self.database.read(tenant) as connection:
            members, changes = _searched(connection, tenant)
            left = connection.execute(owed.order_by(AbsenceRow.left_at, AbsenceRow.id).limit(BATCH)).scalars().all()
            number, committed = _last(connection, tenant)
        return _Read(number, committed, changes, members, tuple(one for one in left if one not in members))


def _searched(connection: Connection, tenant: TenantId) -> tuple[frozenset[SubjectId], int]:
    """Whose rows there are, and how often they changed."""
    members, changes = set[SubjectId](), 0
    for rows, bank in SEARCHED:
        owners = select(rows.owner_id).where(rows.tenant_id == tenant).distinct()
        members.update(connection.execute(owners).scalars())
        changes += connection.execute(select(bank.changes).where(bank.tenant_id == tenant)).scalar() or 0
    return frozenset(members), changes


def _last(connection: Connection, tenant: TenantId) -> tuple[int, int]:
    """The number of a tenant's last generation, and how often what is searched had changed; 0 before the first."""
    mine = select(GenerationRow.number, GenerationRow.changes).where(GenerationRow.tenant_id == tenant)
    row = connection.execute(mine).one_or_none()
    return (row.number, row.changes) if row else (0, 0)


def _begin(connection: Connection, tenant: TenantId, found: _Read, draft: Draft) -> None:
    new = {"number": found.number + 1, "changes": found.changes, "entry_id": draft.id}
    if found.number:
        connection.execute(update(GenerationRow).where(GenerationRow.tenant_id == tenant).values(**new))
    else:
        connection.execute(insert(GenerationRow).values(tenant_id=tenant, **new))
