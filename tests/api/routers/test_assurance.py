"""Accounts' assurance over HTTP: what a platform sends and gets, whom it is refused to, and what a provider sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from api.parts.assurance import assurance_of
from api.running.home import Home, StartError
from api.settings import Profile, Settings
from identity.assurance.policy import DEFAULT_FILE
from identity.assurance.senders import Nobody
from identity.assurance.statements import TYPE, read_statement
from identity.assurance.webhook import Secret, signed_headers
from identity.did.web import read_document
from identity.jose.jws import read_jws
from keys.clock import system_clock, system_entropy
from tests.api.wire import everything, problem, rows
from tests.deployment import Running, running
from tests.ledger.world import HeldClock
from tests.simulators.identity_provider import CLIENT, REDIRECT, SECRET, IdentityProvider, SigningKey

ACCOUNTS = "/v1/assurance/accounts"
SCOPES = ["assurance:grant", "assurance:read", "assurance:erase"]
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def providers(folder: Path, **entries: Any) -> Path:
    """The operator's file."""
    file = folder / "providers.json"
    file.touch(0o600)
    file.write_text(json.dumps(entries))
    return file


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider(SigningKey.new("rsa-1")).running() as up:
        yield up


@pytest.fixture(scope="module")
def assured(tmp_path_factory: pytest.TempPathFactory, provider: IdentityProvider) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("assured")
    login = {"issuer": provider.url, "client_id": CLIENT, "client_secret": SECRET, "redirect_uri": REDIRECT}
    file = providers(folder, kyc={"example-kyc": {"secrets": [WEBHOOK_SECRET]}}, logins={"example-id": login})
    with running(folder / "home", assurance_providers=file, fetch_loopback=True) as up:
        yield up


@pytest.fixture
def http(assured: Running) -> Iterator[httpx.Client]:
    with assured.http(assured.key("", scopes=SCOPES, source_types=[])) as client:
        yield client


def opened(http: httpx.Client, name: str = "user-17") -> str:
    """The path of an account."""
    answer = http.post(ACCOUNTS, json={"account": name})
    assert answer.status_code == 200, answer.text
    return f"{ACCOUNTS}/{answer.json()['id']}"


def sent(up: Running, request: str) -> dict[str, str]:
    """What the outbox has of a request."""
    told: dict[str, str] = json.loads((up.home.outbox / f"{request}.json").read_text())
    return told


def webhook(http: httpx.Client, body: dict[str, Any], secret: str = WEBHOOK_SECRET) -> httpx.Response:
    content = json.dumps(body).encode()
    headers = signed_headers(Secret.parse(secret), "msg_1", content, system_clock())
    return http.post("/v1/assurance/webhooks/example-kyc", content=content, headers=headers)


def test_an_account_climbs_and_is_erased(assured: Running, http: httpx.Client) -> None:
    path = opened(http)
    assert http.post(ACCOUNTS, json={"account": "user-17"}).json()["id"] == path.rpartition("/")[2]
    assert http.get(path).json()["tier"] == "none"
    code = {"evidence": "email", "destination": "Ada@Example.org", "country": "FR"}
    begun = http.post(f"{path}/codes", json=code)
    assert begun.status_code == 202, begun.text
    request = begun.json()["request"]
    told = sent(assured, request)
    assert (told["to"], told["kind"]) == ("ada@example.org", "email")
    wrong = f"{(int(told['code']) + 1) % 10**8:08d}"
    assert problem(http.post(f"{path}/codes/{request}", json={"code": wrong}), 422, "wrong-code")["attempts_left"] == 4
    granted = http.post(f"{path}/codes/{request}", json={"code": told["code"]}).json()
    assert (granted["tier"], granted["evidence"]["kind"], granted["evidence"]["region"]) == ("low", "email", "EEA")
    again = http.post(f"{path}/codes/{request}", json={"code": told["code"]})
    assert problem(again, 410, "evidence-request-ended")["reason"] == "spent"

    known = http.post(f"{path}/kyc", json={"provider": "example-kyc"}).json()["request"]
    with assured.http() as provider:
        assert webhook(provider, {"request": known, "result": "approved"}).status_code == 204
        assert webhook(provider, {"request": known, "result": "approved"}).status_code == 204
    standing = http.get(path).json()
    assert (standing["tier"], [one["kind"] for one in standing["evidence"]]) == ("high", ["email", "kyc"])
    taken = http.post(f"{path}/evidence/{standing['evidence'][1]['id']}/withdrawal", json={"reason": "asked"})
    assert taken.status_code == 200, taken.text
    assert http.get(path).json()["tier"] == "low"

    erased = http.delete(path)
    assert erased.status_code == 200, erased.text
    for gone in (http.get(path), http.delete(path), http.post(f"{path}/codes", json=code)):
        problem(gone, 404, "account-not-found")
    kinds = [
        kind for (kind,) in rows(assured, "SELECT kind FROM payload WHERE subject_id = ?", path.rpartition("/")[2])
    ]
    assert sorted(kinds) == [
        "account.opened", "assurance.granted", "assurance.granted", "assurance.requested", "assurance.requested",
        "assurance.withdrawn",
    ]  # fmt: skip
    assert rows(assured, "SELECT kind FROM payload WHERE kind = 'account.erased'") == [("account.erased",)]


def test_somebody_logs_in_elsewhere(http: httpx.Client, provider: IdentityProvider) -> None:
    path = opened(http, "user-20")
    begun = http.post(f"{path}/logins", json={"provider": "example-id", "country": "US"})
    assert begun.status_code == 202, begun.text
    code = provider.log_in(begun.json()["authorization_url"], "ada")
    request = f"{path}/logins/{begun.json()['request']}"
    problem(http.post(request, json={"code": "another"}), 422, "evidence-refused")
    granted = http.post(request, json={"code": code, "iss": provider.url}).json()
    assert (granted["tier"], granted["evidence"]["source"]) == ("medium", "example-id")
    problem(http.post(request, json={"code": code}), 410, "evidence-request-ended")
    problem(http.post(f"{path}/logins", json={"provider": "nobody"}), 404, "provider-not-found")


def test_a_step_up_is_stated_or_told_how_to_be_reached(assured: Running, http: httpx.Client) -> None:
    path = opened(http, "user-21")
    wanted = {"tier": "low", "audience": "https://shop.example", "nonce": "n-1"}
    lacking = http.post(f"{path}/step-ups", json=wanted).json()
    assert (lacking["reached"], lacking["tier"], lacking["statement"]) == (False, "none", None)
    ways = {way["evidence"]: (way["begin"].removeprefix(path), way["providers"]) for way in lacking["ways"]}
    assert ways == {
        "email": ("/codes", []), "phone": ("/codes", []), "login": ("/logins", ["example-id"]),
        "kyc": ("/kyc", ["example-kyc"]), "portrait": ("/portraits", []), "attestation": ("/openid4vp/requests", []),
        "driving_licence": ("/openid4vp/requests", []), "identity_document": ("/openid4vp/requests", []),
    }  # fmt: skip
    request = http.post(f"{path}/codes", json={"evidence": "phone", "destination": "+4917012345678"}).json()["request"]
    http.post(f"{path}/codes/{request}", json={"code": sent(assured, request)["code"]})
    told = http.post(f"{path}/step-ups", json=wanted).json()
    document = http.get("/.well-known/did.json").content
    did = json.loads(document)["id"]
    kid = str(read_jws(told["statement"], TYPE).header["kid"])
    key = read_document(did, document, kid).key
    assert isinstance(key, EllipticCurvePublicKey)
    found = read_statement(told["statement"], did, key, "https://shop.example", system_clock(), "n-1")
    assert (found.account, found.tier, found.entry) == (path.rpartition("/")[2], "low", told["ledger"]["entry"])
    lasting = http.post(f"{path}/step-ups", json={"tier": "low", "form": "dc+sd-jwt"}).json()
    assert lasting["statement"].count("~") > 1
    document_form = http.post(f"{path}/step-ups", json={"tier": "low", "form": "eddsa-jcs-2022"}).json()["statement"]
    assert document_form["credentialSubject"]["account"] == found.account
    for body in ({"tier": "low"}, {**wanted, "form": "dc+sd-jwt"}, {**wanted, "tier": "none"}):
        problem(http.post(f"{path}/step-ups", json=body), 422, "request-invalid")
    strange: tuple[dict[str, Any], ...] = ({"form": "rot13"}, {"form": "dc+sd-jwt", "holder": {"kty": "oct"}})
    for form in strange:
        problem(http.post(f"{path}/step-ups", json={"tier": "low", **form}), 400, "credential-refused")


def test_whom_it_is_refused_to(assured: Running, http: httpx.Client) -> None:
    path = opened(http, "user-18")
    stranger = assured.operator.issue_key({"tool": "", "scopes": SCOPES, "new_tenant": True})["token"]
    with assured.http(str(stranger)) as away, assured.http() as nobody:
        problem(away.get(path), 404, "account-not-found")
        problem(away.delete(path), 404, "account-not-found")
        problem(nobody.get(path), 401, "unauthenticated")
    for scope, allowed in (("assurance:read", {"GET"}), ("assurance:erase", {"DELETE"}), ("assurance:grant", {"POST"})):
        with assured.http(assured.key("", scopes=[scope], source_types=[])) as narrow:
            answers = {
                "GET": narrow.get(path),
                "POST": narrow.post(f"{path}/kyc", json={"provider": "nobody"}),
                "DELETE": narrow.delete(f"{ACCOUNTS}/acc_{'a' * 26}"),
            }
        assert {method for method, answer in answers.items() if answer.status_code != 403} == allowed


def test_what_a_request_may_not_be(assured: Running, http: httpx.Client) -> None:
    path = opened(http, "user-19")
    for body in ({"evidence": "email", "destination": "x"}, {"evidence": "kyc", "destination": "ada@example.org"}):
        problem(http.post(f"{path}/codes", json=body), 422, "destination-malformed")
    problem(http.post(f"{path}/codes", json={"evidence": "oath", "destination": "x"}), 422, "request-invalid")
    problem(http.post(f"{path}/codes/arq_{'a' * 26}", json={"code": "12345678"}), 404, "evidence-request-not-found")
    problem(http.post(f"{path}/codes/arq_{'a' * 26}", json={"code": "1234"}), 422, "request-invalid")
    problem(http.post(f"{path}/kyc", json={"provider": "nobody"}), 404, "provider-not-found")
    gone = http.post(f"{path}/evidence/evd_{'a' * 26}/withdrawal", json={"reason": "asked"})
    problem(gone, 404, "evidence-not-found")
    with assured.http() as provider:
        other = {"request": f"arq_{'a' * 26}", "result": "approved"}
        problem(webhook(provider, other), 404, "evidence-request-not-found")
        problem(webhook(provider, {**other, "name": "Ada"}), 422, "webhook-malformed")
        problem(webhook(provider, other, "whsec_" + "A" * 40), 401, "webhook-refused")
        problem(provider.post("/v1/assurance/webhooks/nobody", content=b"{}"), 404, "provider-not-found")
    for number in range(5):
        begun = http.post(f"{path}/codes", json={"evidence": "phone", "destination": "+491701234567"})
        assert begun.status_code == 202, number
    once_more = http.post(f"{path}/codes", json={"evidence": "phone", "destination": "+491701234567"})
    assert problem(once_more, 429, "too-many-requests")["retry_after"] == int(once_more.headers["retry-after"])


def test_everyone_may_read_the_policy(assured: Running) -> None:
    with assured.http() as anyone:
        said = anyone.get("/v1/assurance/policy").json()
    assert (said["policy"], said["kyc"], said["logins"]) == ("assurance@1", ["example-kyc"], ["example-id"])
    assert said["rules"][""]["email"] == {"tier": "low", "days": 365, "accounts": 3}
    assert WEBHOOK_SECRET not in json.dumps(said)
    assert SECRET not in json.dumps(said)


def test_neither_name_nor_address_lies_in_clear(assured: Running, http: httpx.Client) -> None:
    path = opened(http, "unmistakable-user")
    code = {"evidence": "email", "destination": "unmistakable@example.org"}
    request = http.post(f"{path}/codes", json=code).json()["request"]
    http.post(f"{path}/codes/{request}", json={"code": sent(assured, request)["code"]})
    (assured.home.outbox / f"{request}.json").unlink()
    kept = everything(assured)
    assert b"unmistakable" not in kept
    assert b'"region"' not in kept


def test_a_server_sends_no_codes_into_files(assured: Running, tmp_path: Path) -> None:
    ledger, database = assured.service.ledger, assured.service.assurance.accounts.database
    issuance = assured.service.issuance
    chosen: dict[str, Any] = {"home": tmp_path, "profile": Profile.SERVER, "database": "sqlite:////x"}
    vault = {"vault_url": "https://vault.example", "vault_role_id": "role"}

    def built(**more: Any) -> Any:
        settings = Settings(**{**chosen, **vault, **more})
        return assurance_of(settings, Home(tmp_path), ledger, database, issuance, system_clock, system_entropy)

    assert isinstance(built().codes.sender, Nobody)
    gateway = {"url": "https://gateway.example/codes", "secret": WEBHOOK_SECRET}
    file = providers(tmp_path, gateway=gateway)
    assert built(assurance_providers=file).codes.sender.url == gateway["url"]
    providers(tmp_path, gateway={**gateway, "url": "http://gateway.example/codes"})
    with pytest.raises(StartError, match="https"):
        built(assurance_providers=file)
    file.chmod(0o644)
    with pytest.raises(StartError, match="chmod 600"):
        built(assurance_providers=file)
    file.chmod(0o600)
    providers(tmp_path, gateway={**gateway, "secret": "whsec_short"})
    with pytest.raises(StartError, match=r"gateway\.secret") as refused:
        built(assurance_providers=file)
    assert "whsec_short" not in str(refused.value)
    (tmp_path / "policy.json").write_text("{}")
    with pytest.raises(StartError, match="policy: Field required"):
        built(assurance_policy=tmp_path / "policy.json")
    with pytest.raises(StartError, match="No such file"):
        built(assurance_policy=tmp_path / "none.json")


def test_an_operators_own_policy_ends_evidence_and_what_was_stated_of_it(tmp_path: Path, clock: HeldClock) -> None:
    """It counts no more at once; housekeeping writes that down, and revokes."""
    rule = {"tier": "medium", "days": 2, "accounts": None}
    file = tmp_path / "policy.json"
    written = {**json.loads(DEFAULT_FILE.read_bytes()), "policy": "own@1", "evidence": {"email": rule, "phone": rule}}
    file.write_text(json.dumps(written))
    with running(tmp_path / "home", clock, assurance_policy=file) as up:
        up.service.housekeeping.close()  # the rounds are the test's own from here
        token = up.key("", scopes=SCOPES, source_types=[])
        with up.http(token) as http:
            path = opened(http)
            for kind, to in (("email", "ada@example.org"), ("phone", "+491701234567")):
                request = http.post(f"{path}/codes", json={"evidence": kind, "destination": to}).json()["request"]
                http.post(f"{path}/codes/{request}", json={"code": sent(up, request)["code"]})
                clock.move(timedelta(days=1))
            assert [one["kind"] for one in http.get(path).json()["evidence"]] == ["phone"]
            clock.move(timedelta(hours=12))
            stated = http.post(f"{path}/step-ups", json={"tier": "medium", "form": "dc+sd-jwt"}).json()
            assert stated["reached"] is True
            clock.move(timedelta(hours=12))
            assert http.get(path).json()["tier"] == "none"
            up.service.housekeeping.round()
            assert ended(up) == ["own@1", "own@1"]
            assert rows(up, "SELECT status FROM status_place") == [(1,)]
            again = http.post(f"{path}/step-ups", json={"tier": "medium", "form": "dc+sd-jwt"}).json()
            assert again["reached"] is False


def ended(up: Running) -> list[str]:
    """The policies under which evidence ended, as the public entries say."""
    entries = (json.loads(data) for (data,) in rows(up, "SELECT data FROM entry"))
    return [entry["policy"] for entry in entries if entry["kind"] == "assurance.expired"]
