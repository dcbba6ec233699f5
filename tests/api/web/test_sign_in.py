"""Signing in, in Chromium: with a passkey, by keyboard, narrow and dark, and what is said where there is no script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.api.web.test_pages import NARROW, readable
from tests.api.wire import PATIENCE
from tests.browser import MILLISECONDS, browser, found, home, tab, with_passkeys
from tests.deployment import Running

__all__ = ["browser", "home"]

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium")

expect.set_options(timeout=PATIENCE * MILLISECONDS)


def test_somebody_comes_back_with_their_passkey(browser: Browser, home: Running) -> None:
    with tab(browser, home.service.settings.origin) as page:
        with_passkeys(page)
        page.goto("/sign-in?next=/prove")
        page.get_by_role("button", name="Make a passkey").click()
        expect(page).to_have_url(home.service.settings.origin + "/prove")
        page.get_by_role("link", name="Your session").click()
        expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Sign out").press("Enter")
        expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        page.goto("/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").press("Enter")
        expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
        assert page.evaluate("document.cookie") == "", "no script reads a cookie of ours"


def test_a_device_without_passkeys_says_so(browser: Browser, home: Running) -> None:
    with tab(browser, home.service.settings.origin) as page:
        with_passkeys(page)
        page.goto("/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_text("No passkey was used")).to_be_visible()
        expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_enabled()


def test_without_javascript_it_is_said_what_needs_it(browser: Browser, home: Running) -> None:
    with tab(browser, home.service.settings.origin, java_script_enabled=False) as page:
        page.goto("/sign-in")
        expect(page.get_by_text("Signing in with a passkey needs JavaScript")).to_be_visible()
        expect(page.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(browser: Browser, home: Running, scheme: str) -> None:
    with tab(browser, home.service.settings.origin, color_scheme=scheme, viewport=NARROW) as page:
        with_passkeys(page)
        for path in ("/sign-in", "/sign-in?next=/audit"):
            page.goto(path)
            readable(page, path)
        page.get_by_role("button", name="Make a passkey").click()
        expect(page).to_have_url(home.service.settings.origin + "/audit")
        page.goto("/sign-in")
        readable(page, "a session")
        page.get_by_role("button", name="Sign out").click()
        readable(page, "signed out")
