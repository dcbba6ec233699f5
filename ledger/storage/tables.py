"""Every table of this package, in one place: the data map.

Rules
- `info["tenant"]`: each row belongs to one tenant, named by its column `tenant_id`; the engine's hook
  refuses statements that are not confined to it (`ledger.tenancy`).
- `info["bookkeeping"]`: rows that decide nothing; the only ones `Database.write` may change; with `info["appended"]`
  it may only add some.
- `info["appended"]`: rows that are only ever added; `info["refused"]`: what else nobody does to these rows. Grants
  hold both (`ledger.grants`), and triggers (migration 0009).
- Times are UTC milliseconds. Types are those every database has; nothing here is SQLite's alone.
- A payload's row outlives its ciphertext: after erasure `sealed` is null and the entry still proves.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Cast,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    cast,
)
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from ledger.ids import BlobId, EntryId, PrincipalId, SubjectId, TenantId

TENANT = {"tenant": True}
BOOKKEEPING = {"bookkeeping": True}
APPENDED = BOOKKEEPING | {"appended": True}


def stored_bytes(column: InstrumentedAttribute[bytes] | InstrumentedAttribute[bytes | None]) -> Cast[bytes]:
    """What a column of bytes has, for whoever must say that it was changed: SQLite keeps text there if somebody writes
    it, and then its driver gives text, or an error that names no row.
    """
    return cast(column, LargeBinary)


class PrincipalKind(StrEnum):
    """Who stands behind an actor."""

    KEY = "key"
    PERSON = "person"
    ROLE = "role"
    SYSTEM = "system"


class EpochState(StrEnum):
    """New subjects are wrapped under the open epoch; a closed one still opens; a destroyed one never does."""

    OPEN = "open"
    CLOSED = "closed"
    DESTROYED = "destroyed"


class Base(DeclarativeBase):
    """The declarative base of every package's tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[object, TypeEngine[Any]]] = {
        # SQLite's row id is its plain INTEGER, which is 64 bits wide already.
        int: BigInteger().with_variant(Integer, "sqlite"),
        str: String(),
        bytes: LargeBinary(),
        **dict.fromkeys((TenantId, PrincipalId, EntryId, SubjectId, BlobId), String()),
        **dict.fromkeys((PrincipalKind, EpochState), String()),
    }


class Tenant(Base):
    """A tenant, with the subject and the principal that stand for its system."""

    __tablename__ = "tenant"
    __table_args__ = ({"info": TENANT},)
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    name: Mapped[str]
    system_subject: Mapped[SubjectId]
    system_principal: Mapped[PrincipalId]
    created_at: Mapped[int]


class Principal(Base):
    """Who may stand behind an actor. Names lie elsewhere, sealed."""

    __tablename__ = "principal"
    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]), {"info": TENANT})
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[PrincipalId] = mapped_column(primary_key=True)
    kind: Mapped[PrincipalKind]
    created_at: Mapped[int]


class Epoch(Base):
    """An epoch data key as the key store wrapped it. The tenant's row may follow in the same transaction."""

    __tablename__ = "epoch"
    __table_args__ = ({"info": TENANT | BOOKKEEPING},)
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wrapped: Mapped[bytes]
    state: Mapped[EpochState]
    opened_at: Mapped[int]


class SubjectKey(Base):
    """A subject's key under its epoch's. Deleting this row is the erasure."""

    __tablename__ = "subject_key"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "epoch"], ["epoch.tenant_id", "epoch.number"]),
        Index(None, "tenant_id", "epoch"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[SubjectId] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    wrapped: Mapped[bytes]


class Entry(Base):
    """The log: public across tenants, written by the sequencer alone. Its key is why there can be no fork."""

    __tablename__ = "entry"
    __table_args__ = ({"info": {"appended": True}},)
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[EntryId] = mapped_column(unique=True)
    data: Mapped[bytes]


class Pending(Base):
    """Entries that are durable and wait for the leader to give them their place; on SQLite there are none."""

    __tablename__ = "pending"
    seq: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    """The order in which units of work asked; a caller's next unit comes after the one before."""

    id: Mapped[EntryId] = mapped_column(unique=True)
    kind: Mapped[str]
    policy: Mapped[str]
    commit: Mapped[str]
    actor: Mapped[str]


class Payload(Base):
    """What an entry's `commit` binds, sealed under its subject's key; null once erased."""

    __tablename__ = "payload"
    __table_args__ = (Index(None, "tenant_id", "subject_id"), {"info": TENANT | {"refused": "DELETE, TRUNCATE"}})
    entry_id: Mapped[EntryId] = mapped_column(primary_key=True)
    tenant_id: Mapped[TenantId]
    subject_id: Mapped[SubjectId]
    kind: Mapped[str]
    sealed: Mapped[bytes | None]


class Blob(Base):
    """A sealed file in the blob store."""

    __tablename__ = "blob"
    __table_args__ = (Index(None, "expires_at"), {"info": TENANT})
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[BlobId] = mapped_column(primary_key=True)
    subject_id: Mapped[SubjectId]
    size: Mapped[int]
    expires_at: Mapped[int | None]


class Tile(Base):
    """Hashes of the tree, 256 to a full tile (c2sp.org/tlog-tiles); the rightmost may be shorter."""

    __tablename__ = "tile"
    __table_args__ = ({"info": BOOKKEEPING | {"refused": "UPDATE, TRUNCATE"}},)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hashes: Mapped[bytes]


class KindTile(Base):
    """In which tiles of 256 entries there are entries of a kind under a policy: what `ledger.search` looks up."""

    __tablename__ = "kind_tile"
    __table_args__ = ({"info": BOOKKEEPING},)
    kind: Mapped[str] = mapped_column(primary_key=True)
    policy: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class KindDay(Base):
    """How many entries of a kind a day has, in UTC (`YYYY-MM-DD`): what `ledger.publishing.activity` counts."""

    __tablename__ = "kind_day"
    __table_args__ = ({"info": BOOKKEEPING},)
    kind: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(primary_key=True)
    entries: Mapped[int]


class LegalHold(Base):
    """A subject that is kept from erasure and retention by a hold of that name."""

    __tablename__ = "legal_hold"
    __table_args__ = (Index(None, "tenant_id", "subject_id"), {"info": TENANT})
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[SubjectId] = mapped_column(primary_key=True)
    placed_at: Mapped[int]


class Checkpoint(Base):
    """Every checkpoint ever signed, by tree size."""

    __tablename__ = "checkpoint"
    __table_args__ = ({"info": APPENDED},)
    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    note: Mapped[str]


class Stamp(Base):
    """A time-stamp of a checkpoint, as its authority answered; rows are only added."""

    __tablename__ = "stamp"
    __table_args__ = (ForeignKeyConstraint(["size"], ["checkpoint.size"]), {"info": APPENDED})
    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    response: Mapped[bytes]
    time: Mapped[int]
    """What it says."""


class StampRoot(Base):
    """A root that a stamp was verified under, by its SHA-256; rows are only added."""

    __tablename__ = "stamp_root"
    __table_args__ = ({"info": APPENDED},)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    pem: Mapped[str]


class Cosignature(Base):
    """What a witness signed of the checkpoint of that size: a line of its note. `witness` is its verifier key."""

    __tablename__ = "cosignature"
    __table_args__ = (Index(None, "witness", "size"), {"info": APPENDED})
    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    witness: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[str]


class Overruled(Base):
    """A tree that a witness saw, and that the log goes on without (`ledger.recovery`)."""

    __tablename__ = "overruled"
    __table_args__ = ({"info": APPENDED},)
    witness: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class LogIdentity(Base):
    """The log's one name and key, fixed once known. A single row."""

    __tablename__ = "log_identity"
    __table_args__ = ({"info": BOOKKEEPING},)
    origin: Mapped[str] = mapped_column(primary_key=True)
    vkey: Mapped[str | None]
    key_version: Mapped[int | None]
