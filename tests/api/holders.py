"""Holders of credentials in tests: a key of their own, and what they sign with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from identity.encoding import base64url
from identity.holder_signing import nonce_of
from identity.holding.wallet import HolderKey
from identity.jose.jwk import write_jwk
from identity.sd_jwt import credential as sd_jwt
from identity.sd_jwt.key_binding import Binding
from tests.api.registrants import REGISTRATIONS


@dataclass
class Holder:
    """Somebody with a key, and a credential once they have one."""

    key: HolderKey = field(default_factory=lambda: HolderKey(generate_private_key(SECP256R1())))
    credential: str = ""

    @property
    def jwk(self) -> dict[str, str]:
        return write_jwk(self.key.key)

    def fetch(self, http: httpx.Client, registration: str) -> None:
        """Have a registration's credential signed for the key."""
        body = {"form": "dc+sd-jwt", "holder": self.jwk}
        answer = http.post(f"{REGISTRATIONS}/{registration}/credential", json=body)
        assert answer.status_code == 200, answer.text
        self.credential = answer.json()["credential"]

    def show(self, asked: dict[str, Any], *, shown: str = "", audience: str = "", late: int = 0) -> str:
        """The credential, with a proof over what was asked for."""
        presented = sd_jwt.present(self.credential, [(shown or asked["show"],)])
        binding = Binding(audience or asked["audience"], asked["nonce"])
        return sd_jwt.bind(presented, self.key, binding, datetime.now(UTC) - timedelta(seconds=late))

    def act(self, http: httpx.Client, registration: str, **act: Any) -> httpx.Response:
        """Do something with a registration, known by the credential alone."""
        presentation = self.show(begun(http, registration, **act))
        return http.post(acts(registration), json={"act": act, "presentation": presentation})


def acts(registration: str) -> str:
    return f"{REGISTRATIONS}/{registration}/acts"


def begun(http: httpx.Client, registration: str, **act: Any) -> dict[str, Any]:
    """What is asked for, which commits to what is done."""
    answer = http.post(f"{acts(registration)}/options", json=act)
    assert answer.status_code == 202, answer.text
    asked: dict[str, Any] = answer.json()
    random, statement = base64url.decode(asked["random"], "random"), asked["statement"].encode()
    assert asked["nonce"] == nonce_of(registration, random, statement)
    return asked
