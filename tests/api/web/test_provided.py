"""Staff who sign in at an identity provider, over real HTTP to one of our own: there and back, once, in one browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from identity.passkeys.tokens import SESSION
from tests.api.routers.test_assurance import providers
from tests.api.staff import form_token, invited
from tests.api.wire import IN_THE_LOG, count, everything, rows
from tests.deployment import Running, running
from tests.simulators.identity_provider import CLIENT, SECRET, IdentityProvider, SigningKey

BACK = "/sign-in/from/example-id"
KEY = SigningKey.new("rsa-1")


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider(KEY, redirect=f"http://127.0.0.1:8080{BACK}").running() as up:
        yield up


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, provider: IdentityProvider) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("house")
    entry = {"issuer": provider.url, "client_id": CLIENT, "client_secret": SECRET}
    file = providers(folder, staff={"example-id": entry})
    with running(folder / "home", assurance_providers=file, fetch_loopback=True) as up:
        yield up


@pytest.fixture
def browser(house: Running, provider: IdentityProvider) -> Iterator[httpx.Client]:
    with house.http() as http:
        yield http
    provider.claims = {}


Come = Callable[..., httpx.Response]


@pytest.fixture
def come(browser: httpx.Client, provider: IdentityProvider) -> Come:
    """Go to the provider, log in as somebody, and come back, with what is said here instead."""

    def act(subject: str, after: str = "", **said: str) -> httpx.Response:
        left = browser.get("/sign-in/with/example-id", params={"next": after})
        assert left.status_code == 303, left.text
        place = left.headers["location"]
        state = parse_qs(urlsplit(place).query)["state"][0]
        return browser.get(BACK, params={"state": state, "code": provider.log_in(place, subject), **said})

    return act


def test_somebody_joins_by_logging_in_and_comes_back(house: Running, browser: httpx.Client, come: Come) -> None:
    with house.http(house.service.operator_token) as inviter:
        link = httpx.URL(invited(inviter, "operator")["link"]).path
    assert "Go to example-id and join" in browser.get(link).text
    assert come("ada-lovelace-1815", link).headers["location"] == "/operate"
    assert "Every part" in browser.get("/operate").text
    assert browser.post("/sign-out", data={"form_token": form_token(browser.get("/sign-in"))}).status_code == 200
    assert come("ada-lovelace-1815", "/operate/staff").headers["location"] == "/operate/staff"
    assert "This is you" in browser.get("/operate/staff").text
    ((entry,),) = rows(house, f"SELECT entry_id FROM payload WHERE kind = 'staff.signedin' {IN_THE_LOG} DESC LIMIT 1")
    said = house.service.ledger.payloads.open(house.service.deployment.operator().tenant, entry).payload
    assert said.way == "example-id"
    kept = everything(house)
    for secret in (b"ada-lovelace", b"unmistakable"):
        assert secret not in kept
    assert come("eve").status_code == 403, "who is not known, and not invited"


def test_a_page_of_another_site_has_nobody_join(house: Running, browser: httpx.Client, come: Come) -> None:
    """Whoever is logged in at their house anyway would be there and back, and staff, without a word."""
    with house.http(house.service.operator_token) as inviter:
        link = httpx.URL(invited(inviter, "counsel")["link"]).path
    browser.headers["sec-fetch-site"] = "cross-site"
    assert come("grace", link).status_code == 403
    browser.headers["sec-fetch-site"] = "same-origin"
    assert come("grace", link).headers["location"] == "/operate"


def test_whoever_comes_back_twice_at_once_has_one_account(house: Running) -> None:
    provided = house.service.registry.provided
    first, second = (provided.open("f" * 64) for _ in range(2))
    assert first.account == second.account
    tokens = house.service.registry.people.tokens
    assert {tokens.authenticate(one.token.text, SESSION).account for one in (first, second)} == {first.account}


def test_nobody_has_an_account_for_having_logged_in(house: Running, browser: httpx.Client, come: Come) -> None:
    before = count(house, "assurance_account"), count(house, "person_token")
    for after in ("", "/operate", f"/join/{'0' * 64}", "//evil.example"):
        assert come("eve", after).status_code in {403, 404}
    assert (count(house, "assurance_account"), count(house, "person_token")) == before
    assert "sigillo-session" not in browser.cookies


def test_it_is_completed_once_and_in_the_browser_that_began_it(
    house: Running, browser: httpx.Client, provider: IdentityProvider
) -> None:
    left = browser.get("/sign-in/with/example-id")
    given = left.headers["set-cookie"]
    assert given.startswith("sigillo-login=")
    assert "HttpOnly; SameSite=Lax" in given
    place = left.headers["location"]
    state, code = parse_qs(urlsplit(place).query)["state"][0], provider.log_in(place, "eve")
    with house.http() as other:
        stranger = other.get(BACK, params={"state": state, "code": code})
        assert "Nobody began this login in this browser" in stranger.text
        other.get("/sign-in/with/example-id")
        stranger = other.get(BACK, params={"state": state, "code": code})
        assert "Nobody began this login in this browser" in stranger.text
    answer = browser.get(BACK, params={"state": state, "code": code})
    assert answer.status_code == 403, "it is eve, who is nobody here"
    assert "Nobody began this login" in browser.get(BACK, params={"state": state, "code": code}).text


def test_each_attempt_has_secrets_of_its_own(browser: httpx.Client) -> None:
    asked = [parse_qs(urlsplit(browser.get("/sign-in/with/example-id").headers["location"]).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
    assert asked[0]["code_challenge_method"] == ["S256"]
    assert asked[0]["redirect_uri"] == [f"http://127.0.0.1:8080{BACK}"]


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"nonce": "another"}, {}),
        ({"aud": "somebody else"}, {}),
        ({"iss": "https://id.example"}, {}),
        ({"exp": 1}, {}),
        ({"iat": 1}, {}),
        ({}, {"iss": "https://id.example"}),
        ({}, {"code": "code+unknown"}),
        ({}, {"code": ""}),
        ({}, {"error": "access_denied"}),
        ({}, {"state": "another"}),
        ({}, {"state": ""}),
    ],
)
def test_what_does_not_hold_signs_nobody_in(
    house: Running, provider: IdentityProvider, come: Come, claims: dict[str, Any], said: dict[str, str]
) -> None:
    provider.claims = claims
    before = count(house, "person_token")
    answer = come("ada-lovelace-1815", **said)
    assert answer.status_code == 422, answer.text
    assert 'role="alert"' in answer.text
    assert count(house, "person_token") == before


def test_a_provider_that_is_none_here_is_not_there(browser: httpx.Client) -> None:
    for path in ("/sign-in/with/other", "/sign-in/from/other?state=x&code=y"):
        assert browser.get(path).status_code == 404
    assert browser.get("/sign-in/with/%3Cscript%3E").status_code == 422
