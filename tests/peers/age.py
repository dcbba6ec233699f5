"""An age credential, and both of our sides of every cryptosuite: issuing it and, with selective suites, showing parts.

The same credential goes through the peers, in tests and in benchmarks/credentials.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from identity.data_integrity.cryptosuite import SELECTIVE, SUITES
from identity.data_integrity.signing import ProofOptions, add_proof
from identity.did.methods import BlsKey, VerificationKey, did_key, multikey
from identity.encoding import multibase
from identity.encoding.date_time import write_date_time
from identity.jsonld.context_library import CREDENTIALS_V1, CREDENTIALS_V2, DATA_INTEGRITY_V2, PUBLISHED
from identity.selective import bbs, ecdsa_sd
from identity.selective.bbs_ciphersuite import SHA_256
from identity.selective.bbs_signature import SecretKey
from identity.verifier import Policy
from tests.identity.issuers import Issuer

NOW: Final = datetime(2026, 11, 28, 12, tzinfo=UTC)
AGE: Final = "https://peers.example/contexts/age/v1"
AGES: Final = (12, 14, 16, 18, 21, 65)

_TERMS: Final = {f"ageOver{age}": f"https://peers.example/terms#ageOver{age}" for age in AGES}
_CONTEXT: Final = {
    "@context": {
        "@protected": True,
        "AgeAttestation": "https://peers.example/terms#AgeAttestation",
        "Person": {"@id": "https://peers.example/terms#Person", "@context": {"@protected": True, **_TERMS}},
    }
}
CONTEXTS: Final = PUBLISHED.including({AGE: json.dumps(_CONTEXT).encode()})
NAMED: Final = {name: json.loads(CONTEXTS[name]) for name in (CREDENTIALS_V2, CREDENTIALS_V1, DATA_INTEGRITY_V2, AGE)}
"""For the peers."""

MANDATORY: Final = ("/issuer", "/validFrom", "/validUntil")
OVER_18: Final = ("/credentialSubject/ageOver18",)
HEADER: Final = "a presentation header"


def attestation(issuer: str, today: datetime = NOW) -> dict[str, Any]:
    """As `AgeAttestation` is issued: no ids, coarse dates, nothing but yes and no."""
    begins = today.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "@context": [CREDENTIALS_V2, AGE],
        "type": ["VerifiableCredential", "AgeAttestation"],
        "issuer": issuer,
        "validFrom": write_date_time(begins),
        "validUntil": write_date_time(begins + timedelta(days=14)),
        "credentialSubject": {"type": "Person", **{f"ageOver{age}": age <= 21 for age in AGES}},
    }


@dataclass(frozen=True)
class Ours:
    """A suite, and a key of ours for it."""

    suite: str

    @cached_property
    def _issuer(self) -> Issuer:
        return Issuer.of(self.suite)

    @cached_property
    def _secret(self) -> SecretKey:
        return SecretKey.derive(SHA_256, b"a key for the tests of the peers")

    @cached_property
    def public(self) -> VerificationKey:
        return BlsKey(self._secret.public) if self.suite == bbs.CRYPTOSUITE else self._issuer.public

    @cached_property
    def did(self) -> str:
        return did_key(self.public)

    @property
    def policy(self) -> Policy:
        return Policy(frozenset({self.did}), contexts=CONTEXTS)

    @property
    def key(self) -> dict[str, str]:
        """The pair as the peers take it (Controlled Identifiers 1.0, §2.2.2)."""
        public = multikey(self.public)
        return {
            "id": f"{self.did}#{public}",
            "controller": self.did,
            "type": "Multikey",
            "publicKeyMultibase": public,
            "secretKeyMultibase": multibase.encode(self._secret_octets()),
        }

    def _secret_octets(self) -> bytes:
        if self.suite == bbs.CRYPTOSUITE:
            return bytes.fromhex("8a26") + self._secret.scalar.to_bytes(32)
        private = self._issuer.private
        if isinstance(private, EllipticCurvePrivateKey):
            return bytes.fromhex("8626") + private.private_numbers().private_value.to_bytes(32)
        return bytes.fromhex("8026") + private.private_bytes_raw()

    def issue(self, credential: dict[str, Any], now: datetime = NOW) -> dict[str, Any]:
        """With its proof; of a selective suite the base proof, for the holder."""
        if self.suite in SUITES:
            options = ProofOptions(self.suite, "assertionMethod", now)
            return add_proof(credential, options, self._issuer.method, self._issuer.sign, CONTEXTS)
        stated = {
            "type": "DataIntegrityProof",
            "cryptosuite": self.suite,
            "verificationMethod": self.key["id"],
            "proofPurpose": "assertionMethod",
        }
        if self.suite == bbs.CRYPTOSUITE:
            proof = bbs.issue(credential, stated, MANDATORY, self._secret, contexts=CONTEXTS)
        else:
            issuer = self._issuer
            assert isinstance(issuer.private, EllipticCurvePrivateKey)
            public = issuer.private.public_key()
            proof = ecdsa_sd.issue(credential, stated, MANDATORY, public, issuer.sign, contexts=CONTEXTS)
        return {**credential, "proof": proof}

    def derive(self, secured: dict[str, Any], pointers: Sequence[str] = OVER_18) -> dict[str, Any]:
        """What a holder shows of it."""
        document = {name: value for name, value in secured.items() if name != "proof"}
        if self.suite == bbs.CRYPTOSUITE:
            shown, proof = bbs.derive(document, secured["proof"], pointers, HEADER.encode(), contexts=CONTEXTS)
        else:
            shown, proof = ecdsa_sd.derive(document, secured["proof"], pointers, contexts=CONTEXTS)
        return {**shown, "proof": proof}


OURS: Final = tuple(Ours(suite) for suite in (*SUITES, *SELECTIVE))
