"""Proofs from before Data Integrity. `didkit.json` was made by didkit, from documents and keys of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from detection.isolation import Isolation
from identity.data_integrity.cryptosuite import ED25519_2020, SUITES, hash_data
from identity.data_integrity.proof import Expected
from identity.did.methods import resolve
from identity.encoding import base64url, multibase
from identity.errors import CheckFailedError
from identity.jose.jws import read_jws, sign_jws
from identity.jsonld.context_library import CREDENTIALS_V1, CREDENTIALS_V2, ED25519_2020_V1, PUBLISHED
from identity.legacy.child import Child
from identity.legacy.detached import check_detached
from identity.legacy.in_worker import INSTALLED, MISSING, check
from identity.legacy.suites import Legacy
from identity.outcome import Check, Outcome
from identity.report import Report
from identity.verifier import Policy, verify_credential, verify_presentation
from keys.signer import Algorithm
from tests.identity.issuers import Issuer
from tests.identity.parties import NOW, party
from tests.identity.published import VECTORS

MADE: list[dict[str, Any]] = json.loads((VECTORS / "didkit.json").read_text())
LOGIN = Expected("authentication", challenge="c-1", domain="https://verifier.example")

every = pytest.mark.parametrize("made", MADE, ids=lambda made: f"{made['type']}-{made['did'][:9]}")
needs_didkit = pytest.mark.skipif(not INSTALLED, reason=MISSING)


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child(Isolation.WARN) as child:
        yield child


def policy(made: dict[str, Any], legacy: Legacy) -> Policy:
    return Policy(frozenset({made["did"]}), legacy=legacy)


def failed(report: Report) -> dict[Check, Outcome]:
    return {finding.check: finding.outcome for finding in report.failed}


@needs_didkit
@every
def test_what_didkit_signed_holds(child: Child, made: dict[str, Any]) -> None:
    report = verify_credential(made["credential"], policy(made, child), NOW)
    assert report.verdict is Outcome.HOLDS, report.failed
    assert (
        report.outcome(Check.SIGNATURE) is report.outcome(Check.TRUST) is report.outcome(Check.AUTHOR) is Outcome.HOLDS
    )
    presentation = verify_presentation(made["presentation"], policy(made, child), NOW, LOGIN)
    assert presentation.verdict is Outcome.HOLDS, presentation.failed
    assert presentation.credentials[0].outcome(Check.SIGNATURE) is Outcome.HOLDS


@needs_didkit
@every
def test_altered(child: Child, made: dict[str, Any]) -> None:
    altered = {**made["credential"], "credentialSubject": {"id": "did:example:another"}}
    assert failed(verify_credential(altered, policy(made, child), NOW)) == {Check.SIGNATURE: Outcome.INVALID}
    undefined = {**made["credential"], "undefined": "would vanish"}
    assert failed(verify_credential(undefined, policy(made, child), NOW)) == {Check.SIGNATURE: Outcome.UNREADABLE}
    repurposed = deepcopy(made["credential"])
    repurposed["proof"]["proofPurpose"] = "authentication"
    report = verify_credential(repurposed, policy(made, child), NOW, Expected("authentication"))
    assert failed(report) == {Check.SIGNATURE: Outcome.INVALID}


@needs_didkit
@every
def test_what_didkit_passes_over_is_not_added_to_what_was_signed(child: Child, made: dict[str, Any]) -> None:
    signed = made["credential"]
    graph = [{"id": "did:example:another", "type": "VerifiableCredential"}]
    for added in (
        {"type": [*signed["type"], "AgeAttestation"]},
        {"issuer": {"id": made["did"], "type": "Authority"}},
        {"credentialSubject": {**signed["credentialSubject"], "type": "Authority"}},
        {"@graph": graph},
        {"proof": {**signed["proof"], "@context": [CREDENTIALS_V1]}},
    ):
        report = verify_credential({**signed, **added}, policy(made, child), NOW)
        # What we verify ourselves covers a graph, and knows a proof's contexts for others than were signed.
        ours = made["type"] == ED25519_2020 and added.keys() <= {"@graph", "proof"}
        assert failed(report) == {Check.SIGNATURE: Outcome.INVALID if ours else Outcome.UNREADABLE}, added
    shown = {**made["presentation"], "type": ["VerifiablePresentation", "AgeAttestation"]}
    assert failed(verify_presentation(shown, policy(made, child), NOW, LOGIN)) == {Check.SIGNATURE: Outcome.UNREADABLE}


@needs_didkit
def test_each_of_several_proofs_must_hold(child: Child) -> None:
    good, other = (deepcopy(made) for made in MADE[:2])
    forged = {**other["credential"]["proof"], "type": "Ed25519Signature2018", "jws": good["credential"]["proof"]["jws"]}
    del forged["proofValue"]
    two = {**good["credential"], "proof": [good["credential"]["proof"], {**forged, "created": "2026-11-26T00:00:00Z"}]}
    report = verify_credential(two, policy(good, child), NOW)
    assert [(finding.check, finding.proof) for finding in report.failed] == [(Check.SIGNATURE, 1)]


@needs_didkit
def test_all_that_didkit_does_not_look_at(child: Child) -> None:
    made = MADE[0]
    late = verify_credential(made["credential"], policy(made, child), NOW + timedelta(days=365))
    assert failed(late) == {Check.VALIDITY: Outcome.INVALID}
    stranger = verify_credential(made["credential"], Policy(frozenset(), legacy=child), NOW)
    assert failed(stranger) == {Check.TRUST: Outcome.UNTRUSTED}
    replayed = verify_presentation(made["presentation"], policy(made, child), NOW, Expected("authentication", "c-2"))
    assert failed(replayed) == {Check.CHALLENGE: Outcome.INVALID}
    unknown = {**made["credential"], "@context": [*made["credential"]["@context"], "https://peers.example/unknown"]}
    assert failed(verify_credential(unknown, policy(made, child), NOW))[Check.CONTEXTS] is Outcome.UNTRUSTED


@needs_didkit
def test_only_vcdm_1_1_is_read(child: Child) -> None:
    made = MADE[0]
    newer = {**made["credential"], "@context": [CREDENTIALS_V2]}
    for name in ("issuanceDate", "expirationDate"):
        del newer[name]
    assert failed(verify_credential(newer, policy(made, child), NOW)) == {Check.SIGNATURE: Outcome.UNREADABLE}


WITH_JWS = [made for made in MADE if "jws" in made["credential"]["proof"]]


@pytest.mark.parametrize("made", WITH_JWS, ids=lambda made: f"{made['type']}-{made['did'][:9]}")
def test_what_didkit_signed_is_verified_here_alike(made: dict[str, Any]) -> None:
    """By the code that takes its place for a did:web."""
    for document in (made["credential"], made["presentation"]):
        proof = document["proof"]
        key = resolve(proof["verificationMethod"]).key
        check_detached(document, proof, key, PUBLISHED)
        head, signature = proof["jws"].split("..")
        for altered in (
            {**document, "id": "urn:uuid:another"},
            {**document, "proof": {**proof, "created": "2026-11-02T00:00:00Z"}},
            {**document, "proof": {**proof, "jws": f"{head}..{'A' * 8}{signature[8:]}"}},
        ):
            with pytest.raises(CheckFailedError, match="not of this document"):
                check_detached(altered, altered["proof"], key, PUBLISHED)


def jws_signed(issuer: Issuer, **changes: Any) -> dict[str, Any]:
    """A credential of VCDM 1.1 by a did:web, as a platform of those days signed it."""
    web = "did:web:issuer.example"
    unsecured = {
        "@context": [CREDENTIALS_V1],
        "type": ["VerifiableCredential"],
        "issuer": web,
        "issuanceDate": "2026-11-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:ada"},
    }
    proof = {
        "type": "Ed25519Signature2018",
        "created": "2026-11-01T00:00:00Z",
        "verificationMethod": f"{web}#key-1",
        "proofPurpose": "assertionMethod",
    }
    header = {"alg": "EdDSA", "b64": False, "crit": ["b64"], **changes}
    head = base64url.encode(json.dumps({name: value for name, value in header.items() if value != "left out"}).encode())
    hashed = hash_data(unsecured, proof, SUITES["eddsa-rdfc-2022"], issuer.private.public_key(), PUBLISHED)
    jws = f"{head}..{base64url.encode(issuer.sign(head.encode() + b'.' + hashed))}"
    return {**unsecured, "proof": {**proof, "jws": jws}}


def test_a_did_web_of_those_days_is_verified_under_the_key_of_its_document() -> None:
    issuer, other, web = Issuer.of("eddsa-rdfc-2022"), Issuer.of("eddsa-rdfc-2022", 1), "did:web:issuer.example"

    def judged(document: dict[str, Any], by: Issuer = issuer) -> Report:
        method = replace(by.method, id=f"{web}#key-1", controller=web)
        return verify_credential(document, Policy(frozenset({web}), resolve=lambda _: method), NOW)

    signed = jws_signed(issuer)
    assert judged(signed).verdict is Outcome.HOLDS, judged(signed).failed
    assert failed(judged(signed, other)) == {Check.SIGNATURE: Outcome.INVALID}
    undefined = {**signed, "undefined": "would vanish"}
    assert failed(judged(undefined)) == {Check.SIGNATURE: Outcome.UNREADABLE}
    headers: dict[str, tuple[dict[str, Any], Outcome]] = {
        "another algorithm": ({"alg": "ES256"}, Outcome.INVALID),
        "none": ({"alg": "none"}, Outcome.INVALID),
        "an HMAC": ({"alg": "HS256"}, Outcome.INVALID),
        "no algorithm": ({"alg": "left out"}, Outcome.UNREADABLE),
        "a payload in base64": ({"b64": True}, Outcome.UNREADABLE),
        "nothing critical": ({"crit": "left out"}, Outcome.UNREADABLE),
        "something else critical": ({"crit": ["b64", "exp"], "exp": 1}, Outcome.UNREADABLE),
    }
    for what, (changes, outcome) in headers.items():
        assert failed(judged(jws_signed(issuer, **changes))) == {Check.SIGNATURE: outcome}, what


def test_the_2020_proof_is_verified_without_didkit_whoever_its_issuer_is() -> None:
    """W3C VC Data Integrity EdDSA keeps it: on VCDM 2.0, too, and by a did:web."""
    (made,) = (made for made in MADE if made["type"] == ED25519_2020)
    assert verify_credential(made["credential"], Policy(frozenset({made["did"]})), NOW).verdict is Outcome.HOLDS
    issuer, web = Issuer.of("eddsa-rdfc-2022"), "did:web:issuer.example"
    unsecured = {
        "@context": [CREDENTIALS_V2, ED25519_2020_V1],
        "type": ["VerifiableCredential"],
        "issuer": web,
        "credentialSubject": {"name": "Ada"},
    }
    proof = {
        "type": ED25519_2020,
        "created": "2026-11-01T00:00:00Z",
        "verificationMethod": f"{web}#key-1",
        "proofPurpose": "assertionMethod",
    }
    hashed = hash_data(unsecured, proof, SUITES["eddsa-rdfc-2022"], issuer.private.public_key(), PUBLISHED)
    value = multibase.encode(issuer.sign(hashed))
    method = replace(issuer.method, id=f"{web}#key-1", controller=web)
    known = Policy(frozenset({web}), resolve=lambda _: method)

    def judged(**changes: Any) -> Report:
        changed = {**proof, "proofValue": value, **changes}
        kept = {name: value for name, value in changed.items() if value is not None}
        return verify_credential({**unsecured, "proof": kept}, known, NOW)

    assert judged().verdict is Outcome.HOLDS, judged().failed
    assert failed(judged(created="2026-11-02T00:00:00Z")) == {Check.SIGNATURE: Outcome.INVALID}
    assert failed(judged(created=None))[Check.PROOF] is Outcome.UNREADABLE
    assert failed(judged(type="DataIntegrityProof", cryptosuite="eddsa-rdfc-2022")) == {
        Check.SIGNATURE: Outcome.INVALID
    }


def test_a_worker_that_dies_is_a_finding_and_the_next_proof_is_verified() -> None:
    made = MADE[0]
    with Child(Isolation.WARN, "tests.identity.legacy.dying_jobs", seconds=0.5) as child:
        for name in ("urn:aborts", "urn:hangs", "urn:swells"):
            report = verify_credential({**made["credential"], "id": name}, policy(made, child), NOW)
            assert failed(report) == {Check.SIGNATURE: Outcome.UNREADABLE}, name
        assert verify_credential({**made["credential"], "id": "urn:passes"}, policy(made, child), NOW).failed == ()


def test_without_didkit_the_report_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("identity.legacy.in_worker.INSTALLED", False)
    made = MADE[0]
    report = verify_credential(made["credential"], policy(made, check), NOW)
    assert [(each.check, each.outcome, each.detail) for each in report.failed] == [
        (Check.SIGNATURE, Outcome.UNREADABLE, MISSING)
    ]
    assert "3.12" in MISSING


def test_nobody_to_verify_them_is_no_verification() -> None:
    report = verify_credential(MADE[0]["credential"], Policy(frozenset({MADE[0]["did"]})), NOW)
    assert failed(report) == {Check.SIGNATURE: Outcome.UNREADABLE}


def jwt_of(made: dict[str, Any], **claims: object) -> str:
    """The same credential, signed by another key that the policy believes, with other claims."""
    issuer = Issuer.of("ecdsa-rdfc-2019")
    payload = read_jws(made["jwt"], None).payload
    said = json.loads(json.dumps(dict(payload)).replace(made["did"], issuer.did)) | claims
    signer = party(Algorithm.ES256).signer
    key = replace(signer, private_key=issuer.private)
    return sign_jws(key, {}, {name: value for name, value in said.items() if value is not None})


@every
def test_jwts_by_didkit_hold(made: dict[str, Any]) -> None:
    report = verify_credential(made["jwt"], Policy(frozenset({made["did"]})), NOW)
    assert report.verdict is Outcome.HOLDS, report.failed
    assert report.outcome(Check.SIGNATURE) is report.outcome(Check.TRUST) is Outcome.HOLDS
    late = verify_credential(made["jwt"], Policy(frozenset({made["did"]})), NOW + timedelta(days=365))
    assert failed(late)[Check.VALIDITY] is Outcome.INVALID
    head, _, signature = made["jwt"].rpartition(".")
    forged = f"{head}.{'A' * 8}{signature[8:]}"
    assert failed(verify_credential(forged, Policy(frozenset({made["did"]})), NOW))[Check.SIGNATURE] is Outcome.INVALID


@pytest.mark.parametrize(
    ("claims", "check"),
    [
        ({"iss": "did:example:another"}, Check.STRUCTURE),
        ({"exp": 1}, Check.STRUCTURE),
        ({"nbf": "now"}, Check.VALIDITY),
        ({"sub": "did:example:another"}, Check.STRUCTURE),
        ({"jti": "urn:uuid:another"}, Check.STRUCTURE),
        ({"vc": None}, Check.PROOF),
        ({"vc": {"@context": [CREDENTIALS_V2]}}, Check.PROOF),
    ],
    ids=str,
)
def test_claims_that_say_something_else(claims: dict[str, object], check: Check) -> None:
    policy = Policy(frozenset({Issuer.of("ecdsa-rdfc-2019").did}))
    assert verify_credential(jwt_of(MADE[0]), policy, NOW).verdict is Outcome.HOLDS
    report = verify_credential(jwt_of(MADE[0], **claims), policy, NOW)
    assert [finding.check for finding in report.failed] == [check], report.failed


def test_what_a_jwt_says_in_its_claims_alone_is_part_of_the_document() -> None:
    policy = Policy(frozenset({Issuer.of("ecdsa-rdfc-2019").did}))
    stated = dict(read_jws(MADE[0]["jwt"], None).payload["vc"])  # type: ignore[call-overload]
    for name in ("issuer", "issuanceDate", "expirationDate", "id"):
        del stated[name]
    token = jwt_of(MADE[0], vc=stated)
    assert verify_credential(token, policy, NOW).verdict is Outcome.HOLDS
    assert failed(verify_credential(token, policy, NOW + timedelta(days=365)))[Check.VALIDITY] is Outcome.INVALID


def test_a_presentation_holds_jwts() -> None:
    made, holder = MADE[0], Issuer.of("eddsa-rdfc-2022")
    presentation = {
        "@context": [CREDENTIALS_V1],
        "type": ["VerifiablePresentation"],
        "holder": holder.did,
        "verifiableCredential": [made["jwt"]],
    }
    signer = replace(party(Algorithm.ED25519).signer, private_key=holder.private)
    claims = {"iss": holder.did, "nonce": LOGIN.challenge, "aud": LOGIN.domain, "vp": presentation}
    token = sign_jws(signer, {"kid": holder.method.id, "typ": "JWT"}, claims)
    report = verify_presentation(token, Policy(frozenset({made["did"]})), NOW, LOGIN)
    assert report.verdict is Outcome.HOLDS, report
    assert report.credentials[0].outcome(Check.SIGNATURE) is Outcome.HOLDS
    replayed = verify_presentation(token, Policy(frozenset({made["did"]})), NOW, Expected("authentication", "c-2"))
    assert failed(replayed) == {Check.CHALLENGE: Outcome.INVALID}
    newer = {**presentation, "@context": [CREDENTIALS_V2]}
    found = verify_presentation(newer, Policy(frozenset({made["did"]})), NOW, LOGIN)
    assert found.outcome(Check.CREDENTIALS) is Outcome.UNREADABLE
