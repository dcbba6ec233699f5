"""Pictures over HTTP: a portrait against a selfie, who is in a picture; what is told, and that nothing stays."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
import pytest

from tests.api.holders import Holder, acts, begun
from tests.api.people import Somebody, somebody
from tests.api.registrants import SCOPES as REGISTRANTS
from tests.api.registrants import account, asked, register
from tests.api.wire import everything, problem, proven
from tests.deployment import Running
from tests.detection.faces import photos

ACCOUNTS = "/v1/assurance/accounts"
PORTRAIT = photos.jpeg(photos.PORTRAIT)
SELFIE = photos.jpeg(photos.mirrored())
OTHER = photos.jpeg(photos.PORTRAIT.resize((photos.PORTRAIT.width * 22 // 10, photos.PORTRAIT.height)))


def sent(http: httpx.Client, path: str, *pictures: bytes, **fields: str) -> httpx.Response:
    parts = [("photo", ("unmistakable-name.jpg", picture, "image/jpeg")) for picture in pictures]
    return http.post(path, files=parts, data=fields)


def opened(http: httpx.Client, name: str) -> str:
    """The path of an account of a platform's."""
    return f"{ACCOUNTS}/{http.post(ACCOUNTS, json={'account': name}).json()['id']}"


@pytest.fixture
def platform(deployment: Running) -> Any:
    scopes = ["assurance:grant", "assurance:read", "depictions:judge"]
    with deployment.http(deployment.key("", scopes=scopes, source_types=[])) as http:
        yield http


def test_a_person_shows_portrait_and_selfie(deployment: Running) -> None:
    with somebody(deployment) as person:
        path = f"{ACCOUNTS}/{person.account}"
        ways = person.http.post(path + "/step-ups", json={"tier": "medium", "audience": "https://shop.example"}).json()
        assert path + "/portraits" in [way["begin"] for way in ways["ways"]]
        differs = sent(person.http, path + "/portraits?country=FR", PORTRAIT, OTHER).json()
        assert (differs["verdict"], differs["granted"]) == ("does_not_match", None)
        answer = sent(person.http, path + "/portraits?country=FR", PORTRAIT, SELFIE)
        said = answer.json()
        assert answer.status_code == 200, answer.text
        assert (said["verdict"], said["liveness"], said["granted"]["tier"]) == ("matches", "not_checked", "medium")
        assert set(said) == {"verdict", "liveness", "granted", "ledger"}
        proven(deployment, said["ledger"]["entry"])
        stated = person.http.post(path + "/step-ups", json={"tier": "medium", "audience": "https://shop.example"})
        assert stated.json()["reached"]


def test_no_picture_stays_anywhere(deployment: Running, person: Somebody) -> None:
    sent(person.http, f"{ACCOUNTS}/{person.account}/portraits", PORTRAIT, SELFIE)
    sent(person.http, f"{ACCOUNTS}/{person.account}/portraits", PORTRAIT, photos.jpeg(photos.landscape()))
    kept = everything(deployment)
    for picture in (PORTRAIT, SELFIE):
        assert not [at for at in range(600, len(picture) - 32, 4096) if picture[at : at + 32] in kept]
    assert b"unmistakable-name" not in kept


@pytest.fixture
def person(deployment: Running) -> Any:
    with somebody(deployment) as found:
        yield found


def test_pictures_that_will_not_do_are_told_why(person: Somebody) -> None:
    path = f"{ACCOUNTS}/{person.account}/portraits"
    refused = problem(sent(person.http, path, PORTRAIT, photos.jpeg(photos.crowd(2, 2))), 422, "photo-refused")
    assert refused["reason"] == "several_faces"
    problem(sent(person.http, path, PORTRAIT, PORTRAIT), 422, "evidence-refused")
    problem(sent(person.http, path, PORTRAIT), 400, "upload-malformed")
    problem(sent(person.http, path, PORTRAIT, SELFIE, SELFIE), 400, "upload-malformed")
    problem(sent(person.http, path, PORTRAIT, b"no picture at all"), 415, "media-unrecognised")


def test_a_reporter_is_who_a_picture_shows(deployment: Running, platform: httpx.Client) -> None:
    path = opened(platform, "reporter")
    shown = photos.jpeg(photos.crowd(3, 3))
    answer = sent(platform, path + "/depictions", shown, SELFIE)
    said = answer.json()
    assert answer.status_code == 200, answer.text
    assert set(said) == {"id", "verdict", "basis", "liveness", "at", "ledger"}
    assert (said["verdict"], said["basis"], said["liveness"]) == ("matches", "selfie", "not_checked")
    assert "band" not in answer.text
    assert sent(platform, path + "/depictions", shown, OTHER).json()["verdict"] == "does_not_match"
    home = deployment.service.deployment.operator().tenant
    payload = deployment.service.ledger.payloads.open(home, said["ledger"]["entry"]).payload
    assert (payload.verdict, payload.depiction) == ("matches", said["id"])
    assert "selfie" in json.dumps(payload.__dict__)


def test_without_a_selfie_it_takes_a_registration(platform: httpx.Client) -> None:
    path = opened(platform, "reporter-2")
    problem(sent(platform, path + "/depictions", PORTRAIT), 404, "registration-not-found")


def test_a_registered_face_of_ones_own_needs_no_selfie(deployment: Running) -> None:
    scopes = [*REGISTRANTS, "depictions:judge"]
    token = deployment.key("", scopes=scopes, source_types=[], new_tenant=True)
    with deployment.http(token) as http:
        name = account(deployment, token, "registrant")
        registered = register(http, asked(http, name), [PORTRAIT])
        assert registered.status_code == 201, registered.text
        path = f"{ACCOUNTS}/{name}/depictions"
        found = sent(http, path, photos.jpeg(photos.crowd(3, 3))).json()
        assert (found["verdict"], found["basis"]) == ("matches", "registration")
        assert sent(http, path, OTHER).json()["verdict"] == "does_not_match"
        assert registered.json()["id"] not in json.dumps(found)


def test_whoever_shows_their_credential_is_who_a_picture_shows(deployment: Running) -> None:
    """Proved by credential: over this picture, for this account, once."""
    scopes = [*REGISTRANTS, "depictions:judge"]
    token = deployment.key("", scopes=scopes, source_types=[], new_tenant=True)
    crowd = photos.jpeg(photos.crowd(3, 3))
    with deployment.http(token) as http, deployment.http() as anyone:
        name, other, her = account(deployment, token, "registrant"), account(deployment, token, "other"), Holder()
        registration = register(http, asked(http, name, holder=her.jwk), [PORTRAIT]).json()
        her.credential = registration["credential"]
        act = {"does": "depicted", "account": name, "picture": hashlib.sha256(crowd).hexdigest()}
        shown = {"registration": registration["id"], "presentation": her.show(begun(anyone, registration["id"], **act))}
        path = f"{ACCOUNTS}/{name}/depictions"
        problem(sent(http, path, PORTRAIT, **shown), 410, "passkey-challenge-gone")
        problem(sent(http, f"{ACCOUNTS}/{other}/depictions", crowd, **shown), 410, "passkey-challenge-gone")
        problem(sent(http, path, crowd, SELFIE, **shown), 400, "upload-malformed")
        said = sent(http, path, crowd, **shown).json()
        assert (said["verdict"], said["basis"]) == ("matches", "credential")
        tenant = deployment.service.access.authenticate(token).tenant
        payload: Any = deployment.service.ledger.payloads.open(tenant, said["ledger"]["entry"]).payload
        assert (payload.registration, payload.credential) == (registration["id"], registration["credential_id"])
        problem(sent(http, path, crowd, **shown), 410, "passkey-challenge-gone")
        problem(sent(http, path, crowd, registration=registration["id"], presentation="x"), 403, "presentation-refused")
        withdraw = {"act": {"does": "withdraw"}, "presentation": her.show(begun(anyone, registration["id"], **act))}
        problem(anyone.post(acts(registration["id"]), json=withdraw), 410, "passkey-challenge-gone")
        problem(anyone.post(acts(registration["id"]), json={**withdraw, "act": act}), 422, "request-invalid")


def test_depictions_are_for_keys_with_their_scope_and_few(deployment: Running, platform: httpx.Client) -> None:
    path = opened(platform, "reporter-3")
    with deployment.http(deployment.key("", scopes=["assurance:grant"], source_types=[])) as http:
        assert problem(sent(http, path + "/depictions", PORTRAIT), 403, "scope-missing")["scope"] == "depictions:judge"
    nobody = f"{ACCOUNTS}/acc_{'a' * 26}/depictions"
    problem(sent(platform, nobody, PORTRAIT, SELFIE), 404, "account-not-found")
    for _ in range(20):
        deployment.service.throttle.comparison(path.rsplit("/", 1)[1])
    problem(sent(platform, path + "/depictions", PORTRAIT, SELFIE), 429, "rate-exceeded")
