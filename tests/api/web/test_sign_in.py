"""Signing in, and staff at work, in Chromium: by keyboard, narrow and wide, light and dark, and without a script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.api.staff import member
from tests.api.web.test_pages import NARROW, readable
from tests.api.wire import PATIENCE, signed
from tests.browser import MILLISECONDS, browser, found, home, tab, with_passkeys
from tests.deployment import Running

__all__ = ["browser", "home"]

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium")

expect.set_options(timeout=PATIENCE * MILLISECONDS)
WIDE: ViewportSize = {"width": 1440, "height": 900}


def test_somebody_comes_back_with_their_passkey(browser: Browser, home: Running) -> None:
    with tab(browser, home.service.settings.origin) as page:
        with_passkeys(page)
        page.goto("/sign-in?next=/prove")
        page.get_by_role("button", name="Make a passkey").click()
        expect(page).to_have_url(home.service.settings.origin + "/prove")
        page.get_by_role("link", name="My page").click()
        page.get_by_role("link", name="Your session").click()
        expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Sign out").press("Enter")
        expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        page.goto("/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").press("Enter")
        expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
        assert page.evaluate("document.cookie") == "", "no script reads a cookie of ours"


def test_passkeys_are_added_named_and_removed(browser: Browser, home: Running) -> None:
    with tab(browser, home.service.settings.origin, viewport=NARROW) as page:
        other_device = with_passkeys(page)
        page.goto("/sign-in?next=/me")
        page.get_by_role("button", name="Make a passkey").press("Enter")
        expect(page.get_by_text("It is the only one")).to_be_visible()
        readable(page, "one passkey")
        page.get_by_role("button", name="Make another passkey").press("Enter")
        expect(page.get_by_text("This device has a passkey for this account already")).to_be_visible()
        other_device()
        page.get_by_label("Name, such as").last.fill("my key")
        page.get_by_role("button", name="Make another passkey").press("Enter")
        expect(page.get_by_text("The new passkey lets you in")).to_be_visible()
        first = page.locator("article", has_text="You signed in with this one")
        first.get_by_label("Name, such as").fill("old phone")
        first.get_by_role("button", name="Save the name").press("Enter")
        expect(page.get_by_role("heading", name="old phone")).to_be_visible()
        first.locator("summary").press("Enter")
        readable(page, "two passkeys")
        first.get_by_role("button", name="Confirm with a passkey").press("Enter")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.get_by_role("button", name="Sign in with a passkey").press("Enter")
        expect(page.get_by_role("heading", name="my key")).to_be_visible()
        expect(page.get_by_text("It is the only one")).to_be_visible()


def test_a_device_without_passkeys_says_so(browser: Browser, home: Running) -> None:
    with tab(browser, home.service.settings.origin) as page:
        with_passkeys(page)
        page.goto("/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_text("No passkey was used")).to_be_visible()
        expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_enabled()


def test_under_another_name_it_is_said_where_passkeys_are_good(browser: Browser, home: Running) -> None:
    with tab(browser, home.service.settings.origin.replace("localhost", "127.0.0.1")) as page:
        with_passkeys(page)
        page.goto("/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_text("open it as localhost")).to_be_visible()


def test_without_javascript_it_is_said_what_needs_it(browser: Browser, home: Running) -> None:
    with tab(browser, home.service.settings.origin, java_script_enabled=False) as page:
        page.goto("/sign-in")
        expect(page.get_by_text("Signing in with a passkey needs JavaScript")).to_be_visible()
        expect(page.get_by_role("button")).to_have_count(0)


def test_everybody_can_read_it(browser: Browser, home: Running) -> None:
    with tab(browser, home.service.settings.origin, viewport=NARROW) as page:
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


@pytest.mark.parametrize("viewport", [NARROW, WIDE], ids=["narrow", "wide"])
def test_an_operator_at_work(browser: Browser, home: Running, viewport: ViewportSize) -> None:
    """Invited, joined, looked, released a hold and removed a role: by keyboard alone, and axe finds nothing."""
    with home.http(home.key()) as http:
        asset = signed(http)[0]["id"]
    home.operator.place_hold(f"case-{asset[-8:]}", [asset], "an order")
    link = home.operator.invite_staff("operator")["link"]
    with tab(browser, home.service.settings.origin, viewport=viewport) as page:
        with_passkeys(page)
        page.goto(link)
        readable(page, "an invitation")
        page.get_by_role("button", name="Make a passkey and join").press("Enter")
        expect(page.get_by_role("heading", name="How the service is")).to_be_visible()
        readable(page, "how it is")
        page.get_by_role("link", name="What is held").press("Enter")
        page.locator("summary", has_text=f"case-{asset[-8:]}").press("Enter")
        readable(page, "what is held")
        page.get_by_label("Why").locator("visible=true").fill("case closed")
        page.keyboard.press("Enter")
        expect(page.get_by_text("It is done, and on record")).to_be_visible()
        readable(page, "what was done")
        page.get_by_role("link", name="Staff").press("Enter")
        page.get_by_label("Counsel").press("Space")
        page.get_by_role("button", name="Make a link").press("Enter")
        expect(page.get_by_role("heading", name="The link for whoever you invite")).to_be_visible()
        readable(page, "a new link")


def test_a_hold_is_released_without_javascript(browser: Browser, home: Running) -> None:
    with home.http(home.key()) as http:
        asset = signed(http)[0]["id"]
    home.operator.place_hold("case-without", [asset], "an order")
    with (
        member(home, "counsel", home.service.operator_token) as counsel,
        tab(browser, home.service.settings.origin, java_script_enabled=False) as page,
    ):
        value, url = counsel.browser.cookies["sigillo-session"], home.service.settings.origin
        page.context.add_cookies([{"name": "sigillo-session", "value": value, "url": url}])
        page.goto("/operate/holds")
        page.locator("summary", has_text="case-without").click()
        page.get_by_label("Why").locator("visible=true").fill("case closed")
        page.get_by_role("button", name="Release the hold").locator("visible=true").click()
        expect(page.get_by_text("It is done, and on record")).to_be_visible()
