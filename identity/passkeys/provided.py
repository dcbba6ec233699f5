"""People who sign in at an identity provider instead of with a passkey: staff, whose house has one.

Rules
- An account is known by an HMAC of the provider and its name for who logged in; nothing else of a login is kept.
- State, nonce and verifier are derived from a secret that the browser keeps for the one attempt, so that whoever comes
  back with somebody else's answer, or in another browser, has none that fits; nothing is kept here meanwhile.
- Nobody has an account for having logged in: who is not known is let in by whoever calls `open`, for a reason.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select

from identity.assurance.account import ACCOUNT_POLICY
from identity.assurance.code_flow import Attempt, Exchange, authorization_url, subject_of
from identity.assurance.decisions import ACCOUNT_OPENED, AccountOpened
from identity.assurance.errors import EvidenceRefusedError, ProviderUnknownError
from identity.assurance.provider import Directory
from identity.assurance.tables import AccountRow
from identity.encoding import base64url
from identity.passkeys.people import People, SignedIn
from identity.passkeys.tokens import SESSION, insert_token, new_token
from ledger.forgetting.subjects import Subject
from ledger.ids import PrincipalId, SubjectId, TenantId, new_id
from ledger.payload import Draft
from ledger.storage.tables import Principal, PrincipalKind

NO_PASSKEY: Final = ""
_DOMAIN: Final = "sigillo/login/v1"


@dataclass(frozen=True)
class Provided:
    """Safe to call from many threads."""

    people: People
    providers: Mapping[str, Directory]
    """By name."""

    exchange: Exchange

    def begin(self, provider: str, secret: str) -> str:
        """Where to send somebody whose browser keeps this secret.

        Raises ProviderUnknownError, ProviderUnavailableError.
        """
        return authorization_url(self._directory(provider), _attempt(provider, secret))

    def came_back(self, provider: str, secret: str, state: str, code: str, issuer: str) -> str:
        """Who came back, as accounts are known by (`handle`).

        Raises ProviderUnknownError, ProviderUnavailableError, EvidenceRefusedError.
        """
        directory, attempt = self._directory(provider), _attempt(provider, secret)
        if not secret or not hmac.compare_digest(state.encode(), attempt.state.encode()):
            raise EvidenceRefusedError("nobody began this login in this browser (state): begin anew")
        accounts = self.people.passkeys.accounts
        subject = subject_of(directory, self.exchange, attempt, code, issuer, accounts.clock())
        return accounts.mark(self.people.home(), "provided", directory.client.issuer, subject)

    def sign_in(self, handle: str) -> SignedIn | None:
        """Sign in whoever is known by this; None for nobody."""
        accounts, tenant = self.people.passkeys.accounts, self.people.home()
        with accounts.database.read(tenant) as connection:
            account = _known(connection, tenant, handle)
        if account is None:
            return None
        token = new_token(accounts.clock, accounts.entropy, SESSION)

        def work(connection: Connection) -> Sequence[Draft]:
            insert_token(connection, tenant, account, NO_PASSKEY, token)
            return []

        accounts.ledger.record(work, tenant)
        return SignedIn(account, NO_PASSKEY, token)

    def open(self, handle: str) -> SignedIn:
        """Open an account for whoever is known by this, and sign in; of two at once, one opens it."""
        accounts, tenant = self.people.passkeys.accounts, self.people.home()
        subject = accounts.ledger.subjects.create(tenant, SubjectId(new_id("acc", accounts.entropy)))
        principal = PrincipalId(new_id("prn", accounts.entropy))
        opened = accounts.draft(ACCOUNT_OPENED, ACCOUNT_POLICY, principal, subject, AccountOpened(subject.id))
        token = new_token(accounts.clock, accounts.entropy, SESSION)
        person = {"tenant_id": tenant, "id": principal, "kind": PrincipalKind.PERSON, "created_at": accounts.now()}
        found: list[SubjectId] = []

        def work(connection: Connection, wrapped: Subject) -> Sequence[Draft]:
            found[:] = [_known(connection, tenant, handle) or subject.id]
            if found != [subject.id]:
                insert_token(connection, tenant, found[0], NO_PASSKEY, token)
                return []
            connection.execute(insert(Principal).values(person))
            accounts.insert(connection, wrapped, handle, opened.id, principal)
            insert_token(connection, tenant, subject.id, NO_PASSKEY, token)
            return [opened]

        accounts.record_new(subject, work)
        return SignedIn(found[0], NO_PASSKEY, token)

    def _directory(self, provider: str) -> Directory:
        if provider not in self.providers:
            raise ProviderUnknownError(f"staff do not sign in at {provider!r} here")
        return self.providers[provider]


def _known(connection: Connection, tenant: TenantId, handle: str) -> SubjectId | None:
    mine = select(AccountRow.id).where(AccountRow.tenant_id == tenant, AccountRow.handle == handle)
    found: SubjectId | None = connection.execute(mine).scalar()
    return found


def _attempt(provider: str, secret: str) -> Attempt:
    return Attempt(*(_derived(secret, provider, name) for name in ("state", "nonce", "verifier")))


def _derived(secret: str, *names: str) -> str:
    return base64url.encode(hmac.digest(secret.encode(), "\0".join((_DOMAIN, *names)).encode(), "sha256"))
