"""The passkeys of accounts: bound, used, removed.

Rules
- An account has a few; the last is not removed, for nobody would get in.
- A passkey is bound to one account of a tenant. Whose it is follows from the passkey, never from what a caller says.
- What an answer is good for is settled in the unit of work that it is given for: the challenge is spent there, and the
  counter goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, delete, func, select

from identity.assurance.account import Accounts, Actor, require_account
from identity.encoding import base64url
from identity.passkeys.challenges import NOTHING, Challenge, Challenges, Purpose, value_of
from identity.passkeys.decisions import (
    PASSKEY_BOUND,
    PASSKEY_POLICY,
    PASSKEY_REMOVED,
    PasskeyBound,
    PasskeyRemoved,
)
from identity.passkeys.errors import (
    ChallengeGoneError,
    LastPasskeyError,
    PasskeyBoundError,
    PasskeyInvalidError,
    PasskeyNotFoundError,
    PasskeysFullError,
)
from identity.passkeys.options import Options, creation_options
from identity.passkeys.passkey import Passkey, call, insert_passkey, passkeys_of, sealed_row, used
from identity.passkeys.relying_party import RelyingParty, relying_party
from identity.passkeys.responses import (
    Asserted,
    Attested,
    NewKey,
    Use,
    challenge_of,
    verify_asserted,
    verify_attested,
)
from identity.passkeys.tables import PasskeyRow, PersonTokenRow
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId, new_id
from ledger.payload import Draft

MAX_PASSKEYS: Final = 10
"""Of an account."""


@dataclass(frozen=True)
class Binding:
    """A passkey that was made and verified, and is about to be bound."""

    challenge: Challenge
    passkey: str
    row: dict[str, object]
    draft: Draft


@dataclass(frozen=True)
class Used:
    """An answer that holds."""

    account: Subject
    passkey: Passkey
    challenge: Challenge
    use: Use


@dataclass(frozen=True)
class Passkeys:
    """Of every tenant. Safe to call from many threads."""

    accounts: Accounts
    challenges: Challenges
    public_url: str

    @property
    def party(self) -> RelyingParty:
        """Who we are to authenticators. Raises RelyingPartyError."""
        return relying_party(self.public_url)

    def of(self, tenant: TenantId, account: SubjectId) -> list[Passkey]:
        """An account's, oldest first. Raises AccountNotFoundError, KeyStoreUnavailableError."""
        subject = self.accounts.subject(tenant, account)
        with self.accounts.database.read(tenant) as connection:
            return passkeys_of(connection, subject)

    def begin(self, by: Actor, account: SubjectId) -> Options:
        """Begin to bind another. Raises RelyingPartyError, AccountNotFoundError."""
        party, passkeys = self.party, self.of(by.tenant, account)
        return creation_options(party, self.challenges.begin(by.tenant, Purpose.BIND, account), account, passkeys)

    def bind(self, by: Actor, account: SubjectId, attested: Attested) -> tuple[str, EntryId]:
        """Bind another: its id and entry.

        Raises as `binding`, ChallengeGoneError, PasskeyBoundError, PasskeysFullError, AccountNotFoundError.
        """
        subject = self.accounts.subject(by.tenant, account)
        new = self.binding(subject, by.principal, *self.made(by.tenant, Purpose.BIND, attested))
        if new.challenge.account != account:
            raise ChallengeGoneError

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            require_account(connection, by.tenant, account)
            self.insert(connection, new)
            return [new.draft]

        self.accounts.ledger.record(work, by.tenant)
        return new.passkey, new.draft.id

    def call(self, by: Actor, account: SubjectId, passkey: str, name: str) -> Passkey:
        """Have one called so by its owner, which decides nothing, and is no entry. Raises PasskeyNotFoundError."""
        subject = self.accounts.subject(by.tenant, account)
        found = next((one for one in self.of(by.tenant, account) if one.id == passkey), None)
        if found is None:
            raise PasskeyNotFoundError

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            call(connection, subject, found, name, self.accounts.entropy)
            return []

        self.accounts.ledger.record(work, by.tenant)
        return replace(found, detail=replace(found.detail, name=name))

    def remove(self, by: Actor, account: SubjectId, passkey: str) -> EntryId:
        """Remove one, and sign out whoever signed in with it. Raises PasskeyNotFoundError, LastPasskeyError."""
        subject = self.accounts.subject(by.tenant, account)
        said = PasskeyRemoved(account, passkey)
        draft = self.accounts.draft(PASSKEY_REMOVED, PASSKEY_POLICY, by.principal, subject, said)

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            held = [one.id for one in passkeys_of(connection, subject)]
            if passkey not in held:
                raise PasskeyNotFoundError
            if held == [passkey]:
                raise LastPasskeyError
            its = (PersonTokenRow.tenant_id == by.tenant, PersonTokenRow.passkey_id == passkey)
            connection.execute(delete(PersonTokenRow).where(*its))
            mine = (PasskeyRow.tenant_id == by.tenant, PasskeyRow.id == passkey)
            connection.execute(delete(PasskeyRow).where(*mine))
            return [draft]

        self.accounts.ledger.record(work, by.tenant)
        return draft.id

    def made(self, tenant: TenantId, purpose: Purpose, attested: Attested) -> tuple[Challenge, NewKey]:
        """A new passkey, verified.

        Raises RelyingPartyError, ChallengeGoneError, PasskeyUnreadableError, PasskeyInvalidError.
        """
        challenge = self.challenges.find(tenant, purpose, challenge_of(attested.client_data))
        return challenge, verify_attested(attested, challenge.value, self.party)

    def binding(self, subject: Subject, who: PrincipalId, challenge: Challenge, made: NewKey) -> Binding:
        """What a unit of work `insert`s."""
        passkey = new_id("pky", self.accounts.entropy)
        mark = self._mark(subject.tenant, made.credential)
        row = sealed_row(subject, passkey, made, mark, self.accounts.now(), self.accounts.entropy)
        said = PasskeyBound(
            account=subject.id,
            passkey=passkey,
            public_key_sha256=hashlib.sha256(made.public_key).hexdigest(),
            aaguid=made.aaguid,
            backup_eligible=made.backup_eligible,
            backed_up=made.backed_up,
        )
        draft = self.accounts.draft(PASSKEY_BOUND, PASSKEY_POLICY, who, subject, said)
        return Binding(challenge, passkey, row, draft)

    def insert(self, connection: Connection, new: Binding) -> None:
        """In a unit of work that returns its draft. Raises ChallengeGoneError, PasskeyBoundError, PasskeysFullError."""
        self.challenges.spend(connection, new.challenge)
        tenant, account, mark = (new.row[name] for name in ("tenant_id", "account_id", "mark"))
        taken = select(PasskeyRow.id).where(PasskeyRow.tenant_id == tenant, PasskeyRow.mark == mark)
        if connection.execute(taken).first() is not None:
            raise PasskeyBoundError
        mine = (PasskeyRow.tenant_id == tenant, PasskeyRow.account_id == account)
        if connection.execute(select(func.count(PasskeyRow.id)).where(*mine)).scalar_one() >= MAX_PASSKEYS:
            raise PasskeysFullError(MAX_PASSKEYS)
        insert_passkey(connection, new.row)

    def answered(self, tenant: TenantId, purpose: Purpose, asserted: Asserted, content_sha256: bytes = NOTHING) -> Used:
        """An answer by a passkey of ours to a challenge of ours for this purpose and content.

        Raises RelyingPartyError, ChallengeGoneError, PasskeyNotFoundError, PasskeyUnreadableError, PasskeyInvalidError.
        """
        challenge = self.challenges.find(tenant, purpose, challenge_of(asserted.client_data))
        account, passkey = self.used(tenant, asserted)
        _require_own(asserted, challenge, account.id)
        expected = value_of(purpose, challenge.account, challenge.nonce, content_sha256)
        return Used(account, passkey, challenge, self.verified(passkey, asserted, expected))

    def used(self, tenant: TenantId, asserted: Asserted) -> tuple[Subject, Passkey]:
        """The passkey that an answer names, and whose it is. Raises PasskeyNotFoundError."""
        account = self.accounts.subject(tenant, self._holder(tenant, asserted.credential))
        with self.accounts.database.read(tenant) as connection:
            passkeys = passkeys_of(connection, account)
        named = base64url.encode(asserted.credential)
        passkey = next((one for one in passkeys if one.detail.credential == named), None)
        if passkey is None:
            raise PasskeyNotFoundError
        return account, passkey

    def verified(self, passkey: Passkey, asserted: Asserted, challenge: bytes) -> Use:
        """That it made this answer to this challenge. Raises RelyingPartyError, PasskeyInvalidError."""
        key, eligible = base64url.decode(passkey.detail.public_key, "its key"), passkey.detail.backup_eligible
        return verify_asserted(asserted, challenge, self.party, key, backup_eligible=eligible)

    def settle(self, connection: Connection, answer: Used) -> None:
        """In the unit of work it is given for. Raises ChallengeGoneError, PasskeyNotFoundError, PasskeyClonedError."""
        self.challenges.spend(connection, answer.challenge)
        used(connection, answer.account, answer.passkey.id, answer.use)

    def _holder(self, tenant: TenantId, credential: bytes) -> SubjectId:
        mine = (PasskeyRow.tenant_id == tenant, PasskeyRow.mark == self._mark(tenant, credential))
        with self.accounts.database.read(tenant) as connection:
            found: SubjectId | None = connection.execute(select(PasskeyRow.account_id).where(*mine)).scalar()
        if found is None:
            raise PasskeyNotFoundError
        return found

    def _mark(self, tenant: TenantId, credential: bytes) -> str:
        return self.accounts.mark(tenant, "passkey", base64url.encode(credential))


def _require_own(asserted: Asserted, challenge: Challenge, account: SubjectId) -> None:
    """Raises PasskeyInvalidError."""
    if challenge.account not in {None, account}:
        raise PasskeyInvalidError("it is a passkey of another account")
    if asserted.user not in ({account.encode()} if challenge.account is None else {None, account.encode()}):
        raise PasskeyInvalidError("the authenticator has the passkey for another account")
