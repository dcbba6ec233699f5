"""What was signed here, as an index of fingerprints follows it: along the log, which is the order of all changes.

Rules
- Nothing is stored for this: fingerprints lie in the asset's sealed details, and go with its key.
- A change is an entry that has its place in the log, and a row's number is how long the log was with it: an upload
  costs no counter that others wait for. On PostgreSQL an asset is found once the leader placed its entry, within a
  tenth of a second.
- Kinds are compared each with its own: exact content, PDQ of pictures, PDQ of frames, image codes whole and cut to 64
  bits, which is how most others exchange them, and directions by the encoder that is set.
- A row that does not open, because it is not what was stored or its tenant's key is lost, is named and passed over;
  what is not found is unknown then (`cases.recovery.search`). A key store that does not answer ends the reading.
- What is public lies apart from what only its tenant may find, and no flood of the one hides the other. An asset's
  tenant and visibility never change, so a row stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.orm import aliased

from cases.asset import AssetDetails, AssetId, AssetRow, AssetState, Visibility, open_details, subject_id
from detection.copies.fingerprint import HASH_BYTES, LEAST_QUALITY
from detection.embedding.card import ModelCard
from detection.embedding.embedding import Embedding
from detection.examination import Content
from detection.near.directions import COMPONENT_BYTES, directions
from detection.near.follower import Changed, Changes, Damaged, Kind
from detection.near.generation import Generation
from keys.errors import KeyNotFoundError, SealBrokenError
from ledger.errors import SubjectErasedError
from ledger.forgetting.subjects import Subjects
from ledger.ids import TenantId
from ledger.storage.database import Database
from ledger.storage.tables import Entry, SubjectKey
from ledger.storage.tenancy import SystemSession

CONTENT: Final = ("content", HASH_BYTES)
PDQ: Final = ("pdq", HASH_BYTES)
FRAMES: Final = ("pdq-frames", HASH_BYTES)
IMAGE_CODE: Final = ("image-code", HASH_BYTES)
SHORT_BYTES: Final = 8
SHORT_CODE: Final = ("image-code", SHORT_BYTES)
EMBEDDING: Final = "embedding"
PUBLIC: Final = ""
"""The last part of a kind, where it is no tenant's id."""

_LEAD_BYTES: Final = 16
"""Where few bits may differ, half of a fingerprint tells nearly all of them apart (`detection.near.generation`)."""


@dataclass(frozen=True)
class SignedAssets:
    """Implements `detection.near.follower.Source` over the assets of every tenant."""

    database: Database
    subjects: Subjects
    encoder: ModelCard | None = None
    """By which embeddings are compared; those of others are passed over."""

    what = "signed files"

    def counted(self) -> int:
        """How long the log is."""
        found = self.database.look(SystemSession.MATCHING, _LENGTH, {})
        return (found and found["length"]) or 0

    def changes(self, since: int, limit: int) -> Changes:
        """As `Source.changes`."""
        wanted = {"since": since, "limit": limit}
        with self.database.read(SystemSession.MATCHING) as connection:
            counted = connection.execute(_LENGTH).scalar_one() or 0
            found = connection.execute(_SIGNED, wanted).all()
            gone = connection.execute(_ERASED, wanted).scalars().all()
        rows, damaged = list[Changed](), list[Damaged]()
        for one, known in self._opened(found):
            whose = PUBLIC if one.visibility == Visibility.PUBLIC else one.tenant_id
            if known is None:
                damaged.append(Damaged(one.length, whose, one.id))
                continue
            prints = (*_fingerprints(known.upload.content), *self._directions(known.embedding))
            rows += (Changed(one.length, (*kind, whose), bits) for kind, bits in prints)
        upto = found[-1].length if len(found) == limit else counted
        return Changes(upto, counted, rows, gone, damaged=damaged)

    def mended(self, damaged: Sequence[Damaged]) -> bool:
        """Whether any of these opens after all. Raises KeyStoreUnavailableError, DatabaseUnavailableError."""
        places = [one.row - 1 for one in damaged]
        with self.database.read(SystemSession.MATCHING) as connection:
            rows = connection.execute(_ASSETS.where(Entry.index.in_(places))).all()
        return any(known is not None for _, known in self._opened(rows))

    def generation(self, kind: Kind) -> Generation:
        """As `Source.generation`."""
        name, width, _whose = kind
        if name == EMBEDDING:
            return directions(width)
        return Generation(width, _LEAD_BYTES if (name, width) in (PDQ, FRAMES, CONTENT) else width)

    def emptied(self) -> None:
        """Nothing else is kept of a kind."""

    def _opened(self, rows: Sequence[Row[Any]]) -> Iterator[tuple[Row[Any], AssetDetails | None]]:
        """None of what does not open. Of a tenant whose key is lost the key store is asked once, not for each row."""
        lost = set[TenantId]()
        for row in rows:
            known = None
            if row.tenant_id not in lost:
                try:
                    known = self._details(row)
                except KeyNotFoundError:
                    lost.add(row.tenant_id)
            yield row, known

    def _details(self, row: Row[Any]) -> AssetDetails | None:
        if row.details is None or row.wrapped is None:
            return None
        try:
            subject = self.subjects.unwrap(row.tenant_id, subject_id(AssetId(row.id)), row.epoch, row.wrapped)
            return open_details(subject, row.details)
        except (SealBrokenError, SubjectErasedError, ValidationError):
            return None

    def _directions(self, embedding: Embedding | None) -> Iterator[tuple[Kind, bytes]]:
        if self.encoder and embedding and embedding.digest == self.encoder.digest:
            yield embedding_kind(self.encoder), embedding.direction.tobytes()


def embedding_kind(encoder: ModelCard) -> tuple[str, int]:
    """Directions of one encoder."""
    return EMBEDDING, COMPONENT_BYTES * encoder.dimensions


def _fingerprints(content: Content) -> Iterator[tuple[Kind, bytes]]:
    yield CONTENT, bytes.fromhex(content.content_hash)
    seen = [bytes.fromhex(frame.pdq) for frame in content.frames if frame.quality >= LEAST_QUALITY]
    yield from ((PDQ if content.duration is None else FRAMES, frame) for frame in seen)
    if content.image_code and seen:
        code = bytes.fromhex(content.image_code)
        yield from ((IMAGE_CODE, code), (SHORT_CODE, code[:SHORT_BYTES]))


_LENGTH = select((func.max(Entry.index) + 1).label("length"))
_ITS_KEY = (SubjectKey.tenant_id == AssetRow.tenant_id) & (SubjectKey.id == AssetRow.id)
_ASSETS = (
    select((Entry.index + 1).label("length"), AssetRow.tenant_id, AssetRow.id, AssetRow.visibility, AssetRow.details)
    .add_columns(SubjectKey.epoch, SubjectKey.wrapped)
    .join(AssetRow, AssetRow.entry_id == Entry.id)
    .outerjoin(SubjectKey, _ITS_KEY)
    .where(AssetRow.state != AssetState.ERASED)
)
_SIGNED = _ASSETS.where(Entry.index >= bindparam("since")).order_by(Entry.index).limit(bindparam("limit"))
_ENDED = aliased(Entry)
_ERASED = (
    select(Entry.index + 1)
    .join(AssetRow, AssetRow.entry_id == Entry.id)
    .join(_ENDED, _ENDED.id == AssetRow.ended_entry_id)
    .where(_ENDED.index >= bindparam("since"), AssetRow.state == AssetState.ERASED)
)
