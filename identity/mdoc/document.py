"""Mobile documents: what a wallet answers, verified (ISO/IEC 18013-5, section 9; EU proof of age, mDL, EU PID).

Rules
- Exactly one document, of the type asked for. An answer without any proves nothing, whatever its status says.
- Its issuer is certified under configured anchors; each element shown is one that the issuer signed the digest of.
- The device signs for this transcript, or nothing is believed. Elements that the device adds by itself are not read.
- It accepts the format and checks it against those anchors; that is no statement about any law.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeGuard

from cryptography import x509

from identity.encoding.cbor import embed, embedded, read_cbor, read_map
from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.jose.certified import MDL_DOCUMENT_SIGNER, certified_key
from identity.mdoc.cose import read_key, read_sign1, verify_sign1
from identity.mdoc.device_signature import check_device
from identity.outcome import Check

PROOF_OF_AGE: Final = "eu.europa.ec.av.1"
DRIVING_LICENCE: Final = "org.iso.18013.5.1.mDL"
DRIVING_NAMESPACE: Final = "org.iso.18013.5.1"
PID: Final = "eu.europa.ec.eudi.pid.1"

HASHES: Final[Mapping[str, str]] = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
"""Of ISO/IEC 18013-5, table 21, by their names there."""

MIN_SALT: Final = 16
"""Bytes of an element's `random` (section 9.1.2.5): with fewer, what is not shown could be guessed."""

CHECKS: Final = (Check.TYPE, Check.TRUST, Check.SIGNATURE, Check.DISCLOSURES, Check.VALIDITY, Check.BINDING)


@dataclass(frozen=True)
class MdocExpectation:
    """What a verifier accepts, fixed before an answer is read."""

    doctype: str
    anchors: Sequence[x509.Certificate]
    transcript: bytes
    """The SessionTranscript, CBOR: see `identity.device_signature`."""


@dataclass(frozen=True)
class VerifiedMdoc:
    """A document that holds."""

    doctype: str
    issuer: str
    """The authority that certifies them."""

    elements: Mapping[str, Mapping[str, object]]
    """What the issuer signed and the holder showed, by namespace and name. Dates are `datetime.date`."""

    status: object
    """Of the security object, unverified against any list; None where the issuer gave none."""

    checks: tuple[Check, ...]
    """What was found in order."""


def verify_mdoc(response: bytes, expected: MdocExpectation, now: datetime) -> VerifiedMdoc:
    """Verify a DeviceResponse. Raises TokenUnreadableError, TokenInvalidError, IssuerUntrustedError."""
    document = _document(read_map(response, "the answer"), expected.doctype)
    match document:
        case {"issuerSigned": {"nameSpaces": dict(shown), "issuerAuth": sealed}, "deviceSigned": dict(device)}:
            issuer, security = _security_object(sealed, expected, now)
        case _:
            raise TokenUnreadableError("a document is what its issuer signed and what its device signed")
    elements = _elements(shown, security)
    _check_validity(security, now)
    key = read_key(_inside(security, "deviceKeyInfo", "deviceKey"))
    check_device(device, key, expected.doctype, expected.transcript)
    return VerifiedMdoc(expected.doctype, issuer, elements, security.get("status"), CHECKS)


def _document(response: Mapping[object, object], doctype: str) -> Mapping[Any, object]:
    documents = response.get("documents")
    if response.get("status") != 0 or not isinstance(documents, list) or len(documents) != 1:
        raise TokenInvalidError(Check.TYPE, "the answer does not hold exactly one document")
    document = documents[0]
    if not isinstance(document, dict):
        raise TokenUnreadableError("a document is not a map")
    if document.get("docType") != doctype:
        raise TokenInvalidError(Check.TYPE, f"the document is not a {doctype}")
    return document


def _security_object(sealed: object, expected: MdocExpectation, now: datetime) -> tuple[str, Mapping[Any, Any]]:
    """Who certifies its issuer, and the mobile security object, once its issuer is known and signed it."""
    what = "the security object"
    sign1 = read_sign1(sealed)
    issuer = certified_key(sign1.chain, expected.anchors, frozenset({MDL_DOCUMENT_SIGNER}), now)
    if sign1.payload is None:
        raise TokenUnreadableError("the issuer's signature covers nothing")
    verify_sign1(sign1, issuer.key, sign1.payload)
    security = read_map(embedded(read_cbor(sign1.payload, what), what), what)
    if security.get("docType") != expected.doctype:
        raise TokenInvalidError(Check.TYPE, "the issuer signed a document of another type")
    return issuer.name, security


def _elements(shown: Mapping[object, object], security: Mapping[Any, Any]) -> dict[str, dict[str, object]]:
    name = security.get("digestAlgorithm")
    if not (isinstance(name, str) and name in HASHES):
        raise TokenInvalidError(Check.ALGORITHM, f"the digests' hash is not one of {', '.join(HASHES)}")
    read: dict[str, dict[str, object]] = {}
    for namespace, items in shown.items():
        digests = _inside(security, "valueDigests", namespace)
        if not (isinstance(namespace, str) and isinstance(items, list) and isinstance(digests, dict)):
            raise TokenUnreadableError("elements stand in lists by namespace")
        read[namespace] = _namespace(items, digests, HASHES[name])
    return read


def _namespace(items: Sequence[object], digests: Mapping[object, object], hash_name: str) -> dict[str, object]:
    elements: dict[str, object] = {}
    left = dict(digests)
    for item in items:
        data = embedded(item, "an element")
        match read_map(data, "an element"):
            case {
                "digestID": int(number),
                "random": bytes(salt),
                "elementIdentifier": str(name),
                "elementValue": value,
            } if len(salt) >= MIN_SALT and name not in elements:
                signed = left.pop(number, b"")
            case _:
                raise TokenInvalidError(Check.DISCLOSURES, "an element is malformed, hardly salted, or there twice")
        if not (
            isinstance(signed, bytes) and hmac.compare_digest(signed, hashlib.new(hash_name, embed(data)).digest())
        ):
            raise TokenInvalidError(Check.DISCLOSURES, "the issuer did not sign an element that is shown")
        elements[name] = value
    return elements


def _check_validity(security: Mapping[Any, Any], now: datetime) -> None:
    """Section 9.1.2.4; the certificate's own time was checked with its chain."""
    signed, begins, ends = (_inside(security, "validityInfo", name) for name in ("signed", "validFrom", "validUntil"))
    if not (_is_moment(signed) and _is_moment(begins) and _is_moment(ends)):
        raise TokenUnreadableError("the security object does not say when it was signed, from when and until when")
    if not signed <= begins <= now < ends:
        raise TokenInvalidError(Check.VALIDITY, "the document has expired, or is not valid yet")


def _is_moment(value: object) -> TypeGuard[datetime]:
    return isinstance(value, datetime) and value.tzinfo is not None


def _inside(security: Mapping[Any, Any], *names: object) -> object:
    """What stands under these names, one in the other; None for nothing."""
    value: object = security
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
