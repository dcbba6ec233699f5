"""Cryptosuites as tables: those that sign a whole document, and those that show parts of one.

VC Data Integrity EdDSA 1.0, ECDSA 1.0; of selective disclosure what a verifier needs of `identity.selective`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from identity.did.methods import BlsKey, VerificationKey
from identity.encoding import multibase
from identity.errors import KeyUnfitError
from identity.jose.jwk import PublicKey
from identity.jose.signature import ED25519, P256, P384, P521, Scheme
from identity.jsonld.canonical import Digest, canonical_nquads, jcs
from identity.jsonld.context_library import ContextLibrary
from identity.selective import bbs, ecdsa_sd

Canonicalise = Callable[[Mapping[str, object], Digest, ContextLibrary], bytes]


@dataclass(frozen=True)
class Suite:
    """How a document is brought into its canonical form, and by which keys it is signed."""

    canonical: Canonicalise
    schemes: tuple[Scheme, ...]
    context_in_proof: bool
    """JCS proofs say themselves which contexts they were made under (§3.3.1 of both specifications)."""

    def takes(self, key: VerificationKey) -> bool:
        """Whether keys of that kind sign under it."""
        return not isinstance(key, BlsKey) and scheme_of(key) in self.schemes

    def read(self, value: str) -> None:
        """Raises ValueError for a value of another form."""
        if not value.startswith("z"):
            raise ValueError("its value is not base58btc")
        multibase.decode(value)


@dataclass(frozen=True)
class SelectiveSuite:
    """How what a holder shows of a document is verified."""

    verify: Callable[[Mapping[str, object], Mapping[str, object], VerificationKey, ContextLibrary], object]
    """The document without proofs, the proof, the issuer's key. Raises ProofError's kinds, KeyUnfitError,
    DocumentError's kinds.
    """

    read: Callable[[str], bytes | None]
    """The presentation header, where the suite has one. Raises ProofError's kinds."""

    takes: Callable[[VerificationKey], bool]
    """Whether keys of that kind sign under it."""


def _rdfc(document: Mapping[str, object], digest: Digest, contexts: ContextLibrary) -> bytes:
    return "".join(canonical_nquads(document, digest=digest, contexts=contexts)).encode()


def _jcs(document: Mapping[str, object], _digest: Digest, _contexts: ContextLibrary) -> bytes:
    return jcs(document)


SUITES: Final[Mapping[str, Suite]] = {
    "eddsa-rdfc-2022": Suite(_rdfc, (ED25519,), context_in_proof=False),
    "eddsa-jcs-2022": Suite(_jcs, (ED25519,), context_in_proof=True),
    "ecdsa-rdfc-2019": Suite(_rdfc, (P256, P384), context_in_proof=False),
    "ecdsa-jcs-2019": Suite(_jcs, (P256, P384), context_in_proof=True),
}


ED25519_2020: Final = "Ed25519Signature2020"
"""A type of proof from before Data Integrity, which VC Data Integrity EdDSA keeps (§A): eddsa-rdfc-2022 by another
name.
"""


def _verify_ecdsa_sd(
    document: Mapping[str, object], proof: Mapping[str, object], key: VerificationKey, contexts: ContextLibrary
) -> None:
    if not isinstance(key, EllipticCurvePublicKey):
        raise KeyUnfitError("ecdsa-sd-2023 is signed by P-256 keys")
    ecdsa_sd.verify(document, proof, key, contexts=contexts)


def _verify_bbs(
    document: Mapping[str, object], proof: Mapping[str, object], key: VerificationKey, contexts: ContextLibrary
) -> None:
    if not isinstance(key, BlsKey):
        raise KeyUnfitError("bbs-2023 is signed by BLS12-381 keys")
    bbs.verify(document, proof, key.octets, contexts=contexts)


def _read_ecdsa_sd(value: str) -> None:
    ecdsa_sd.DerivedProof.decode(value)


SELECTIVE: Final[Mapping[str, SelectiveSuite]] = {
    ecdsa_sd.CRYPTOSUITE: SelectiveSuite(
        _verify_ecdsa_sd, _read_ecdsa_sd, lambda key: not isinstance(key, BlsKey) and scheme_of(key) is P256
    ),
    bbs.CRYPTOSUITE: SelectiveSuite(
        _verify_bbs,
        lambda value: bbs.DerivedProof.decode(value).presentation_header,
        lambda key: isinstance(key, BlsKey),
    ),
}


def scheme_of(key: PublicKey) -> Scheme:
    """Raises ValueError for another curve."""
    if isinstance(key, Ed25519PublicKey):
        return ED25519
    for scheme in (P256, P384, P521):
        if scheme and scheme.curve_name == key.curve.name:
            return scheme
    raise ValueError(f"{key.curve.name} signs no credentials here")


def _digest_of(key: PublicKey) -> Digest:
    """What a document is hashed with before this key signs (VC ECDSA 1.0 §3.1)."""
    scheme = scheme_of(key)
    return Digest(scheme.digest.name) if scheme else Digest.SHA256


def hash_data(
    unsecured: Mapping[str, object],
    configuration: Mapping[str, object],
    suite: Suite,
    key: PublicKey,
    contexts: ContextLibrary,
) -> bytes:
    """What is signed: the hash of the configuration, then of the document. Raises DocumentError's kinds."""
    digest = _digest_of(key)
    if not suite.context_in_proof:
        configuration = {**configuration, "@context": unsecured.get("@context", [])}
    parts = (suite.canonical(part, digest, contexts) for part in (configuration, unsecured))
    return b"".join(hashlib.new(digest, part).digest() for part in parts)
