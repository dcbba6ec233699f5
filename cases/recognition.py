"""Is this file one that was signed here? By the label of its manifest, and then by its very bytes.

A label can be copied into any file, and a signer whom somebody trusts can write ours. So a label only finds the
row: the file is ours when its SHA-256, worked out by this process and by no worker, is the one we handed out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import RowMapping, Select, bindparam, select

from cases.access import Caller
from cases.asset import AssetId, AssetRow, AssetState, Visibility, open_details, subject_id
from cases.manifest_stores import open_store, sealed_store
from detection.memfd import Memfd
from ledger.errors import SubjectErasedError
from ledger.forgetting.subjects import Subject, Subjects
from ledger.ids import EntryId, SubjectId, TenantId
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession

# Built once: to build them for each of hundreds of files a second costs more than to run them.
_LABELLED: Final = select(AssetRow.tenant_id, AssetRow.id, AssetRow.entry_id, AssetRow.details).where(
    AssetRow.manifest_label == bindparam("label")
)
_OWN: Final = _LABELLED.where(
    AssetRow.tenant_id == bindparam("tenant"), AssetRow.principal_id == bindparam("principal")
)
_PUBLIC: Final = _LABELLED.where(AssetRow.visibility == Visibility.PUBLIC, AssetRow.state != AssetState.ERASED)


@dataclass(frozen=True)
class Recognised:
    """A file that was signed here."""

    tenant: TenantId
    entry: EntryId
    """Of the signing."""

    account: SubjectId
    """Who made it, as its tool says; empty where it does not."""


@dataclass(frozen=True)
class Recognition:
    """Finds the asset a file is, if it is one. Safe to call from many threads."""

    subjects: Subjects
    database: Database

    def own(self, caller: Caller, label: str, file: Memfd) -> AssetId | None:
        """The caller's own asset; a colleague's is nobody's. Raises KeyStoreUnavailableError."""
        wanted = {"label": label, "tenant": caller.tenant, "principal": caller.principal}
        found = self._find(caller.tenant, _OWN, wanted, file)
        return AssetId(found[0]["id"]) if found else None

    def public(self, label: str, file: Memfd, sidecar: Memfd | None = None) -> Recognised | None:
        """Anyone's public asset; with a `sidecar`, that one must be ours, too.

        Raises KeyStoreUnavailableError.
        """
        found = self._find(SystemSession.VERIFICATION, _PUBLIC, {"label": label}, file, sidecar)
        return found[1] if found else None

    def _find(
        self,
        session: TenantId | SystemSession,
        statement: Select[TenantId, str, EntryId, bytes | None],
        wanted: Mapping[str, str],
        file: Memfd,
        sidecar: Memfd | None = None,
    ) -> tuple[RowMapping, Recognised] | None:
        row = self.database.look(session, statement, wanted)
        found = self._recognised(row, file, sidecar) if row is not None and row["details"] else None
        return (row, found) if row is not None and found else None

    def _recognised(self, row: RowMapping, file: Memfd, sidecar: Memfd | None) -> Recognised | None:
        tenant = TenantId(row["tenant_id"])
        try:
            subject = self.subjects.open(tenant, subject_id(AssetId(row["id"])))
        except SubjectErasedError:
            return None  # erased since the row was read
        if sidecar and sidecar.read(sidecar.size) != self._store(subject):
            return None
        digest = hashlib.sha256()
        for chunk in file.chunks():
            digest.update(chunk)
        known = open_details(subject, row["details"])
        ours = known.signed_sha256 == digest.hexdigest()
        return Recognised(tenant, EntryId(row["entry_id"]), SubjectId(known.account)) if ours else None

    def _store(self, subject: Subject) -> bytes | None:
        with self.database.read(subject.tenant) as connection:
            sealed = sealed_store(connection, subject.tenant, subject.id)
        return open_store(subject, sealed) if sealed else None
