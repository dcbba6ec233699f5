"""What an asset was found to be, by id, for every process: sealed under its own key.

Rules
- It was found of the signed file as it was signed, or of its manifest store when its owner asked.
- It holds as `traces` has it, for KEPT at most, and only while the same code judges: what a later version would find of
  the same bytes, this one does not say.
- What cannot be read back is looked for again; what cannot be kept, as well.
- Its key and it go together (`Subjects.on_erase`).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from pydantic import AwareDatetime, TypeAdapter, ValidationError, with_config
from sqlalchemy import Connection, and_, delete, insert, select

from cases.custody.tables import TraceRow
from keys.clock import Clock, Entropy
from keys.errors import SealBrokenError
from keys.sealing import seal, unseal
from ledger.errors import DatabaseUnavailableError, SubjectErasedError
from ledger.forgetting.subjects import Subject, Subjects, check_alive
from ledger.ids import SubjectId, TenantId
from ledger.storage.database import Database
from provenance.descent import Descent
from provenance.trust import TrustPolicy

KEPT: Final = timedelta(days=30)
"""A worker that was hijacked while it looked may have lied, and the lie lasts as long."""

_JUDGES: Final = ("provenance", "keys")
_LIBRARIES: Final = ("c2pa-python", "cryptography", "rfc3161-client")


@with_config(defer_build=True)  # of a hundred types: no start waits until Pydantic knows them
@dataclass(frozen=True)
class _Found:
    judged_by: str
    since: AwareDatetime
    until: AwareDatetime
    descent: Descent


_FOUND: Final = TypeAdapter(_Found)


@dataclass(frozen=True)
class TraceRows:
    """Safe to call from many threads."""

    database: Database
    subjects: Subjects
    clock: Clock
    entropy: Entropy

    def __post_init__(self) -> None:
        judged_by()  # now: an upgrade changes the files under a process that goes on as it was

    def of(self, tenant: TenantId, asset: SubjectId, trust: TrustPolicy) -> Descent | None:
        """What an asset was found to be, if that still holds. Raises KeyStoreUnavailableError,
        DatabaseUnavailableError.
        """
        with self.database.read(tenant) as connection:
            sealed = connection.execute(select(TraceRow.sealed).where(_row(tenant, asset))).scalar()
        if sealed is None:
            return None
        try:
            subject = self.subjects.open(tenant, asset)
            found = _FOUND.validate_json(zlib.decompress(unseal(subject.key, sealed, _bound(subject))))
        except (SealBrokenError, SubjectErasedError, ValidationError, zlib.error):
            return None
        holds = found.since <= self.clock() < found.until and found.judged_by == judged_by()
        return found.descent if holds and found.descent.report.trust == trust.digest else None

    def looked(self, tenant: TenantId, asset: SubjectId, trust: TrustPolicy, look: Callable[[], Descent]) -> Descent:
        """The same, or what `look` finds, which is kept. Raises what that raises, and as `of`."""
        if (known := self.of(tenant, asset, trust)) is not None:
            return known
        found = look()
        self.keep(tenant, asset, found)
        return found

    def row(self, subject: Subject, found: Descent | None) -> Mapping[str, Any] | None:
        """What to insert of an asset in the unit of work that its key is inserted in; None of what promises nothing."""
        if found is None or found.lasts_until is None:
            return None
        now: datetime = self.clock()
        said = _Found(judged_by(), now, min(found.lasts_until, now + KEPT), found)
        packed = zlib.compress(_FOUND.dump_json(said), 1)
        sealed = seal(subject.key, packed, _bound(subject), self.entropy)
        return {"tenant_id": subject.tenant, "asset_id": subject.id, "sealed": sealed}

    def keep(self, tenant: TenantId, asset: SubjectId, found: Descent) -> None:
        """In place of what was kept of it. Raises KeyStoreUnavailableError."""
        with suppress(SubjectErasedError, DatabaseUnavailableError):
            if row := self.row(self.subjects.open(tenant, asset), found):
                self.database.write(lambda connection: _replace(connection, tenant, asset, row))

    def forget(self, connection: Connection, tenant: TenantId, subject: SubjectId) -> None:
        """Of an asset that is erased (`Subjects.on_erase`)."""
        connection.execute(delete(TraceRow).where(_row(tenant, subject)))


@cache
def judged_by() -> str:
    """The code that finds, and what it finds with: of another version nothing is believed."""
    digest = hashlib.sha256("\0".join(f"{name} {version(name)}" for name in _LIBRARIES).encode())
    for package in _JUDGES:
        _add(digest, files(package))
    return digest.hexdigest()


def _add(digest: hashlib._Hash, folder: Traversable) -> None:
    for one in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if one.is_dir():
            _add(digest, one)
        elif one.name.endswith(".py"):
            digest.update(one.read_bytes())


def _replace(connection: Connection, tenant: TenantId, asset: SubjectId, row: Mapping[str, Any]) -> None:
    check_alive(connection, [(tenant, asset)])
    connection.execute(delete(TraceRow).where(_row(tenant, asset)))
    connection.execute(insert(TraceRow), row)


def _row(tenant: TenantId, asset: SubjectId) -> Any:
    return and_(TraceRow.tenant_id == tenant, TraceRow.asset_id == asset)


def _bound(subject: Subject) -> bytes:
    return f"trace/v1/{subject.tenant}/{subject.id}".encode()
