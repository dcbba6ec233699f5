"""What was signed here, as an index of fingerprints follows it: along the log, which is the order of all changes.

Rules
- Nothing is stored for this: fingerprints lie in the asset's sealed details, and go with its key.
- A change is an entry that has its place in the log, and a row's number is how long the log was with it: an upload
  costs no counter that others wait for. On PostgreSQL an asset is found once the leader placed its entry, within a
  tenth of a second.
- Kinds are compared each with its own: exact content, PDQ of pictures, PDQ of frames, image codes whole and cut to 64
  bits, which is how most others exchange them, and directions by the encoder that is set.
- What is public lies apart from what only its tenant may find, and no flood of the one hides the other. An asset's
  tenant and visibility never change, so a row stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import aliased

from cases.asset import AssetId, AssetRow, AssetState, Visibility, open_details, subject_id
from detection.copies.fingerprint import HASH_BYTES, LEAST_QUALITY
from detection.embedding.card import ModelCard
from detection.embedding.embedding import Embedding
from detection.examination import Content
from detection.near.directions import COMPONENT_BYTES, directions
from detection.near.follower import Changed, Changes, Kind
from detection.near.generation import Generation
from ledger.forgetting.subjects import Subjects
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
        with self.database.read(SystemSession.MATCHING) as connection:
            return connection.execute(_LENGTH).scalar_one() or 0

    def changes(self, since: int, limit: int) -> Changes:
        """As `Source.changes`."""
        wanted = {"since": since, "limit": limit}
        with self.database.read(SystemSession.MATCHING) as connection:
            counted = connection.execute(_LENGTH).scalar_one() or 0
            found = connection.execute(_SIGNED, wanted).all()
            gone = connection.execute(_ERASED, wanted).scalars().all()
        rows = list[Changed]()
        for length, tenant, asset, visibility, details, epoch, wrapped in found:
            assert details is not None  # as asked
            subject = self.subjects.unwrap(tenant, subject_id(AssetId(asset)), epoch, wrapped)
            known = open_details(subject, details)
            whose = PUBLIC if visibility == Visibility.PUBLIC else tenant
            prints = (*_fingerprints(known.upload.content), *self._directions(known.embedding))
            rows += (Changed(length, (*kind, whose), bits) for kind, bits in prints)
        return Changes(found[-1][0] if len(found) == limit else counted, counted, rows, gone)

    def generation(self, kind: Kind) -> Generation:
        """As `Source.generation`."""
        name, width, _whose = kind
        if name == EMBEDDING:
            return directions(width)
        return Generation(width, _LEAD_BYTES if (name, width) in (PDQ, FRAMES, CONTENT) else width)

    def emptied(self) -> None:
        """Nothing else is kept of a kind."""

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


_LENGTH = select(func.max(Entry.index) + 1)
_ITS_KEY = (SubjectKey.tenant_id == AssetRow.tenant_id) & (SubjectKey.id == AssetRow.id)
_SIGNED = (
    select(Entry.index + 1, AssetRow.tenant_id, AssetRow.id, AssetRow.visibility, AssetRow.details)
    .add_columns(SubjectKey.epoch, SubjectKey.wrapped)
    .join(AssetRow, AssetRow.entry_id == Entry.id)
    .join(SubjectKey, _ITS_KEY)
    .where(Entry.index >= bindparam("since"), AssetRow.details.is_not(None))
    .order_by(Entry.index)
    .limit(bindparam("limit"))
)
_ENDED = aliased(Entry)
_ERASED = (
    select(Entry.index + 1)
    .join(AssetRow, AssetRow.entry_id == Entry.id)
    .join(_ENDED, _ENDED.id == AssetRow.ended_entry_id)
    .where(_ENDED.index >= bindparam("since"), AssetRow.state == AssetState.ERASED)
)
