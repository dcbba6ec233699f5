"""Who somebody is, shown before they register: by their wallet, and by the portrait in their document."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import httpx
import pytest
from PIL import Image

from tests.api.people import somebody
from tests.api.routers.test_openid4vp import at_noon, clock, service
from tests.api.staff import form_token, signing_in
from tests.api.web.test_prove import answered
from tests.api.wire import count
from tests.deployment import Running
from tests.detection.faces import photos
from tests.identity.openid4vp.people import CHILD
from tests.simulators.authenticator import Authenticator

__all__ = ["at_noon", "clock", "service"]

FORM = "/register/face?region=FR"


@pytest.fixture
def pages(service: Running) -> Iterator[httpx.Client]:
    """The browser of somebody who is new."""
    device = Authenticator()
    with somebody(service, device), service.http() as http:
        signing_in(http, device)
        yield http


def fields(pages: httpx.Client) -> dict[str, str]:
    return {"form_token": form_token(pages.get(FORM)), "region": "FR", "next": FORM}


def test_a_wallet_shows_it_whatever_the_age(service: Running, pages: httpx.Client) -> None:
    asked = pages.get(FORM).text
    assert "A European identity wallet (PID)" in asked
    assert "An age credential of this service" not in asked, "that says nothing of who somebody is"
    assert "Your photos" not in asked
    begun = pages.post("/register/identity/wallet", data=fields(pages))
    assert begun.status_code == 303
    page = begun.headers["location"]
    path = page.partition("?")[0]
    assert 'data-waits="True"' in pages.get(page).text
    assert pages.get(f"{path}/qr.svg").headers["content-type"].startswith("image/svg+xml")
    early = pages.post(path, data=fields(pages))
    assert "The wallet has not answered yet" in early.text
    answered(service, pages, path, "pid", CHILD)
    shown = pages.get(page).text
    assert "Your wallet showed a document that holds" in shown
    assert f'name="next" value="{FORM}"' in shown
    other = Authenticator()
    with somebody(service, other), service.http() as eve:
        signing_in(eve, other)
        assert eve.get(page).status_code == 404
        assert eve.post(path, data={**fields(pages), "form_token": form_token(eve.get("/sign-in"))}).status_code == 404
    taken = pages.post(path, data=fields(pages))
    assert (taken.status_code, taken.headers.get("location")) == (303, FORM), taken.text
    known = pages.get(FORM).text
    assert "You showed your identity document." in known or "You showed your driving licence." in known
    assert "Your photos" in known
    before = count(service, "assurance_evidence")
    assert "have it presented again" in pages.post(path, data=fields(pages)).text
    assert count(service, "assurance_evidence") == before


def test_pictures_of_two_people_show_nothing(service: Running, pages: httpx.Client) -> None:
    wide = photos.PORTRAIT.resize((photos.PORTRAIT.width * 22 // 10, photos.PORTRAIT.height))
    sent = [("photo", photos.jpeg(photos.PORTRAIT)), ("photo", photos.jpeg(wide))]
    shown = pages.post("/register/identity/portrait", data=fields(pages), files=sent)
    assert shown.status_code == 200, shown.text
    assert "Both are gone" in shown.text
    assert "Your photos" not in pages.get(FORM).text


def test_a_picture_without_a_face_leads_back_to_where_one_sends_another(pages: httpx.Client) -> None:
    sent = [("photo", photos.jpeg(photos.PORTRAIT)), ("photo", photos.jpeg(Image.new("RGB", (300, 300))))]
    refused = pages.post("/register/identity/portrait", data=fields(pages), files=sent)
    assert refused.status_code == 422
    assert "The selfie: " in refused.text
    assert f'href="{escape(FORM)}"' in refused.text
    assert pages.get(FORM).status_code == 200
