"""What people do on the pages, in Chromium: verify a file, audit the ledger, by mouse and keyboard, narrow and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, Route, expect

from keys.signer import Purpose
from ledger.tree.checkpoint import TreeHead, VerifierKey, sign_checkpoint
from tests.api.wire import PATIENCE, proven, signed
from tests.browser import MILLISECONDS, WIDTHS, browser, found, keep_screenshots, site, tab
from tests.deployment import Running

__all__ = ["browser", "site"]

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium")

expect.set_options(timeout=PATIENCE * MILLISECONDS)
NARROW: Final = WIDTHS[0]
AXE: Final = Axe()
RULES: Final[dict[Literal["light", "dark"], dict[str, Any]]] = {
    "light": {},
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}},
}
"""Of axe that are tried in each scheme: all that it tries by itself, and those of them that are of colours."""


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
    expect(page.get_by_role("heading", name="Changed since it was signed")).to_be_visible()
    expect(page.locator("#result details[open]").get_by_text("assertion.dataHash.mismatch").first).to_be_visible()
    expect(page.get_by_text("the content does not match", exact=False).first).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "result", "a screen reader is taken to the answer"
    readable(page, "a changed file")


def test_a_verdict_goes_when_another_file_is_chosen(page: Page, file: Path, tmp_path: Path) -> None:
    """Nobody reads it under another file's name: not before that file is asked about, nor where no answer comes."""
    verify(page, file)
    expect(page.locator("#result")).to_contain_text("Of the file harbour.jpg")
    other = tmp_path / "other.jpg"
    other.write_bytes(file.read_bytes()[:-20])
    page.get_by_label("Choose a file").set_input_files(other)
    expect(page.locator("#result")).to_be_empty()
    page.route("**/verify", lambda route: route.abort())
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("The answer did not come")).to_be_visible()
    expect(page.locator("#result")).to_be_empty()


def test_an_answer_about_a_file_that_was_changed_meanwhile_is_dropped(page: Page, file: Path, tmp_path: Path) -> None:
    answers = list[Route]()
    page.route("**/verify", lambda route: answers.append(route) if route.request.method == "POST" else route.fallback())
    verify(page, file)
    other = tmp_path / "other.jpg"
    other.write_bytes(b"another")
    page.get_by_label("Choose a file").set_input_files(other)
    answers.pop().fallback()
    expect(page.get_by_role("button", name="Verify")).to_be_enabled()
    expect(page.locator("#result")).to_be_empty()


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
    with page.expect_download() as saved:
        page.get_by_role("link", name="the one shown now").click()
    assert saved.value.path().read_text() == note, "what an auditor needs is the reader's to save"
    expect(page.get_by_role("link", name="the checkpoint that your browser saw before")).to_be_visible()
    readable(page, "a forged ledger")
    forged(page, "**/ledger/checkpoint", note.replace("\u2014 ", "\u2014 x"))
    page.goto("/audit")
    expect(page.locator("[data-part=signature] span")).to_contain_text("not by the log's key")
    forged(page, "**/ledger/log.vkey", str(VerifierKey(key.origin, bytes(32))))
    page.goto("/audit")
    expect(page.locator("[data-part=key] span")).to_contain_text("not the one that your browser saw first")


def rewritten(page: Page, path: str, old: str, new: str) -> None:
    """What somebody on the way makes of a page of ours."""

    def answer(route: Route) -> None:
        came = route.fetch()
        body = came.text()
        assert old in body
        route.fulfill(response=came, body=body.replace(old, new))

    page.route(path, answer)


def test_what_is_shown_of_an_entry_is_held_against_its_receipt(page: Page, deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)
    entry = asset["ledger"]["entry"]
    proven(deployment, entry)
    told = page.locator("[data-receipt] [role=status]")
    page.goto(f"/audit/entries/{entry}")
    expect(told).to_have_attribute("data-found", "good")
    member = page.locator("[data-member=policy]").inner_text()
    rewritten(page, "**/audit/entries/*", f">{member}<", ">another@1<")
    page.goto(f"/audit/entries/{entry}")
    expect(told).to_contain_text('"Under which policy" is not what the log has of this entry')
    page.unroute_all()
    with deployment.http(deployment.key()) as http:
        other, _ = signed(http)
    proven(deployment, other["ledger"]["entry"])
    forged(page, f"**/v1/receipts/{entry}", deployment.service.ledger.receipt(other["ledger"]["entry"]))
    page.goto(f"/audit/entries/{entry}")
    expect(told).to_contain_text("the receipt of another entry")


def test_when_a_file_was_recorded_is_held_against_its_receipt(page: Page, file: Path) -> None:
    rewritten(page, "**/static/checks.js", "one.textContent.trim()", 'one.textContent.replace(/^20/, "19").trim()')
    verify(page, file)
    expect(page.locator("[data-receipt]")).to_contain_text('"When" is not what the log has')


def test_what_is_nowhere_is_told_on_a_page_and_to_programs_as_ever(page: Page, deployment: Running) -> None:
    page.goto("/nosuch")
    expect(page.get_by_role("alert")).to_contain_text("There is nothing at this address")
    page.get_by_role("link", name="To the front page").click()
    expect(page.get_by_role("heading", name="Where does this file come from?")).to_be_visible()
    with deployment.http() as http:
        for accept in ("*/*", "application/json"):
            answer = http.get("/nosuch", headers={"Accept": accept})
            assert (answer.status_code, answer.json()["type"]) == (404, "urn:sigillo:problem:not-found")
        page_of_405 = http.get("/v1/verifications", headers={"Accept": "text/html"})
    assert (page_of_405.status_code, page_of_405.headers["allow"]) == (405, "POST")


def test_a_table_that_is_cut_says_that_it_scrolls(browser: Browser, site: str, file: Path) -> None:
    with tab(browser, site, viewport=NARROW) as page:
        page.goto("/audit")
        table = page.locator("#search .scroll")
        assert table.evaluate("one => one.scrollWidth > one.clientWidth")
        assert table.evaluate("one => getComputedStyle(one).backgroundAttachment") == "local, local, scroll, scroll"
        expect(page.locator("#search")).to_contain_text("your browser did not check")


def test_everybody_can_read_them(browser: Browser, site: str, file: Path) -> None:
    """axe finds nothing on any page, and none scrolls sideways at 320 pixels."""
    with tab(browser, site, viewport=NARROW) as page:
        for path in ("/", "/verify", "/prove", "/audit", "/audit/entries/ent_nobody", "/nosuch"):
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
    """axe finds nothing, light or dark (on which nothing but colours depends), and nothing scrolls sideways."""
    for scheme, rules in RULES.items():
        page.emulate_media(color_scheme=scheme)
        found = AXE.run(page, options={"resultTypes": ["violations"]} | rules).response["violations"]
        assert not found, (what, scheme, [(one["id"], one["nodes"][0]["html"]) for one in found])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{what} scrolls sideways"
    keep_screenshots(page, what)
