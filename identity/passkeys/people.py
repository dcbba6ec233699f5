"""People who open an account for themselves, and sign in to it with a passkey: no name, no address, no password.

Rules
- An account is opened by its first passkey, in one unit of work: none is ever there that nobody can sign in to.
- They are accounts of the deployment's home tenant, as those of a platform are of its tenant; what they may do is what
  their token may.
- Signing in decides nothing, and is no entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert

from identity.assurance.account import ACCOUNT_POLICY
from identity.assurance.decisions import ACCOUNT_OPENED, AccountOpened
from identity.passkeys.challenges import Purpose
from identity.passkeys.errors import ChallengeGoneError
from identity.passkeys.options import Options, creation_options, request_options
from identity.passkeys.passkeys import Passkeys
from identity.passkeys.responses import Asserted, Attested
from identity.passkeys.tokens import TOKEN, Span, Token, Tokens, insert_token, new_token
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId, new_id
from ledger.payload import Draft
from ledger.storage.tables import Principal, PrincipalKind


@dataclass(frozen=True)
class SignedIn:
    """Who has just signed in, or opened an account."""

    account: SubjectId
    passkey: str
    token: Token
    entry: EntryId | None = None
    """Of the passkey that was bound."""


@dataclass(frozen=True)
class People:
    """The people of a deployment. Safe to call from many threads."""

    passkeys: Passkeys
    tokens: Tokens
    home: Callable[[], TenantId]
    """Raises KeyStoreUnavailableError."""

    def begin(self) -> Options:
        """Begin to open an account, which is there once its passkey is bound. Raises RelyingPartyError."""
        party, account = self.passkeys.party, SubjectId(new_id("acc", self.passkeys.accounts.entropy))
        return creation_options(party, self.passkeys.challenges.begin(self.home(), Purpose.OPEN, account), account)

    def open(self, attested: Attested, span: Span = TOKEN) -> SignedIn:
        """Open it, and sign in. Raises as `Passkeys.made`, ChallengeGoneError, PasskeyBoundError."""
        accounts, tenant = self.passkeys.accounts, self.home()
        challenge, made = self.passkeys.made(tenant, Purpose.OPEN, attested)
        if challenge.account is None:
            raise ChallengeGoneError
        subject = accounts.ledger.subjects.create(tenant, challenge.account)
        principal = PrincipalId(new_id("prn", accounts.entropy))
        new = self.passkeys.binding(subject, principal, challenge, made)
        opened = accounts.draft(ACCOUNT_OPENED, ACCOUNT_POLICY, principal, subject, AccountOpened(subject.id))
        handle = accounts.mark(tenant, "person", subject.id)
        token = new_token(accounts.clock, accounts.entropy, span)
        person = {"tenant_id": tenant, "id": principal, "kind": PrincipalKind.PERSON, "created_at": accounts.now()}

        def work(connection: Connection, wrapped: Subject) -> Sequence[Draft]:
            connection.execute(insert(Principal).values(person))
            accounts.insert(connection, wrapped, handle, opened.id, principal)
            self.passkeys.insert(connection, new)
            insert_token(connection, tenant, subject.id, new.passkey, token)
            return [opened, new.draft]

        accounts.record_new(subject, work)
        return SignedIn(subject.id, new.passkey, token, new.draft.id)

    def begin_sign_in(self) -> Options:
        """Any passkey that the device has for us may answer. Raises RelyingPartyError."""
        party = self.passkeys.party
        return request_options(party, self.passkeys.challenges.begin(self.home(), Purpose.SIGN_IN, None))

    def sign_in(self, asserted: Asserted, span: Span = TOKEN) -> SignedIn:
        """Raises as `Passkeys.answered` and `Passkeys.settle`."""
        accounts, tenant = self.passkeys.accounts, self.home()
        answer = self.passkeys.answered(tenant, Purpose.SIGN_IN, asserted)
        token = new_token(accounts.clock, accounts.entropy, span)

        def work(connection: Connection) -> Sequence[Draft]:
            self.passkeys.settle(connection, answer)
            insert_token(connection, tenant, answer.account.id, answer.passkey.id, token)
            return []

        accounts.ledger.record(work, tenant)
        return SignedIn(answer.account.id, answer.passkey.id, token)

    def sign_out(self, account: SubjectId) -> None:
        """End every session of an account, and its tokens."""
        self.tokens.revoke_all(self.home(), account)
