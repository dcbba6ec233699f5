"""Payloads: what a decision was made of, sealed under its subject's key and bound by the entry's `commit`.

Rules
- A kind is a name and a frozen dataclass; packages hand theirs over, the ledger knows none of them.
- The committed bytes are the RFC 8785 JSON of {actor, data, kind, subject}: `commit = HMAC-SHA256(salt32,
  "ledger/v1/payload" ‖ 0x00 ‖ bytes)`. The salt is sealed with them, so after erasure the commitment can be
  neither opened nor guessed.
- `actor = HMAC-SHA256(HKDF(subject key, "ledger/v1/actor"), principal id)`: comparable inside one subject
  only.
- `salt ‖ bytes` is sealed under HKDF(subject key, "ledger/v1/payload"), tenant and entry id as associated
  data.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, is_dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select

from keys.clock import Entropy
from keys.sealing import derive, seal, unseal
from ledger.canonical import canonical
from ledger.commitment import commitment
from ledger.entry import KIND, POLICY
from ledger.errors import CanonicalFormError, DraftRefusedError, EntryNotFoundError, PayloadErasedError
from ledger.forgetting.subjects import Subject, Subjects
from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId
from ledger.sequencing.chain import Unplaced
from ledger.storage.database import Database
from ledger.storage.tables import Payload, stored_bytes

SALT_BYTES = 32


@dataclass(frozen=True)
class Kind:
    """What may be recorded: a dotted `noun.verb` and the frozen dataclass of its payload."""

    name: str
    payload: type
    searched: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    """What payloads of this kind can be searched by, beside their actor: a name, and the path to its string."""

    @cached_property
    def reader(self) -> TypeAdapter[Any]:
        """Rebuilds the dataclass from what was sealed; costly to make, so made once."""
        return TypeAdapter(self.payload)


@dataclass(frozen=True)
class Draft:
    """An entry before it is sequenced. Id and salt are fixed before the unit of work, which may run twice."""

    id: EntryId
    kind: str
    policy: str
    actor: PrincipalId
    subject: Subject
    payload: object = field(repr=False)
    salt: bytes = field(repr=False)


@dataclass(frozen=True)
class SealedDraft(Unplaced):
    """A draft as it is stored: commitments and ciphertext."""

    tenant: TenantId
    subject: SubjectId
    sealed: bytes = field(repr=False)


@dataclass(frozen=True)
class Disclosed:
    """What an entry committed to, opened: with it anybody can check `commit`."""

    entry: EntryId
    salt: bytes = field(repr=False)
    payload: bytes = field(repr=False)


@dataclass(frozen=True)
class OpenedPayload:
    """What an entry bound, opened."""

    kind: str
    actor: PrincipalId
    subject: SubjectId
    payload: Any
    """An instance of the kind's dataclass."""

    commit: str
    actor_commit: str


class Payloads:
    """Sealing and opening payloads of the kinds this deployment knows."""

    def __init__(self, database: Database, subjects: Subjects, kinds: Iterable[Kind], entropy: Entropy) -> None:
        self._database = database
        self._subjects = subjects
        self._kinds = _registry(kinds)
        self._entropy = entropy

    def seal(self, draft: Draft) -> SealedDraft:
        """Commit to and seal a draft. Raises DraftRefusedError."""
        kind, payload = self._kinds.get(draft.kind), draft.payload
        if kind is None or type(payload) is not kind.payload:
            raise DraftRefusedError(f"{draft.kind!r} is not registered for {type(payload).__name__}")
        if not POLICY.fullmatch(draft.policy) or len(draft.salt) != SALT_BYTES:
            raise DraftRefusedError("a draft needs a policy `name@version` and a 32-byte salt")
        data = committed(draft)
        sealed = seal(
            _sealing_key(draft.subject),
            draft.salt + data,
            _associated(draft.subject.tenant, draft.id),
            self._entropy,
        )
        return SealedDraft(
            draft.id,
            draft.kind,
            draft.policy,
            commitment(draft.salt, data),
            actor_commitment(draft.subject, draft.actor),
            draft.subject.tenant,
            draft.subject.id,
            sealed,
        )

    def open(self, tenant: TenantId, entry_id: EntryId) -> OpenedPayload:
        """Open the payload of one of the tenant's entries.

        Raises EntryNotFoundError, PayloadErasedError, SubjectErasedError, KeyStoreUnavailableError, SealBrokenError.
        """
        subject, sealed = self._find(tenant, entry_id)
        return self.unseal(subject, entry_id, sealed)

    def disclose(self, tenant: TenantId, entry_id: EntryId) -> Disclosed:
        """Salt and payload of one of the tenant's entries. For `ledger.disclosure` alone, which records it first.

        Raises as `open`.
        """
        subject, sealed = self._find(tenant, entry_id)
        return Disclosed(entry_id, *_unsealed(subject, entry_id, sealed))

    def searched(self, kind: str) -> Mapping[str, tuple[str, ...]]:
        """What payloads of a kind can be searched by, beside their actor; nothing, of a kind not registered here."""
        found = self._kinds.get(kind)
        return found.searched if found else {}

    def unseal(self, subject: Subject, entry_id: EntryId, sealed: bytes) -> OpenedPayload:
        """Open a sealed payload with its subject's key. Raises SealBrokenError, DraftRefusedError."""
        salt, data = _unsealed(subject, entry_id, sealed)
        members = json.loads(data)
        kind = self._kinds.get(members["kind"])
        if kind is None:
            raise DraftRefusedError(f"{members['kind']!r} is not registered here")
        actor = PrincipalId(members["actor"])
        return OpenedPayload(
            kind.name,
            actor,
            SubjectId(members["subject"]),
            kind.reader.validate_python(members["data"]),
            commitment(salt, data),
            actor_commitment(subject, actor),
        )

    def _find(self, tenant: TenantId, entry_id: EntryId) -> tuple[Subject, bytes]:
        with self._database.read(tenant) as connection:
            row = connection.execute(
                select(Payload.subject_id, stored_bytes(Payload.sealed).label("sealed")).where(
                    Payload.tenant_id == tenant, Payload.entry_id == entry_id
                )
            ).one_or_none()
        if row is None:
            raise EntryNotFoundError(f"no entry {entry_id} of this tenant")
        if row.sealed is None:
            raise PayloadErasedError(f"the payload of {entry_id} was erased")
        return self._subjects.open(tenant, row.subject_id), row.sealed


def committed(draft: Draft) -> bytes:
    """The bytes that the entry's `commit` binds: RFC 8785 JSON. Raises DraftRefusedError."""
    members = {"kind": draft.kind, "actor": draft.actor, "subject": draft.subject.id}
    try:
        return canonical(members | {"data": draft.payload})
    except CanonicalFormError as error:
        raise DraftRefusedError(f"the payload of {draft.kind!r} has no canonical form: {error}") from error


def actor_commitment(subject: Subject, actor: PrincipalId) -> str:
    """The entry's `actor`: 64 hex digits."""
    return hmac.digest(derive(subject.key, "ledger/v1/actor"), actor.encode(), "sha256").hex()


def _registry(kinds: Iterable[Kind]) -> Mapping[str, Kind]:
    found: dict[str, Kind] = {}
    for kind in kinds:
        if not KIND.fullmatch(kind.name) or kind.name in found or not is_dataclass(kind.payload):
            raise DraftRefusedError(f"{kind.name!r} must be one `noun.verb` with a dataclass payload")
        found[kind.name] = kind
    return MappingProxyType(found)


def _unsealed(subject: Subject, entry_id: EntryId, sealed: bytes) -> tuple[bytes, bytes]:
    """Salt and payload."""
    opened = unseal(_sealing_key(subject), sealed, _associated(subject.tenant, entry_id))
    return opened[:SALT_BYTES], opened[SALT_BYTES:]


def _sealing_key(subject: Subject) -> bytes:
    return derive(subject.key, "ledger/v1/payload")


def _associated(tenant: TenantId, entry_id: EntryId) -> bytes:
    return f"payload/v1\0{tenant}\0{entry_id}".encode()
