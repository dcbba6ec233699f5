"""Issuing over HTTP: what comes out verifies with what is published, and what must be refused is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest

from api.schemas.issuing import MEDIA_TYPES
from identity.did.methods import VerificationMethod, did_key, read_multikey
from identity.did.web import read_document
from identity.issuing.credential_types import AGE_ATTESTATION, TYPES
from identity.issuing.issuer import ISSUED_SUITES
from identity.issuing.vocabulary import contexts_at, written
from identity.jose.jwk import write_jwk
from identity.jose.jws import read_jws
from identity.jsonld.canonical import jcs
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.outcome import Check, Outcome
from identity.sd_jwt import credential as sd_jwt
from identity.sd_jwt.issuers import pinned
from identity.sd_jwt.key_binding import Binding
from identity.selective import bbs, ecdsa_sd
from identity.selective.bbs_signature import SIGNATURE_BYTES
from identity.verifier import Policy, verify_credential
from ledger.ids import EntryId
from tests.api.wire import problem
from tests.deployment import Running
from tests.identity.parties import party
from tests.ledger.world import LONG

ORIGIN = "http://127.0.0.1:8080"
OURS = [CREDENTIALS_V2, f"{ORIGIN}/contexts/credentials/v1"]
SUBJECTS: dict[str, dict[str, Any]] = {
    "AgeAttestation": {"age_over_18": True},
    "VerifiedCreator": {"name": "Ada Löwe", "profile": "https://creators.example/ada"},
}


@pytest.fixture(scope="module")
def http(deployment: Running) -> Iterator[httpx.Client]:
    with deployment.http(deployment.key("", scopes=["credentials:issue"])) as client:
        yield client


@pytest.fixture(scope="module")
def document(http: httpx.Client) -> bytes:
    return http.get("/.well-known/did.json").content


@pytest.fixture(scope="module")
def did(document: bytes) -> str:
    return str(json.loads(document)["id"])


def policy(did: str, document: bytes) -> Policy:
    """Of a verifier who was given no more than what is published, and looks no status up."""

    def resolve(method: str) -> VerificationMethod:
        return read_document(did, document, method)

    return Policy(frozenset({did}), contexts_at(ORIGIN), resolve, status=lambda _entry, _issuer: None)


def written_by_us(did: str, kind: str) -> dict[str, Any]:
    types = ["VerifiableCredential", kind]
    return {"@context": OURS, "type": types, "issuer": did, "credentialSubject": SUBJECTS[kind]}


def plain(did: str, **members: Any) -> dict[str, Any]:
    said = {"@context": [CREDENTIALS_V2], "type": ["VerifiableCredential"], "issuer": did}
    return {**said, "credentialSubject": {"name": "Ada"}, **members}


def issue(http: httpx.Client, credential: Any, key: str = "", **options: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return http.post("/credentials/issue", json={"credential": credential, "options": options}, headers=headers)


def issued(http: httpx.Client, credential: Any, **options: Any) -> dict[str, Any]:
    answer = issue(http, credential, **options)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["verifiableCredential"]
    return found


def shown(credential: Mapping[str, Any], *pointers: str, header: bytes = b"nonce") -> dict[str, Any]:
    """What a holder shows of it."""
    whole = dict(credential)
    proof = whole.pop("proof")
    if proof["cryptosuite"] == bbs.CRYPTOSUITE:
        part, derived = bbs.derive(whole, proof, pointers, header, contexts=contexts_at(ORIGIN))
    else:
        part, derived = ecdsa_sd.derive(whole, proof, pointers, contexts=contexts_at(ORIGIN))
    return {**part, "proof": derived}


@pytest.mark.parametrize("suite", ISSUED_SUITES)
def test_a_callers_credential_verifies_with_the_published_document(
    http: httpx.Client, did: str, document: bytes, suite: str
) -> None:
    selective = {bbs.CRYPTOSUITE, ecdsa_sd.CRYPTOSUITE}
    pointers = ["/issuer"] if suite in selective else []
    made = issued(http, plain(did), cryptosuite=suite, mandatoryPointers=pointers)
    seen = shown(made, "/credentialSubject/name") if suite in selective else made
    assert verify_credential(seen, policy(did, document), datetime.now(UTC)).verdict is Outcome.HOLDS
    assert {name: value for name, value in made.items() if name != "proof"} == plain(did)


@pytest.mark.parametrize("kind", SUBJECTS)
def test_our_types_are_of_their_schema(http: httpx.Client, did: str, document: bytes, kind: str) -> None:
    made = issued(http, written_by_us(did, kind))
    of = TYPES[kind]
    published = http.get(made["credentialSchema"]["id"].removeprefix(ORIGIN))
    assert published.json() == written(of)
    assert published.json()["linkable"] is of.revocable
    assert set(published.json()["required"]) <= set(made)
    assert set(SUBJECTS[kind]) <= set(made["credentialSubject"])
    assert ("credentialStatus" in made) is ("id" in made) is of.revocable
    seen = shown(made, "/credentialSubject/age_over_18") if kind == AGE_ATTESTATION.name else made
    assert verify_credential(seen, policy(did, document), datetime.now(UTC)).verdict is Outcome.HOLDS
    late = datetime.now(UTC) + of.lifetime + timedelta(days=1)
    assert verify_credential(seen, policy(did, document), late).outcome(Check.VALIDITY) is Outcome.INVALID


def test_the_context_is_the_one_that_was_signed_with(http: httpx.Client) -> None:
    served = http.get("/contexts/credentials/v1")
    assert served.headers["content-type"] == "application/ld+json"
    assert served.content == contexts_at(ORIGIN)[OURS[1]]
    assert http.get("/schemas/passport/v1").status_code == 404


def windows(data: bytes, size: int) -> set[bytes]:
    return {data[place : place + size] for place in range(len(data) - size + 1)}


def test_two_presentations_of_an_age_credential_share_nothing(http: httpx.Client, did: str, document: bytes) -> None:
    """But what is alike for all that were issued in the same week: two people's are as like as one person's."""
    one, other = (issued(http, written_by_us(did, "AgeAttestation")) for _ in range(2))
    over_18 = "/credentialSubject/age_over_18"
    first, second, strangers = (
        shown(each, over_18, header=nonce) for each, nonce in ((one, b"a" * 16), (one, b"b" * 16), (other, b"c" * 16))
    )
    proofs = [bbs.DerivedProof.decode(each.pop("proof")["proofValue"]) for each in (first, second, strangers)]
    assert first == second == strangers
    assert not {"id", "credentialStatus"} & first.keys()
    assert first["credentialSubject"] == {"age_over_18": True}
    assert {tuple(proof.labels.items()) for proof in proofs} == {tuple(proofs[0].labels.items())}
    assert len({(proof.mandatory, proof.shown, len(proof.proof)) for proof in proofs}) == 1
    for mine, theirs in ((0, 1), (0, 2), (1, 2)):
        assert not windows(proofs[mine].proof, 4) & windows(proofs[theirs].proof, 4)
    # Nor does anything of what the issuer kept, or gave the holder, show.
    base = bbs.BaseProof.decode(one["proof"]["proofValue"])
    assert len(base.signature) == SIGNATURE_BYTES
    assert not windows(proofs[0].proof, 4) & (windows(base.signature, 4) | windows(base.hmac_key, 4))


def test_what_is_recorded_of_an_age_credential_is_not_in_what_is_shown(deployment: Running, did: str) -> None:
    with deployment.http(deployment.key("", scopes=["credentials:issue"])) as http:
        answer = issue(http, written_by_us(did, "AgeAttestation")).json()
    assert deployment.service.ledger.wait_proven(EntryId(answer["ledger"]["entry"]), LONG)
    entry = deployment.service.ledger.entry(EntryId(answer["ledger"]["entry"]))
    assert entry.kind == "credential.issued"
    seen = json.dumps(shown(answer["verifiableCredential"], "/credentialSubject/age_over_18"))
    for said in (answer["id"], entry.id, entry.commit, entry.actor, entry.time[:16]):
        assert said not in seen
    dates = {answer["verifiableCredential"][name] for name in ("validFrom", "validUntil")}
    assert all(date.endswith("T00:00:00Z") and datetime.fromisoformat(date).weekday() == 0 for date in dates)


def test_the_payload_says_what_was_issued_and_nothing_of_what_it_says(deployment: Running, did: str) -> None:
    with deployment.http(deployment.key("", scopes=["credentials:issue"])) as http:
        answer = issue(http, written_by_us(did, "VerifiedCreator"), cryptosuite="ecdsa-rdfc-2019").json()
    tenant = deployment.service.deployment.operator().tenant
    said = deployment.service.ledger.payloads.open(tenant, answer["ledger"]["entry"]).payload
    digest = sha256(jcs(answer["verifiableCredential"])).hexdigest()
    assert (said.type, said.format, said.key, said.sha256) == (
        *("VerifiedCreator", "ecdsa-rdfc-2019", "sigillo-issuer-p256@1"),
        digest,
    )
    assert "Löwe" not in str(said)


def test_no_claim_is_anywhere_in_the_folder(deployment: Running, did: str) -> None:
    marks = {"SurelyNobody", "creators.example/nobody"}
    with deployment.http(deployment.key("", scopes=["credentials:issue"])) as http:
        subject = {"name": "SurelyNobody", "profile": "https://creators.example/nobody"}
        said = {**written_by_us(did, "VerifiedCreator"), "credentialSubject": subject}
        assert issue(http, said, key="once").status_code == 201
        assert http.post("/v1/credentials", json={"type": "VerifiedCreator", "claims": subject}).status_code == 201
    kept = [file.read_bytes() for file in deployment.home.folder.rglob("*") if file.is_file()]
    assert kept
    assert not [mark for mark in marks for content in kept if mark.encode() in content]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"issuer": "did:web:other.example"}, "credential-refused"),
    "no issuer": ({"issuer": None}, "document-refused"),
    "an unknown context": ({"@context": [CREDENTIALS_V2, "https://nobody.example/v1"]}, "credential-refused"),
    "an undefined term": ({"credentialSubject": {"favouriteColour": "blue"}}, "document-refused"),
    "a relative id": ({"credentialSubject": {"id": "ada"}}, "credential-refused"),
    "a date that is none": ({"validUntil": "tomorrow"}, "credential-refused"),
    "a type of ours by its IRI": (
        {"type": ["VerifiableCredential", "urn:sigillo:type:AccountAssurance"]},
        "credential-refused",
    ),
    "a subject of a type of ours": (
        {"credentialSubject": {"name": "Ada", "type": "urn:sigillo:type:AgeAttestation"}},
        "credential-refused",
    ),
    "a status list": ({"type": ["VerifiableCredential", "BitstringStatusListCredential"]}, "credential-refused"),
    "an age beside another type": ({"type": ["VerifiableCredential", "AgeAttestation", "Card"]}, "credential-refused"),
    "an age with an id": (
        {
            "@context": OURS,
            "id": "urn:x:1",
            "type": ["VerifiableCredential", "AgeAttestation"],
            "credentialSubject": {"age_over_18": True},
        },
        "credential-refused",
    ),
    "an age with a name": (
        {
            "@context": OURS,
            "type": ["VerifiableCredential", "AgeAttestation"],
            "credentialSubject": {"age_over_18": True, "name": "Ada"},
        },
        "credential-refused",
    ),
}


@pytest.mark.parametrize(("members", "slug"), REFUSED.values(), ids=REFUSED)
def test_what_must_be_refused_is(http: httpx.Client, did: str, members: dict[str, Any], slug: str) -> None:
    problem(issue(http, plain(did, **members)), 400, slug)


@pytest.mark.parametrize(
    ("suite", "pointers", "slug"),
    [
        ("rsa-2018", [], "credential-refused"),
        ("eddsa-rdfc-2022", ["/issuer"], "credential-refused"),
        ("ecdsa-sd-2023", ["/nowhere"], "selection-refused"),
        ("ecdsa-sd-2023", "/issuer", "vc-api-request"),
        (7, [], "vc-api-request"),
    ],
)
def test_options_that_will_not_do(http: httpx.Client, did: str, suite: Any, pointers: Any, slug: str) -> None:
    problem(issue(http, plain(did), cryptosuite=suite, mandatoryPointers=pointers), 400, slug)


def test_an_age_is_issued_in_no_form_that_links(http: httpx.Client, did: str) -> None:
    for suite in ("eddsa-rdfc-2022", "ecdsa-sd-2023"):
        problem(issue(http, written_by_us(did, "AgeAttestation"), cryptosuite=suite), 400, "credential-refused")
    for media in MEDIA_TYPES:
        problem(issue(http, written_by_us(did, "AgeAttestation"), mediaType=media), 400, "credential-refused")


@pytest.mark.parametrize("media", MEDIA_TYPES)
def test_an_envelope_verifies_over_vc_api_until_it_is_revoked(
    deployment: Running, http: httpx.Client, did: str, media: str
) -> None:
    def verdict(credential: dict[str, Any]) -> str:
        return str(http.post("/credentials/verify", json={"verifiableCredential": credential}).json()["verdict"])

    card = {"name": "Ada", "description": "a reader"}
    made = issued(http, plain(did, credentialSubject=card), mediaType=media)
    assert verdict(made) == "holds"
    asked = {"verifiableCredential": made, "options": {"selectivePointers": ["/credentialSubject/name"]}}
    derived = http.post("/credentials/derive", json=asked)
    if "sd-jwt" in media:
        shown = derived.json()["verifiableCredential"]
        assert verdict(shown) == "holds"
        assert len(shown["id"]) < len(made["id"])
    else:
        problem(derived, 400, "derivation-refused")
    answer = issue(http, written_by_us(did, "VerifiedCreator"), mediaType=media).json()
    assert answer["verifiableCredential"]["id"].startswith(f"data:{media}")
    assert verdict(answer["verifiableCredential"]) == "holds"
    typed = {"type": "VerifiedCreator", "claims": SUBJECTS["VerifiedCreator"], "format": MEDIA_TYPES[media]}
    assert verdict(http.post("/v1/credentials", json=typed).json()["credential"]) == "holds"
    named = {"type": "BitstringStatusListEntry", "statusPurpose": "revocation"}
    change = {"credentialId": answer["id"], "credentialStatus": named, "reason": "case 1"}
    with deployment.http(deployment.key("", scopes=["credentials:revoke"])) as officer:
        assert officer.post("/credentials/status", json=change).status_code == 200
    assert verdict(answer["verifiableCredential"]) == "invalid"


def test_a_media_type_is_one_that_can_be_had_and_has_no_cryptosuite(http: httpx.Client, did: str) -> None:
    unfit: tuple[object, ...] = ("application/vp+jwt", "application/jwt", 7, None, {}, [])
    for media in unfit:
        problem(issue(http, plain(did), mediaType=media), 400, "vc-api-request")
    two = issue(http, plain(did), mediaType="application/vc+jwt", cryptosuite="eddsa-rdfc-2022")
    problem(two, 400, "vc-api-request")


@pytest.mark.parametrize("suite", [bbs.CRYPTOSUITE, ecdsa_sd.CRYPTOSUITE])
def test_no_holder_keeps_back_that_a_credential_ended_or_was_revoked(
    deployment: Running, http: httpx.Client, did: str, suite: str
) -> None:
    """Though whoever ordered it names nothing that is always shown."""
    dates = {"validFrom": "2026-01-01T00:00:00Z", "validUntil": "2999-01-01T00:00:00Z"}
    status = {"type": "BitstringStatusListEntry"}
    answer = issue(http, plain(did, **dates), cryptosuite=suite, credentialStatus=status).json()
    pointers = {"selectivePointers": ["/issuer", "/credentialSubject/name"]}
    asked = {"verifiableCredential": answer["verifiableCredential"], "options": pointers}
    seen = http.post("/credentials/derive", json=asked).json()["verifiableCredential"]
    assert {name: seen.get(name) for name in dates} == dates
    assert seen["credentialStatus"] == answer["verifiableCredential"]["credentialStatus"]
    change = {"credentialId": answer["id"], "credentialStatus": {**status, "statusPurpose": "revocation"}}
    with deployment.http(deployment.key("", scopes=["credentials:revoke"])) as officer:
        assert officer.post("/credentials/status", json=change).status_code == 200
    assert http.post("/credentials/verify", json={"verifiableCredential": seen}).json()["verdict"] == "invalid"


@pytest.mark.parametrize("suite", ISSUED_SUITES)
def test_a_pinned_edition_of_a_context_goes_from_the_issuer_to_the_verifier(
    http: httpx.Client, did: str, suite: str
) -> None:
    subject = {"type": ["BitstringStatusList", "BitstringStatusListEntry"], "statusSize": 2, "name": "Ada"}
    entry = {"id": CREDENTIALS_V2, "digestMultibase": "uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k"}
    made = issued(http, plain(did, credentialSubject=subject, relatedResource=[entry]), cryptosuite=suite)
    if suite in {bbs.CRYPTOSUITE, ecdsa_sd.CRYPTOSUITE}:
        pointers = ["/issuer", "/credentialSubject/statusSize"]
        asked = {"verifiableCredential": made, "options": {"selectivePointers": pointers}}
        made = http.post("/credentials/derive", json=asked).json()["verifiableCredential"]
        assert "name" not in made["credentialSubject"]
    told = http.post("/credentials/verify", json={"verifiableCredential": made})
    assert told.json()["verdict"] == "holds", told.text
    entry["digestMultibase"] = "uM4RgWQc3RUDtjJCSgTJtTfvpZ7SPEg_LNO0ESlovQC0"
    of_nothing = issue(http, plain(did, credentialSubject=subject, relatedResource=[entry]), cryptosuite=suite)
    assert "no edition that was pinned" in problem(of_nothing, 400, "credential-refused")["detail"]


def test_only_what_is_bound_to_a_key_names_a_holder(http: httpx.Client) -> None:
    holder = write_jwk(party().key)
    for kind, form in (("AgeAttestation", "bbs-2023"), ("VerifiedCreator", "eddsa-jcs-2022")):
        asked = {"type": kind, "claims": SUBJECTS[kind], "format": form, "holder": holder}
        refused = problem(http.post("/v1/credentials", json=asked), 400, "credential-refused")
        assert "dc+sd-jwt" in refused["detail"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"credential": 1}', b'{"credential": {}, "credential": {}}'])
def test_a_body_that_is_no_request(http: httpx.Client, body: bytes) -> None:
    problem(http.post("/credentials/issue", content=body), 400, "vc-api-request")


def test_who_may_not_is_refused(deployment: Running, did: str) -> None:
    with deployment.http() as anyone, deployment.http(deployment.key()) as camera:
        problem(issue(anyone, plain(did)), 401, "unauthenticated")
        problem(issue(camera, plain(did)), 403, "scope-missing")
        problem(camera.post("/v1/credentials", json={"type": "AgeAttestation", "claims": {}}), 403, "scope-missing")
        problem(camera.post("/v1/issuer-keys/x/revocation", json={"reason": "why"}), 403, "scope-missing")


def test_a_verifier_without_a_network_is_served_a_did_key(http: httpx.Client, did: str, document: bytes) -> None:
    for stated in json.loads(document)["verificationMethod"]:
        if "bls" in stated["id"]:
            named = did_key(read_multikey(stated["publicKeyMultibase"]))
            made = issued(http, {**written_by_us(did, "AgeAttestation"), "issuer": named})
            assert made["proof"]["verificationMethod"].startswith(named)
            alone = Policy(frozenset({named}), contexts_at(ORIGIN))
            seen = shown(made, "/credentialSubject/age_over_18")
            assert verify_credential(seen, alone, datetime.now(UTC)).verdict is Outcome.HOLDS


def test_the_same_request_twice_makes_one_credential(http: httpx.Client, did: str) -> None:
    asked = written_by_us(did, "VerifiedCreator")
    one, other = issue(http, asked, key="first").json(), issue(http, asked, key="first").json()
    assert one["id"] == other["id"]
    for made in (one, other):
        del made["verifiableCredential"]["proof"]
    assert one["verifiableCredential"] == other["verifiableCredential"]
    assert one["ledger"]["entry"] != other["ledger"]["entry"]
    problem(issue(http, written_by_us(did, "AgeAttestation"), key="first"), 422, "idempotency-conflict")
    assert issue(http, asked, key="second").json()["id"] != one["id"]


def test_the_same_request_many_times_at_once_makes_one_credential(http: httpx.Client, did: str) -> None:
    asked = written_by_us(did, "VerifiedCreator")
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: issue(http, asked, key="at once").json(), range(6)))
    assert len({one["id"] for one in made}) == 1
    assert len({one["ledger"]["entry"] for one in made}) == 6


def test_an_sd_jwt_for_a_holders_key(deployment: Running, http: httpx.Client, did: str, document: bytes) -> None:
    holder = party()
    asked = {"type": "AgeAttestation", "claims": {"age_over_18": True}, "format": sd_jwt.TYPE}
    made = http.post("/v1/credentials", json={**asked, "holder": write_jwk(holder.key)}).json()["credential"]
    key = deployment.service.issuance.record.issuer().p256.key
    binding = Binding("https://shop.example", "nonce")
    now = datetime.now(UTC)
    bound = sd_jwt.bind(sd_jwt.present(made, [("age_over_18",)]), holder.signer, binding, now)
    expected = sd_jwt.Expectation({AGE_ATTESTATION.vct}, pinned({did: key}), binding)
    claims = sd_jwt.verify(bound, expected, now).claims
    assert {name for name in claims if name.startswith("age")} == {"age_over_18"}
    assert not {"sub", "iat", "jti", "status", "id"} & claims.keys()
    assert type(claims["exp"]) is int
    assert claims["exp"] % 86400 == 0
    refused = http.post("/v1/credentials", json={**asked, "type": "Passport"})
    problem(refused, 400, "credential-refused")
    problem(http.post("/v1/credentials", json={**asked, "holder": {"kty": "oct"}}), 400, "credential-refused")


def test_a_revocable_sd_jwt_says_where_its_status_is(http: httpx.Client) -> None:
    asked = {"type": "VerifiedCreator", "claims": SUBJECTS["VerifiedCreator"], "format": sd_jwt.TYPE}
    made = http.post("/v1/credentials", json=asked).json()
    assert made["id"].startswith("crd_")
    payload = read_jws(made["credential"].split("~")[0], sd_jwt.TYPE).payload
    assert "/status/stl_" in str(payload["status"])


def test_what_this_service_finds_out_is_nobodys_to_order(http: httpx.Client, did: str) -> None:
    claims = {"account": "acc_17", "tier": "high", "policy": "assurance@1"}
    types = ["VerifiableCredential", "AccountAssurance"]
    written = {"@context": OURS, "type": types, "issuer": did, "credentialSubject": claims}
    for format_ in (sd_jwt.TYPE, "eddsa-jcs-2022"):
        asked = {"type": "AccountAssurance", "claims": claims, "format": format_}
        assert "step-ups" in problem(http.post("/v1/credentials", json=asked), 400, "credential-refused")["detail"]
    problem(issue(http, written), 400, "credential-refused")
