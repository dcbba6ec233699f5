"""What browsers answer with, read and verified (W3C Web Authentication Level 3, sections 7.1 and 7.2).

Rules
- The `webauthn` library verifies; what it leaves out is looked at here: that no page frames ours (`crossOrigin`), that
  the answer is of the credential that it names, that a passkey never becomes one that can be copied, or ceases to be,
  and that CBOR and JSON can be read in one way only.
- The user is verified, always. Nobody is asked which make of authenticator they have, and no certificate that says so
  is taken: of attestation only `none`, and what a passkey signs with its own key.
- The signature counter is compared where it is moved, in the unit of work (`passkey.used`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    CredentialDeviceType,
    RegistrationCredential,
)

from identity.encoding import base64url
from identity.encoding.cbor import read_map
from identity.encoding.strict_json import read_object
from identity.errors import TokenUnreadableError
from identity.passkeys.errors import PasskeyInvalidError, PasskeyUnreadableError
from identity.passkeys.relying_party import RelyingParty

ALGORITHMS: Final = (
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
"""In our order; the last is what many machines under Windows have."""

MAX_CREDENTIAL_ID: Final = 1023
"""Bytes (section 4)."""

MAX_PUBLIC_KEY: Final = 1100
"""Bytes of COSE: RSA of 8192 bits."""

_FORMATS: Final = frozenset({"none", "packed"})
_UNFIT: Final = (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, UnsupportedAlgorithm)
"""What the library meets in what is not of its form."""


@dataclass(frozen=True)
class Attested:
    """A browser's answer to `navigator.credentials.create()`."""

    credential: bytes
    client_data: bytes
    attestation: bytes = field(repr=False)


@dataclass(frozen=True)
class Asserted:
    """A browser's answer to `navigator.credentials.get()`."""

    credential: bytes
    client_data: bytes
    authenticator_data: bytes
    signature: bytes = field(repr=False)
    user: bytes | None = None
    """The id of the account as the authenticator keeps it (`userHandle`)."""


@dataclass(frozen=True)
class NewKey:
    """A passkey as it was made."""

    credential: bytes
    public_key: bytes
    """COSE."""

    aaguid: str
    sign_count: int
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True)
class Use:
    """What an authenticator says of a passkey that it used."""

    sign_count: int
    backed_up: bool


def challenge_of(client_data: bytes) -> bytes:
    """What a browser says it answers, not verified yet. Raises PasskeyUnreadableError, PasskeyInvalidError."""
    try:
        said = read_object(client_data, "clientDataJSON")
        challenge = said.get("challenge")
        value = base64url.decode(challenge if isinstance(challenge, str) else "=", "its challenge")
    except TokenUnreadableError as error:
        raise PasskeyUnreadableError(str(error)) from error
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        raise PasskeyInvalidError("it was made on a page inside another one")
    return value


def verify_attested(attested: Attested, challenge: bytes, party: RelyingParty) -> NewKey:
    """Raises PasskeyUnreadableError, PasskeyInvalidError."""
    _require_plain(attested.attestation)
    credential = RegistrationCredential(
        base64url.encode(attested.credential),
        attested.credential,
        AuthenticatorAttestationResponse(attested.client_data, attested.attestation),
    )
    try:
        found = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
    except _UNFIT as error:
        raise PasskeyInvalidError(str(error)) from error
    if found.credential_id != attested.credential or len(found.credential_id) > MAX_CREDENTIAL_ID:
        raise PasskeyInvalidError("the authenticator made another passkey than the browser names")
    if len(found.credential_public_key) > MAX_PUBLIC_KEY:
        raise PasskeyInvalidError("its key is larger than any that is taken")
    return NewKey(
        found.credential_id,
        found.credential_public_key,
        found.aaguid,
        found.sign_count,
        _eligible(found.credential_device_type),
        found.credential_backed_up,
    )


def verify_asserted(
    asserted: Asserted, challenge: bytes, party: RelyingParty, public_key: bytes, *, backup_eligible: bool
) -> Use:
    """Raises PasskeyInvalidError."""
    credential = AuthenticationCredential(
        base64url.encode(asserted.credential),
        asserted.credential,
        AuthenticatorAssertionResponse(asserted.client_data, asserted.authenticator_data, asserted.signature),
    )
    try:
        found = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except _UNFIT as error:
        raise PasskeyInvalidError(str(error)) from error
    if _eligible(found.credential_device_type) is not backup_eligible:
        raise PasskeyInvalidError("whether the passkey can be copied is not what it was when it was bound")
    return Use(found.new_sign_count, found.credential_backed_up)


def _require_plain(attestation: bytes) -> None:
    """Raises PasskeyUnreadableError, PasskeyInvalidError for a certificate."""
    try:
        said = read_map(attestation, "attestationObject")
    except TokenUnreadableError as error:
        raise PasskeyUnreadableError(str(error)) from error
    statement = said.get("attStmt")
    if not isinstance(statement, dict) or said.get("fmt") not in _FORMATS or "x5c" in statement:
        raise PasskeyInvalidError("it is attested by a certificate: ask the browser for attestation `none`")


def _eligible(kind: CredentialDeviceType) -> bool:
    return kind is CredentialDeviceType.MULTI_DEVICE
