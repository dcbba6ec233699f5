"""Person tokens: `sgp_` and 256 random bits, good for an hour, kept as their SHA-256 alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from identity.assurance.tables import AccountRow
from identity.passkeys.errors import SignedOutError, SignInAgainError
from identity.passkeys.tables import PersonTokenRow
from keys.clock import Clock, Entropy
from ledger.ids import PrincipalId, SubjectId, TenantId, milliseconds
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession

PREFIX: Final = "sgp_"
LASTS: Final = timedelta(hours=1)
RECENT: Final = timedelta(minutes=10)
"""How long ago one may have signed in for what a stolen token must not do: change passkeys, erase the account."""

_SECRET_BYTES: Final = 32


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    tenant: TenantId
    principal: PrincipalId
    account: SubjectId
    digest: str = field(repr=False)
    """SHA-256 of the token, hex."""

    signed_in_at: int


@dataclass(frozen=True)
class Token:
    """One at the only moment its secret is known."""

    text: str = field(repr=False)
    issued_at: int
    expires_at: int


def new_token(clock: Clock, entropy: Entropy) -> Token:
    """Before the unit of work that inserts it."""
    now = clock()
    return Token(PREFIX + entropy(_SECRET_BYTES).hex(), milliseconds(now), milliseconds(now + LASTS))


def insert_token(connection: Connection, tenant: TenantId, account: SubjectId, passkey: str, token: Token) -> None:
    """In a unit of work."""
    row = {"tenant_id": tenant, "account_id": account, "passkey_id": passkey, "digest": _digest(token.text)}
    times = {"issued_at": token.issued_at, "expires_at": token.expires_at}
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

    def authenticate(self, text: str) -> Person:
        """The person behind a token. Raises SignedOutError."""
        token, account, digest = PersonTokenRow, AccountRow, _digest(text)
        columns = select(token.tenant_id, account.principal_id, token.account_id, token.issued_at, token.expires_at)
        joined = (account.tenant_id == token.tenant_id, account.id == token.account_id)
        with self.database.read(SystemSession.AUTHENTICATION) as connection:
            row = connection.execute(columns.where(*joined, token.digest == digest)).one_or_none()
        if row is None or row.principal_id is None or row.expires_at <= milliseconds(self.clock()):
            raise SignedOutError
        return Person(row.tenant_id, row.principal_id, row.account_id, digest, row.issued_at)

    def revoke(self, person: Person) -> None:
        """Sign out."""
        mine = (PersonTokenRow.tenant_id == person.tenant, PersonTokenRow.digest == person.digest)
        self.database.write(lambda connection: connection.execute(delete(PersonTokenRow).where(*mine)))

    def require_recent(self, person: Person) -> None:
        """Raises SignInAgainError."""
        if milliseconds(self.clock() - RECENT) > person.signed_in_at:
            raise SignInAgainError(RECENT // timedelta(minutes=1))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
