"""ecdsa-sd-2023: selective disclosure with P-256. The issuer's key signs once, so it may stay in a key store.

The issuer makes a key for this one credential, signs each statement that is not mandatory with it, and forgets it; the
key store signs that key together with the proof configuration and the hash of the mandatory statements. A holder passes
on the signatures of what is shown. Presentations are linkable: they share the issuer's signature and that key.

Rules
- Verifying raises, it never returns False; statements and signatures are as many.
- Two issuings of the same document share nothing: HMAC key and credential key are fresh.

W3C vc-di-ecdsa, the cryptosuite ecdsa-sd-2023.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.encoding import multibase
from identity.errors import ProofInvalidError, ProofUnreadableError, TokenInvalidError
from identity.jose.signature import P256
from identity.jose.signature import verify as verify_signature
from identity.jsonld.context_library import PUBLISHED, ContextLibrary
from identity.selective.disclosure import disclose, group, proof_hash, recover
from identity.selective.labels import HMAC_KEY_BYTES, hmac_labels
from identity.selective.proof_value import (
    Kind,
    decode,
    encode,
    read_hmacs,
    read_indexes,
    read_octets,
    read_pointers,
)
from identity.selective.statements import Labels, prepare

CRYPTOSUITE: Final = "ecdsa-sd-2023"

SIGNATURE_BYTES: Final = 64
"""r‖s."""

MULTIKEY_BYTES: Final = 35
_P256_PREFIX: Final = bytes.fromhex("8024")
"""Of a compressed P-256 point as a Multikey."""

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_KEY_MATERIAL_BYTES: Final = 40
"""64 bits more than the order has, so that no key is likelier than another (FIPS 186-5, A.2.1)."""

Sign = Callable[[bytes], bytes]
"""Signs the message with the issuer's P-256 key: r‖s over its SHA-256, as `keys.signer.Signer.sign` does."""

Randomness = Callable[[int], bytes]


@dataclass(frozen=True)
class BaseProof:
    """What the issuer gives the holder."""

    signature: bytes
    credential_key: bytes
    """Multikey."""

    hmac_key: bytes
    signatures: tuple[bytes, ...]
    """One for each statement that is not mandatory, in their order."""

    mandatory_pointers: tuple[str, ...]

    def encode(self) -> str:
        """The `proofValue`."""
        return encode(
            Kind.ECDSA_BASE,
            [self.signature, self.credential_key, self.hmac_key, list(self.signatures), list(self.mandatory_pointers)],
        )

    @classmethod
    def decode(cls, value: object) -> Self:
        """Raises ProofUnreadableError, ProofLimitError."""
        signature, key, hmac_key, signatures, pointers = decode(Kind.ECDSA_BASE, value, 5)
        return cls(
            signature=read_octets(signature, SIGNATURE_BYTES),
            credential_key=read_octets(key, MULTIKEY_BYTES),
            hmac_key=read_octets(hmac_key, HMAC_KEY_BYTES),
            signatures=_read_signatures(signatures),
            mandatory_pointers=tuple(read_pointers(pointers)),
        )


@dataclass(frozen=True)
class DerivedProof:
    """What the holder gives a verifier."""

    signature: bytes
    credential_key: bytes
    signatures: tuple[bytes, ...]
    labels: Labels
    mandatory: tuple[int, ...]

    def encode(self) -> str:
        """The `proofValue`."""
        labels = {
            int(canonical.removeprefix("c14n")): multibase.decode(label) for canonical, label in self.labels.items()
        }
        return encode(
            Kind.ECDSA_DERIVED,
            [self.signature, self.credential_key, list(self.signatures), labels, list(self.mandatory)],
        )

    @classmethod
    def decode(cls, value: object) -> Self:
        """Raises ProofUnreadableError, ProofLimitError."""
        signature, key, signatures, labels, mandatory = decode(Kind.ECDSA_DERIVED, value, 5)
        return cls(
            signature=read_octets(signature, SIGNATURE_BYTES),
            credential_key=read_octets(key, MULTIKEY_BYTES),
            signatures=_read_signatures(signatures),
            labels={f"c14n{number}": multibase.encode_base64(label) for number, label in read_hmacs(labels).items()},
            mandatory=tuple(read_indexes(mandatory)),
        )


def issue(
    document: Mapping[str, Any],
    options: Mapping[str, Any],
    mandatory_pointers: Sequence[str],
    issuer: EllipticCurvePublicKey,
    sign: Sign,
    *,
    contexts: ContextLibrary = PUBLISHED,
    randomness: Randomness = secrets.token_bytes,
) -> dict[str, Any]:
    """The base proof of a document without a proof; `options` are its members but `proofValue`.

    Raises SelectionError, DocumentError's kinds, ProofInvalidError when `sign` is not of the issuer's key, and what
    `sign` raises.
    """
    hmac_key = randomness(HMAC_KEY_BYTES)
    credential_key = _make_key(randomness)
    grouped = group(prepare(document, contexts).under(hmac_labels(hmac_key)), mandatory_pointers)
    public = _multikey(credential_key.public_key())
    vouched = proof_hash(document, options, contexts) + public + grouped.mandatory_hash
    signature = sign(vouched)
    _verify(issuer, signature, vouched)
    proof = BaseProof(
        signature=signature,
        credential_key=public,
        hmac_key=hmac_key,
        signatures=tuple(_sign(credential_key, statement) for statement in grouped.others),
        mandatory_pointers=tuple(mandatory_pointers),
    )
    return {**options, "proofValue": proof.encode()}


def derive(
    document: Mapping[str, Any],
    proof: Mapping[str, Any],
    selective_pointers: Sequence[str],
    *,
    contexts: ContextLibrary = PUBLISHED,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The part of the document that is mandatory or selected, and its proof. The signatures are not verified:
    a holder who wants to know what was issued derives everything (the pointer `""`) and verifies that.

    Raises SelectionError, ProofUnreadableError, ProofLimitError, DocumentError's kinds.
    """
    base = BaseProof.decode(proof.get("proofValue"))
    disclosed = disclose(document, hmac_labels(base.hmac_key), base.mandatory_pointers, selective_pointers, contexts)
    if len(base.signatures) != len(disclosed.grouped.others):
        raise ProofUnreadableError(
            f"the proof has {len(base.signatures)} signatures for {len(disclosed.grouped.others)} statements"
        )
    derived = DerivedProof(
        signature=base.signature,
        credential_key=base.credential_key,
        signatures=tuple(base.signatures[index] for index in disclosed.shown),
        labels=disclosed.labels,
        mandatory=disclosed.mandatory,
    )
    return disclosed.document, {**proof, "proofValue": derived.encode()}


def verify(
    document: Mapping[str, Any],
    proof: Mapping[str, Any],
    issuer: EllipticCurvePublicKey,
    *,
    contexts: ContextLibrary = PUBLISHED,
) -> None:
    """A derived proof of a document without a proof, under the issuer's P-256 key.

    Raises ProofInvalidError, ProofUnreadableError, ProofLimitError, DocumentError's kinds.
    """
    derived = DerivedProof.decode(proof.get("proofValue"))
    credential_key = _read_multikey(derived.credential_key)
    grouped = recover(document, derived.labels, derived.mandatory, contexts)
    if len(derived.signatures) != len(grouped.others):
        raise ProofInvalidError(
            f"{len(grouped.others)} statements are not mandatory, and {len(derived.signatures)} are signed"
        )
    signed = proof_hash(document, proof, contexts) + derived.credential_key + grouped.mandatory_hash
    _verify(issuer, derived.signature, signed)
    for statement, signature in zip(grouped.others, derived.signatures, strict=True):
        _verify(credential_key, signature, statement.encode())


def _make_key(randomness: Randomness) -> EllipticCurvePrivateKey:
    scalar = int.from_bytes(randomness(_KEY_MATERIAL_BYTES)) % (_ORDER - 1) + 1
    return derive_private_key(scalar, SECP256R1())


def _multikey(key: EllipticCurvePublicKey) -> bytes:
    return _P256_PREFIX + key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def _read_multikey(octets: bytes) -> EllipticCurvePublicKey:
    if not octets.startswith(_P256_PREFIX):
        raise ProofUnreadableError("the key of the credential is no P-256 key")
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), octets[len(_P256_PREFIX) :])
    except ValueError as error:
        raise ProofUnreadableError("the key of the credential is no point of P-256") from error


def _sign(key: EllipticCurvePrivateKey, statement: str) -> bytes:
    """Deterministic (RFC 6979): many signatures of one key, and none depends on luck."""
    der = key.sign(statement.encode(), ECDSA(SHA256(), deterministic_signing=True))
    return b"".join(part.to_bytes(32) for part in decode_dss_signature(der))


def _verify(key: EllipticCurvePublicKey, signed: bytes, message: bytes) -> None:
    try:
        verify_signature(P256, key, signed, message)
    except TokenInvalidError as error:
        raise ProofInvalidError("a signature is of another statement, proof or key") from error


def _read_signatures(component: object) -> tuple[bytes, ...]:
    if type(component) is not list:
        raise ProofUnreadableError("signatures expected in the proofValue")
    return tuple(read_octets(item, SIGNATURE_BYTES) for item in component)
