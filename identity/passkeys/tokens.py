"""Person tokens: a prefix and 256 random bits, kept as their SHA-256 alone.

A program's (`sgp_`) is good for an hour. A browser's (`sgs_`), in a cookie, is a session (`api.web.sessions`): it goes
on while it is used, until it has lasted for a working day. Neither is taken for the other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from identity.assurance.tables import AccountRow
from identity.passkeys.errors import SignedOutError, SignInAgainError
from identity.passkeys.tables import PersonTokenRow
from keys.clock import Clock, Entropy
from ledger.ids import PrincipalId, SubjectId, TenantId, milliseconds
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession

RECENT: Final = timedelta(minutes=10)
"""How long ago one may have signed in for what a stolen token must not do: change passkeys, erase the account."""

_SECRET_BYTES: Final = 32


@dataclass(frozen=True)
class Span:
    """What somebody is signed in by, and how long."""

    prefix: str
    idle: timedelta
    """Without using it."""

    whole: timedelta


TOKEN: Final = Span("sgp_", timedelta(hours=1), timedelta(hours=1))
SESSION: Final = Span("sgs_", timedelta(minutes=30), timedelta(hours=8))
NOTED: Final = timedelta(minutes=1)
"""Use is noted so seldom: a page that is looked at writes nothing."""


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    tenant: TenantId
    principal: PrincipalId
    account: SubjectId
    passkey: str
    """That they signed in with; empty where they did at an identity provider."""

    digest: str = field(repr=False)
    """SHA-256 of the token, hex."""

    signed_in_at: int
    expires_at: int
    ends_at: int


@dataclass(frozen=True)
class Token:
    """One at the only moment its secret is known."""

    text: str = field(repr=False)
    issued_at: int
    expires_at: int
    ends_at: int


def new_token(clock: Clock, entropy: Entropy, span: Span) -> Token:
    """Before the unit of work that inserts it."""
    now = clock()
    times = map(milliseconds, (now, now + span.idle, now + span.whole))
    return Token(span.prefix + entropy(_SECRET_BYTES).hex(), *times)


def insert_token(connection: Connection, tenant: TenantId, account: SubjectId, passkey: str, token: Token) -> None:
    """In a unit of work."""
    row = {"tenant_id": tenant, "account_id": account, "passkey_id": passkey, "digest": _digest(token.text)}
    times = {"issued_at": token.issued_at, "expires_at": token.expires_at, "ends_at": token.ends_at}
    connection.execute(insert(PersonTokenRow).values(row | times))


def require_signed_in(connection: Connection, person: Person) -> None:
    """Inside a unit of work: who signed out while a request was under way changes nothing. Raises SignedOutError."""
    mine = (PersonTokenRow.tenant_id == person.tenant, PersonTokenRow.digest == person.digest)
    if connection.execute(select(PersonTokenRow.digest).where(*mine)).scalar() is None:
        raise SignedOutError


def forget_tokens(connection: Connection, now: int) -> None:
    """Drop those that ended; bookkeeping."""
    connection.execute(delete(PersonTokenRow).where(PersonTokenRow.expires_at <= now))


@dataclass(frozen=True)
class Tokens:
    """Of every tenant. Safe to call from many threads."""

    database: Database
    clock: Clock

    def authenticate(self, text: str, span: Span = TOKEN) -> Person:
        """The person behind a token of that kind. Raises SignedOutError."""
        if not text.startswith(span.prefix):
            raise SignedOutError
        token, account, digest = PersonTokenRow, AccountRow, _digest(text)
        times = (token.issued_at, token.expires_at, token.ends_at)
        columns = select(token.tenant_id, account.principal_id, token.account_id, token.passkey_id, *times)
        joined = (account.tenant_id == token.tenant_id, account.id == token.account_id)
        with self.database.read(SystemSession.AUTHENTICATION) as connection:
            row = connection.execute(columns.where(*joined, token.digest == digest)).one_or_none()
        if row is None or row.principal_id is None or row.expires_at <= milliseconds(self.clock()):
            raise SignedOutError
        who = (row.tenant_id, row.principal_id, row.account_id, row.passkey_id)
        return Person(*who, digest, row.issued_at, row.expires_at, row.ends_at)

    def go_on(self, person: Person) -> None:
        """A session is used: it goes on from here, and never beyond its end."""
        until = min(milliseconds(self.clock() + SESSION.idle), person.ends_at)
        if until - person.expires_at < NOTED // timedelta(milliseconds=1):
            return
        mine = (PersonTokenRow.tenant_id == person.tenant, PersonTokenRow.digest == person.digest)
        row = update(PersonTokenRow).where(*mine).values(expires_at=until)
        self.database.write(lambda connection: connection.execute(row))

    def revoke(self, person: Person) -> None:
        """Sign out."""
        mine = (PersonTokenRow.tenant_id == person.tenant, PersonTokenRow.digest == person.digest)
        self.database.write(lambda connection: connection.execute(delete(PersonTokenRow).where(*mine)))

    def revoke_all(self, tenant: TenantId, account: SubjectId) -> None:
        """Sign out wherever they are signed in."""
        theirs = (PersonTokenRow.tenant_id == tenant, PersonTokenRow.account_id == account)
        self.database.write(lambda connection: connection.execute(delete(PersonTokenRow).where(*theirs)))

    def require_recent(self, person: Person) -> None:
        """Raises SignInAgainError."""
        if milliseconds(self.clock() - RECENT) > person.signed_in_at:
            raise SignInAgainError(RECENT // timedelta(minutes=1))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
