"""VC-API over HTTP, in real workers: what is judged is `tests/identity`'s, here it is how it is asked and told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from identity.data_integrity.signing import ProofOptions, add_proof
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.selective import ecdsa_sd
from identity.vc_api import checking
from identity.vc_api.request import MAX_BODY
from tests.api.wire import problem
from tests.deployment import Running
from tests.identity.issuers import Issuer

CREDENTIALS, PRESENTATIONS, DERIVE = "/credentials/verify", "/presentations/verify", "/credentials/derive"
NOW = datetime.now(UTC)
SUITE = "eddsa-rdfc-2022"
ISSUER, HOLDER = Issuer.of(SUITE), Issuer.of(SUITE, 1)
VALID = {"@context": [CREDENTIALS_V2], "type": ["VerifiableCredential"], "issuer": ISSUER.did}
SUBJECT = {"credentialSubject": {"id": "did:example:subject", "name": "Sam"}}


def signed(document: dict[str, Any], by: Issuer = ISSUER, suite: str = SUITE, **options: Any) -> dict[str, Any]:
    made = ProofOptions(suite, options.pop("purpose", "assertionMethod"), NOW - timedelta(days=1), **options)
    return add_proof(document, made, by.method, by.sign)


def presented(*held: dict[str, Any], **options: Any) -> dict[str, Any]:
    document = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": HOLDER.did,
        "verifiableCredential": list(held),
    }
    return signed(document, HOLDER, purpose="authentication", **options)


CREDENTIAL = signed({**VALID, **SUBJECT})
FORGED = {**CREDENTIAL, "credentialSubject": {"id": "did:example:somebody-else", "name": "Sam"}}


def verify(http: httpx.Client, credential: dict[str, Any], **options: Any) -> httpx.Response:
    return http.post(CREDENTIALS, json={"verifiableCredential": credential, "options": options})


def worst(answer: httpx.Response) -> dict[str, str]:
    return {each["check"]: each["outcome"] for each in answer.json()["checks"] if each["outcome"] != "holds"}


def test_a_credential_is_verified_and_whether_its_issuer_is_believed_is_told_apart(deployment: Running) -> None:
    with deployment.http() as anyone, deployment.http(deployment.key()) as caller:
        for http in (anyone, caller):
            sound = verify(http, CREDENTIAL)
            assert (sound.status_code, sound.json()["verified"], sound.json()["verdict"]) == (200, True, "untrusted")
            assert [each["type"] for each in sound.json()["problemDetails"]] == ["urn:sigillo:problem:issuer-untrusted"]
        believed = verify(anyone, CREDENTIAL, issuers=[ISSUER.did])
        assert (believed.json()["verdict"], believed.json()["problemDetails"]) == ("holds", [])


@pytest.mark.parametrize(
    ("credential", "failed", "kind"),
    [
        (FORGED, {"signature": "invalid"}, "https://w3id.org/security#PROOF_VERIFICATION_ERROR"),
        ({**VALID, **SUBJECT}, {"proof": "absent"}, "https://w3id.org/security#PROOF_VERIFICATION_ERROR"),
        (signed({**VALID, **SUBJECT}, HOLDER), {"author": "untrusted", "trust": "untrusted"},
         "https://w3id.org/security#PROOF_VERIFICATION_ERROR"),
        (signed({**VALID, **SUBJECT, "validUntil": "2020-01-01T00:00:00Z"}),
         {"validity": "invalid", "trust": "untrusted"}, "https://www.w3.org/TR/vc-data-model#RANGE_ERROR"),
        (signed({**VALID, **SUBJECT}, purpose="authentication"), {"purpose": "invalid"},
         "https://w3id.org/security#INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD"),
        (signed({**VALID, **SUBJECT, "credentialStatus": {
            "type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "7",
            "statusListCredential": "https://192.0.2.7/list"}}),
         {"status": "unchecked", "trust": "untrusted"},
         "https://www.w3.org/ns/credentials/status-list#STATUS_RETRIEVAL_ERROR"),
    ],
    ids=["forged", "no proof", "another's key", "expired", "other purpose", "list out of reach"],
)  # fmt: skip
def test_what_is_not_verified_is_400_and_says_which_check(
    deployment: Running, credential: dict[str, Any], failed: dict[str, str], kind: str
) -> None:
    with deployment.http() as http:
        said = verify(http, credential)
    assert (said.status_code, said.json()["verified"], worst(said)) == (400, False, failed)
    assert said.json()["problemDetails"][0]["type"] == kind


def test_who_asks_for_the_proof_alone_is_warned_of_another_author(deployment: Running) -> None:
    by_another = signed({**VALID, **SUBJECT}, HOLDER)
    with deployment.http() as http:
        strict, lax = verify(http, by_another), verify(http, by_another, checks=["proof"])
        forged = verify(http, FORGED, checks=["proof"])
    assert (strict.status_code, lax.status_code, forged.status_code) == (400, 200, 400)
    assert worst(strict) == worst(lax) == {"author": "untrusted", "trust": "untrusted"}
    assert lax.json()["problemDetails"] == strict.json()["problemDetails"]


def test_what_was_issued_here_is_known_here_with_its_keys_and_its_status(deployment: Running) -> None:
    with deployment.http(deployment.key(scopes=["credentials:issue"])) as http:
        did = http.get("/.well-known/did.json").json()["id"]
        order = {**VALID, **SUBJECT, "issuer": did}
        options = {"credentialStatus": {"type": "BitstringStatusListEntry"}}
        issued = http.post("/credentials/issue", json={"credential": order, "options": options}).json()
        said = verify(http, issued["verifiableCredential"])
        assert (said.status_code, said.json()["verdict"]) == (200, "holds")
        assert [each["outcome"] for each in said.json()["checks"] if each["check"] == "status"] == ["holds", "holds"]
        twice = {**order, "credentialStatus": issued["verifiableCredential"]["credentialStatus"]}
        refused = http.post("/credentials/issue", json={"credential": twice, "options": options})
    problem(refused, 400, "credential-refused")


def test_a_presentation_is_for_its_challenge_and_domain_and_as_good_as_what_it_holds(deployment: Running) -> None:
    expected = {"challenge": "c-1", "domain": "verifier.example"}
    with deployment.http() as http:
        for presentation, options, status, failed in (
            (presented(CREDENTIAL, **expected), expected, 200, {}),
            (presented(CREDENTIAL, **expected), {**expected, "challenge": "c-2"}, 400, {"challenge": "invalid"}),
            (presented(CREDENTIAL, **expected), {**expected, "domain": "other.example"}, 400, {"domain": "invalid"}),
            (presented(CREDENTIAL), expected, 400, {"challenge": "invalid", "domain": "invalid"}),
            (presented(FORGED, **expected), expected, 400, {}),
        ):
            said = http.post(PRESENTATIONS, json={"verifiablePresentation": presentation, "options": options})
            assert (said.status_code, worst(said)) == (status, failed)
            assert len(said.json()["credentials"]) == 1


def test_a_holder_derives_and_what_was_not_selected_is_gone(deployment: Running) -> None:
    issuer = Issuer.of("ecdsa-sd-2023")
    key = issuer.public
    assert isinstance(key, EllipticCurvePublicKey)
    document = {**VALID, "issuer": issuer.did, "credentialSubject": {"name": "Sam", "description": "kept back"}}
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "ecdsa-sd-2023",
        "verificationMethod": issuer.method.id,
        "proofPurpose": "assertionMethod",
    }
    base = {**document, "proof": ecdsa_sd.issue(document, proof, ["/issuer"], key, issuer.sign)}
    with deployment.http() as http:
        body = {"verifiableCredential": base, "options": {"selectivePointers": ["/credentialSubject/name"]}}
        said = http.post(DERIVE, json=body)
        shown = said.json()["verifiableCredential"]
        assert (said.status_code, shown["credentialSubject"], shown["issuer"]) == (201, {"name": "Sam"}, issuer.did)
        assert verify(http, shown, issuers=[issuer.did]).json()["verdict"] == "holds"
        assert verify(http, base).status_code == 400
        body["options"] = {"selectivePointers": ["/credentialSubject/nickname"]}
        assert "nickname" in problem(http.post(DERIVE, json=body), 400, "derivation-refused")["detail"]
        body["verifiableCredential"] = CREDENTIAL
        problem(http.post(DERIVE, json=body), 400, "derivation-refused")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is empty"),
        (b"[" * 200_000, "not JSON"),
        (b'{"verifiableCredential":' + b'{"a":' * 60 + b"1" + b"}" * 61, "nested deeper"),
        (b'{"verifiableCredential":{},"verifiableCredential":{}}', "read in one way only"),
        (b'{"verifiableCredential":7}', "verifiableCredential"),
        (b'{"verifiableCredential":{},"options":{"challenge":7}}', "options.challenge"),
        (b'{"verifiableCredential":{},"options":{"presentationHeader":"AA"}}', "presentationHeader"),
        (b'{"verifiableCredential":{},"options":{"issuers":"did:example:1"}}', "options.issuers"),
    ],
    ids=["empty", "brackets", "deep", "twice", "number", "challenge", "header", "issuers"],
)
def test_a_request_of_another_form_is_told_what_to_send(deployment: Running, body: bytes, said: str) -> None:
    with deployment.http() as http:
        assert said in problem(http.post(CREDENTIALS, content=body), 400, "vc-api-request")["detail"]


def test_a_large_body_is_refused_as_soon_as_it_says_so_or_is_so(deployment: Running) -> None:
    with deployment.http() as http:
        for content in (b" " * (MAX_BODY + 1), iter([b" " * MAX_BODY, b" "])):
            assert problem(http.post(CREDENTIALS, content=content), 413, "body-too-large")["limit"] == MAX_BODY


def test_poison_graphs_and_crowds_of_values_are_refused_by_name(deployment: Running) -> None:
    # A clique of nodes that look alike: canonicalisation without a bound takes hours for it.
    nodes = 12
    crowd = [
        {
            "id": f"_:n{one}",
            "type": "VerifiableCredential",
            "evidence": [{"id": f"_:n{other}"} for other in range(nodes)],
        }
        for one in range(nodes)
    ]
    values = {**VALID, "credentialSubject": [{"name": "a"}] * 9000}
    with deployment.http() as http:
        for document, detail in (
            ({**CREDENTIAL, "credentialSubject": crowd}, "blank node"),
            ({**CREDENTIAL, **values}, "larger than"),
        ):
            said = verify(http, document)
            assert said.status_code == 400
            assert detail in json.dumps(said.json()["problemDetails"])


def test_what_takes_too_long_costs_one_worker_and_one_request(
    deployment: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = {**CREDENTIAL, "credentialSubject": [{"name": f"n{number}"} for number in range(1000)]}
    with deployment.http() as http:
        with monkeypatch.context() as hurried:
            hurried.setattr(checking, "SECONDS", 0.05)
            body = {"verifiableCredential": {**crowd, "proof": [CREDENTIAL["proof"]] * 16}}
            problem(http.post(CREDENTIALS, json=body), 400, "credential-too-costly")
        assert verify(http, CREDENTIAL).status_code == 200


def test_verifications_are_counted_and_leave_no_trace(deployment: Running, caplog: pytest.LogCaptureFixture) -> None:
    with deployment.http() as http:
        before = {verdict: counted(http, verdict) for verdict in ("untrusted", "invalid")}
        verify(http, CREDENTIAL)
        verify(http, FORGED)
        assert {verdict: counted(http, verdict) - was for verdict, was in before.items()} == dict.fromkeys(before, 1)
    assert "did:" not in caplog.text
    assert CREDENTIALS not in caplog.text


def counted(http: httpx.Client, verdict: str) -> float:
    series = f'sigillo_credential_verifications_total{{kind="credential",verdict="{verdict}"}} '
    lines = [line for line in http.get("/metrics").text.splitlines() if line.startswith(series)]
    return float(lines[0].removeprefix(series)) if lines else 0.0
