"""What a creator's own signature in a manifest is worth, to whoever verifies it. Runs in the worker.

Rules
- It holds or not by itself; whose key it is, only certificates under a trusted root say, and of a passkey the platform
  that signed the manifest, if that is trusted. A bare key vouches for nobody.
- Which file that is, the manifest says: where whoever signed that is not trusted, no creator's signature is.
- A statement says one thing about one file: other content, title or source types than the manifest's are *invalid*.
- A certificate that was revoked by the time of the signature vouches for nobody (`provenance.revocation`).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import TypeAdapter, ValidationError

from keys.errors import CertificateMismatchError
from keys.path import Purposes, led_to
from keys.profile import UNREADABLE
from provenance.creator import CreatorSignature, CreatorStatement, PasskeySignature, Vouched, spki
from provenance.creator_passkey import PasskeyAnswerError
from provenance.report import StatedCreator, StatedStanding, legible
from provenance.revocation import of_signer
from provenance.verdict import Verdict

MIN_RSA_BITS: Final = 2048
_STATEMENT: Final = TypeAdapter(CreatorStatement)
_SIGNATURE: Final[TypeAdapter[PasskeySignature | CreatorSignature]] = TypeAdapter(PasskeySignature | CreatorSignature)


@dataclass(frozen=True)
class Trusted:
    """Who is trusted to say whose key it is, and when that counts."""

    roots: Sequence[x509.Certificate]
    purposes: Purposes
    at: datetime
    """When it was signed, or now."""

    revoked: str = ""
    """Certificates, as `provenance.revocation` writes them."""

    platform: bool = False
    """Whether whoever signed the manifest is, and it holds."""


def judged(data: object, expected: CreatorStatement | None, trusted: Trusted) -> StatedCreator:
    """What an assertion is worth. `expected` is what the manifest itself says, its name of no account; None where it
    does not say what its content is.
    """
    try:
        signed = _SIGNATURE.validate_python(data)
        said = _STATEMENT.validate_json(signed.statement)
    except ValidationError:
        return StatedCreator(None, Verdict.UNREADABLE, "the assertion is not of its form")
    name, key = legible(said.name) or None, signed.key_sha256
    if fault := _fault(signed, said) or _difference(said, expected):
        return StatedCreator(name, Verdict.INVALID, fault, key)
    vouched = signed.vouched if isinstance(signed, PasskeySignature) else None
    doubt = _doubt_of_content(trusted) or (_doubt_of_passkey(vouched) if vouched else _doubt(signed, trusted))
    verdict = Verdict.UNTRUSTED if doubt else Verdict.TRUSTED
    return StatedCreator(name, verdict, doubt, key, _subject(signed), _standing(vouched) if vouched else None)


def _fault(signed: CreatorSignature, said: CreatorStatement) -> str:
    """Why the signature does not hold; empty where it does."""
    try:
        key, over = load_der_public_key(base64.b64decode(signed.key)), signed.signed_over(said)
        if not _verifies(key, base64.b64decode(signed.signature), over, rsa_too=isinstance(signed, PasskeySignature)):
            return "its key is of no kind that creators sign with"
        if signed.chain and spki(_certificates(signed)[0]) != base64.b64decode(signed.key):
            return "the certificate is for another key"
    except InvalidSignature:
        return "the signature does not hold"
    except PasskeyAnswerError as error:
        return str(error)
    except UNREADABLE:
        return "its key or its certificates cannot be read"
    return ""


def _verifies(key: object, signature: bytes, message: bytes, *, rsa_too: bool) -> bool:
    """Whether it is of a kind that may sign; passkeys of many machines are RSA. Raises InvalidSignature."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, message)
    elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        key.verify(signature, message, ec.ECDSA(SHA256()))
    elif isinstance(key, rsa.RSAPublicKey) and rsa_too and key.key_size >= MIN_RSA_BITS:
        key.verify(signature, message, PKCS1v15(), SHA256())
    else:
        return False
    return True


def _difference(said: CreatorStatement, expected: CreatorStatement | None) -> str:
    if expected is None:
        return "the manifest does not say which content it is of"
    compared = {"content": "sha256", "title": "title", "origin (digital source types)": "source_types"}
    other = next((what for what, field in compared.items() if getattr(said, field) != getattr(expected, field)), "")
    return f"it was signed for another {other}" if other else ""


def _doubt(signed: CreatorSignature, trusted: Trusted) -> str:
    """Why nobody who is trusted vouches for the key; empty where somebody does."""
    if not signed.chain:
        return "it holds, and nobody vouches for the key"
    try:
        chain = _certificates(signed)
        led_to(chain, trusted.roots, trusted.purposes)
        if any(not one.not_valid_before_utc <= trusted.at < one.not_valid_after_utc for one in chain):
            return "it holds, and its certificate was not good at that time"
    except (CertificateMismatchError, *UNREADABLE) as error:
        return f"it holds, and nobody who is trusted certifies the key ({legible(str(error))})"
    ended = (of_signer(one, trusted.revoked) for one in chain)
    revocation = next((one for one in ended if one and trusted.at >= one.since), None)
    return f"it holds, and its certificate was {revocation}" if revocation else ""


def _doubt_of_content(trusted: Trusted) -> str:
    """The digest is of the file as it was handed in, which nobody else has: whoever takes statement and signature out
    of one manifest can write the same digest into another.
    """
    return "" if trusted.platform else "it holds; which file it is of, says somebody who is not trusted"


def _doubt_of_passkey(vouched: Vouched) -> str:
    """Why nobody who is trusted vouches for whose passkey it is, where the platform has to."""
    if not vouched.verified:
        return f"it holds, and {legible(vouched.by)} knows the account whose passkey it is, and not who that is"
    return ""


def _standing(said: Vouched) -> StatedStanding:
    return StatedStanding(legible(said.by), said.verified, legible(said.level), said.since and legible(said.since))


def _certificates(signed: CreatorSignature) -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(base64.b64decode(one)) for one in signed.chain]


def _subject(signed: CreatorSignature) -> str | None:
    return legible(_certificates(signed)[0].subject.rfc4514_string()) if signed.chain else None
