"""Signing for a work of one's own, in Chromium: the file stays there, and what comes of it is what a claim takes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.api.web.test_pages import NARROW, readable
from tests.api.wire import PATIENCE, problem, signed, upload
from tests.browser import MILLISECONDS, browser, found, home, tab, with_passkeys
from tests.deployment import Running, picture

__all__ = ["browser", "home"]

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium")

expect.set_options(timeout=PATIENCE * MILLISECONDS)


def test_a_creator_signs_and_a_tool_has_it_signed(browser: Browser, home: Running, tmp_path: Path) -> None:
    work, kept = tmp_path / "work.jpg", tmp_path / "creator-signature.json"
    work.write_bytes(picture(seed=5))
    with tab(browser, home.service.settings.origin, viewport=NARROW) as page:
        sent = list[bytes]()
        page.on("request", lambda request: sent.append(request.post_data_buffer or b""))
        with_passkeys(page)
        page.goto("/sign-in?next=/cosign")
        page.get_by_role("button", name="Make a passkey").click()
        expect(page).to_have_url(home.service.settings.origin + "/cosign")
        readable(page, "a form")
        sign = page.get_by_role("button", name="Sign with my passkey")
        expect(sign).to_be_disabled()
        page.get_by_label("The file").set_input_files(work)
        page.get_by_label("Title").fill("Harbour & <sea>")
        page.get_by_label("How it came to be").select_option("digitalCapture")
        expect(sign).to_be_enabled()
        sign.press("Enter")
        expect(page.get_by_role("heading", name="Signed: Harbour & <sea>")).to_be_visible()
        readable(page, "what was signed")
        with page.expect_download() as download:
            page.get_by_role("link", name="Save what you signed").click()
        download.value.save_as(kept)
        assert not any(work.read_bytes()[:64] in body for body in sent), "the file left the browser"
    signature = json.loads(kept.read_text())
    assert "userHandle" not in signature["passkey"]["response"], "which account it is, is told nobody"
    assert json.loads(signature["statement"])["sha256"] == hashlib.sha256(work.read_bytes()).hexdigest()
    claim = {
        "title": "Harbour & <sea>",
        "actions": [{"name": "c2pa.created", "source_type": "digitalCapture"}],
        "creator_signature": signature,
    }
    with home.http(home.key()) as tool:
        _, file = signed(tool, work.read_bytes(), claim)
        creator = upload(tool, file, path="/v1/verifications").json()["creator_signature"]
        assert (creator["verdict"], creator["standing"]["level"]) == ("untrusted", "none")
        problem(upload(tool, picture(seed=77), claim), 422, "claim-refused")


def test_who_is_not_signed_in_is_sent_to(home: Running) -> None:
    with home.http() as stranger:
        answer = stranger.get("/cosign")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fcosign")
