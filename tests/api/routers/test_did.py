from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from api.outside.fetching import Fetched, FetchFailedError, Wanted
from api.routers.did import PATH, RESULT
from identity.did.methods import did_key
from tests.deployment import Running
from tests.identity.issuers import Issuer
from tests.identity.test_did import P256_JWK, PUBLISHED, jwk_of

DID = PUBLISHED[0]
KEY = DID.removeprefix("did:key:")
CROWD = 60
"""More than there are threads for routes."""


@pytest.mark.parametrize("did", [*PUBLISHED, jwk_of(P256_JWK), did_key(Issuer.of("ecdsa-rdfc-2019").public)])
@pytest.mark.parametrize("written", [lambda did: did, lambda did: quote(did, safe="")], ids=["plain", "escaped"])
def test_a_did_that_says_its_key_is_resolved(deployment: Running, did: str, written: object) -> None:
    with deployment.http() as http:
        answer = http.get(PATH + written(did), headers={"Accept": RESULT})  # type: ignore[operator]
    result = answer.json()
    document = result["didDocument"]
    (method,) = document["verificationMethod"]
    assert (answer.status_code, answer.headers["content-type"]) == (200, RESULT)
    assert (document["id"], method["controller"], result["didResolutionMetadata"]) == (
        did, did, {"contentType": "application/did"},
    )  # fmt: skip
    assert document["assertionMethod"] == document["authentication"] == [method["id"]]


@pytest.mark.parametrize("kind", ["application/did+json", "application/did+ld+json", "application/did"])
def test_who_asks_for_a_document_gets_it_alone(deployment: Running, kind: str) -> None:
    with deployment.http() as http:
        answer = http.get(PATH + DID, headers={"Accept": f"{kind}, */*;q=0.1"})
    assert answer.headers["content-type"].startswith(kind)
    assert answer.json()["id"] == DID


def test_a_fragment_names_a_method(deployment: Running) -> None:
    with deployment.http() as http:
        found = http.get(PATH + quote(f"{DID}#{KEY}", safe="")).json()
        missing = http.get(PATH + quote(f"{DID}#other", safe=""))
    assert found["didDocument"]["publicKeyMultibase"] == KEY
    assert (missing.status_code, missing.json()["didDereferencingMetadata"]["error"]) == (404, "notFound")


@pytest.mark.parametrize(
    ("name", "status", "fault"),
    [
        (DID.replace("did:", "notDid:"), 400, "invalidDid"),
        (DID.replace(":key:", ":experimental:"), 501, "methodNotSupported"),
        (DID.replace(":key:", ":key:-4:"), 400, "invalidDid"),
        (DID.replace(":z", ":"), 400, "invalidDid"),
        ("did:key:@", 400, "invalidDid"),
        ("did:key:zTjsVPtY", 400, "invalidPublicKeyLength"),
        ("did:key:z" + "6" * 600, 400, "invalidDid"),
        ("did:web:127.0.0.1", 400, "invalidDid"),
        ("did:web:127.0.0.1%3A1", 404, "notFound"),
        ("did:web:localhost", 400, "invalidDid"),
        ("did:web:nowhere.invalid", 404, "notFound"),
    ],
)
def test_what_cannot_be_resolved_says_why_in_the_words_of_did_resolution(
    deployment: Running, name: str, status: int, fault: str
) -> None:
    with deployment.http() as http:
        answer = http.get(PATH + quote(name, safe=""), headers={"Accept": "application/did"})
    result = answer.json()
    assert (answer.status_code, result["didResolutionMetadata"]["error"]) == (status, fault)
    assert (result["didDocument"], answer.headers["content-type"]) == ({}, RESULT)


def test_a_did_url_of_another_form_and_another_form_of_keys_are_named(deployment: Running) -> None:
    with deployment.http() as http:
        url = http.get(PATH + quote(f"{DID}/^bar^/?query=`#{KEY}", safe="")).json()
        unknown = http.get(PATH + DID, params={"publicKeyFormat": "unknown"}).json()
        known = http.get(PATH + quote(f"{DID}#{KEY}"), params={"publicKeyFormat": "Ed25519VerificationKey2018"}).json()
    assert url["didDereferencingMetadata"]["error"] == "invalidDidUrl"
    assert unknown["didResolutionMetadata"]["error"] == "unsupportedPublicKeyType"
    assert known["didDereferencingMetadata"]["error"] == "invalidPublicKeyType"


def test_the_port_of_a_did_web_stays_part_of_its_name(deployment: Running) -> None:
    with deployment.http() as http:
        for written in ("did:web:nowhere.invalid%3A8443", quote("did:web:nowhere.invalid%3A8443", safe="")):
            assert http.get(PATH + written).json()["didResolutionMetadata"]["error"] == "notFound"


def test_our_own_did_is_resolved_without_fetching(deployment: Running) -> None:
    with deployment.http() as http:
        own = http.get("/.well-known/did.json").json()
        assert http.get(PATH + quote(own["id"], safe="")).json()["didDocument"] == own


def test_a_crowd_at_a_slow_server_leaves_the_other_routes_their_threads(
    deployment: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, over = threading.Event(), threading.Event()

    def slow(_url: str, _wanted: Wanted) -> Fetched:
        begun.set()
        over.wait()
        raise FetchFailedError("nobody answers")

    monkeypatch.setattr(deployment.service.strangers_sources.did_documents.fetched, "_get", slow)

    def resolve(_: int) -> int:
        with deployment.http() as http:
            return http.get("/1.0/identifiers/did:web:slow.example").status_code

    with ThreadPoolExecutor(CROWD) as crowd, deployment.http() as http:
        answers = crowd.map(resolve, range(CROWD))
        begun.wait()
        try:
            others = [http.get("/v1/assurance/policy", timeout=20).status_code for _ in range(5)]
        finally:
            over.set()
        assert (others, set(answers)) == ([200] * 5, {404})
