"""Credentials in envelopes (VC-JOSE-COSE), with `jose` and `@sd-jwt/core` as issuer, holder and verifier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from identity.enveloping.checks import opened
from identity.enveloping.envelope import envelop, token_in
from identity.enveloping.secured import Form
from identity.issuing.signing_keys import stored_key
from identity.jose.jwk import write_jwk
from identity.outcome import Check, Outcome
from identity.vcdm import CREDENTIAL
from identity.verifier import verify_credential
from tests.identity.issuing.ours import DID, NOW, credential, our_issuer, policy
from tests.identity.parties import party
from tests.peers.node import Node
from tests.peers.test_sd_jwt import private_jwk

PARTY = party()
ISSUER = replace(our_issuer(), p256=stored_key(DID, "p256-1", PARTY.key, PARTY.signer))
KEY, PRIVATE = write_jwk(PARTY.key), private_jwk(PARTY)
DOCUMENT = credential()


def header(form: Form) -> dict[str, Any]:
    return {"alg": "ES256", "typ": f"vc+{form}", "cty": "vc", "kid": ISSUER.p256.method.id}


def test_with_node(node: Node) -> None:
    made = {form: ISSUER.document(DOCUMENT, f"vc+{form}") for form in (Form.JWT, Form.SD_JWT)}
    tokens = {form: token_in(envelope, CREDENTIAL)[0].decode() for form, envelope in made.items()}
    only_the_name = {"credentialSubject": {"name": True}}
    verified, forged, revealed, shown, signed, concealed = node.run(
        "enveloped.mjs",
        [
            {"action": "verify", "token": tokens[Form.JWT], "key": KEY},
            {"action": "verify", "token": f"{tokens[Form.JWT][:-6]}AAAAAA", "key": KEY},
            {"action": "reveal", "token": tokens[Form.SD_JWT], "key": KEY},
            {"action": "present", "token": tokens[Form.SD_JWT], "frame": only_the_name},
            {"action": "sign", "payload": DOCUMENT, "header": header(Form.JWT), "key": PRIVATE},
            {
                "action": "conceal",
                "payload": DOCUMENT,
                "header": header(Form.SD_JWT),
                "frame": {"credentialSubject": {"_sd": ["name"]}},
                "key": PRIVATE,
            },
        ],
    )
    assert verified == {"payload": DOCUMENT, "header": header(Form.JWT)}
    assert "failed" in forged
    assert revealed["payload"] == DOCUMENT
    assert "description" not in said(shown["token"], Form.SD_JWT)["credentialSubject"]
    assert said(shown["token"], Form.SD_JWT)["credentialSubject"]["name"] == "Ada"
    assert said(signed["token"], Form.JWT) == said(concealed["token"], Form.SD_JWT) == DOCUMENT


def said(token: str, form: Form) -> dict[str, Any]:
    """What a token says that we verify."""
    envelope = envelop(token, form, CREDENTIAL)
    report = verify_credential(envelope, policy(ISSUER), NOW)
    assert report.verdict is Outcome.HOLDS, report.failed
    assert report.outcome(Check.SIGNATURE) is Outcome.HOLDS
    return dict(opened(envelope, CREDENTIAL).document)
