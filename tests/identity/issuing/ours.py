"""An issuer of our own with keys in this process, for tests that need one and no key store."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from identity.did.methods import VerificationMethod
from identity.errors import DidUnreadableError
from identity.issuing.issuer import Issuer
from identity.issuing.signing_keys import sealed_key, stored_key
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.selective.bbs_ciphersuite import SHA_256
from identity.selective.bbs_signature import SecretKey
from identity.verifier import Policy
from keys.clock import system_entropy
from keys.signer import Algorithm, KeyRef
from tests.identity.parties import party

DID = "did:web:issuer.example"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@cache
def our_issuer() -> Issuer:
    ed25519, p256 = party(Algorithm.ED25519), party(Algorithm.ES256)
    bls = SecretKey.derive(SHA_256, bytes(range(32)))
    return Issuer(
        DID,
        stored_key(DID, "ed25519-1", ed25519.key, ed25519.signer),
        stored_key(DID, "p256-1", p256.key, p256.signer),
        sealed_key(DID, "bls-1", bls.public, KeyRef("test", 1), lambda: bls),
        clock=lambda: NOW,
        entropy=system_entropy,
    )


def methods(issuer: Issuer) -> dict[str, VerificationMethod]:
    return {key.method.id: key.method for key in (issuer.ed25519, issuer.p256, issuer.bls)}


def policy(issuer: Issuer) -> Policy:
    """Of a verifier who has the issuer's DID document."""

    def resolve(method: str) -> VerificationMethod:
        found = methods(issuer).get(method)
        if found is None:
            raise DidUnreadableError(f"no method {method}")
        return found

    return Policy(frozenset({issuer.did}), issuer.contexts, resolve)


def credential(**members: Any) -> dict[str, Any]:
    """What somebody asks to be issued."""
    return {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiableCredential"],
        "issuer": DID,
        "validFrom": "2026-11-01T00:00:00Z",
        "validUntil": "2026-12-01T00:00:00Z",
        "credentialSubject": {"name": "Ada", "description": "a reader"},
        **members,
    }
