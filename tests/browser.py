"""The system's Chromium, and a deployment on a port for it: fixtures for modules that try pages.

Without Chromium the tests that need it are left out, and one test says so loudly (tests/api/web/test_chromium.py).
`make screenshots` keeps what each page looked like, for people to look at.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from api.edge.listening import address, listening
from tests.api.wire import PATIENCE
from tests.deployment import Running, running
from tests.serving import served

CHROMIUM = "chromium"
MILLISECONDS = 1000
SCREENSHOTS: Final = os.environ.get("SCREENSHOTS", "")
"""The folder that they are kept in; empty where nobody wants any."""

WIDTHS: Final[tuple[ViewportSize, ...]] = ({"width": 320, "height": 640}, {"width": 1280, "height": 900})
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


def found() -> str | None:
    """Where Chromium is."""
    return shutil.which(CHROMIUM)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running one, without its own sandbox, which root cannot have. Of a module: while Playwright runs, no other loop
    can in its thread.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(deployment: Running) -> Iterator[str]:
    """The deployment's address on the loopback network, without a slash at its end."""
    with listening("127.0.0.1", 0) as listener, served(deployment, listener):
        yield _named(listener)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A deployment that knows where browsers reach it, which passkeys want: `home.service.settings.origin`."""
    with listening("127.0.0.1", 0) as listener:
        folder = tmp_path_factory.mktemp("home")
        with running(folder, public_url=_named(listener)) as up, served(up, listener):
            yield up


def _named(listener: socket) -> str:
    return address(listener).replace("127.0.0.1", "localhost")


def with_passkeys(page: Page) -> Callable[[], None]:
    """Give the page's browser an authenticator, in which somebody's finger always is; what is called to exchange it."""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    made = devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    def exchange() -> None:
        devices.send("WebAuthn.removeVirtualAuthenticator", made)
        made.update(devices.send("WebAuthn.addVirtualAuthenticator", {"options": options}))

    return exchange


@contextmanager
def tab(browser: Browser, base: str, **like: object) -> Iterator[Page]:
    """A fresh visitor's page; ends with an error when a script of ours failed or broke the policy."""
    context = browser.new_context(base_url=base, **like)  # type: ignore[arg-type]
    page, faults = context.new_page(), list[str]()
    page.set_default_timeout(PATIENCE * MILLISECONDS)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    context.close()
    assert not faults, faults


def keep_screenshots(page: Page, what: str) -> None:
    """What it looks like, narrow and wide, light and dark; it is left as it was found."""
    if not SCREENSHOTS:
        return
    found, name = page.viewport_size, re.sub(r"[^a-z0-9]+", "-", what.lower()).strip("-") or "home"
    for size in WIDTHS:
        page.set_viewport_size(size)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{size['width']}-{scheme}.png", full_page=True)
    if found is not None:
        page.set_viewport_size(found)
