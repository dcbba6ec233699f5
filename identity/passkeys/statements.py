"""What a person says in public with a passkey: anybody can verify it, offline and for ever.

Rules
- The challenge is the SHA-256 of what is said, and nothing of ours: no nonce, no account. It says what it says as often
  as it is sent, so nothing waits for it and nothing is spent; a sign-in, or a consent, it can never be, for their
  challenges are made otherwise (`identity.passkeys.challenges`).
- Whose passkey it was, we say, from what is bound here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography

from identity.encoding import base64url
from identity.passkeys.errors import PasskeyInvalidError
from identity.passkeys.options import asking
from identity.passkeys.passkeys import Passkeys
from identity.passkeys.responses import Asserted, challenge_of
from ledger.ids import SubjectId, TenantId


@dataclass(frozen=True)
class Said:
    """Who said it, and with which key."""

    tenant: TenantId
    account: SubjectId
    key: bytes = field(repr=False)
    """SubjectPublicKeyInfo, DER."""


@dataclass(frozen=True)
class Statements:
    """Of the home tenant's people. Safe to call from many threads."""

    passkeys: Passkeys
    home: Callable[[], TenantId]
    """Raises KeyStoreUnavailableError."""

    def begin(self, tenant: TenantId, account: SubjectId, statement: bytes) -> dict[str, Any]:
        """For `navigator.credentials.get()`: one of the account's passkeys, over the statement.

        Raises RelyingPartyError, AccountNotFoundError.
        """
        return asking(self.passkeys.party, _challenge(statement), self.passkeys.of(tenant, account))

    def require_said(self, statement: bytes, asserted: Asserted) -> Said:
        """That a person with an account here said it.

        Raises RelyingPartyError, PasskeyNotFoundError, PasskeyUnreadableError, PasskeyInvalidError.
        """
        tenant = self.home()
        challenge_of(asserted.client_data)  # of no page inside another one
        account, passkey = self.passkeys.used(tenant, asserted)
        if asserted.user not in {None, account.id.encode()}:
            raise PasskeyInvalidError("the authenticator has the passkey for another account")
        self.passkeys.verified(passkey, asserted, _challenge(statement))
        cose = base64url.decode(passkey.detail.public_key, "its key")
        key = decoded_public_key_to_cryptography(decode_credential_public_key(cose))
        return Said(tenant, account.id, key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _challenge(statement: bytes) -> bytes:
    return hashlib.sha256(statement).digest()
