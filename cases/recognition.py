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
from cases.asset import AssetId, AssetRow, AssetState, Visibility, open_details, open_manifest, subject_id
from detection.memfd import Memfd
from ledger.errors import SubjectErasedError
from ledger.forgetting.subjects import Subjects
from ledger.ids import EntryId, TenantId
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession

# Built once: to build them for each of hundreds of files a second costs more than to run them.
_LABELLED: Final = select(
    AssetRow.tenant_id, AssetRow.id, AssetRow.entry_id, AssetRow.details, AssetRow.manifest_store
).where(AssetRow.manifest_label == bindparam("label"))
_OWN: Final = _LABELLED.where(
    AssetRow.tenant_id == bindparam("tenant"), AssetRow.principal_id == bindparam("principal")
)
_PUBLIC: Final = _LABELLED.where(AssetRow.visibility == Visibility.PUBLIC, AssetRow.state != AssetState.ERASED)


@dataclass(frozen=True)
class Recognition:
    """Finds the asset a file is, if it is one. Safe to call from many threads."""

    subjects: Subjects
    database: Database

    def own(self, caller: Caller, label: str, file: Memfd) -> AssetId | None:
        """The caller's own asset; a colleague's is nobody's. Raises KeyStoreUnavailableError."""
        wanted = {"label": label, "tenant": caller.tenant, "principal": caller.principal}
        found = self._find(caller.tenant, _OWN, wanted, file)
        return AssetId(found["id"]) if found else None

    def public(self, label: str, file: Memfd, sidecar: Memfd | None = None) -> EntryId | None:
        """The signing's entry of anyone's public asset; with a `sidecar`, that one must be ours, too.

        Raises KeyStoreUnavailableError.
        """
        found = self._find(SystemSession.VERIFICATION, _PUBLIC, {"label": label}, file, sidecar)
        return EntryId(found["entry_id"]) if found else None

    def _find(
        self,
        session: TenantId | SystemSession,
        statement: Select[TenantId, str, EntryId, bytes | None, bytes | None],
        wanted: Mapping[str, str],
        file: Memfd,
        sidecar: Memfd | None = None,
    ) -> RowMapping | None:
        with self.database.read(session) as connection:
            row = connection.execute(statement, wanted).mappings().first()
        return row if row is not None and row["details"] and self._is(row, file, sidecar) else None

    def _is(self, row: RowMapping, file: Memfd, sidecar: Memfd | None) -> bool:
        try:
            subject = self.subjects.open(TenantId(row["tenant_id"]), subject_id(AssetId(row["id"])))
        except SubjectErasedError:
            return False  # erased since the row was read
        if sidecar and sidecar.read(sidecar.size) != open_manifest(subject, row["manifest_store"]):
            return False
        digest = hashlib.sha256()
        for chunk in file.chunks():
            digest.update(chunk)
        return open_details(subject, row["details"]).signed_sha256 == digest.hexdigest()
