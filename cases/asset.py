"""An asset: what was signed, for whom, and what of it is still kept.

Rules
- A held asset is signed and kept like any other, and its file and manifest are given to nobody (`cases.likeness`).
- The asset is a subject of its own: its id is its subject's id, and everything that describes the file is sealed
  under that subject's key. In clear stand only random ids, a state and times.
- Erased means: no key, no ciphertext, no manifest label. The row stays as a tombstone so that a child's custody
  still says "the parent was erased".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

from pydantic import TypeAdapter, with_config
from sqlalchemy import Connection, ForeignKeyConstraint, Index, RowMapping, bindparam, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from cases.decisions import ParentFinding
from cases.errors import AssetNotFoundError
from cases.likeness.findings import Circumstances
from cases.manifest_stores import ManifestStoreRow, drop_store, seal_store
from detection.embedding.embedding import Embedding
from detection.examination import Examination
from keys.clock import Entropy
from keys.sealing import seal, unseal
from ledger.forgetting.subjects import Subject
from ledger.ids import BlobId, EntryId, PrincipalId, SubjectId, TenantId, may_be_stored, new_id
from ledger.storage.tables import TENANT, Base
from provenance.confidence.score import Confidence
from provenance.marking import Marking
from provenance.report import TimeStamp

AssetId = NewType("AssetId", str)


class AssetState(StrEnum):
    """What is still kept."""

    SIGNED = "signed"
    """Everything."""

    HELD = "held"
    """Everything, and the file is not given out: a person decides."""

    EXPIRED = "expired"
    """All but the media."""

    ERASED = "erased"
    """Nothing but the tombstone and the ledger entries."""


WITH_MEDIA: Final = (AssetState.SIGNED, AssetState.HELD)


class HeldFor(StrEnum):
    """Why an asset is not given out, as its uploader is told: not whom it may show, nor how sure that is."""

    REVIEW = "likeness-review"
    """Made or altered, and it may show somebody who refuses to be imitated."""

    UNCHECKED = "likeness-unchecked"
    """Made or altered, and whether it shows such a person could not be told yet."""


class Visibility(StrEnum):
    """Who may learn of the asset (docs/privacy.md)."""

    PUBLIC = "public"
    """Anyone who presents a matching file or the id."""

    UNLISTED = "unlisted"
    """Anyone who has the id."""

    PRIVATE = "private"
    """The owner."""


class AssetRow(Base):
    """One asset. The sealed column and the label are null once it is erased."""

    __tablename__ = "asset"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "principal_id"], ["principal.tenant_id", "principal.id"]),
        Index(None, "manifest_label"),
        Index(None, "entry_id"),
        Index(None, "ended_entry_id"),
        Index(None, "state", "expires_at"),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    principal_id: Mapped[PrincipalId]
    """Who owns it."""

    brought_by: Mapped[PrincipalId | None]
    """Who uploaded it, whoever owns it now; null of assets from before that could differ."""

    state: Mapped[str]
    visibility: Mapped[str]
    created_at: Mapped[int]
    expires_at: Mapped[int]
    entry_id: Mapped[EntryId]
    ended_entry_id: Mapped[EntryId | None]
    parent_id: Mapped[str | None]
    blob_id: Mapped[BlobId | None]
    held_for: Mapped[str | None]
    """Null unless it is held, or was when its retention ended."""

    manifest_label: Mapped[str | None]
    details: Mapped[bytes | None]


@with_config(defer_build=True)  # of a hundred types: no start waits until Pydantic knows them
@dataclass(frozen=True)
class AssetDetails:
    """What describes the file; sealed under the asset's key."""

    upload: Examination
    """What was found of the file as it came."""

    signed_bytes: int
    signed_sha256: str
    title: str
    tool: str
    key: str
    parent: ParentFinding | None
    time_stamp: TimeStamp | None = None
    """None of assets from before there were any, too."""

    manifest_sha256: str | None = None
    """Of the manifest's box (`provenance.boxes`): tells it again in the history of whatever is made from it."""

    circumstances: Circumstances | None = None
    """How it came, for whoever registers later: None of assets from before that was kept."""

    confidence: Confidence | None = None
    """How sure we were of it when it was signed; None of assets from before, as the next."""

    marking: Marking | None = None
    account: str = ""
    """Who made it, as its tool says; empty where it does not."""

    embedding: Embedding | None = None
    """Of a single picture, by the encoder that was set then; None where none was."""


@dataclass(frozen=True)
class Asset:
    """A row, opened as far as it still can be."""

    id: AssetId
    tenant: TenantId
    principal: PrincipalId
    """Who owns it."""

    state: AssetState
    visibility: Visibility
    created_at: int
    """Unix milliseconds, like every time here."""

    expires_at: int
    entry: EntryId
    ended_entry: EntryId | None
    parent: AssetId | None
    blob: BlobId | None
    manifest_label: str | None
    details: AssetDetails | None
    held_for: HeldFor | None = None
    brought_by: PrincipalId | None = None
    """Who uploaded it, whoever owns it now."""


_DETAILS = TypeAdapter(AssetDetails)
_ROW = select(AssetRow.__table__).where(AssetRow.tenant_id == bindparam("tenant"), AssetRow.id == bindparam("asset"))


def new_asset_id(entropy: Entropy) -> AssetId:
    """A fresh random id."""
    return AssetId(new_id("ast", entropy))


def insert_assets(connection: Connection, made: Sequence[tuple[Asset, Sealed]]) -> None:
    """Write the rows of new assets; inside a unit of work."""
    connection.execute(insert(AssetRow), [_row(asset, sealed.details) for asset, sealed in made])
    stores = [
        {"tenant_id": asset.tenant, "asset_id": asset.id, "sealed": sealed.manifest_store} for asset, sealed in made
    ]
    connection.execute(insert(ManifestStoreRow), stores)


def _row(asset: Asset, details: bytes) -> dict[str, object]:
    return {
        "id": asset.id,
        "tenant_id": asset.tenant,
        "principal_id": asset.principal,
        "brought_by": asset.principal,
        "state": asset.state,
        "visibility": asset.visibility,
        "created_at": asset.created_at,
        "expires_at": asset.expires_at,
        "entry_id": asset.entry,
        "parent_id": asset.parent,
        "blob_id": asset.blob,
        "manifest_label": asset.manifest_label,
        "details": details,
    }


@dataclass(frozen=True)
class Sealed:
    """What is kept sealed of one, made before the unit of work begins."""

    details: bytes
    manifest_store: bytes

    @classmethod
    def of(cls, subject: Subject, details: AssetDetails, manifest_store: bytes, entropy: Entropy) -> Sealed:
        """Seal both under the asset's own key."""
        return cls(
            seal(subject.key, _DETAILS.dump_json(details), _bound(subject), entropy),
            seal_store(subject, manifest_store, entropy),
        )


def open_details(subject: Subject, sealed: bytes) -> AssetDetails:
    """Open the sealed description. Raises SealBrokenError."""
    return _DETAILS.validate_json(unsealed_details(subject, sealed))


def unsealed_details(subject: Subject, sealed: bytes) -> bytes:
    """The same as the JSON it is, for who reads little of it. Raises SealBrokenError."""
    return unseal(subject.key, sealed, _bound(subject))


def find_row(connection: Connection, tenant: TenantId, asset: AssetId) -> RowMapping:
    """The row of one asset of this tenant. Raises AssetNotFoundError."""
    wanted = {"tenant": tenant, "asset": asset}
    row = connection.execute(_ROW, wanted).mappings().one_or_none() if may_be_stored(asset) else None
    if row is None:
        raise AssetNotFoundError(f"there is no asset {asset}")
    return row


def mark_held(connection: Connection, tenant: TenantId, asset: AssetId, why: HeldFor) -> None:
    """It is not given out from now on, or for another reason than before."""
    _change(connection, tenant, asset, state=AssetState.HELD, held_for=why)


def mark_released(connection: Connection, tenant: TenantId, asset: AssetId) -> None:
    """It is given out from now on."""
    _change(connection, tenant, asset, state=AssetState.SIGNED, held_for=None)


def mark_handed_over(connection: Connection, tenant: TenantId, asset: AssetId, owner: PrincipalId) -> None:
    """Somebody else owns it from now on."""
    _change(connection, tenant, asset, principal_id=owner)


def mark_expired(connection: Connection, tenant: TenantId, asset: AssetId, entry: EntryId) -> None:
    """The media are gone; the record stays, and why it was held, where it was: its manifest is still not given out."""
    _change(connection, tenant, asset, state=AssetState.EXPIRED, blob_id=None, ended_entry_id=entry)


def mark_erased(connection: Connection, tenant: TenantId, asset: AssetId, entry: EntryId) -> None:
    """Leave the tombstone alone."""
    ended = {"state": AssetState.ERASED, "held_for": None, "blob_id": None, "ended_entry_id": entry}
    _change(connection, tenant, asset, **ended, manifest_label=None, details=None)
    drop_store(connection, tenant, asset)


def asset_of(r: RowMapping, details: AssetDetails | None) -> Asset:
    """The typed asset of a row and its opened details."""
    return Asset(
        AssetId(r["id"]),
        TenantId(r["tenant_id"]),
        PrincipalId(r["principal_id"]),
        AssetState(r["state"]),
        Visibility(r["visibility"]),
        r["created_at"],
        r["expires_at"],
        EntryId(r["entry_id"]),
        EntryId(r["ended_entry_id"]) if r["ended_entry_id"] else None,
        AssetId(r["parent_id"]) if r["parent_id"] else None,
        BlobId(r["blob_id"]) if r["blob_id"] else None,
        r["manifest_label"],
        details,
        HeldFor(r["held_for"]) if r["held_for"] else None,
        PrincipalId(r["brought_by"]) if r["brought_by"] else None,
    )


def _change(connection: Connection, tenant: TenantId, asset: AssetId, **values: object) -> None:
    mine = (AssetRow.tenant_id == tenant, AssetRow.id == asset)
    connection.execute(update(AssetRow).where(*mine).values(**values))


def _bound(subject: Subject) -> bytes:
    return f"asset/v1/{subject.tenant}/{subject.id}/details".encode()


def subject_id(asset: AssetId) -> SubjectId:
    """An asset's subject bears the asset's own id."""
    return SubjectId(asset)
