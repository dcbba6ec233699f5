"""Acting by a registration's credential: what is signed is what is done, once, by who holds the key now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from identity.encoding import base64url
from identity.errors import ShowingRefusedError, TokenError
from identity.holder_signing import HOLDER_PROOF, check_holder_proof
from identity.jose.jws import read_jws
from ledger.ids import EntryId, SubjectId
from tests.api.holders import Holder, acts, begun
from tests.api.people import somebody
from tests.api.registrants import PORTRAIT_BYTES, REGISTRATIONS, SCOPES, account, asked, register
from tests.api.routers.test_registrations import known, statement_of
from tests.api.wire import problem, rows, stored
from tests.deployment import Running

NOBODY = "reg_" + "a" * 26


@pytest.fixture
def token(deployment: Running) -> str:
    """Of a platform in a tenant of its own."""
    scopes = [*SCOPES, "assurance:read"]
    issued = deployment.operator.issue_key({"tool": "", "scopes": scopes, "source_types": [], "new_tenant": True})
    return str(issued["token"])


@pytest.fixture
def http(deployment: Running, token: str) -> Iterator[httpx.Client]:
    with deployment.http(token) as client:
        yield client


@pytest.fixture
def anyone(deployment: Running) -> Iterator[httpx.Client]:
    with deployment.http() as client:
        yield client


@pytest.fixture
def ada() -> Holder:
    return Holder()


@pytest.fixture
def made(deployment: Running, http: httpx.Client, token: str, ada: Holder) -> dict[str, Any]:
    answer = register(http, asked(http, account(deployment, token, "ada"), holder=ada.jwk))
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    ada.credential = document["credential"]
    return document


def payloads(up: Running, token: str, entry: str) -> Any:
    return up.service.ledger.payloads.open(up.service.access.authenticate(token).tenant, EntryId(entry)).payload


def test_who_holds_the_credential_withdraws_at_once(
    deployment: Running, http: httpx.Client, anyone: httpx.Client, token: str, made: dict[str, Any], ada: Holder
) -> None:
    done = ada.act(anyone, made["id"], does="withdraw")
    assert done.status_code == 200, done.text
    assert done.json()["absence"] == f"{REGISTRATIONS}/{made['id']}/absence"
    assert http.get(f"{REGISTRATIONS}/{made['id']}").json()["state"] == "withdrawn"
    said = payloads(deployment, token, done.json()["ledger"]["entry"])
    assert (said.registration, said.way) == (made["id"], "credential")
    assert rows(deployment, "SELECT holder FROM registration WHERE id = ?", made["id"]) == [(None,)]
    again = ada.act(anyone, made["id"], does="withdraw")
    problem(again, 403, "presentation-refused")
    assert "revoked" in again.json()["detail"]


def test_they_stop_a_thief_of_the_code_and_renew(
    deployment: Running, http: httpx.Client, anyone: httpx.Client, token: str, made: dict[str, Any], ada: Holder
) -> None:
    problem(ada.act(anyone, made["id"], does="keep"), 409, "not-leaving")
    code = {"code": made["recovery_code"]["words"]}
    assert anyone.post(f"{REGISTRATIONS}/{made['id']}/recovery", json=code).status_code == 202
    assert ada.act(anyone, made["id"], does="keep").status_code == 200
    assert http.get(f"{REGISTRATIONS}/{made['id']}").json()["state"] == "active"
    text = asked(http, "acc_x")["consent"]
    act = {"does": "renew", "language": "en", "sha256": text["sha256"]}
    problem(ada.act(anyone, made["id"], **{**act, "sha256": "0" * 64}), 409, "consent-outdated")
    statement = begun(anyone, made["id"], **act)
    renewed = anyone.post(acts(made["id"]), json={"act": act, "presentation": ada.show(statement)})
    assert renewed.status_code == 200, renewed.text
    assert payloads(deployment, token, renewed.json()["ledger"]["entry"]).consent_proof == "credential"
    tenant = deployment.service.access.authenticate(token).tenant
    details = deployment.service.registry.likeness.registrations.find(tenant, SubjectId(made["id"])).details
    assert details is not None
    kept = HOLDER_PROOF.validate_json(details.consent.signature)
    check_holder_proof(kept, statement["statement"].encode())
    assert kept.credential == "urn:sigillo:DoNotGenerateRegistration:1"
    with pytest.raises(ShowingRefusedError):
        check_holder_proof(kept, statement["statement"].replace("en", "de").encode())
    with pytest.raises(TokenError):
        check_holder_proof(HOLDER_PROOF.validate_python({**vars(kept), "key": Holder().jwk}), b"")


def test_a_proof_is_of_one_act_and_good_once(
    http: httpx.Client, anyone: httpx.Client, made: dict[str, Any], ada: Holder
) -> None:
    """What was signed for reading the log withdraws nothing."""
    path, read = acts(made["id"]), {"does": "read"}
    shown = ada.show(begun(anyone, made["id"], **read))
    for other in ({"does": "withdraw"}, {"does": "keep"}, {"does": "read", "cursor": "MTIu"}):
        problem(anyone.post(path, json={"act": other, "presentation": shown}), 410, "passkey-challenge-gone")
    assert anyone.post(path, json={"act": read, "presentation": shown}).json() == {"matches": [], "next": None}
    problem(anyone.post(path, json={"act": read, "presentation": shown}), 410, "passkey-challenge-gone")
    assert http.get(f"{REGISTRATIONS}/{made['id']}").json()["state"] == "active"


def test_of_two_answers_at_once_one_is_taken(anyone: httpx.Client, made: dict[str, Any], ada: Holder) -> None:
    body = {"act": {"does": "read"}, "presentation": ada.show(begun(anyone, made["id"], does="read"))}
    with ThreadPoolExecutor(4) as at_once:
        codes = list(at_once.map(lambda _: anyone.post(acts(made["id"]), json=body).status_code, range(4)))
    assert sorted(codes) == [200, 410, 410, 410]


def test_what_does_not_prove_it_does_nothing(
    http: httpx.Client, anyone: httpx.Client, made: dict[str, Any], ada: Holder
) -> None:
    path, withdraw = acts(made["id"]), {"does": "withdraw"}
    eve, bare = Holder(), Holder(key=ada.key)
    wanted = begun(anyone, made["id"], **withdraw)
    stolen = Holder(credential=ada.credential)
    bare.credential = http.post(f"{REGISTRATIONS}/{made['id']}/credential", json={}).json()["credential"]
    token_, *disclosures = ada.credential.split("~")
    header, payload, signature = token_.split(".")
    said = json.loads(base64url.decode(payload, "payload"))
    forged = {**said, "cnf": {"jwk": eve.jwk}}
    eve.credential = "~".join([f"{header}.{base64url.encode(json.dumps(forged).encode())}.{signature}", *disclosures])
    wrong = {
        "another key than the credential's": stolen.show(wanted),
        "no key in it": f"{bare.credential.rsplit('~', 1)[0]}~{ada.show(wanted).rsplit('~', 1)[1]}",
        "a key that was put in": eve.show(wanted),
        "no proof": ada.show(wanted).rpartition("~")[0] + "~",
        "nothing shown": ada.show(wanted, shown="refuses"),
        "for somebody else": ada.show(wanted, audience="https://phisher.example"),
        "too late": ada.show(wanted, late=301),
        "no token": "x",
        "a nonce that is none": ada.show({**wanted, "nonce": "%"}),
    }
    for name, presentation in wrong.items():
        answer = anyone.post(path, json={"act": withdraw, "presentation": presentation})
        assert answer.status_code == 403, (name, answer.text)
        problem(answer, 403, "presentation-refused")
    problem(anyone.post(path, json={"act": withdraw}), 422, "request-invalid")
    problem(anyone.post(path, json={"act": {"does": "erase"}, "presentation": "x~"}), 422, "request-invalid")
    assert http.get(f"{REGISTRATIONS}/{made['id']}").json()["state"] == "active"
    assert anyone.post(path, json={"act": withdraw, "presentation": ada.show(wanted)}).status_code == 200


def test_a_registration_that_is_not_there_looks_like_one_that_is(
    anyone: httpx.Client, made: dict[str, Any], ada: Holder
) -> None:
    there, nowhere = (begun(anyone, name, does="withdraw") for name in (made["id"], NOBODY))
    assert there.keys() == nowhere.keys()
    stranger = Holder(credential=ada.credential)
    told = [
        anyone.post(acts(name), json={"act": {"does": "withdraw"}, "presentation": stranger.show(wanted)}).json()
        for name, wanted in ((made["id"], there), (NOBODY, nowhere))
    ]
    assert told[0]["detail"] == told[1]["detail"]
    other = ada.act(anyone, NOBODY, does="withdraw")
    assert NOBODY in problem(other, 403, "presentation-refused")["detail"], "a credential that is about another"


def test_a_newer_key_takes_the_place_of_the_first(
    http: httpx.Client, anyone: httpx.Client, made: dict[str, Any], ada: Holder, deployment: Running
) -> None:
    newer = Holder()
    newer.fetch(http, made["id"])
    refused = ada.act(anyone, made["id"], does="read")
    assert "newer" in problem(refused, 403, "presentation-refused")["detail"]
    assert newer.act(anyone, made["id"], does="read").status_code == 200
    ((kept,),) = rows(deployment, "SELECT holder FROM registration WHERE id = ?", made["id"])
    thumb = base64url.decode(newer.jwk["x"], "x").hex()
    assert len(kept) == 64
    assert thumb.encode() not in stored(deployment)
    assert newer.jwk["x"].encode() not in stored(deployment), "which key it is stands nowhere in clear"


def test_consent_is_signed_by_the_credential_of_the_accounts_assurance(
    deployment: Running, http: httpx.Client, token: str
) -> None:
    mine, holder = account(deployment, token, "ada"), Holder()
    step_up = {"tier": "medium", "form": "dc+sd-jwt", "holder": holder.jwk}
    stated = http.post(f"/v1/assurance/accounts/{mine}/step-ups", json=step_up)
    assert stated.status_code == 200, stated.text
    holder.credential = stated.json()["statement"]
    body = asked(http, mine)
    statement = statement_of(http, body)
    path, wanted = f"{REGISTRATIONS}/showings", {"account": mine, "sha256": statement["sha256"]}

    def consent(presentation: str) -> dict[str, Any]:
        return {**body, "consent": {**body["consent"], "presentation": presentation}}

    options = http.post(path, json=wanted).json()
    other = {**body, "refuses": ["political"]}
    shown = holder.show(options)
    problem(register(http, {**consent(shown), "refuses": other["refuses"]}), 410, "passkey-challenge-gone")
    problem(register(http, consent(shown), [PORTRAIT_BYTES, PORTRAIT_BYTES]), 410, "passkey-challenge-gone")
    problem(register(http, consent(Holder(credential=holder.credential).show(options))), 403, "presentation-refused")
    answer = register(http, consent(shown))
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert document["consent"]["known_by"] == "credential"
    assert document["consent"]["statement_sha256"] == statement["sha256"]
    consent_said: Any = read_jws(document["receipt"], "consent-receipt+jwt").payload["consent"]
    assert consent_said["known_by"] == "credential"
    said = payloads(deployment, token, document["ledger"]["entry"])
    assert list(said.given) == json.loads(statement["statement"])["given"]
    tenant = deployment.service.access.authenticate(token).tenant
    details = deployment.service.registry.likeness.registrations.find(tenant, SubjectId(document["id"])).details
    assert details is not None
    check_holder_proof(HOLDER_PROOF.validate_json(details.consent.signature), statement["statement"].encode())
    assert register(http, consent(shown)).status_code in {409, 410}
    with somebody(deployment) as eve:
        known(deployment, eve)
        problem(eve.http.post(path, json=wanted), 404, "account-not-found")
