"""One's own passkeys on one's page, over HTTP: made, named and removed by whose they are, and by nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import escape

import httpx
import pytest

from tests.api.people import PEOPLE, Somebody, somebody
from tests.api.staff import form_token, signing_in
from tests.api.web.test_operate import HOSTILE
from tests.api.wire import rows
from tests.deployment import Running
from tests.simulators.authenticator import Authenticator

PASSKEYS = "/me/passkeys"
JSON_ALONE = {"Accept": "application/json"}


@pytest.fixture
def person(deployment: Running) -> Iterator[Somebody]:
    with somebody(deployment) as found:
        yield found


@pytest.fixture
def browser(deployment: Running, person: Somebody) -> Iterator[httpx.Client]:
    """Where they are signed in."""
    with deployment.http() as found:
        signing_in(found, person.device)
        yield found


def made(browser: httpx.Client, phone: Authenticator, name: str = "") -> httpx.Response:
    """Another one, on another device."""
    token = {"form_token": form_token(browser.get("/me"))}
    begun = browser.post(f"{PASSKEYS}/options", data=token, headers=JSON_ALONE).json()["publicKey"]
    return browser.post(PASSKEYS, data={**token, "name": name, "passkey": json.dumps(phone.create(begun))})


def removed(browser: httpx.Client, passkey: str, confirmed_by: Authenticator) -> httpx.Response:
    used = json.dumps(confirmed_by.get(browser.post(f"{PEOPLE}/sign-ins").json()["publicKey"]))
    token = form_token(browser.get("/sign-in"))
    return browser.post(f"{PASSKEYS}/{passkey}/removal", data={"form_token": token, "passkey": used})


def test_another_is_made_and_lets_one_in(deployment: Running, person: Somebody, browser: httpx.Client) -> None:
    phone, token = Authenticator(), {"form_token": form_token(browser.get("/me"))}
    assert "It is the only one" in browser.get("/me").text
    with deployment.http() as elsewhere:
        assert browser.post(f"{PASSKEYS}/options", headers=JSON_ALONE).status_code == 403
        for path in (PASSKEYS, f"{PASSKEYS}/options"):
            assert elsewhere.post(path, data=token, headers=JSON_ALONE).status_code == 401
        done = made(browser, phone, "my phone")
        assert (done.status_code, done.headers["location"]) == (303, "/me?passkey=bound#passkeys"), done.text
        shown = browser.get("/me?passkey=bound").text
        assert "The new passkey lets you in" in shown
        assert "my phone</h3>" in shown
        assert shown.count("You signed in with this one") == 1
        signing_in(elsewhere, phone)
        assert person.account in elsewhere.get("/sign-in").text


def test_a_name_is_its_owners_and_text(deployment: Running, person: Somebody, browser: httpx.Client) -> None:
    fields = {"form_token": form_token(browser.get("/me")), "name": HOSTILE}
    path = f"{PASSKEYS}/{person.passkey}/name"
    assert browser.post(path, data=fields).headers["location"] == "/me?passkey=named#passkeys"
    shown = browser.get("/me").text
    assert escape(HOSTILE) in shown.replace("&#34;", "&quot;").replace("&#39;", "&#x27;")
    assert "<img src=x" not in shown
    for refused in ("x" * 61, "a\u202eb"):
        assert browser.post(path, data={**fields, "name": refused}).status_code == 422
    with somebody(deployment) as other:
        theirs = browser.post(f"{PASSKEYS}/{other.passkey}/name", data={**fields, "name": "mine"})
        assert theirs.status_code == 404
        assert other.http.get(f"{PEOPLE}/me").json()["passkeys"][0]["name"] == ""


def test_one_is_removed_by_a_passkey_of_its_owner(deployment: Running, person: Somebody, browser: httpx.Client) -> None:
    phone, stranger = Authenticator(), Authenticator()
    assert removed(browser, person.passkey, person.device).status_code == 409, "never the last one"
    made(browser, phone)
    fields = {"form_token": form_token(browser.get("/me")), "passkey": "{}"}
    assert browser.post(f"{PASSKEYS}/{person.passkey}/removal", data=fields).status_code == 400, (
        "a session is not enough"
    )
    with somebody(deployment, stranger):
        assert removed(browser, person.passkey, stranger).status_code == 404
    done = removed(browser, person.passkey, phone)
    assert (done.status_code, done.headers["location"]) == (303, "/me?passkey=removed#passkeys"), done.text
    assert browser.get("/me").headers["location"].startswith("/sign-in?next="), "it was what this session came of"
    signing_in(browser, phone)
    assert "It is the only one" in browser.get("/me").text


def test_of_two_that_are_removed_at_once_one_stays(deployment: Running) -> None:
    for _ in range(5):
        with somebody(deployment) as person, deployment.http() as browser, ThreadPoolExecutor(2) as threads:
            phone = Authenticator()
            signing_in(browser, person.device)
            made(browser, phone)
            held = [one["id"] for one in person.http.get(f"{PEOPLE}/me").json()["passkeys"]]
            answers = threads.map(lambda one: person.http.delete(f"{PEOPLE}/me/passkeys/{one}").status_code, held)
            assert sorted(answers) in ([200, 409], [200, 401]), "whose passkey went first may be signed out"
            signing_in(browser, phone if held[0] not in _left(deployment, person) else person.device)


def _left(up: Running, person: Somebody) -> set[str]:
    return {one for (one,) in rows(up, "SELECT id FROM passkey WHERE account_id = ?", person.account)}
