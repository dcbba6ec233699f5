"""A service learns whether somebody is old enough, from a wallet nobody here wrote, and nothing else is left of it."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi.routing import APIRoute
from PIL import Image
from pydantic import ValidationError

from api.edge.auth import identify, require_either
from api.edge.body import BODY_BYTES
from api.parts.ages import authorities
from api.routers.openid4vp import router
from api.settings import Settings
from identity.did.methods import BlsKey, read_multikey
from identity.encoding import base64url
from identity.issuing.vocabulary import CONTEXT_PATH
from identity.jose.jwk import write_jwk
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.openid4vp.documents import DOCUMENTS
from identity.openid4vp.sessions import KEPT, WAITS
from identity.openid4vp.word import Word
from provenance.errors import TrustPolicyError
from tests.api.wire import count, problem, stored
from tests.deployment import Running, running
from tests.identity.openid4vp.people import ADULT, ATTESTER, CHILD, LICENCES, STRANGER, Person, form, plain
from tests.identity.parties import NOW, Party
from tests.identity.wallet import AUTHORITY
from tests.ledger.world import HeldClock
from tests.peers.node import Node
from tests.waiting import until

SCOPE = "presentations:request"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def clock() -> HeldClock:
    return HeldClock(NOW)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, clock: HeldClock) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("wallets")
    anchors = {Word.PROOF_OF_AGE: AUTHORITY, Word.PID: AUTHORITY, Word.DRIVING_LICENCE: LICENCES}
    for word, authority in anchors.items():
        (folder / f"{word}.pem").write_bytes(authority.anchor.public_bytes(Encoding.PEM))
    files = {word: folder / f"{word}.pem" for word in anchors}
    with running(folder / "home", clock, age_anchors=files, credential_issuers=(ATTESTER,)) as up:
        yield up


@pytest.fixture(autouse=True)
def at_noon(clock: HeldClock) -> Iterator[None]:
    """Each test at the same hour: time only moves on for the service that others share."""
    yield
    clock.now = NOW


@pytest.fixture(scope="module")
def http(service: Running) -> Iterator[httpx.Client]:
    """A shop that must not sell to children."""
    with service.http(service.key("A Shop", scopes=[SCOPE])) as client:
        yield client


@pytest.fixture
def anyone(service: Running) -> Iterator[httpx.Client]:
    """A wallet."""
    with service.http() as client:
        yield client


def ask(http: httpx.Client, **question: Any) -> dict[str, Any]:
    answer = http.post("/openid4vp/requests", json={"over": 18, "encrypted": False, **question})
    assert answer.status_code == 201, answer.text
    asked: dict[str, Any] = answer.json()
    return asked


def session(service: Running, asked: dict[str, Any]) -> Any:
    return service.service.presentations.sessions.find(asked["id"])


def post(anyone: httpx.Client, asked: dict[str, Any], body: bytes) -> httpx.Response:
    answer = anyone.post(f"/openid4vp/responses/{asked['id']}", content=body, headers=FORM)
    assert answer.headers.get("cache-control") == "no-store" or answer.status_code > 400
    return answer


def look(http: httpx.Client, asked: dict[str, Any], **headers: str) -> Any:
    answer = http.get(f"/openid4vp/requests/{asked['id']}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def private_jwk(party: Party) -> dict[str, str]:
    assert isinstance(party.private_key, EllipticCurvePrivateKey)
    secret = party.private_key.private_numbers().private_value.to_bytes(32)
    return {**write_jwk(party.key), "d": base64url.encode(secret)}


def test_a_wallet_nobody_here_wrote(service: Running, http: httpx.Client, node: Node) -> None:
    def case(person: Person = ADULT, *, encrypted: bool = True, signed: bool = False, **changes: Any) -> dict[str, Any]:
        accept = ["pid"] if changes.pop("alone", False) else []
        asked = ask(http, encrypted=encrypted, signed=signed, accept=accept)
        key = private_jwk(person.device)
        shown = {"document": "pid", "credential": person.pid(), "key": key, "shown": ["birthdate"], "asked": asked}
        return {**shown, "link": asked["link"], **changes}

    ours: dict[str, Any] = {"document": "age_attestation", "credential": ADULT.attestation(), "shown": ["age_over_18"]}
    cases = [
        (case(**ours, signed=True), 200, "yes", "holds"),
        (case(), 200, "yes", "holds"),
        (case(encrypted=False, alone=True), 200, "yes", "holds"),
        (case(CHILD), 200, "no", "holds"),
        (case(shown=[]), 200, "unknown", "absent"),
        (case(decline=True), 200, "unknown", "absent"),
        (case(document="degree"), 400, "unknown", "unreadable"),
        (case(key=private_jwk(STRANGER)), 400, "unknown", "invalid"),
    ]
    request = {
        "socket": str(service.socket),
        "now": int(NOW.timestamp()),
        "keys": keys_of(service),
        "cases": [one for one, *_ in cases],
    }
    answers = node.run("openid4vp.mjs", request)
    for (one, status, said, outcome), answer in zip(cases, answers, strict=True):
        prefix = "decentralized_identifier" if one is cases[0][0] else "redirect_uri"
        assert (answer["status"], answer["prefix"], answer["version"]) == (status, prefix, 100), answer
        assert answer["told"].keys() == ({"error", "error_description"} if status == 400 else set())
        found = look(http, one["asked"])["answer"]
        by = {"age_attestation": ATTESTER, "pid": "CN=authority"}[one["document"]] if outcome == "holds" else ""
        assert found == {"said": said, "by": by, "outcome": outcome}
    queries = [[one["id"] for one in answer["query"]["credentials"]] for answer in answers]
    assert queries[1] == list(DOCUMENTS)
    assert queries[2] == ["pid"]


def test_what_a_wallet_showed_is_evidence_for_an_account(service: Running, anyone: httpx.Client) -> None:
    """Whichever age it says; once; for who asked, and has both scopes."""
    scopes = [SCOPE, "assurance:grant", "assurance:read"]
    with service.http(service.key("", scopes=scopes, source_types=[])) as platform:
        asked = ask(platform, accept=["pid", "pid_mdoc"])
        path = "/v1/assurance/accounts"
        path += "/" + platform.post(path, json={"account": "user-17"}).json()["id"]
        shown = {"session": asked["id"], "country": "FR"}
        problem(platform.post(f"{path}/presentations", json=shown), 422, "evidence-refused")
        post(anyone, asked, plain(session(service, asked), "pid_mdoc", CHILD))
        with service.http(service.key("", scopes=scopes, source_types=[])) as other:
            problem(other.post(f"{path}/presentations", json=shown), 404, "wallet-request-not-found")
        granted = platform.post(f"{path}/presentations", json=shown).json()
        assert (granted["tier"], granted["evidence"]["kind"]) == ("high", "identity_document")
        problem(platform.post(f"{path}/presentations", json=shown), 422, "evidence-refused")
    with service.http(service.key("", scopes=["assurance:grant"], source_types=[])) as narrow:
        assert problem(narrow.post(f"{path}/presentations", json=shown), 403, "scope-missing")["scope"] == SCOPE


def keys_of(service: Running) -> dict[str, dict[str, str]]:
    """Our DID, resolved."""
    with service.http() as anyone:
        methods = anyone.get("/.well-known/did.json").json()["verificationMethod"]
    keys = {method["id"]: read_multikey(method["publicKeyMultibase"]) for method in methods}
    return {name: write_jwk(key) for name, key in keys.items() if not isinstance(key, BlsKey)}


def test_our_own_credential_by_bbs(service: Running, anyone: httpx.Client) -> None:
    """Issued here, derived for the request by its holder, and all that the shop learns is yes."""
    with service.http(service.key("A Shop", scopes=["credentials:issue", SCOPE])) as http:
        did = anyone.get("/.well-known/did.json").json()["id"]
        credential = {
            "@context": [CREDENTIALS_V2, service.service.settings.origin + CONTEXT_PATH],
            "type": ["VerifiableCredential", "AgeAttestation"],
            "issuer": did,
            "credentialSubject": {"age_over_18": True},
        }
        order = {"credential": credential, "options": {"cryptosuite": "bbs-2023"}}
        issued = http.post("/credentials/issue", json=order).json()["verifiableCredential"]
        asked = ask(http)
        request = session(service, asked).state.request
        options = {
            "selectivePointers": ["/credentialSubject/age_over_18"],
            "presentationHeader": "u" + base64url.encode(request.transcript),
        }
        wanted = {"verifiableCredential": issued, "options": options}
        derived = anyone.post("/credentials/derive", json=wanted).json()["verifiableCredential"]
        assert derived["credentialSubject"] == {"age_over_18": True}
        assert post(anyone, asked, form(request, {"age_credential": [derived]})).json() == {}
        assert look(http, asked)["answer"] == {"said": "yes", "by": did, "outcome": "holds"}


def test_a_mobile_document_and_who_waits_for_it(service: Running, http: httpx.Client, anyone: httpx.Client) -> None:
    asked = ask(http)
    told: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: told.append(look(http, asked, Prefer="wait=30")))
    assert look(http, asked) == asked
    waiting.start()
    assert post(anyone, asked, plain(session(service, asked), "proof_of_age")).json() == {}
    waiting.join()
    (found,) = told
    assert found["answer"] == {"said": "yes", "by": "CN=authority", "outcome": "holds"}
    assert (found["id"], found["over"], found["link"]) == (asked["id"], 18, None)


def test_who_would_rather_wait_is_told_so(http: httpx.Client) -> None:
    answer = http.get(f"/openid4vp/requests/{ask(http)['id']}", headers={"Prefer": "wait=1"})
    assert answer.headers["preference-applied"] == "wait=1"
    assert answer.json()["answer"] is None


def test_the_link_as_a_picture(http: httpx.Client, service: Running, anyone: httpx.Client) -> None:
    asked = ask(http)
    png, svg = (http.get(f"/openid4vp/requests/{asked['id']}/qr.{kind}") for kind in ("png", "svg"))
    assert (png.headers["content-type"], svg.headers["content-type"]) == ("image/png", "image/svg+xml")
    assert Image.open(io.BytesIO(png.content)).width > 177
    assert svg.content.startswith(b"<?xml")
    problem(http.get(f"/openid4vp/requests/{asked['id']}/qr.pdf"), 422, "request-invalid")
    post(anyone, asked, plain(session(service, asked), "pid"))
    problem(http.get(f"/openid4vp/requests/{asked['id']}/qr.png"), 404, "wallet-request-not-found")


UNPRINTABLE = ("https://shop.example/\nx", "https://shop.example/é", "https://shop.example/ ")


def test_a_wallet_on_the_same_device_sends_its_person_back(
    service: Running, http: httpx.Client, anyone: httpx.Client
) -> None:
    asked = ask(http, return_to="https://shop.example/age")
    told = post(anyone, asked, plain(session(service, asked), "proof_of_age")).json()
    address, _, code = told["redirect_uri"].partition("?response_code=")
    assert address == "https://shop.example/age"
    place = f"/openid4vp/requests/{asked['id']}"
    problem(http.get(place), 403, "response-code-missing")
    problem(http.get(place, params={"response_code": "guessed"}), 403, "response-code-missing")
    assert http.get(place, params={"response_code": code}).json()["answer"]["said"] == "yes"
    for elsewhere in (
        "http://shop.example",
        "https://",
        "https://a@shop.example",
        "https://shop.example/#a",
        "shop:x",
        *UNPRINTABLE,
    ):
        wrong = http.post("/openid4vp/requests", json={"over": 18, "return_to": elsewhere})
        problem(wrong, 422, "request-invalid")


def test_wallets_are_refused_in_oauths_words(service: Running, http: httpx.Client, anyone: httpx.Client) -> None:
    asked = ask(http)
    other = plain(session(service, ask(http)), "pid")
    right = plain(session(service, asked), "pid")
    for body in (other, b"", b"\xff"):
        refused = post(anyone, asked, body)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert post(anyone, asked, right).status_code == 200
    for again in (right, other):
        assert post(anyone, asked, again).status_code == 400
    for nobodys in ("wrq_none", "%00"):
        assert post(anyone, {"id": nobodys}, right).status_code == 400
    assert look(http, asked)["answer"]["said"] == "yes"


def test_an_answer_too_large_is_not_read(http: httpx.Client, anyone: httpx.Client) -> None:
    asked = ask(http)
    problem(post(anyone, asked, b"vp_token=" + b"a" * BODY_BYTES), 413, "body-too-large")
    assert look(http, asked)["answer"] is None


def test_who_may_ask_and_look(service: Running, http: httpx.Client, anyone: httpx.Client) -> None:
    asked = ask(http)
    place = f"/openid4vp/requests/{asked['id']}"
    with service.http(service.key()) as camera, service.http(service.key("Other", scopes=[SCOPE])) as other:
        for answer in (camera.post("/openid4vp/requests", json={"over": 18}), camera.get(place)):
            assert problem(answer, 403, "scope-missing")["scope"] == SCOPE
        problem(other.get(place), 404, "wallet-request-not-found")
    problem(anyone.get(place), 401, "unauthenticated")
    problem(anyone.get(f"/openid4vp/objects/{asked['id']}"), 404, "wallet-request-not-found")


def test_wallets_are_counted_as_anyone_is() -> None:
    for route in router.routes:
        assert isinstance(route, APIRoute)
        asked = [dependency.call for dependency in route.dependant.dependencies]
        assert (require_either in asked) != (identify in asked), route.path


@pytest.mark.parametrize("question", [{}, {"over": 0}, {"over": 100}, {"over": "eighteen"}, {"over": 18, "name": True}])
def test_only_an_age_is_asked_for(http: httpx.Client, question: dict[str, Any]) -> None:
    problem(http.post("/openid4vp/requests", json=question), 422, "request-invalid")


def test_nobody_vouches_for_that(http: httpx.Client) -> None:
    told = problem(http.post("/openid4vp/requests", json={"over": 18, "accept": ["diploma"]}), 422, "question-refused")
    assert "age_credential, age_attestation, proof_of_age, driving_licence, pid, pid_mdoc" in told["detail"]


def test_answers_are_counted_and_nothing_else(service: Running, http: httpx.Client, anyone: httpx.Client) -> None:
    asked = ask(http)
    before = counted(service)
    post(anyone, asked, plain(session(service, asked), "pid"))
    assert counted(service) == before + 1


def counted(service: Running) -> float:
    (line,) = (
        line
        for line in service.service.metrics.render().decode().splitlines()
        if line.startswith('sigillo_presentations_total{outcome="holds"}')
    )
    return float(line.split()[1])


BORN = date(1963, 8, 12)


def test_nothing_else_is_kept_anywhere(
    service: Running, http: httpx.Client, anyone: httpx.Client, clock: HeldClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the database, while a verdict waits and after, nor in logs, whichever way the answer went."""
    caplog.set_level(logging.DEBUG)
    person = Person(BORN)
    bodies: list[bytes] = []
    subjects = count(service, "subject_key")
    for document, changes in (
        ("pid", {"shown": ("birthdate", "family_name")}),
        ("pid_mdoc", {}),
        ("driving_licence", {}),
        ("pid", {"holder": STRANGER}),
    ):
        asked = ask(http)
        bodies.append(plain(session(service, asked), document, person, **changes))
        post(anyone, asked, bodies[-1])
        assert look(http, asked)["answer"]["said"] in {"yes", "unknown"}
        asked = ask(http)
        bodies.append(form(session(service, asked).state.request, {document: ["broken"]}))
        post(anyone, asked, bodies[-1])
    secrets = [b"1963-08-12", b"Unmistakable", b"birthdate", b"birth_date", b"age_over", b"CN=authority", b"over_18"]
    secrets += [body[at : at + 48] for body in bodies for at in range(9, len(body) - 48, 256)]
    logged = "".join(record.getMessage() for record in caplog.records).encode()
    kept = stored(service)
    assert b"wrq_" in kept, "else nothing would be proved"
    assert [secret for secret in secrets if secret in kept or secret in logged] == []
    clock.move(WAITS + KEPT)
    service.service.housekeeping.round()
    until(service.service.library.database.truncate_wal)
    assert count(service, "wallet_request") == 0
    assert count(service, "subject_key") <= subjects
    assert b"wrq_" not in stored(service)


def test_the_operators_authorities_are_read(tmp_path: Path) -> None:
    empty = tmp_path / "authorities.pem"
    empty.write_text("no certificate")
    settings = Settings(age_anchors={Word.PID: empty})
    with pytest.raises(TrustPolicyError, match=r"authorities\.pem"):
        authorities(settings.age_anchors)
    with pytest.raises(ValidationError):
        Settings.model_validate({"age_anchors": {"passport": str(empty)}})
