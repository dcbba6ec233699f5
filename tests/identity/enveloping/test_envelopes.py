from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest

from identity.data_integrity.proof import Expected
from identity.encoding import base64url
from identity.enveloping.envelope import envelop
from identity.enveloping.secured import Form, sign_cose, sign_jwt
from identity.jose.jws import sign_jws
from identity.jsonld.context_library import CREDENTIALS_V1, CREDENTIALS_V2
from identity.outcome import Check, Outcome
from identity.report import Report
from identity.sd_jwt.concealing import Disclosable, conceal
from identity.vcdm import CREDENTIAL, PRESENTATION
from identity.verifier import Policy, verify_credential, verify_presentation
from keys.signer import Algorithm
from tests.identity.issuers import Issuer
from tests.identity.parties import counting

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ES256 = -7


class Signing(Issuer):
    """A test issuer that signs tokens."""

    algorithm = Algorithm.ES256


ISSUER, OTHER = Signing.of("ecdsa"), Signing.of("ecdsa", 1)
KID = ISSUER.method.id
DOCUMENT: dict[str, Any] = {
    "@context": [CREDENTIALS_V2],
    "type": ["VerifiableCredential"],
    "issuer": ISSUER.did,
    "validUntil": "2027-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:subject", "name": "Sam", "description": "tall"},
}


def signed(header: dict[str, object], payload: dict[str, Any], by: Signing = ISSUER) -> str:
    return sign_jws(by, {"typ": "vc+jwt", "kid": KID, **header}, payload)


def judged(document: dict[str, object], expected: Expected | None = None) -> Report:
    policy = Policy(frozenset({ISSUER.did}))
    if document.get("type") == "EnvelopedVerifiablePresentation":
        return verify_presentation(document, policy, NOW, expected or Expected("authentication"))
    return verify_credential(document, policy, NOW)


def jwt(token: str) -> dict[str, object]:
    return envelop(token, Form.JWT, CREDENTIAL)


def test_each_form_is_signed_and_verified() -> None:
    token = sign_jwt(DOCUMENT, CREDENTIAL, ISSUER, KID)
    cose = sign_cose(DOCUMENT, CREDENTIAL, ES256, ISSUER.sign, KID)
    hidden = {**DOCUMENT, "credentialSubject": {"id": "did:example:subject", "name": Disclosable("Sam")}}
    payload, disclosures = conceal(hidden, counting())
    sd_jwt = "~".join([signed({"typ": "vc+sd-jwt"}, payload), *disclosures, ""])
    for document in (jwt(token), envelop(cose, Form.COSE, CREDENTIAL), envelop(sd_jwt, Form.SD_JWT, CREDENTIAL)):
        assert judged(document).verdict is Outcome.HOLDS, judged(document).failed


def test_a_presentation_in_a_token_answers_its_nonce_and_audience_and_holds_envelopes() -> None:
    document = {
        "@context": [CREDENTIALS_V2],
        "type": "VerifiablePresentation",
        "holder": ISSUER.did,
        "verifiableCredential": [jwt(sign_jwt(DOCUMENT, CREDENTIAL, ISSUER, KID))],
        "nonce": "n-1",
        "aud": "verifier.example",
    }
    presented = envelop(sign_jwt(document, PRESENTATION, ISSUER, KID), Form.JWT, PRESENTATION)
    report = judged(presented, Expected("authentication", "n-1", "verifier.example"))
    assert (report.verdict, len(report.credentials)) == (Outcome.HOLDS, 1)
    other = judged(presented, Expected("authentication", "n-2", "other.example"))
    assert {finding.check for finding in other.failed} == {Check.CHALLENGE, Check.DOMAIN}
    document["verifiableCredential"] = [jwt(sign_jwt({**DOCUMENT, "issuer": OTHER.did}, CREDENTIAL, ISSUER, KID))]
    mixed = judged(envelop(sign_jwt(document, PRESENTATION, ISSUER, KID), Form.JWT, PRESENTATION))
    assert mixed.verdict is Outcome.UNTRUSTED


def none_of(token: str) -> str:
    """The algorithm confusion of old: nothing signed, and said so."""
    _, payload, _ = token.split(".")
    return f"{base64url.encode(json.dumps({'alg': 'none', 'typ': 'vc+jwt', 'kid': KID}).encode())}.{payload}."


TOKEN = signed({}, DOCUMENT)
HEAD, BODY, SIGNATURE = TOKEN.split(".")


@pytest.mark.parametrize(
    ("token", "check", "outcome"),
    [
        (none_of(TOKEN), Check.ALGORITHM, Outcome.INVALID),
        (signed({"alg": "HS256"}, DOCUMENT), Check.ALGORITHM, Outcome.INVALID),
        (signed({"alg": "EdDSA"}, DOCUMENT), Check.ALGORITHM, Outcome.INVALID),
        (signed({"alg": "ES384"}, DOCUMENT), Check.ALGORITHM, Outcome.INVALID),
        (signed({"typ": "JWT"}, DOCUMENT), Check.TYPE, Outcome.INVALID),
        (signed({"typ": "vp+jwt"}, DOCUMENT), Check.TYPE, Outcome.INVALID),
        (signed({"cty": "vp"}, DOCUMENT), Check.TYPE, Outcome.INVALID),
        (signed({"crit": ["b64"]}, DOCUMENT), Check.ALGORITHM, Outcome.INVALID),
        (signed({}, {"vc": DOCUMENT, **DOCUMENT}), Check.STRUCTURE, Outcome.INVALID),
        (signed({}, {**DOCUMENT, "iss": OTHER.did}), Check.AUTHOR, Outcome.INVALID),
        (signed({}, {**DOCUMENT, "exp": int(NOW.timestamp())}), Check.VALIDITY, Outcome.INVALID),
        (signed({}, {**DOCUMENT, "nbf": int(NOW.timestamp()) + 3600}), Check.VALIDITY, Outcome.INVALID),
        (signed({}, {**DOCUMENT, "exp": "never"}), Check.VALIDITY, Outcome.INVALID),
        (signed({}, {**DOCUMENT, "validUntil": "2026-01-01T00:00:00Z"}), Check.VALIDITY, Outcome.INVALID),
        (signed({"jwk": {"kty": "EC"}}, DOCUMENT, OTHER), Check.SIGNATURE, Outcome.INVALID),
        (signed({"kid": OTHER.method.id}, DOCUMENT, OTHER), Check.AUTHOR, Outcome.UNTRUSTED),
        (signed({"kid": 7}, DOCUMENT), Check.PROOF, Outcome.UNREADABLE),
        (signed({"kid": "did:key:zTjsVPtY#zTjsVPtY"}, DOCUMENT), Check.METHOD, Outcome.UNREADABLE),
        (signed({"kid": "key-2"}, DOCUMENT), Check.METHOD, Outcome.UNREADABLE),
        (f"{HEAD}.{BODY}.{base64url.encode(bytes(64))}", Check.SIGNATURE, Outcome.INVALID),
        (f"{HEAD}.{BODY}", Check.PROOF, Outcome.UNREADABLE),
        (f"{TOKEN}~", Check.PROOF, Outcome.UNREADABLE),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_token_is_named(token: str, check: Check, outcome: Outcome) -> None:
    report = judged(jwt(token))
    assert report.outcome(check) is outcome


@pytest.mark.parametrize(
    "kid", [{}, {"kid": KID}, {"kid": f"#{KID.partition('#')[2]}"}, {"kid": KID.partition("#")[2]}]
)
def test_the_key_is_the_authors_however_it_is_named(kid: dict[str, str]) -> None:
    token = sign_jws(ISSUER, {"typ": "vc+jwt", **kid}, {**DOCUMENT, "iss": ISSUER.did, "iat": "whenever"})
    assert judged(jwt(token)).verdict is Outcome.HOLDS


@pytest.mark.parametrize(
    "changed",
    [
        {"@context": []},
        {"@context": ["https://www.w3.org/ns/credentials/examples/v2"]},
        {"id": TOKEN},
        {"id": f"data:application/vp+jwt,{TOKEN}"},
        {"id": f"data:application/vc+jwt;base64,{b64encode(TOKEN.encode()).decode()}"},
        {"id": f"data:application/vc+cose,{TOKEN}"},
        {"id": 7},
        {"issuer": ISSUER.did},
        {"type": ["EnvelopedVerifiableCredential", "VerifiableCredential"]},
    ],
)
def test_an_envelope_has_its_form_and_nothing_else(changed: dict[str, object]) -> None:
    assert judged({**jwt(TOKEN), **changed}).verdict is Outcome.UNREADABLE


def older(claim: str, document: dict[str, Any], by: Signing = ISSUER, **claims: object) -> dict[str, object]:
    """An envelope around a JWT as VCDM 1.1 made them."""
    token = sign_jws(by, {"typ": "JWT", "kid": by.method.id}, {claim: document, **claims})
    kind = CREDENTIAL if claim == "vc" else PRESENTATION
    return {**envelop(token, Form.JWT, kind), "id": f"data:application/jwt,{token}"}


LATER = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("envelope", "check", "outcome"),
    [
        ({**jwt(TOKEN), "id": f"data:application/jwt,{TOKEN}"}, Check.TYPE, Outcome.INVALID),
        (older("vc", DOCUMENT, exp=LATER - 1), Check.STRUCTURE, Outcome.INVALID),
        (older("vc", DOCUMENT, iss=OTHER.did), Check.STRUCTURE, Outcome.INVALID),
        (older("vc", DOCUMENT, sub=OTHER.did), Check.STRUCTURE, Outcome.INVALID),
        (older("vc", DOCUMENT, by=OTHER), Check.AUTHOR, Outcome.UNTRUSTED),
        (older("vc", {**DOCUMENT, "@context": [CREDENTIALS_V1]}), Check.PROOF, Outcome.UNREADABLE),
        (older("vp", {**DOCUMENT, "type": "VerifiablePresentation"}) | {"type": jwt("")["type"]}, Check.PROOF, None),
        (older("vc", {**DOCUMENT, "validUntil": "2026-01-01T00:00:00Z"}), Check.VALIDITY, Outcome.INVALID),
    ],
)
def test_what_is_wrong_with_an_older_token_is_named(
    envelope: dict[str, object], check: Check, outcome: Outcome | None
) -> None:
    assert judged(envelope).outcome(check) is (outcome or Outcome.UNREADABLE)


def test_an_envelope_may_hold_the_older_form_whose_claims_are_part_of_the_document() -> None:
    stated = {name: value for name, value in DOCUMENT.items() if name not in {"issuer", "validUntil"}}
    credential = older("vc", stated, iss=ISSUER.did, exp=LATER, sub="did:example:subject")
    assert judged(credential).verdict is Outcome.HOLDS, judged(credential).failed
    held = {"@context": [CREDENTIALS_V2], "type": "VerifiablePresentation", "verifiableCredential": [credential]}
    presented = older("vp", held, iss=ISSUER.did, nonce="n-1", aud="verifier.example")
    report = judged(presented, Expected("authentication", "n-1", "verifier.example"))
    assert (report.verdict, len(report.credentials)) == (Outcome.HOLDS, 1), report
    replayed = judged(presented, Expected("authentication", "n-2", "verifier.example"))
    assert {finding.check for finding in replayed.failed} == {Check.CHALLENGE}
    head, body, _ = str(presented["id"]).split(".")
    forged = judged({**presented, "id": f"{head}.{body}.{base64url.encode(bytes(64))}"})
    assert forged.outcome(Check.SIGNATURE) is Outcome.INVALID


@pytest.mark.parametrize(
    "header",
    [
        *({16: "application/vp+cose"}, {3: "application/vp"}, {1: -257}, {2: [1]}, {16: 7}),
        *({15: {4: 5}}, {15: {5: 2**40}}, {15: {1: "did:example:another"}}),
    ],
)
def test_another_cose_header_is_refused(header: dict[int, object]) -> None:
    stated = {1: ES256, 3: "application/vc", 4: KID.encode(), 16: "application/vc+cose", **header}
    protected, payload = cbor2.dumps(stated), json.dumps(DOCUMENT).encode()
    signature = ISSUER.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
    token = cbor2.dumps([protected, {}, payload, signature])
    assert judged(envelop(token, Form.COSE, CREDENTIAL)).verdict is Outcome.INVALID


def test_a_changed_cose_payload_does_not_verify() -> None:
    token = sign_cose(DOCUMENT, CREDENTIAL, ES256, ISSUER.sign, KID).replace(b"Sam", b"Max")
    assert judged(envelop(token, Form.COSE, CREDENTIAL)).outcome(Check.SIGNATURE) is Outcome.INVALID
