"""Cryptosuites that sign a whole document, as a table (VC Data Integrity EdDSA 1.0, ECDSA 1.0)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from identity.canonical import Digest, canonical_nquads, jcs
from identity.context_library import ContextLibrary
from identity.jwk import CURVES, PublicKey
from identity.signature import ED25519, P256, P384, Scheme

Canonicalise = Callable[[Mapping[str, object], Digest, ContextLibrary], bytes]


@dataclass(frozen=True)
class Suite:
    """How a document is brought into its canonical form, and by which keys it is signed."""

    canonical: Canonicalise
    schemes: tuple[Scheme, ...]
    context_in_proof: bool
    """JCS proofs say themselves which contexts they were made under (§3.3.1 of both specifications)."""


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


def scheme_of(key: PublicKey) -> Scheme:
    """Raises ValueError for another curve."""
    if isinstance(key, Ed25519PublicKey):
        return ED25519
    for scheme in (P256, P384):
        if scheme and CURVES[scheme.curve].name == key.curve.name:
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
