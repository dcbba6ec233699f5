"""A credential to take apart, and both suites behind one shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from identity.jsonld.context_library import CREDENTIALS_V2
from identity.selective import bbs, ecdsa_sd
from identity.selective.bbs_ciphersuite import SHA_256
from identity.selective.bbs_signature import SecretKey

Document = dict[str, Any]

CARD: Document = {
    "@context": [CREDENTIALS_V2, {"@vocab": "https://vocab.example/"}],
    "type": ["VerifiableCredential", "LibraryCard"],
    "issuer": {"id": "did:example:library", "name": "City library"},
    "validUntil": "2031-01-01T00:00:00Z",
    "credentialSubject": {
        "type": ["Reader"],
        "name": 'Ada _:c14n0 "Lovelace" .\u2028\n',
        "ageOver": [12, 16, 18],
        "address": {"city": "London", "street": {"name": "Rue de l'Été", "number": 12}},
        "loans": [{"book": "Emma", "days": 3}, {"book": "Dune", "days": 21}, {"book": "Emma", "days": 9}],
    },
}
MANDATORY = ["/issuer", "/validUntil"]
SELECTIVE = ["/credentialSubject/ageOver/2", "/credentialSubject/loans/1/book"]


@dataclass(frozen=True)
class Suite:
    name: str
    issue: Callable[..., Document]
    """Document and mandatory pointers → base proof."""

    derive: Callable[..., tuple[Document, Document]]
    """Document, base proof, selective pointers → what is shown, and its proof."""

    verify: Callable[[Mapping[str, Any], Mapping[str, Any]], object]
    verify_by_stranger: Callable[[Mapping[str, Any], Mapping[str, Any]], object]
    """As `verify`, under another issuer's key."""

    base: Any
    derived: Any

    def __str__(self) -> str:
        return self.name


def options(suite: str) -> Document:
    return {
        "type": "DataIntegrityProof",
        "cryptosuite": suite,
        "created": "2026-11-28T00:00:00Z",
        "verificationMethod": "did:example:library#key",
        "proofPurpose": "assertionMethod",
    }


EC_KEY, EC_STRANGER = (derive_private_key(scalar, SECP256R1()) for scalar in (5, 6))
BBS_KEY, BBS_STRANGER = (SecretKey.derive(SHA_256, bytes([number] * 32)) for number in (5, 6))


def sign_with(key: EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    return lambda message: b"".join(
        part.to_bytes(32) for part in decode_dss_signature(key.sign(message, ECDSA(SHA256())))
    )


def ecdsa_issue(document: Document, mandatory: Sequence[str] = MANDATORY) -> Document:
    return ecdsa_sd.issue(document, options(ecdsa_sd.CRYPTOSUITE), mandatory, EC_KEY.public_key(), sign_with(EC_KEY))


def bbs_issue(document: Document, mandatory: Sequence[str] = MANDATORY) -> Document:
    return bbs.issue(document, options(bbs.CRYPTOSUITE), mandatory, BBS_KEY)


def bbs_derive(document: Document, proof: Document, pointers: Sequence[str]) -> tuple[Document, Document]:
    return bbs.derive(document, proof, pointers, b"nonce")


ECDSA_SD = Suite(
    "ecdsa-sd-2023",
    ecdsa_issue,
    ecdsa_sd.derive,
    lambda document, proof: ecdsa_sd.verify(document, proof, EC_KEY.public_key()),
    lambda document, proof: ecdsa_sd.verify(document, proof, EC_STRANGER.public_key()),
    ecdsa_sd.BaseProof,
    ecdsa_sd.DerivedProof,
)
BBS = Suite(
    "bbs-2023",
    bbs_issue,
    bbs_derive,
    lambda document, proof: bbs.verify(document, proof, BBS_KEY.public),
    lambda document, proof: bbs.verify(document, proof, BBS_STRANGER.public),
    bbs.BaseProof,
    bbs.DerivedProof,
)
SUITES = [ECDSA_SD, BBS]
