"""What a person signs with a passkey: the bytes of what they agree to.

Rules
- The challenge commits to the bytes that are signed (`identity.passkeys.challenges`). An authenticator shows its owner
  none of them, so what it proves is that the page they used was ours, and what our page showed them is our word.
- What was signed is kept with all that it takes to verify it again: by whoever has it and the bytes, after the passkey
  was removed, too. `passkey.bound` names the SHA-256 of the key. It is kept, sealed, with what it is evidence of.
- Signing is settled in the unit of work of what is signed for; nothing is signed twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import Connection

from identity.encoding import base64url
from identity.passkeys.challenges import Purpose, value_of
from identity.passkeys.errors import ChallengeGoneError
from identity.passkeys.options import Options, request_options
from identity.passkeys.passkeys import Passkeys
from identity.passkeys.relying_party import RelyingParty
from identity.passkeys.responses import Asserted, verify_asserted
from ledger.ids import SubjectId, TenantId


@dataclass(frozen=True)
class Signature:
    """A passkey's signature over given bytes, as evidence. Bytes as base64url."""

    account: SubjectId
    passkey: str
    purpose: Purpose
    nonce: str
    rp_id: str
    origin: str
    credential: str
    public_key: str
    """COSE."""

    backup_eligible: bool
    authenticator_data: str
    client_data: str
    signature: str = field(repr=False)


SIGNATURE: Final = TypeAdapter(Signature)
"""To and from JSON, which whoever keeps it seals."""


@dataclass(frozen=True)
class Signed:
    """A signature that holds, and is not settled yet."""

    signature: Signature
    settle: Callable[[Connection], None]
    """In the unit of work that it is given for. Raises ChallengeGoneError, PasskeyNotFoundError, PasskeyClonedError."""


@dataclass(frozen=True)
class Signing:
    """Safe to call from many threads."""

    passkeys: Passkeys

    def begin(self, tenant: TenantId, account: SubjectId, purpose: Purpose, digest: bytes) -> Options:
        """Ask for a signature over the content of this SHA-256. Raises RelyingPartyError, AccountNotFoundError."""
        party, passkeys = self.passkeys.party, self.passkeys.of(tenant, account)
        challenge = self.passkeys.challenges.begin(tenant, purpose, account, digest)
        return request_options(party, challenge, passkeys)

    def require_signed(
        self, tenant: TenantId, account: SubjectId, purpose: Purpose, content: bytes, asserted: Asserted
    ) -> Signed:
        """That this account's person signed this content for this purpose, in answer to `begin`.

        Raises as `Passkeys.answered`; PasskeyInvalidError for other content.
        """
        answer = self.passkeys.answered(tenant, purpose, asserted, hashlib.sha256(content).digest())
        if answer.challenge.account != account:
            raise ChallengeGoneError
        party, detail = self.passkeys.party, answer.passkey.detail
        signature = Signature(
            account=account,
            passkey=answer.passkey.id,
            purpose=purpose,
            nonce=base64url.encode(answer.challenge.nonce),
            rp_id=party.id,
            origin=party.origin,
            credential=detail.credential,
            public_key=detail.public_key,
            backup_eligible=detail.backup_eligible,
            authenticator_data=base64url.encode(asserted.authenticator_data),
            client_data=base64url.encode(asserted.client_data),
            signature=base64url.encode(asserted.signature),
        )
        return Signed(signature, partial(self.passkeys.settle, answer=answer))


def check_signature(signature: Signature, content: bytes) -> None:
    """Verify evidence again: that this content was signed so, for this account and purpose. That the key was the
    account's is what `passkey.bound` says.

    Raises PasskeyInvalidError, TokenUnreadableError for what is no base64url.
    """
    nonce, digest = base64url.decode(signature.nonce, "the nonce"), hashlib.sha256(content).digest()
    asserted = Asserted(
        *(
            base64url.decode(text, "a signature")
            for text in (
                signature.credential,
                signature.client_data,
                signature.authenticator_data,
                signature.signature,
            )
        )
    )
    verify_asserted(
        asserted,
        value_of(signature.purpose, signature.account, nonce, digest),
        RelyingParty(signature.rp_id, signature.origin),
        base64url.decode(signature.public_key, "the key"),
        backup_eligible=signature.backup_eligible,
    )
