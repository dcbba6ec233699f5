"""Age attestations by bbs-2023, and a wallet that derives what a request asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from identity.did.methods import BlsKey, did_key, method_of
from identity.issuing.vocabulary import CONTEXT_PATH, contexts_at
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.openid4vp.request import Request
from identity.selective import bbs
from identity.selective.bbs_ciphersuite import SHA_256
from identity.selective.bbs_signature import SecretKey

ORIGIN: Final = "https://sigillo.example"
CONTEXTS: Final = contexts_at(ORIGIN)
SECRET: Final = SecretKey.derive(SHA_256, b"an issuer of ages, for tests alone")
ISSUER: Final = did_key(BlsKey(SECRET.public))


@cache
def credential(claims: str, kind: str = "AgeAttestation") -> tuple[dict[str, Any], dict[str, Any]]:
    """One that says these claims (JSON), and its base proof."""
    document = {
        "@context": [CREDENTIALS_V2, ORIGIN + CONTEXT_PATH],
        "type": ["VerifiableCredential", *([kind] if kind else [])],
        "issuer": ISSUER,
        "validFrom": "2026-11-23T00:00:00Z",
        "validUntil": "2026-12-07T00:00:00Z",
        "credentialSubject": json.loads(claims),
    }
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": bbs.CRYPTOSUITE,
        "verificationMethod": method_of(ISSUER),
        "proofPurpose": "assertionMethod",
    }
    mandatory = ["/issuer", "/validFrom", "/validUntil", "/type"]
    return document, bbs.issue(document, options, mandatory, SECRET, contexts=CONTEXTS)


def derived(
    request: Request,
    claims: Mapping[str, object],
    *shown: str,
    header: bytes | None = None,
    kind: str = "AgeAttestation",
) -> dict[str, Any]:
    """What of it is shown for this request."""
    document, proof = credential(json.dumps(claims), kind)
    pointers = [f"/credentialSubject/{name}" for name in shown]
    header = request.transcript if header is None else header
    part, made = bbs.derive(document, proof, pointers, header, contexts=CONTEXTS)
    return {**part, "proof": made}
