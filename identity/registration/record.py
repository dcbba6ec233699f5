"""A registration as it is kept: states, what is sealed of it, and how one is found.

Rules
- In the row stand ids, state and times. What the person refuses, where they are, on whose word, and how they can be
  reached is sealed under the key of the registration, which is its subject; destroying that key ends it.
- Who looks for a registration of another tenant finds none.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, RowMapping, Select, select, update

from identity.assurance.tier import Tier
from identity.errors import ShowingRefusedError
from identity.jose.jwk import PublicKey, thumbprint, write_jwk
from identity.registration.consent import Consent
from identity.registration.decisions import RegistrationMade
from identity.registration.errors import RegistrationNotFoundError
from identity.registration.refusal import Kind, Purpose, Refusal, Right
from identity.registration.tables import RegistrationRow
from keys.clock import Entropy
from keys.sealing import derive, seal, unseal
from ledger.entry import format_time
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, SubjectId, TenantId, may_be_stored


class State(StrEnum):
    """Of a registration."""

    ACTIVE = "active"
    HELD = "held"
    """A person has to look at it; it protects nobody yet."""

    LEAVING = "leaving"
    """A withdrawal was asked for with the recovery code, and takes effect after a delay; until then it protects."""

    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REFUSED = "refused"


PROTECTING: Final = (State.ACTIVE, State.LEAVING)
KEPT: Final = (*PROTECTING, State.HELD)
"""States in which there is a key, and something to match."""


@dataclass(frozen=True)
class Details:
    """What is sealed."""

    place: str
    """Where the person is: ISO 3166-1 or -2; empty where they did not say."""

    rules: str
    rules_sha256: str
    purposes: tuple[Purpose, ...]
    right: Right
    stated: str
    """The right in words, where somebody acts for another: `mother`, `agency agreement of 3 March`."""

    consent: Consent
    statement_sha256: str
    """Of the bytes agreed to, hex."""

    tier: Tier
    """Of the account, then."""

    assurance_policy: str

    model: str = ""
    """What describes the person or picture: name, version, digest."""

    given: tuple[str, ...] = ()
    """SHA-256 of each photo, or of the picture's fingerprint, hex: what was agreed to."""

    contact: str = field(default="", repr=False)
    """For notices: an address; empty for none."""

    @property
    def refusal(self) -> Refusal:
        """What is refused."""
        return Refusal(frozenset(self.purposes))


@dataclass(frozen=True)
class Registration:
    """One row, opened; `details` are None once its key is gone."""

    id: SubjectId
    account: SubjectId
    kind: Kind
    state: State
    details: Details | None
    credential: str | None
    created_at: int
    expires_at: int
    leaving_at: int | None
    entry: EntryId

    def said(self) -> RegistrationMade:
        """What its entry says, of one that has its key."""
        details = self.details
        assert details is not None
        return RegistrationMade(
            registration=self.id,
            account=self.account,
            kind=self.kind,
            place=details.place,
            rules=details.rules,
            rules_sha256=details.rules_sha256,
            refuses=tuple(details.purposes),
            right=details.right,
            tier=details.tier,
            assurance_policy=details.assurance_policy,
            consent=details.consent.text,
            consent_language=details.consent.language,
            consent_sha256=details.consent.digest,
            consent_proof=details.consent.proof,
            statement_sha256=details.statement_sha256,
            model=details.model,
            given=details.given,
            expires_at=format_time(self.expires_at),
        )


_DETAILS = TypeAdapter(Details)


def seal_details(subject: Subject, details: Details, entropy: Entropy) -> bytes:
    """Before the unit of work."""
    return seal(subject.key, _DETAILS.dump_json(details), _bound(subject), entropy)


def opened(subject: Subject, row: RowMapping) -> Registration:
    """A row that has its key. Raises SealBrokenError."""
    return _registration(row, _DETAILS.validate_json(unseal(subject.key, row["sealed"], _bound(subject))))


def ended(row: RowMapping) -> Registration:
    """A row that has none any more."""
    return _registration(row, None)


def find_row(connection: Connection, tenant: TenantId, registration: SubjectId) -> RowMapping:
    """Raises RegistrationNotFoundError."""
    mine = rows_of(tenant).where(RegistrationRow.id == registration)
    row = connection.execute(mine).mappings().one_or_none() if may_be_stored(registration) else None
    if row is None:
        raise RegistrationNotFoundError
    return row


def rows_of(tenant: TenantId) -> Select[Any]:
    """All of a tenant's."""
    return select(RegistrationRow.__table__).where(RegistrationRow.tenant_id == tenant)


def become(connection: Connection, tenant: TenantId, registration: SubjectId, **values: object) -> None:
    """Change a row in a unit of work."""
    mine = (RegistrationRow.tenant_id == tenant, RegistrationRow.id == registration)
    connection.execute(update(RegistrationRow).where(*mine).values(values))


def holder_mark(subject: Subject, key: PublicKey) -> str:
    """By which a registration knows the key that its credential is bound to, and nobody else does."""
    return hmac.digest(derive(subject.key, "registration/v1/holder"), thumbprint(write_jwk(key)), "sha256").hex()


def require_holder(connection: Connection, subject: Subject, key: PublicKey) -> None:
    """That the credential which counts is bound to this key. Raises RegistrationNotFoundError, ShowingRefusedError."""
    if find_row(connection, subject.tenant, subject.id)["holder"] != holder_mark(subject, key):
        raise ShowingRefusedError("this credential was signed anew for another key: show the newer one")


def _registration(row: RowMapping, details: Details | None) -> Registration:
    kept = {name: row[name] for name in ("created_at", "expires_at", "leaving_at")}
    ids = (SubjectId(row["id"]), SubjectId(row["account_id"]))
    return Registration(
        *ids,
        Kind(row["kind"]),
        State(row["state"]),
        details,
        row["credential_id"],
        entry=EntryId(row["entry_id"]),
        **kept,
    )


def _bound(subject: Subject) -> bytes:
    return f"registration/v1/{subject.tenant}/{subject.id}/details".encode()
