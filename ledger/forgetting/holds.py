"""Legal holds: what lies under one is neither erased nor ended by retention.

Rules
- A hold is a name over subjects; a subject may lie under several. Whoever is refused is told the names: they name
  matters, never people.
- Placing a hold looks for the subject's key, and whatever ends a subject looks for its holds: of two units of work at
  once, one sees the other.
- Key epochs end all the same: re-wrapping destroys nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select

from ledger.errors import SubjectErasedError, SubjectHeldError
from ledger.ids import SubjectId, TenantId
from ledger.storage.tables import LegalHold, SubjectKey


def require_unheld(connection: Connection, tenant: TenantId, subject: SubjectId) -> None:
    """In the unit of work that would end it. Raises SubjectHeldError."""
    if names := _names(connection, tenant, subject):
        raise SubjectHeldError(names)


def place(connection: Connection, tenant: TenantId, name: str, subjects: Iterable[SubjectId], now: int) -> None:
    """Put these subjects under a hold, in a unit of work; those that lie under it stay so.

    Raises SubjectErasedError, naming the first that is gone.
    """
    for subject in dict.fromkeys(subjects):
        key = select(SubjectKey.id).where(SubjectKey.tenant_id == tenant, SubjectKey.id == subject)
        if connection.execute(key).scalar() is None:
            raise SubjectErasedError(f"subject {subject} is erased, or never was: nothing was put under hold")
        if name not in _names(connection, tenant, subject):
            row = {"tenant_id": tenant, "name": name, "subject_id": subject, "placed_at": now}
            connection.execute(insert(LegalHold), row)


def release(connection: Connection, tenant: TenantId, name: str) -> Sequence[SubjectId]:
    """End a hold, in a unit of work; the subjects that lay under it."""
    its = (LegalHold.tenant_id == tenant, LegalHold.name == name)
    subjects = select(LegalHold.subject_id).where(*its).order_by(LegalHold.subject_id)
    found = connection.execute(subjects).scalars().all()
    connection.execute(delete(LegalHold).where(*its))
    return found


def _names(connection: Connection, tenant: TenantId, subject: SubjectId) -> Sequence[str]:
    names = select(LegalHold.name).where(LegalHold.tenant_id == tenant, LegalHold.subject_id == subject)
    return connection.execute(names.order_by(LegalHold.name)).scalars().all()
