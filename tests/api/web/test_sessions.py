"""Sessions and forms over HTTP: how one begins, how long it lasts, how it ends, and who can send what in its name."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.people import begun, somebody
from tests.api.staff import form_token, signing_in
from tests.api.wire import count, everything, problem, rows
from tests.deployment import Running, running
from tests.ledger.world import HeldClock
from tests.simulators.authenticator import Authenticator

HOST = "sigillo.local"
"""What a jar calls the host `sigillo`."""

COOKIE, VISIT = "sigillo-session", "sigillo-visit"


@pytest.fixture
def browser(deployment: Running) -> Iterator[httpx.Client]:
    with deployment.http() as http:
        yield http


@pytest.fixture(scope="module")
def device(deployment: Running) -> Authenticator:
    found = Authenticator()
    with somebody(deployment, found):
        return found


def test_somebody_new_opens_an_account_and_is_signed_in(deployment: Running, browser: httpx.Client) -> None:
    shown = browser.get("/sign-in")
    made = Authenticator().create(begun(browser, ""))
    fields = {"form_token": form_token(shown), "passkey": json.dumps(made), "next": "/verify"}
    answer = browser.post("/sign-in/new", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/verify"), answer.text
    assert "You are signed in" in browser.get("/sign-in").text


def test_the_cookie_is_for_no_script_and_only_its_hash_is_kept(
    deployment: Running, browser: httpx.Client, device: Authenticator
) -> None:
    answer = signing_in(browser, device)
    given = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(COOKIE))
    assert re.fullmatch(COOKIE + r"=sgs_[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Lax", given)
    secret = browser.cookies[COOKIE].removeprefix("sgs_")
    kept = everything(deployment)
    assert secret.encode() not in kept
    assert bytes.fromhex(secret) not in kept


def test_over_tls_the_cookie_is_of_this_host_alone(tmp_path: Path) -> None:
    with running(tmp_path, public_url="https://sigillo.example") as up, up.http() as http:
        given = http.get("/sign-in").headers["set-cookie"]
        secret = re.fullmatch(r"__Host-sigillo-visit=([0-9a-f]{64}); Path=/; HttpOnly; SameSite=Lax; Secure", given)
        assert secret
        for name, refused in (("__Host-" + VISIT, 404), (VISIT, 403)):
            http.cookies = httpx.Cookies({name: secret[1]})
            page = http.get("/sign-in")
            token = form_token(page) if refused == 404 else "0" * 64
            device = Authenticator(origin="https://sigillo.example")
            device.create({**begun(http, ""), "challenge": "AAAA"})
            assert signing_in(http, device, token=token).status_code == refused


def test_nobody_signs_in_in_clear_over_a_network(tmp_path: Path) -> None:
    with running(tmp_path, host="0.0.0.0") as up, up.http() as http:
        answer = http.get("/sign-in")
        assert answer.status_code == 503
        assert "SIGILLO_PUBLIC_URL" in answer.text
        assert "set-cookie" not in answer.headers


def test_signing_in_makes_a_new_session_and_ends_the_one_before(
    deployment: Running, browser: httpx.Client, device: Authenticator
) -> None:
    """What somebody planted is no session after it, nor is the secret of the form before it."""
    browser.get("/sign-in")
    visit = browser.cookies[VISIT]
    signing_in(browser, device)
    first = browser.cookies[COOKIE]
    assert VISIT not in browser.cookies
    assert first.removeprefix("sgs_") != visit
    signing_in(browser, device)
    assert browser.cookies[COOKIE] != first
    with deployment.http() as other:
        other.cookies.set(COOKIE, first, domain=HOST)
        assert "I have a passkey here" in other.get("/sign-in").text
        planted = "sgs_" + "ab" * 32
        other.cookies.set(COOKIE, planted, domain=HOST)
        signing_in(other, device)
        assert other.cookies[COOKIE] not in {first, planted}


def test_a_session_is_no_token_and_a_token_no_session(
    deployment: Running, browser: httpx.Client, device: Authenticator
) -> None:
    """Who reads a cookie has the pages, and none of what programs may do; who reads a token has no page."""
    signing_in(browser, device)
    with deployment.http(browser.cookies[COOKIE]) as program:
        problem(program.get("/v1/people/me"), 401, "unknown-key")
    with somebody(deployment) as person, deployment.http() as other:
        other.cookies.set(COOKIE, person.token, domain=HOST)
        assert "You are signed in" not in other.get("/sign-in").text


@pytest.mark.parametrize(
    "forged", ["", "0" * 64, "another's"], ids=["no token", "a token that is none", "another visitor's token"]
)
def test_a_form_without_its_token_does_nothing(
    deployment: Running, browser: httpx.Client, device: Authenticator, forged: str
) -> None:
    before = count(deployment, "person_token")
    browser.get("/sign-in")
    if forged == "another's":
        with deployment.http() as other:
            forged = form_token(other.get("/sign-in"))
    fields = {"form_token": forged, "passkey": json.dumps(device.get(begun(browser, "/sign-ins")))}
    refused = browser.post("/sign-in", data=fields)
    assert refused.status_code == 403
    assert "This form is not for you as you are now" in refused.text
    assert count(deployment, "person_token") == before


def test_a_form_of_before_signing_in_is_not_taken_after(browser: httpx.Client, device: Authenticator) -> None:
    early = form_token(browser.get("/sign-in"))
    signing_in(browser, device)
    assert browser.post("/sign-out", data={"form_token": early}).status_code == 403
    late = form_token(browser.get("/sign-in"))
    assert browser.post("/sign-out", data={"form_token": late}).status_code == 200
    assert browser.post("/sign-out", data={"form_token": late}).status_code == 403


def test_signing_out_ends_the_session_and_takes_the_cookie(
    deployment: Running, browser: httpx.Client, device: Authenticator
) -> None:
    signing_in(browser, device)
    kept = browser.cookies[COOKIE]
    answer = browser.post("/sign-out", data={"form_token": form_token(browser.get("/sign-in"))})
    assert "You are signed out" in answer.text
    assert COOKIE not in browser.cookies
    browser.cookies.set(COOKIE, kept, domain=HOST)
    assert "I have a passkey here" in browser.get("/sign-in").text


def test_it_ends_without_use_and_at_last_in_any_case(tmp_path: Path, clock: HeldClock) -> None:
    device = Authenticator()
    with running(tmp_path, clock) as up, somebody(up, device), up.http() as http:
        signing_in(http, device)
        for _ in range(16):
            clock.move(timedelta(minutes=29))
            assert "You are signed in" in http.get("/sign-in").text
        clock.move(timedelta(minutes=17))
        assert "You are signed in" not in http.get("/sign-in").text, "eight hours are over"
        signing_in(http, device)
        clock.move(timedelta(minutes=30, milliseconds=1))
        assert "You are signed in" not in http.get("/sign-in").text
        up.service.housekeeping.round()
        assert rows(up, "SELECT count(*) FROM person_token") == [(0,)]


def test_a_page_that_is_looked_at_writes_nothing(tmp_path: Path, clock: HeldClock) -> None:
    device = Authenticator()
    ends = "SELECT expires_at FROM person_token ORDER BY expires_at DESC LIMIT 1"
    with running(tmp_path, clock) as up, somebody(up, device), up.http() as http:
        clock.move(timedelta(hours=2))
        signing_in(http, device)
        before = rows(up, ends)
        clock.move(timedelta(seconds=59))
        http.get("/sign-in")
        assert rows(up, ends) == before
        clock.move(timedelta(seconds=1))
        http.get("/sign-in")
        assert rows(up, ends) == [(before[0][0] + 60_000,)]


def test_removing_a_passkey_or_the_account_ends_its_sessions(deployment: Running, browser: httpx.Client) -> None:
    with somebody(deployment) as person:
        signing_in(browser, person.device)
        assert person.http.delete("/v1/people/me").status_code == 200
    assert "I have a passkey here" in browser.get("/sign-in").text


def test_the_api_takes_no_cookie(browser: httpx.Client, device: Authenticator) -> None:
    signing_in(browser, device)
    assert browser.get("/v1/people/me").status_code == 401


@pytest.mark.parametrize(
    ("after", "goes"),
    [
        ("/audit?kind=asset.signed#search", "/sign-in"),
        ("/audit?kind=asset.signed", "/audit?kind=asset.signed"),
        ("//evil.example", "/sign-in"),
        ("/\\evil.example", "/sign-in"),
        ("https://evil.example/", "/sign-in"),
        ("/%2f/evil.example", "/%2f/evil.example"),
        ("javascript:alert(1)", "/sign-in"),
        ("/x\r\nset-cookie: a=b", "/sign-in"),
        ("/\t/evil.example", "/sign-in"),
        ("evil.example", "/sign-in"),
        ("", "/sign-in"),
    ],
)
def test_nobody_is_sent_elsewhere(browser: httpx.Client, device: Authenticator, after: str, goes: str) -> None:
    shown = browser.get("/sign-in", params={"next": after})
    assert f'name="next" value="{html.escape(goes)}"' in shown.text
    answer = signing_in(browser, device, after)
    assert answer.headers["location"] == goes
    assert "evil.example" not in httpx.URL("http://sigillo").join(answer.headers["location"]).host


@pytest.mark.parametrize("passkey", ["", "{}", "[]", '{"id": "<script>", "type": "public-key"}', "x" * 70_000])
def test_what_is_no_passkey_is_said_on_a_page(browser: httpx.Client, passkey: str) -> None:
    fields: dict[str, Any] = {"form_token": form_token(browser.get("/sign-in")), "passkey": passkey}
    for path in ("/sign-in", "/sign-in/new"):
        answer = browser.post(path, data=fields)
        assert answer.status_code in {400, 413, 422}
        assert 'role="alert"' in answer.text
        assert "<script>" not in answer.text.replace('<script type="', "")
