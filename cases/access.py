"""Who may do what: principals hold API keys, and every key says which tool and source types it may assert.

Rules
- A key is `sgk_<id>_<secret>`; the secret is 256 random bits, shown once and kept as its SHA-256 (nothing slower
  is needed against guessing 256 bits).
- Unknown, malformed and revoked keys answer alike.
- A grant binds the principal behind the key: a claim may not name another tool or a source type not granted.
- Nobody hands on more than they hold: neither a scope nor a source type, nor another tool or principal.
- A key revoked while its request is under way changes nothing: units of work look again.
- A person who is signed in (`identity.passkeys`) has no key: their token reaches their own account, and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NewType

from sqlalchemy import Connection, ForeignKeyConstraint, Index, RowMapping, bindparam, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from cases.decisions import ACCESS_POLICY, KEY_ISSUED, KEY_REVOKED, KeyIssued, KeyRevoked
from cases.errors import (
    ApiKeyNotFoundError,
    GrantTooWideError,
    PrincipalNotFoundError,
    ScopeMissingError,
    UnknownKeyError,
)
from identity.assurance.errors import AccountNotFoundError
from identity.passkeys.tokens import Person, require_signed_in
from keys.clock import Clock, Entropy
from ledger.ids import PrincipalId, SubjectId, TenantId, milliseconds, new_id
from ledger.log import Ledger
from ledger.payload import Draft, Kind
from ledger.storage.database import Database
from ledger.storage.tables import TENANT, Base, Principal, PrincipalKind
from ledger.storage.tenancy import SystemSession
from provenance.request import Grant
from provenance.vocabulary import DigitalSourceType

ApiKeyId = NewType("ApiKeyId", str)

PREFIX = "sgk"


class Scope(StrEnum):
    """What a key may do."""

    SIGN = "assets:sign"
    SIGN_CLAIMS = "claims:sign"
    """To have claims signed whose content stays with the tool: nobody here sees what they are over."""

    READ = "assets:read"
    ERASE = "assets:erase"
    AUDIT = "ledger:audit"
    """A regulator's: to search the ledger and to open payloads of the tenant, each opening on record."""

    ISSUE = "credentials:issue"
    """To have credentials issued, in the deployment's name, and to offer them to wallets."""

    LIKENESS_CHECK = "likeness:check"
    """A vetted creation tool's: to ask, before generating, whether somebody may be imitated."""

    REGISTER = "registrations:write"
    """A platform's: to register what the holders of its accounts refuse."""

    REGISTRATIONS_READ = "registrations:read"
    REVIEW = "registrations:review"
    """To decide about registrations that a person has to look at."""

    PRESENT = "presentations:request"
    """To ask wallets how old somebody is, and to learn the answers to that."""

    REVOKE = "credentials:revoke"
    """To revoke, suspend and reinstate the tenant's credentials."""

    HOLD = "holds:admin"
    """To place and release legal holds."""

    ASSURANCE_GRANT = "assurance:grant"
    """A platform's: to open accounts, gather evidence for them, and withdraw it."""

    ASSURANCE_READ = "assurance:read"
    """To see how accounts stand, and to have it stated."""

    ASSURANCE_ERASE = "assurance:erase"

    DEPICTED = "depictions:judge"
    """To have it found out whether the holder of an account is who a picture shows."""

    PERSON = "self"
    """A person's own: what concerns the account that they are signed in to. No key has it."""

    ACCESS = "access:admin"
    DEPLOYMENT = "deployment:admin"
    """Tenants. The operator's alone."""


ASSET_SCOPES = frozenset({Scope.SIGN, Scope.READ, Scope.ERASE})
"""What a creation tool's key gets unless told otherwise."""


NO_TOOL = ""
"""What the key of somebody names who signs nothing, such as a regulator."""

GRANTABLE = frozenset(Scope) - {Scope.DEPLOYMENT, Scope.PERSON}
"""What a key can hold at all."""

OPERATORS = frozenset(Scope) - {Scope.PERSON}
"""What the operator may do."""


class ApiKeyRow(Base):
    """One API key."""

    __tablename__ = "api_key"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "principal_id"], ["principal.tenant_id", "principal.id"]),
        Index(None, "id", unique=True),
        {"info": TENANT},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    principal_id: Mapped[PrincipalId]
    digest: Mapped[str]
    scopes: Mapped[str]
    tool: Mapped[str]
    source_types: Mapped[str]
    models: Mapped[str]
    assertions: Mapped[str]
    created_at: Mapped[int]
    revoked_at: Mapped[int | None]


# Built once: each request asks.
_KEY: Final = select(ApiKeyRow.__table__).where(ApiKeyRow.id == bindparam("key"))
_REVOKED: Final = select(ApiKeyRow.revoked_at).where(
    ApiKeyRow.tenant_id == bindparam("tenant"), ApiKeyRow.id == bindparam("key")
)


@dataclass(frozen=True)
class Caller:
    """An authenticated principal and what it may do."""

    tenant: TenantId
    principal: PrincipalId
    scopes: frozenset[Scope]
    grant: Grant
    key: ApiKeyId | None = None
    """The API key it came with; None for the operator, and for a person."""

    person: Person | None = None
    """Who is signed in, where it is a person."""

    standing: Callable[[Connection], None] | None = field(default=None, compare=False, repr=False)
    """Asked in each unit of work of somebody of the staff (`cases.staff`); raises when they are not, any more."""

    behind: SubjectId | None = None
    """Of somebody of the staff, their own account: about what is of that they do not decide."""

    @property
    def account(self) -> SubjectId | None:
        """The account that it acts for and no other; None for an API key, which names one."""
        return self.person.account if self.person else None

    def require_for(self, account: SubjectId, scope: Scope) -> None:
        """That it may do so with this account: a person with their own, a key with the scope.

        Raises ScopeMissingError, AccountNotFoundError for another's, of which nobody learns whether it is there.
        """
        if self.account is None:
            self.require(scope)
        elif self.account != account:
            raise AccountNotFoundError

    def require_self_or(self, scope: Scope) -> None:
        """That it is a person, or a key with the scope. Raises ScopeMissingError."""
        if self.account is None:
            self.require(scope)

    def require(self, scope: Scope) -> None:
        """Raises ScopeMissingError."""
        if scope not in self.scopes:
            raise ScopeMissingError(scope)


def require_alive(connection: Connection, caller: Caller) -> None:
    """Inside a unit of work: a key revoked, a person signed out, or one of the staff removed, while the request was
    under way, changes nothing.

    Raises UnknownKeyError, SignedOutError, StaffRemovedError.
    """
    if caller.standing is not None:
        caller.standing(connection)
    if caller.person is not None:
        require_signed_in(connection, caller.person)
    if caller.key is not None:
        require_key_alive(connection, caller.tenant, caller.key)


def require_key_alive(connection: Connection, tenant: TenantId, key: ApiKeyId) -> None:
    """The same for a key that is not calling itself. Raises UnknownKeyError."""
    row = connection.execute(_REVOKED, {"tenant": tenant, "key": key}).one_or_none()
    if row is None or row.revoked_at is not None:
        raise UnknownKeyError


def person_caller(person: Person) -> Caller:
    """Somebody who is signed in, as a caller: they speak for no tool."""
    scopes = frozenset({Scope.PERSON})
    return Caller(person.tenant, person.principal, scopes, Grant(NO_TOOL, frozenset()), person=person)


@dataclass(frozen=True)
class ApiKey:
    """A key as operators see it: never its secret."""

    id: ApiKeyId
    caller: Caller
    created_at: int
    revoked_at: int | None


@dataclass(frozen=True)
class IssuedKey:
    """A key at the one moment its secret is known."""

    key: ApiKey
    token: str = field(repr=False)


@dataclass(frozen=True)
class Access:
    """Issues, revokes and recognises API keys."""

    ledger: Ledger
    database: Database
    clock: Clock
    entropy: Entropy

    def issue(
        self, by: Caller, scopes: Iterable[Scope], grant: Grant, principal: PrincipalId | None = None
    ) -> IssuedKey:
        """A new key in the caller's tenant, for a new principal or for one that has keys already.

        Raises GrantTooWideError, PrincipalNotFoundError, KeyStoreUnavailableError.
        """
        scopes = frozenset(scopes)
        _check_narrower(by, scopes, grant, principal)
        who = principal or PrincipalId(new_id("prn", self.entropy))
        secret = self.entropy(32).hex()
        key_id = ApiKeyId(new_id("key", self.entropy))
        key = ApiKey(key_id, Caller(by.tenant, who, scopes, grant, key_id), self._now(), None)
        draft = self._draft(by, KEY_ISSUED, _issued(key))

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            if principal is None:
                connection.execute(insert(Principal).values(principal_row(by.tenant, who, key.created_at)))
            elif not _holds_keys(connection, by.tenant, who):
                raise PrincipalNotFoundError(f"there is no principal {who} that holds API keys in this tenant")
            connection.execute(insert(ApiKeyRow).values(_row(key, _digest(secret))))
            return [draft]

        self.ledger.record(work, by.tenant)
        return IssuedKey(key, f"{PREFIX}_{key.id.removeprefix('key_')}_{secret}")

    def revoke(self, by: Caller, key: ApiKeyId) -> None:
        """The key stops working at once. Raises ApiKeyNotFoundError; revoking twice is not an error."""
        found = next((k for k in self.all(by) if k.id == key), None)
        if found is None:
            raise ApiKeyNotFoundError(f"there is no API key {key} in this tenant")
        draft = self._draft(by, KEY_REVOKED, KeyRevoked(key, found.caller.principal))

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            changed = connection.execute(
                update(ApiKeyRow)
                .where(ApiKeyRow.tenant_id == by.tenant, ApiKeyRow.id == key, ApiKeyRow.revoked_at.is_(None))
                .values(revoked_at=self._now())
            )
            return [draft] if changed.rowcount else []

        self.ledger.record(work, by.tenant)

    def all(self, by: Caller) -> list[ApiKey]:
        """Every key of the caller's tenant, oldest first."""
        with self.database.read(by.tenant) as connection:
            rows = connection.execute(
                select(ApiKeyRow.__table__)
                .where(ApiKeyRow.tenant_id == by.tenant)
                .order_by(ApiKeyRow.created_at, ApiKeyRow.id)
            )
            return [_key_of(row) for row in rows.mappings()]

    def authenticate(self, token: str) -> Caller:
        """The caller behind a token. Raises UnknownKeyError."""
        prefix, _, rest = token.partition("_")
        key, _, secret = rest.partition("_")
        row = self.database.look(SystemSession.AUTHENTICATION, _KEY, {"key": f"key_{key}"})
        stored = row["digest"] if row else _digest("")
        same = hmac.compare_digest(stored, _digest(secret))
        if row is None or not same or prefix != PREFIX or row["revoked_at"] is not None:
            raise UnknownKeyError
        return _key_of(row).caller

    def _draft(self, by: Caller, kind: Kind, payload: object) -> Draft:
        system = self.ledger.subjects.system(by.tenant)
        return self.ledger.draft(kind.name, ACCESS_POLICY, by.principal, system, payload)

    def _now(self) -> int:
        return milliseconds(self.clock())


def principal_row(
    tenant: TenantId, principal: PrincipalId, now: int, kind: PrincipalKind = PrincipalKind.KEY
) -> dict[str, object]:
    """The row of a new principal."""
    return {"tenant_id": tenant, "id": principal, "kind": kind, "created_at": now}


def _check_narrower(by: Caller, scopes: frozenset[Scope], grant: Grant, principal: PrincipalId | None) -> None:
    """Raises GrantTooWideError unless all of it is the caller's own to hand on; tools and principals are the
    operator's.
    """
    wider: list[str] = [*(scopes - (by.scopes & GRANTABLE)), *(grant.source_types - by.grant.source_types)]
    if Scope.DEPLOYMENT not in by.scopes:
        wider += [*(grant.models - by.grant.models), *(grant.assertions - by.grant.assertions)]
        wider += [f"the tool {grant.tool!r}"] if grant.tool not in {NO_TOOL, by.grant.tool} else []
        wider += [f"the principal {principal}"] if principal not in {None, by.principal} else []
    if wider:
        raise GrantTooWideError(sorted(wider))


def _holds_keys(connection: Connection, tenant: TenantId, principal: PrincipalId) -> bool:
    """Whether it is a principal made for API keys: the operator's and the system's get none."""
    mine = select(Principal.id).where(
        Principal.tenant_id == tenant, Principal.id == principal, Principal.kind == PrincipalKind.KEY
    )
    return connection.execute(mine).scalar() is not None


def keyless(connection: Connection, tenant: TenantId, principal: PrincipalId) -> bool:
    """Whether it is a principal made for API keys, all of which are revoked."""
    alive = (ApiKeyRow.tenant_id == tenant, ApiKeyRow.principal_id == principal, ApiKeyRow.revoked_at.is_(None))
    if connection.execute(select(ApiKeyRow.id).where(*alive).limit(1)).scalar() is not None:
        return False
    return _holds_keys(connection, tenant, principal)


def _issued(key: ApiKey) -> KeyIssued:
    held = key.caller
    scopes, sources = sorted(held.scopes), sorted(held.grant.source_types)
    models, assertions = sorted(held.grant.models), sorted(held.grant.assertions)
    return KeyIssued(
        key.id, held.principal, tuple(scopes), held.grant.tool, tuple(sources), tuple(models), tuple(assertions)
    )


def _row(key: ApiKey, digest: str) -> dict[str, object]:
    held = key.caller
    return {
        "id": key.id,
        "tenant_id": held.tenant,
        "principal_id": held.principal,
        "digest": digest,
        "scopes": json.dumps(sorted(held.scopes)),
        "tool": held.grant.tool,
        "source_types": json.dumps(sorted(held.grant.source_types)),
        "models": json.dumps(sorted(held.grant.models)),
        "assertions": json.dumps(sorted(held.grant.assertions)),
        "created_at": key.created_at,
    }


def _key_of(row: RowMapping) -> ApiKey:
    scopes = frozenset(map(Scope, json.loads(row["scopes"])))
    sources = frozenset(map(DigitalSourceType, json.loads(row["source_types"])))
    models, assertions = (frozenset(json.loads(row[column])) for column in ("models", "assertions"))
    grant = Grant(row["tool"], sources, models, assertions)
    key = ApiKeyId(row["id"])
    held = Caller(TenantId(row["tenant_id"]), PrincipalId(row["principal_id"]), scopes, grant, key)
    return ApiKey(key, held, row["created_at"], row["revoked_at"])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
