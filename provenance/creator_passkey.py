"""What a creator signs with a passkey: an authenticator's answer to a challenge, the SHA-256 of their statement.

Rules
- Nothing of it is ours to say: whoever has the statement, the answer and the key verifies it offline.
- The person was verified (a PIN, a finger, a face), on a page of the host that the passkey is of, in no frame.

W3C Web Authentication Level 3, sections 5.8.1, 6.1 and 7.2.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, with_config

MAX_ANSWER: Final = 8192
"""Characters of either part in base64; browsers' have some hundred."""

_HEAD: Final = 37
"""Bytes: hash of the relying party's id, flags, counter."""

_PRESENT: Final = 0x01
_VERIFIED: Final = 0x04

Base64 = Annotated[str, Field(strict=True, max_length=MAX_ANSWER, pattern="^[A-Za-z0-9+/]+={0,2}$")]


class PasskeyAnswerError(ValueError):
    """It is no answer to this challenge; the text says why."""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class PasskeyAnswer:
    """What an authenticator and its browser said, in base64; the signature is over both."""

    authenticator_data: Base64
    client_data: Base64
    """`clientDataJSON`, byte for byte."""

    def signed_over(self, statement: bytes) -> bytes:
        """The bytes that the signature is over, where this answers the statement. Raises PasskeyAnswerError."""
        try:
            data, client = (
                base64.b64decode(part, validate=True) for part in (self.authenticator_data, self.client_data)
            )
            said = json.loads(client, object_pairs_hook=_each_once)
        except (binascii.Error, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise PasskeyAnswerError("the passkey's answer cannot be read") from error
        if not isinstance(said, dict) or len(data) < _HEAD:
            raise PasskeyAnswerError("the passkey's answer cannot be read")
        _require(said, data, challenge_of(statement))
        return data + hashlib.sha256(client).digest()


def challenge_of(statement: bytes) -> bytes:
    """What the authenticator is asked to answer."""
    return hashlib.sha256(statement).digest()


def _require(said: dict[str, Any], data: bytes, challenge: bytes) -> None:
    expected = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
    if said.get("type") != "webauthn.get" or said.get("challenge") != expected:
        raise PasskeyAnswerError("the passkey answered something else")
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        raise PasskeyAnswerError("it was made on a page inside another one")
    if hashlib.sha256(_host(said.get("origin")).encode()).digest() != data[:32]:
        raise PasskeyAnswerError("the page was not one of the host that the passkey is of")
    if not data[32] & _PRESENT or not data[32] & _VERIFIED:
        raise PasskeyAnswerError("the authenticator did not verify its user")


def _host(origin: object) -> str:
    try:
        return urlsplit(origin).hostname or "" if isinstance(origin, str) else ""
    except ValueError:
        return ""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member stands twice")
    return found
