"""Staff in tests: people who came with a link, each with a browser of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.api.people import begun
from tests.deployment import Running
from tests.simulators.authenticator import Authenticator


@dataclass
class Member:
    """Somebody of the staff, signed in."""

    id: str
    device: Authenticator
    browser: httpx.Client


def form_token(page: httpx.Response) -> str:
    """Of the first form of a page."""
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
    assert found, page.text
    return found[1]


def signing_in(http: httpx.Client, device: Authenticator, after: str = "", token: str = "") -> httpx.Response:
    """Sign in by the form, as a browser with this device does."""
    fields = {
        "form_token": token or form_token(http.get("/sign-in")),
        "passkey": json.dumps(device.get(begun(http, "/sign-ins"))),
        "next": after,
    }
    return http.post("/sign-in", data=fields)


def invited(http: httpx.Client, role: str) -> dict[str, Any]:
    """An invitation, by who may invite."""
    answer = http.post("/v1/staff", json={"role": role})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def joining(browser: httpx.Client, link: str, device: Authenticator) -> httpx.Response:
    """Come with a link and a new passkey."""
    path = httpx.URL(link).path
    fields = {"form_token": form_token(browser.get(path)), "passkey": json.dumps(device.create(begun(browser, "")))}
    return browser.post(path, data=fields)


@contextmanager
def member(up: Running, role: str, by: str) -> Iterator[Member]:
    """One of the staff, invited with this token."""
    device = Authenticator(origin=up.service.registry.people.passkeys.party.origin)
    with up.http(by) as inviter, up.http() as browser:
        invitation = invited(inviter, role)
        answer = joining(browser, invitation["link"], device)
        assert answer.status_code == 303, answer.text
        yield Member(invitation["id"], device, browser)
