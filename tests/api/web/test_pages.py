"""What people do on the pages, in Chromium: verify a file, audit the ledger, by mouse and keyboard, narrow and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from keys.signer import Purpose
from ledger.tree.checkpoint import TreeHead, VerifierKey, sign_checkpoint
from tests.api.wire import PATIENCE, proven, signed
from tests.browser import MILLISECONDS, browser, found, site, tab
from tests.deployment import Running

__all__ = ["browser", "site"]

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium")

expect.set_options(timeout=PATIENCE * MILLISECONDS)
NARROW: ViewportSize = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def file(deployment: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A public asset of ours, as it was signed."""
    with deployment.http(deployment.key()) as http:
        asset, content = signed(http, claim={"visibility": "public", "title": "Harbour"})
    proven(deployment, asset["ledger"]["entry"])
    kept = tmp_path_factory.mktemp("signed") / "harbour.jpg"
    kept.write_bytes(content)
    return kept


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    with tab(browser, site) as opened:
        yield opened


def verify(page: Page, file: Path) -> None:
    page.goto("/verify")
    page.get_by_label("Choose a file").set_input_files(file)
    page.get_by_role("button", name="Verify").click()


def test_a_sound_file_and_a_tampered_one_are_told_apart(page: Page, file: Path, tmp_path: Path) -> None:
    verify(page, file)
    expect(page.get_by_role("heading", name="Signed, and unchanged since")).to_be_visible()
    expect(page.locator("[data-receipt]")).to_contain_text("Your browser checked it")
    tampered = tmp_path / "tampered.jpg"
    whole = file.read_bytes()
    tampered.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    verify(page, tampered)
    expect(page.get_by_role("heading", name="It does not hold")).to_be_visible()
    expect(page.get_by_text("the content does not match", exact=False).first).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "result", "a screen reader is taken to the answer"


def test_a_picture_is_blurred_until_asked_for(page: Page, file: Path) -> None:
    page.goto("/verify")
    page.get_by_label("Choose a file").set_input_files(file)
    image = page.get_by_role("img", name="The file you chose")
    expect(image).to_have_class("blurred")
    page.get_by_role("button", name="Show it").click()
    expect(image).not_to_have_class("blurred")


def test_by_keyboard_alone(page: Page, file: Path) -> None:
    page.goto("/verify")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.get_by_label("Choose a file").set_input_files(file)  # the system's own dialog cannot be driven
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Verify":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Signed, and unchanged since")).to_be_visible()


def test_without_javascript(browser: Browser, site: str, file: Path) -> None:
    with tab(browser, site, java_script_enabled=False) as page:
        verify(page, file)
        expect(page.get_by_role("heading", name="Signed, and unchanged since")).to_be_visible()
        expect(page.get_by_text("With JavaScript your browser checks this receipt itself")).to_be_visible()
        page.goto("/audit")
        expect(page.get_by_text("This part needs JavaScript")).to_be_visible()
        page.get_by_label("Kind").select_option("asset.signed")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#search table code", has_text="asset.signed").first).to_be_visible()


def test_the_browser_remembers_the_log_and_sees_it_grow(page: Page, deployment: Running, file: Path) -> None:
    page.goto("/audit")
    history = page.locator("[data-part=history] span")
    expect(history).to_contain_text("for the first time")
    with deployment.http(deployment.key()) as http:
        proven(deployment, signed(http)[0]["ledger"]["entry"])
    page.goto("/audit")
    expect(history).to_contain_text("it grew out of the log")
    expect(page.locator("[data-part=signature] span")).to_have_attribute("data-found", "good")


def forged(page: Page, path: str, text: str) -> None:
    def answer(route: Route) -> None:
        route.fulfill(body=text, content_type="text/plain")

    page.route(path, answer)


def test_a_forged_ledger_is_caught(page: Page, deployment: Running, file: Path) -> None:
    """Another history under the log's own key, which only the log could sign; and one under a key of somebody else."""
    page.goto("/audit")
    expect(page.locator("[data-part=history] span")).to_contain_text("for the first time")
    key = VerifierKey.parse(deployment.service.ledger.vkey())
    head = TreeHead(key.origin, deployment.service.ledger.status().proven, bytes(32))
    note = sign_checkpoint(head, key, deployment.service.keys.signer(Purpose.LOG))
    forged(page, "**/ledger/checkpoint", note)
    page.goto("/audit")
    expect(page.locator("[data-part=history] span")).to_contain_text("its history was changed")
    forged(page, "**/ledger/checkpoint", note.replace("\u2014 ", "\u2014 x"))
    page.goto("/audit")
    expect(page.locator("[data-part=signature] span")).to_contain_text("not by the log's key")
    forged(page, "**/ledger/log.vkey", str(VerifierKey(key.origin, bytes(32))))
    page.goto("/audit")
    expect(page.locator("[data-part=key] span")).to_contain_text("not the one that your browser saw first")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_them(browser: Browser, site: str, file: Path, scheme: str) -> None:
    """axe finds nothing on any page, and none scrolls sideways at 320 pixels."""
    with tab(browser, site, color_scheme=scheme, viewport=NARROW) as page:
        for path in ("/", "/verify", "/prove", "/audit", "/audit/entries/ent_nobody"):
            page.goto(path)
            readable(page, path)
        page.goto("/prove")
        page.get_by_role("button", name="Ask my wallet").click()
        expect(page.get_by_role("heading", name="Scan this with your wallet")).to_be_visible()
        readable(page, "a question")
        verify(page, file)
        expect(page.locator("[data-receipt]")).to_contain_text("Your browser checked it")
        page.evaluate("document.querySelectorAll('#result details').forEach((one) => (one.open = true))")
        readable(page, "a result")
        page.get_by_role("link", name="Entry ent_").click()
        expect(page.locator("[data-receipt]")).to_contain_text("Your browser checked it")
        readable(page, "an entry")


def readable(page: Page, what: str) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, (
        what,
        [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]],
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{what} scrolls sideways"
