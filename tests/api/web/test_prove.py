from __future__ import annotations

import re

import httpx
import pytest

from tests.api.routers.test_openid4vp import FORM, anyone, at_noon, clock, service
from tests.api.wire import count
from tests.deployment import Running
from tests.identity.openid4vp.people import ADULT, CHILD, Person, asked
from tests.identity.openid4vp.test_request import encrypted

__all__ = ["anyone", "at_noon", "clock", "service"]


def begun(anyone: httpx.Client) -> str:
    """The address of a new question's page."""
    answer = anyone.post("/prove")
    assert answer.status_code == 303
    return str(answer.headers["location"])


def answered(service: Running, anyone: httpx.Client, path: str, document: str, person: Person) -> None:
    name = path.rpartition("/")[2]
    session = service.service.presentations.sessions.find(name)
    token = {document: [person.presentation(asked(session), document)]}
    body = encrypted(session, document, vp_token=token)
    assert anyone.post(f"/openid4vp/responses/{name}", content=body, headers=FORM).is_success


def test_what_will_be_asked_is_said_first(anyone: httpx.Client) -> None:
    shown = anyone.get("/prove").text
    for words in ("whether you are over 18", "your name, your date of birth", "A mobile driving licence"):
        assert words in shown


@pytest.mark.parametrize(("person", "said"), [(ADULT, "Yes, over 18"), (CHILD, "No, not over 18")])
def test_a_wallet_answers_and_the_page_says_what_was_learned(
    service: Running, anyone: httpx.Client, person: Person, said: str
) -> None:
    path = begun(anyone)
    waiting = anyone.get(path).text
    assert 'data-waits="True"' in waiting
    assert re.search(r'href="openid4vp:[^"]*client_id', waiting)
    assert anyone.get(f"{path}/qr.svg").headers["content-type"].startswith("image/svg+xml")
    answered(service, anyone, path, "pid", person)
    shown = anyone.get(path)
    assert said in shown.text
    assert "By the word of CN=authority" in shown.text
    assert 'data-waits="False"' in shown.text
    assert "http-equiv" not in shown.text
    for hidden in ("birthdate&#34;: &#34;", *map(str, person.pid().split("~")[1:3])):
        assert hidden not in shown.text
    assert anyone.get(f"{path}/qr.svg").status_code == 404


def test_a_question_nobody_asked_is_not_there(anyone: httpx.Client) -> None:
    answer = anyone.get("/prove/vps_nobody")
    assert answer.status_code == 404
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_another_sites_form_asks_nothing(service: Running, anyone: httpx.Client, headers: dict[str, str]) -> None:
    before = count(service, "wallet_request")
    answer = anyone.post("/prove", headers=headers)
    assert answer.status_code == 403
    assert "Another site" in answer.text
    assert count(service, "wallet_request") == before


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": "http://sigillo"}, {}])
def test_our_own_form_does(anyone: httpx.Client, headers: dict[str, str]) -> None:
    assert anyone.post("/prove", headers=headers).status_code == 303
