"""Challenges: each for one purpose, one account and the same five minutes, answered once.

Rules
- `SHA-256("sigillo/passkey/v1" ‖ 0 ‖ purpose ‖ 0 ‖ account ‖ 0 ‖ nonce(32) ‖ SHA-256(content))`: random by its nonce,
  and of no other purpose, account or content. Of a ceremony that signs nothing, the content is empty.
- Whose it is, is an account; or a registration, where its credential is shown.
- It is answered in a unit of work that deletes its row: of two answers at once, one is taken.
- They are bookkeeping: a challenge decides nothing, and whoever reads one in the database lacks the authenticator.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from identity.encoding import base64url
from identity.passkeys.errors import ChallengeGoneError
from identity.passkeys.tables import ChallengeRow
from keys.clock import Clock, Entropy
from ledger.ids import SubjectId, TenantId, milliseconds
from ledger.storage.database import Database

LASTS: Final = timedelta(minutes=5)
NONCE_BYTES: Final = 32
NOTHING: Final = hashlib.sha256(b"").digest()
_DOMAIN: Final = "sigillo/passkey/v1"


class Purpose(StrEnum):
    """What an answer is good for."""

    OPEN = "open"
    """To open an account with its first passkey."""

    BIND = "bind"
    """To bind another."""

    SIGN_IN = "sign-in"
    CONSENT = "consent"
    """To sign what one agrees to."""

    SHOW = "show"
    """To show a credential over what one does (`identity.holder_signing`)."""


@dataclass(frozen=True)
class Challenge:
    """One that waits."""

    tenant: TenantId
    purpose: Purpose
    account: SubjectId | None
    nonce: bytes
    value: bytes
    expires_at: int


def value_of(purpose: Purpose, account: SubjectId | None, nonce: bytes, digest: bytes) -> bytes:
    """The challenge itself, 32 bytes; `digest` is the SHA-256 of what is signed."""
    named = "\0".join((_DOMAIN, purpose, account or "", "")).encode()
    return hashlib.sha256(named + nonce + digest).digest()


@dataclass(frozen=True)
class Challenges:
    """The challenges of every tenant. Safe to call from many threads."""

    database: Database
    clock: Clock
    entropy: Entropy

    def begin(
        self, tenant: TenantId, purpose: Purpose, account: SubjectId | None, digest: bytes = NOTHING
    ) -> Challenge:
        """Let one wait. Raises DatabaseUnavailableError."""
        nonce, ends = self.entropy(NONCE_BYTES), milliseconds(self.clock() + LASTS)
        begun = Challenge(tenant, purpose, account, nonce, value_of(purpose, account, nonce, digest), ends)
        row = {
            "tenant_id": tenant,
            "challenge": base64url.encode(begun.value),
            "purpose": purpose,
            "account_id": account,
            "nonce": nonce,
            "expires_at": ends,
        }
        self.database.write(lambda connection: connection.execute(insert(ChallengeRow).values(row)))
        return begun

    def find(self, tenant: TenantId, purpose: Purpose, value: bytes) -> Challenge:
        """One that waits for this. Raises ChallengeGoneError, also for one that is for something else."""
        columns = select(ChallengeRow.account_id, ChallengeRow.nonce, ChallengeRow.expires_at)
        with self.database.read(tenant) as connection:
            mine = (ChallengeRow.tenant_id == tenant, ChallengeRow.challenge == base64url.encode(value))
            row = connection.execute(columns.where(*mine, ChallengeRow.purpose == purpose)).one_or_none()
        if row is None or row.expires_at <= self.now():
            raise ChallengeGoneError
        return Challenge(tenant, purpose, row.account_id, row.nonce, value, row.expires_at)

    def spend(self, connection: Connection, challenge: Challenge) -> None:
        """In the unit of work of what it is answered for. Raises ChallengeGoneError where another was quicker."""
        mine = (
            ChallengeRow.tenant_id == challenge.tenant,
            ChallengeRow.challenge == base64url.encode(challenge.value),
        )
        if not connection.execute(delete(ChallengeRow).where(*mine)).rowcount:
            raise ChallengeGoneError

    def now(self) -> int:
        """The present, in Unix milliseconds."""
        return milliseconds(self.clock())


def forget_challenges(connection: Connection, now: int) -> None:
    """Drop what nobody answered; bookkeeping."""
    connection.execute(delete(ChallengeRow).where(ChallengeRow.expires_at <= now))
