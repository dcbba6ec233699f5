"""Credentials of our own types, as a deployment issues them, verified by `@digitalbazaar/vc` with nothing but what we
publish: our DID document and our context.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

from identity.data_integrity.cryptosuite import SELECTIVE
from identity.did.methods import multikey
from identity.holding.deriving import derive_credential
from identity.issuing.credential_types import TYPES
from identity.issuing.did_document import CONTEXTS
from identity.issuing.issued import CredentialId
from identity.issuing.issuer import ISSUED_SUITES
from identity.issuing.orders import Slot, TypedOrder
from identity.issuing.vocabulary import CONTEXT_PATH, context, contexts_at
from identity.status.bitstring import StatusEntry
from identity.status.lists import ListId, Place
from tests.identity.issuing.ours import DID, NOW, methods, our_issuer
from tests.peers.age import NAMED
from tests.peers.node import Node

ORIGIN = "https://issuer.example"
CONTEXTS_HERE = contexts_at(ORIGIN)
ISSUER = replace(our_issuer(), contexts=CONTEXTS_HERE)
CREATOR = {"id": "did:example:creator", "name": "A creator", "profile": "https://creator.example/"}


class _Status:
    """As `identity.status.publishing` writes it."""

    def entries(self, place: Place) -> list[dict[str, object]]:
        return [StatusEntry("revocation", f"{ORIGIN}/status/{place.list}/revocation", place.number).members()]

    def claim(self, place: Place) -> dict[str, object]:
        return {"status_list": {"uri": f"{ORIGIN}/status/{place.list}/token", "idx": place.number}}


def issued(kind: str, suite: str) -> dict[str, Any]:
    """To be shown whole, or with one claim."""
    claims = CREATOR if kind == "VerifiedCreator" else {"age_over_18": True}
    order = TypedOrder(TYPES[kind], claims, suite)
    place = Place(ListId("stl_x"), 7) if order.revocable else None
    slot = Slot(CredentialId("crd_x"), NOW, place, _Status(), ORIGIN)
    credential = order.sign(ISSUER, slot).credential
    assert isinstance(credential, dict)
    if suite not in SELECTIVE:
        return credential
    pointer = "/credentialSubject/" + ("name" if kind == "VerifiedCreator" else "age_over_18")
    return derive_credential(credential, [pointer], None, contexts=CONTEXTS_HERE)


def published() -> dict[str, Any]:
    """By address: contexts, our DID document, and each of its methods, which the peer asks for by their ids."""
    listed = {
        name: {
            "@context": CONTEXTS[1],
            "id": name,
            "type": "Multikey",
            "controller": DID,
            "publicKeyMultibase": multikey(method.key),
        }
        for name, method in methods(ISSUER).items()
    }
    document = {"@context": list(CONTEXTS), "id": DID, "assertionMethod": [*listed]}
    return {**NAMED, ORIGIN + CONTEXT_PATH: json.loads(context()), DID: document, **listed}


def test_others_verify_what_a_deployment_issues(node: Node) -> None:
    made = {("VerifiedCreator", suite): issued("VerifiedCreator", suite) for suite in ISSUED_SUITES}
    made["AgeAttestation", "bbs-2023"] = issued("AgeAttestation", "bbs-2023")
    assert made["AgeAttestation", "bbs-2023"]["credentialSubject"] == {"age_over_18": True}
    cases = []
    for (_, suite), credential in made.items():
        forged = deepcopy(credential)
        forged["issuer"] = "did:web:another.example"
        cases += [{"action": "verify", "suite": suite, "credential": one} for one in (credential, forged)]
    request = {"contexts": published(), "now": NOW.isoformat(), "cases": cases}
    answers = node.run("data_integrity.mjs", request)
    assert answers[::2] == [{"verified": True, "errors": []}] * len(made), list(zip(made, answers[::2], strict=True))
    assert not any(answer["verified"] for answer in answers[1::2])
