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
from identity.related_resource import pinned_contexts
from identity.selective import bbs
from identity.selective.bbs_ciphersuite import SHA_256
from identity.selective.bbs_signature import SecretKey

ORIGIN: Final = "https://sigillo.example"
CONTEXTS: Final = contexts_at(ORIGIN)
SECRET: Final = SecretKey.derive(SHA_256, b"an issuer of ages, for tests alone")
ISSUER: Final = did_key(BlsKey(SECRET.public))

PINNED: Final = {
    "relatedResource": {
        "id": CREDENTIALS_V2,
        "digestSRI": "sha384-NSOcNpmdIVUxIJGvGUoe22FjTWrXiaXlsZ8q6912LdnR3KraQO2n75Ica4wK4Qeg",
    },
    "evidence": {"type": "BitstringStatusList", "statusSize": 2},
}


@cache
def credential(
    claims: str, kind: str = "AgeAttestation", *, pinned: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One that says these claims (JSON), and its base proof; `pinned` to an earlier edition of VCDM's context, of which
    alone it has a term.
    """
    document = {
        "@context": [CREDENTIALS_V2, ORIGIN + CONTEXT_PATH],
        "type": ["VerifiableCredential", *([kind] if kind else [])],
        "issuer": ISSUER,
        "validFrom": "2026-11-23T00:00:00Z",
        "validUntil": "2026-12-07T00:00:00Z",
        "credentialSubject": json.loads(claims),
        **(PINNED if pinned else {}),
    }
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": bbs.CRYPTOSUITE,
        "verificationMethod": method_of(ISSUER),
        "proofPurpose": "assertionMethod",
    }
    mandatory = ["/issuer", "/validFrom", "/validUntil", "/type", *(f"/{name}" for name in PINNED if pinned)]
    contexts = pinned_contexts(document, CONTEXTS)
    return document, bbs.issue(document, options, mandatory, SECRET, contexts=contexts)


def derived(
    request: Request,
    claims: Mapping[str, object],
    *shown: str,
    header: bytes | None = None,
    kind: str = "AgeAttestation",
    pinned: bool = False,
) -> dict[str, Any]:
    """What of it is shown for this request."""
    document, proof = credential(json.dumps(claims), kind, pinned=pinned)
    pointers = [f"/credentialSubject/{name}" for name in shown]
    header = request.transcript if header is None else header
    part, made = bbs.derive(document, proof, pointers, header, contexts=pinned_contexts(document, CONTEXTS))
    return {**part, "proof": made}
