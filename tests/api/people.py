"""People in tests: each with a device of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.deployment import Running
from tests.simulators.authenticator import Authenticator

PEOPLE = "/v1/people"


@dataclass
class Somebody:
    """A person who is signed in."""

    account: str
    passkey: str
    token: str
    device: Authenticator
    http: httpx.Client


def begun(http: httpx.Client, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The options of a ceremony."""
    answer = http.post(PEOPLE + path, json=body)
    assert answer.status_code == 202, answer.text
    options: dict[str, Any] = answer.json()["publicKey"]
    return options


def taken(answer: httpx.Response) -> dict[str, Any]:
    """What a ceremony ended with."""
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@contextmanager
def somebody(up: Running, device: Authenticator | None = None) -> Iterator[Somebody]:
    """A person with an account of their own."""
    device = device or Authenticator()
    with up.http() as stranger:
        opened = taken(stranger.post(PEOPLE + "/accounts", json=device.create(begun(stranger, ""))))
    with up.http(opened["token"]) as http:
        yield Somebody(opened["account"], opened["passkey"], opened["token"], device, http)


def signed_in(up: Running, device: Authenticator) -> str:
    """A fresh token for whoever has this device."""
    with up.http() as http:
        return str(taken(http.post(PEOPLE + "/tokens", json=device.get(begun(http, "/sign-ins"))))["token"])
