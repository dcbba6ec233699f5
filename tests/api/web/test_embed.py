"""The pin on somebody else's site, under a policy that allows nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from api.web.static import FOLDER
from tests.api.wire import PATIENCE, signed
from tests.browser import MILLISECONDS, browser, found, site, tab
from tests.deployment import Running
from tests.loopback import hosted

__all__ = ["browser", "site"]

expect.set_options(timeout=PATIENCE * MILLISECONDS)

SITE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A newspaper</title>
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src 'self'; script-src {service}; connect-src 'self' {service}">
<script type="module" src="{service}/embed/credential.js"></script>
<main><h1>News</h1><sigillo-credential><img src="{file}" alt="A harbour"></sigillo-credential></main></html>"""

NAME = "<b onclick=alert(1)>Harbour"


def test_it_is_small() -> None:
    assert len((FOLDER / "credential.js").read_bytes()) < 15_000


def test_other_sites_may_load_it_and_nothing_of_the_rest(deployment: Running) -> None:
    with deployment.http() as http:
        for path in ("/embed/credential.js", "/embed/words.json"):
            answer = http.get(path)
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
            assert "set-cookie" not in answer.headers
        for path in ("/static/verify.js", "/verify", "/v1/ledger/entries"):
            assert "access-control-allow-origin" not in http.get(path).headers


@pytest.fixture
def newspaper(deployment: Running, site: str, tmp_path: Path) -> Path:
    """A folder with a sound picture and a tampered one, and a page for each."""
    action = {"name": "c2pa.created", "source_type": "trainedAlgorithmicMedia"}
    claim = {"title": NAME, "model": {"name": NAME, "version": "1", "provider": "x"}, "actions": [action]}
    with deployment.http(deployment.key("Painter", source_types=["trainedAlgorithmicMedia"])) as http:
        _, file = signed(http, claim=claim)
    tampered = file[:-20] + bytes([file[-20] ^ 1]) + file[-19:]
    for name, content in {"sound": file, "tampered": tampered}.items():
        (tmp_path / f"{name}.jpg").write_bytes(content)
        (tmp_path / f"{name}.html").write_text(SITE.format(service=site, file=f"{name}.jpg"))
    return tmp_path


@pytest.mark.skipif(found() is None, reason="no Chromium")
def test_nothing_is_sent_before_a_reader_asks(browser: Browser, newspaper: Path, site: str) -> None:
    with hosted(newspaper) as address, tab(browser, address) as page:
        sent = list[str]()
        page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
        page.goto("/sound.html")
        pin = page.get_by_role("button", name="Where does this come from?")
        expect(pin).to_be_visible()
        assert not [one for one in sent if one.startswith("POST")]
        pressed(page, "Signed, and unchanged since")
        assert [one for one in sent if one.startswith("POST")] == [f"POST {site}/v1/verifications"]
        page.keyboard.press("Escape")
        expect(page.get_by_role("heading", name="Signed, and unchanged since")).to_be_hidden()
        pin.click()
        expect(page.get_by_text(f"AI model: {NAME} 1")).to_be_visible()
        assert len([one for one in sent if one.startswith("POST")]) == 1, "an answer is remembered"
        assert page.locator("sigillo-credential b").count() == 0, "what a file says is text"


@pytest.mark.skipif(found() is None, reason="no Chromium")
def test_a_tampered_picture_is_told(browser: Browser, newspaper: Path) -> None:
    with hosted(newspaper) as address, tab(browser, address) as page:
        page.goto("/tampered.html")
        pressed(page, "Its provenance does not hold")


@pytest.mark.skipif(found() is None, reason="no Chromium")
def test_a_service_that_is_away_is_told_and_asked_again(browser: Browser, newspaper: Path) -> None:
    with hosted(newspaper) as address, tab(browser, address) as page:
        page.route("**/v1/verifications", lambda route: route.abort())
        page.goto("/sound.html")
        pin = page.get_by_role("button", name="Where does this come from?")
        pin.click()
        expect(page.get_by_text("This could not be verified now")).to_be_visible()
        page.unroute("**/v1/verifications")
        pin.click()
        pressed(page, "Signed, and unchanged since")


def pressed(page: Page, heading: str) -> None:
    page.get_by_role("button", name="Where does this come from?").click()
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
