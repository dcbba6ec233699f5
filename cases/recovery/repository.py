"""The manifest stores of what was signed here, for whoever may have them: by the label of the active manifest.

Rules
- *Public* and *unlisted* are given to anyone who has the id, *private* to its principal; what is not given does not
  exist. A held asset's is given to nobody, nor that of one that was held until its retention ended.
- A store is kept until its asset is erased, longer than the media.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, bindparam, select

from cases.access import Caller
from cases.asset import AssetId, AssetRow, Visibility, subject_id
from cases.errors import ManifestIdError, ManifestNotFoundError
from cases.manifest_stores import ManifestStoreRow, open_store, sealed_store
from cases.recovery.search import Found, asker, visible
from ledger.errors import SubjectErasedError
from ledger.forgetting.subjects import Subjects
from ledger.ids import EntryId, TenantId
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession

_ID: Final = re.compile(r"urn:(c2pa|uuid):[0-9A-Za-z:._-]{1,200}")
"""C2PA Technical Specification 2.4, "Unique identifiers"."""

_LABELLED = AssetRow.manifest_label == bindparam("label")
_ITS_STORE = and_(ManifestStoreRow.tenant_id == AssetRow.tenant_id, ManifestStoreRow.asset_id == AssetRow.id)
_GIVEN = (
    select(AssetRow.tenant_id, AssetRow.id, ManifestStoreRow.sealed)
    .join(ManifestStoreRow, _ITS_STORE)
    .where(_LABELLED, visible(Visibility.UNLISTED))
)
_PUBLIC_ENTRY = select(AssetRow.entry_id).where(_LABELLED, visible())


@dataclass(frozen=True)
class Repository:
    """Hands out manifest stores. Safe to call from many threads."""

    database: Database
    subjects: Subjects

    def store(self, label: str, caller: Caller | None) -> bytes:
        """Raises ManifestIdError, ManifestNotFoundError, KeyStoreUnavailableError, DatabaseUnavailableError."""
        if not _ID.fullmatch(label):
            raise ManifestIdError("a manifest's id is a URN: urn:c2pa:…")
        row = self.database.look(SystemSession.VERIFICATION, _GIVEN, {"label": label, **asker(caller)})
        if row is None:
            raise ManifestNotFoundError
        return self._open(TenantId(row["tenant_id"]), AssetId(row["id"]), row["sealed"])

    def entry(self, label: str) -> EntryId | None:
        """The signing's entry of a public asset. Anybody can write a label of ours into a file: it tells of the asset,
        and nothing of a file that carries it. Raises DatabaseUnavailableError.
        """
        if not _ID.fullmatch(label):
            return None
        found = self.database.look(SystemSession.VERIFICATION, _PUBLIC_ENTRY, {"label": label, **asker(None)})
        return EntryId(found["entry_id"]) if found else None

    def of(self, found: Found) -> bytes:
        """Of something that was found. Raises as `store`."""
        with self.database.read(found.tenant) as connection:
            sealed = sealed_store(connection, found.tenant, found.asset)
        if sealed is None:
            raise ManifestNotFoundError
        return self._open(found.tenant, found.asset, sealed)

    def _open(self, tenant: TenantId, asset: AssetId, sealed: bytes) -> bytes:
        try:
            return open_store(self.subjects.open(tenant, subject_id(asset)), sealed)
        except SubjectErasedError:  # since the row was read
            raise ManifestNotFoundError from None
