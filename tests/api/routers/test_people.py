"""People over HTTP: accounts that they open with a passkey, and what their token reaches, and what it does not."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from identity.encoding import base64url
from ledger.receipt import verify_receipt
from tests.api.people import PEOPLE, Somebody, begun, signed_in, somebody, taken
from tests.api.wire import everything, problem, proven, rows
from tests.deployment import Running, running
from tests.ledger.world import HeldClock
from tests.simulators.authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, Authenticator

ACCOUNTS = "/v1/assurance/accounts"


@pytest.fixture
def person(deployment: Running) -> Iterator[Somebody]:
    with somebody(deployment) as found:
        yield found


@pytest.fixture
def stranger(deployment: Running) -> Iterator[httpx.Client]:
    with deployment.http() as http:
        yield http


def test_somebody_opens_an_account_signs_in_and_out(deployment: Running, stranger: httpx.Client) -> None:
    device = Authenticator()
    begin = stranger.post(PEOPLE)
    options = begin.json()["publicKey"]
    assert options["rp"]["id"] == "localhost"
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["timeout"] == 300_000
    answer = stranger.post(PEOPLE + "/accounts", json=device.create(options))
    opened = taken(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert opened["account"] == begin.json()["account"]
    assert re.fullmatch(r"sgp_[0-9a-f]{64}", opened["token"])
    receipt = proven(deployment, opened["ledger"]["entry"])
    assert verify_receipt(receipt, deployment.operator.log_key()).entry.kind == "passkey.bound"
    token = signed_in(deployment, device)
    with deployment.http(token) as http:
        me = http.get(PEOPLE + "/me").json()
        assert me["account"] == opened["account"]
        assert [one["id"] for one in me["passkeys"]] == [opened["passkey"]]
        assert http.get(f"{ACCOUNTS}/{me['account']}").json()["tier"] == "none"
        assert http.delete(PEOPLE + "/me/token").status_code == 204
        problem(http.get(PEOPLE + "/me"), 401, "signed-out")
    with deployment.http(opened["token"]) as http:
        assert http.get(PEOPLE + "/me").status_code == 200, "the other token goes on"


def test_who_has_a_key_may_open_an_account_too(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        assert http.post(PEOPLE).status_code == 202


def test_the_account_is_there_once_its_passkey_is(deployment: Running, stranger: httpx.Client) -> None:
    begin = stranger.post(PEOPLE).json()
    account = begin["account"]
    assert rows(deployment, "SELECT id FROM assurance_account WHERE id = ?", account) == []
    assert rows(deployment, "SELECT id FROM subject_key WHERE id = ?", account) == []
    taken(stranger.post(PEOPLE + "/accounts", json=Authenticator().create(begin["publicKey"])))
    kinds = rows(deployment, "SELECT kind FROM payload WHERE subject_id = ? ORDER BY kind", account)
    assert kinds == [("account.opened",), ("passkey.bound",)]
    (kind,) = rows(
        deployment,
        "SELECT kind FROM principal WHERE id = (SELECT principal_id FROM assurance_account WHERE id = ?)",
        account,
    )
    assert kind == ("person",)


def test_an_answer_is_taken_once(stranger: httpx.Client) -> None:
    device = Authenticator()
    made = device.create(begun(stranger, ""))
    taken(stranger.post(PEOPLE + "/accounts", json=made))
    problem(stranger.post(PEOPLE + "/accounts", json=made), 410, "passkey-challenge-gone")
    used = device.get(begun(stranger, "/sign-ins"))
    taken(stranger.post(PEOPLE + "/tokens", json=used))
    problem(stranger.post(PEOPLE + "/tokens", json=used), 410, "passkey-challenge-gone")


def test_an_answer_to_another_question_opens_nothing(stranger: httpx.Client, person: Somebody) -> None:
    opening, binding = begun(stranger, ""), begun(person.http, "/me/passkeys/options")
    signing = begun(person.http, "/me/signatures", {"purpose": "consent", "sha256": "0" * 64})
    for options in (opening, binding, signing):
        used = person.device.get({"challenge": options["challenge"]})
        problem(stranger.post(PEOPLE + "/tokens", json=used), 410, "passkey-challenge-gone")
    made = Authenticator().create(binding)
    problem(stranger.post(PEOPLE + "/accounts", json=made), 410, "passkey-challenge-gone")
    made = Authenticator().create(opening)
    problem(person.http.post(PEOPLE + "/me/passkeys", json=made), 410, "passkey-challenge-gone")


def test_a_challenge_of_another_account_binds_nothing(deployment: Running, person: Somebody) -> None:
    with somebody(deployment) as other:
        made = Authenticator().create(begun(other.http, "/me/passkeys/options"))
        problem(person.http.post(PEOPLE + "/me/passkeys", json=made), 410, "passkey-challenge-gone")
        assert len(person.http.get(PEOPLE + "/me").json()["passkeys"]) == 1


def test_several_passkeys_of_which_one_stays(deployment: Running, person: Somebody) -> None:
    phone = Authenticator(flags=PRESENT | VERIFIED | ELIGIBLE)
    options = begun(person.http, "/me/passkeys/options")
    assert [one["id"] for one in options["excludeCredentials"]] == [base64url.encode(person.device.passkeys[0].id)]
    bound = taken(person.http.post(PEOPLE + "/me/passkeys", json=phone.create(options)))
    token = signed_in(deployment, phone)
    removed = person.http.delete(f"{PEOPLE}/me/passkeys/{person.passkey}")
    assert removed.status_code == 200, removed.text
    problem(person.http.get(PEOPLE + "/me"), 401, "signed-out")
    with deployment.http(token) as http:
        assert [one["id"] for one in http.get(PEOPLE + "/me").json()["passkeys"]] == [bound["id"]]
        problem(http.delete(f"{PEOPLE}/me/passkeys/{bound['id']}"), 409, "passkey-last")
        problem(http.delete(f"{PEOPLE}/me/passkeys/{person.passkey}"), 404, "passkey-not-found")
    with deployment.http() as http:
        used = person.device.get(begun(http, "/sign-ins"))
        problem(http.post(PEOPLE + "/tokens", json=used), 404, "passkey-not-found")


def test_a_passkey_has_a_name_that_its_owner_alone_reads(deployment: Running, person: Somebody) -> None:
    path = f"{PEOPLE}/me/passkeys/{person.passkey}"
    named = person.http.patch(path, json={"name": "grandmother's telephone"})
    assert named.status_code == 200, named.text
    me = person.http.get(PEOPLE + "/me").json()
    assert me["passkeys"] == [named.json()]
    assert (me["passkey"], me["passkeys"][0]["name"]) == (person.passkey, "grandmother's telephone")
    assert b"grandmother" not in everything(deployment)
    kinds = rows(deployment, "SELECT kind FROM payload WHERE subject_id = ? ORDER BY kind", person.account)
    assert kinds == [("account.opened",), ("passkey.bound",)], "it decides nothing"
    assert signed_in(deployment, person.device), "it signs in as before"
    problem(person.http.patch(path, json={"name": "x" * 61}), 422, "request-invalid")
    with somebody(deployment) as other:
        problem(other.http.patch(path, json={"name": "mine"}), 404, "passkey-not-found")


def test_an_account_has_so_many_passkeys(person: Somebody) -> None:
    for _ in range(9):
        made = Authenticator().create(begun(person.http, "/me/passkeys/options"))
        taken(person.http.post(PEOPLE + "/me/passkeys", json=made))
    made = Authenticator().create(begun(person.http, "/me/passkeys/options"))
    problem(person.http.post(PEOPLE + "/me/passkeys", json=made), 409, "passkeys-full")


def test_the_backup_state_is_as_the_authenticator_said_last(deployment: Running) -> None:
    device = Authenticator(flags=PRESENT | VERIFIED | ELIGIBLE, attestation="packed")
    with somebody(deployment, device) as person:
        (passkey,) = person.http.get(PEOPLE + "/me").json()["passkeys"]
        assert (passkey["backup_eligible"], passkey["backed_up"]) == (True, False)
        device.flags |= BACKED_UP
        signed_in(deployment, device)
        (passkey,) = person.http.get(PEOPLE + "/me").json()["passkeys"]
        assert (passkey["backup_eligible"], passkey["backed_up"]) == (True, True)


def test_what_a_stolen_token_must_not_do_wants_a_fresh_one(tmp_path: Path, clock: HeldClock) -> None:
    with running(tmp_path, clock) as up, somebody(up) as person:
        clock.move(timedelta(minutes=10, milliseconds=1))
        assert person.http.get(PEOPLE + "/me").status_code == 200
        made = person.device.create({**begun(person.http, ""), "challenge": "AAAA"})
        for answer in (
            person.http.post(PEOPLE + "/me/passkeys/options"),
            person.http.post(PEOPLE + "/me/passkeys", json=made),
            person.http.delete(f"{PEOPLE}/me/passkeys/{person.passkey}"),
            person.http.delete(PEOPLE + "/me"),
        ):
            problem(answer, 403, "sign-in-again")
        person.device.passkeys.pop()
        with up.http(signed_in(up, person.device)) as http:
            assert http.post(PEOPLE + "/me/passkeys/options").status_code == 202
        clock.move(timedelta(minutes=50))
        problem(person.http.get(PEOPLE + "/me"), 401, "signed-out")
        with up.http() as stranger:
            late = person.device.get(begun(stranger, "/sign-ins"))
            clock.move(timedelta(minutes=5))
            problem(stranger.post(PEOPLE + "/tokens", json=late), 410, "passkey-challenge-gone")
        up.service.housekeeping.round()
        assert rows(up, "SELECT count(*) FROM passkey_challenge") == [(0,)]
        now = int(clock().timestamp() * 1000)
        assert rows(up, "SELECT count(*) FROM person_token WHERE expires_at <= ?", now) == [(0,)]


def test_erasing_takes_the_account_its_passkeys_and_tokens(deployment: Running, person: Somebody) -> None:
    assert person.http.delete(PEOPLE + "/me").json()["gone"] == person.account
    problem(person.http.get(PEOPLE + "/me"), 401, "signed-out")
    for table in ("passkey", "person_token", "passkey_challenge"):
        assert rows(deployment, f"SELECT * FROM {table} WHERE account_id = ?", person.account) == []
    assert rows(deployment, "SELECT id FROM subject_key WHERE id = ?", person.account) == []
    with deployment.http() as http:
        used = person.device.get(begun(http, "/sign-ins"))
        problem(http.post(PEOPLE + "/tokens", json=used), 404, "passkey-not-found")


def test_nothing_of_a_passkey_or_token_lies_in_clear(deployment: Running, person: Somebody) -> None:
    (stored,) = person.device.passkeys
    numbers = stored.key.public_key().public_numbers()
    kept = everything(deployment)
    secret = person.token.removeprefix("sgp_")
    for plain in (stored.id, numbers.x.to_bytes(32), bytes.fromhex(secret)):
        assert plain not in kept
        assert base64.b64encode(plain).rstrip(b"=") not in kept
        assert base64url.encode(plain).encode() not in kept
    assert secret.encode() not in kept
    assert rows(
        deployment,
        "SELECT account_id FROM person_token WHERE digest = ?",
        hashlib.sha256(person.token.encode()).hexdigest(),
    ) == [(person.account,)]


def test_evidence_for_ones_own_account(deployment: Running, person: Somebody) -> None:
    path = f"{ACCOUNTS}/{person.account}"
    asked = person.http.post(path + "/codes", json={"evidence": "email", "destination": "ada@example.org"})
    assert asked.status_code == 202, asked.text
    request = asked.json()["request"]
    code = json.loads((deployment.home.outbox / f"{request}.json").read_text())["code"]
    granted = person.http.post(f"{path}/codes/{request}", json={"code": code})
    assert granted.json()["tier"] == "low", granted.text
    ways = person.http.post(path + "/step-ups", json={"tier": "medium", "audience": "https://shop.example"}).json()
    assert not ways["reached"]
    assert person.http.post("/openid4vp/requests", json={"over": 18}).status_code in {201, 422}
    evidence = granted.json()["evidence"]["id"]
    withdrawn = person.http.post(f"{path}/evidence/{evidence}/withdrawal", json={"reason": "platform"})
    assert withdrawn.status_code == 200, withdrawn.text
    home = deployment.service.deployment.operator().tenant
    said = deployment.service.ledger.payloads.open(home, withdrawn.json()["ledger"]["entry"]).payload
    assert said.reason == "asked", "a person speaks for nobody else"


PARTS = {
    "account": f"acc_{'a' * 26}",
    "request": f"arq_{'a' * 26}",
    "evidence": f"evd_{'a' * 26}",
    "passkey": f"pky_{'a' * 26}",
    "session": f"wrq_{'a' * 26}",
}
OPEN_TO_PEOPLE = {
    ("GET", "/openid4vp/requests/{session}"),
    ("POST", "/openid4vp/requests"),
    ("GET", "/openid4vp/requests/{session}/qr.{picture}"),
    ("POST", "/v1/registrations"),
    ("POST", "/v1/registrations/photos"),
    ("POST", "/v1/registrations/{registration}/offers"),
    ("POST", "/v1/registrations/statements"),
    ("POST", "/v1/registrations/showings"),
    ("POST", "/v1/image-registrations"),
    ("GET", "/v1/registrations"),
    ("GET", "/v1/registrations/{registration}"),
    ("POST", "/v1/registrations/{registration}/credential"),
    ("POST", "/v1/registrations/{registration}/withdrawal"),
    ("DELETE", "/v1/registrations/{registration}/recovery"),
    ("GET", "/v1/registrations/{registration}/renewal"),
    ("POST", "/v1/registrations/{registration}/renewal"),
    ("GET", "/v1/registrations/{registration}/matches"),
    ("GET", "/v1/registrations/{registration}/retroactive"),
    ("POST", "/v1/registrations/{registration}/matches/{match}/response"),
}
"""Beside `/v1/people` and what is under an account of one's own: they look whose it is themselves."""

OF_AN_ACCOUNT = {
    ("GET", ACCOUNTS + "/{account}"),
    ("POST", ACCOUNTS + "/{account}/codes"),
    ("POST", ACCOUNTS + "/{account}/codes/{request}"),
    ("POST", ACCOUNTS + "/{account}/logins"),
    ("POST", ACCOUNTS + "/{account}/logins/{request}"),
    ("POST", ACCOUNTS + "/{account}/kyc"),
    ("POST", ACCOUNTS + "/{account}/presentations"),
    ("POST", ACCOUNTS + "/{account}/portraits"),
    ("POST", ACCOUNTS + "/{account}/step-ups"),
    ("POST", ACCOUNTS + "/{account}/evidence/{evidence}/withdrawal"),
}
BODIES: dict[str, dict[str, Any]] = {
    "/codes": {"evidence": "email", "destination": "eve@example.org"},
    "/codes/{request}": {"code": "01234567"},
    "/kyc": {"provider": "example-kyc"},
    "/logins": {"provider": "example-id"},
    "/logins/{request}": {"code": "x"},
    "/presentations": {"session": PARTS["session"]},
    "/step-ups": {"tier": "low", "audience": "https://shop.example"},
    "/withdrawal": {"reason": "asked"},
}


def keyed_operations(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What answers nobody without a key or token."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if operation.get("security"):
                yield method.upper(), path


def test_a_person_reaches_nothing_but_their_own(deployment: Running, person: Somebody) -> None:
    """Every route that wants a key, as the document lists them: whichever is added is in the matrix."""
    document = person.http.get("/openapi.json").json()
    theirs = OPEN_TO_PEOPLE | OF_AN_ACCOUNT
    keyed = {one for one in keyed_operations(document) if not one[1].startswith(PEOPLE)}
    assert theirs <= keyed, "a route is gone, or not listed as wanting a key"
    for method, path in sorted(keyed - theirs):
        url = re.sub(r"\{(\w+)\}", lambda part: PARTS.get(part[1], "x"), path)
        answer = person.http.request(method, url, json={} if method != "GET" else None)
        problem(answer, 403, "person-refused")


def test_another_account_is_not_there(deployment: Running, person: Somebody) -> None:
    with somebody(deployment) as other:
        for account in (other.account, PARTS["account"]):
            for method, path in sorted(OF_AN_ACCOUNT):
                tail = path.removeprefix(ACCOUNTS + "/{account}")
                body = next((BODIES[end] for end in BODIES if tail.endswith(end)), None)
                url = re.sub(r"\{(\w+)\}", lambda part: PARTS[part[1]], tail)
                answer = person.http.request(method, f"{ACCOUNTS}/{account}{url}", json=body)
                problem(answer, 404, "account-not-found")
        assert other.http.get(f"{ACCOUNTS}/{other.account}").json()["evidence"] == []


def test_a_key_is_no_person_and_nobody_is_neither(deployment: Running, stranger: httpx.Client) -> None:
    with deployment.http(deployment.key()) as http:
        problem(http.get(PEOPLE + "/me"), 401, "unauthenticated")
    problem(stranger.get(PEOPLE + "/me"), 401, "unauthenticated")
    with deployment.http(f"sgp_{'0' * 64}") as http:
        problem(http.get(PEOPLE + "/me"), 401, "signed-out")
        problem(http.get("/v1/assets/ast_x"), 401, "signed-out")


def test_where_everyone_is_let_in_a_person_is_anyone(person: Somebody) -> None:
    assert person.http.get("/v1/assurance/policy").status_code == 200


def test_a_key_cannot_be_given_a_persons_scope(deployment: Running) -> None:
    with deployment.http(deployment.home.holder().token) as http:  # type: ignore[union-attr]
        problem(http.post("/v1/api-keys", json={"tool": "x", "scopes": ["self"]}), 403, "grant-too-wide")


Change = Callable[[dict[str, Any]], None]


def _flip(part: str) -> Change:
    def change(answer: dict[str, Any]) -> None:
        data = bytearray(base64url.decode(answer["response"][part], part))
        data[-1] ^= 1
        answer["response"][part] = base64url.encode(bytes(data))

    return change


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature", "userHandle"])
def test_an_altered_answer_signs_nobody_in(stranger: httpx.Client, person: Somebody, part: str) -> None:
    used = person.device.get(begun(stranger, "/sign-ins"))
    _flip(part)(used)
    answer = stranger.post(PEOPLE + "/tokens", json=used)
    assert answer.status_code in {400, 403}, answer.text
