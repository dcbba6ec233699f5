"""The system's Chromium, and a deployment on a port for it: fixtures for modules that try pages.

Without Chromium the tests that need it are left out, and one test says so loudly (tests/api/web/test_chromium.py).
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from api.app import create_app
from api.listening import address, listening, server_of
from tests.api.wire import PATIENCE
from tests.deployment import Running
from tests.waiting import until

CHROMIUM = "chromium"
MILLISECONDS = 1000


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
    with listening("127.0.0.1", 0) as listener:
        server = server_of(create_app(deployment.service))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until(lambda: server.started)
            yield address(listener).replace("127.0.0.1", "localhost")
        finally:
            server.should_exit = True
            thread.join()


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
