"""The device's signature over a document, and the transcript it is bound to (ISO/IEC 18013-5, section 9.1.3).

Rules
- A signature by the key that the issuer named, over the transcript, the type and what the device adds. A MAC, which
  belongs to readers that stand beside the phone, is refused.
- Over OpenID4VP the transcript names the verifier, its nonce and where the answer goes (OpenID4VP 1.0, B.2.6.1), so an
  answer to somebody else is none to us.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import cbor2

from identity.encoding.cbor import embed, embedded
from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.jose.jwk import PublicKey
from identity.mdoc.cose import read_sign1, verify_sign1
from identity.outcome import Check


def transcript(client_id: str, nonce: str, response_uri: str, encrypted_to: bytes | None = None) -> bytes:
    """The SessionTranscript of an OpenID4VP request, CBOR.

    `encrypted_to` is the SHA-256 thumbprint (RFC 7638) of the key the answer is encrypted to; None where it is not.
    """
    info = cbor2.dumps([client_id, nonce, encrypted_to, response_uri])
    return cbor2.dumps([None, None, ["OpenID4VPHandover", hashlib.sha256(info).digest()]])


def signed_by_device(doctype: str, session: bytes, added: bytes) -> bytes:
    """The DeviceAuthenticationBytes: what a device signs. `session` is the transcript, `added` its elements, CBOR."""
    parts = (cbor2.dumps("DeviceAuthentication"), session, cbor2.dumps(doctype), embed(added))
    return embed(b"\x84" + b"".join(parts))


def check_device(device: Mapping[object, object], key: PublicKey, doctype: str, session: bytes) -> None:
    """Verify a document's `deviceSigned`. Raises TokenInvalidError, TokenUnreadableError."""
    match device:
        case {"nameSpaces": added, "deviceAuth": {"deviceSignature": signature, **rest}} if not rest:
            sign1 = read_sign1(signature)
        case {"deviceAuth": {"deviceMac": _}}:
            raise TokenInvalidError(Check.BINDING, "the device gave a MAC; online it must sign")
        case _:
            raise TokenInvalidError(Check.BINDING, "the device signed nothing")
    if sign1.payload is not None:
        raise TokenUnreadableError("the device's signature brings its own payload")
    verify_sign1(sign1, key, signed_by_device(doctype, session, embedded(added, "what the device adds")))
