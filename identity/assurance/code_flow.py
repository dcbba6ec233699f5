"""Logging in at an identity provider: where to send somebody, and who it was that came back.

Authorisation code with PKCE (RFC 6749, RFC 7636; OpenID Connect Core 1.0, section 3.1). Whoever begins a login keeps
its three secrets, and sees to it that only who began it completes it.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote_plus, urlencode

from identity.assurance.errors import EvidenceRefusedError, ProviderUnavailableError
from identity.assurance.id_token import check_id_token
from identity.assurance.provider import Client, Directory
from identity.encoding import base64url
from identity.encoding.strict_json import read_object
from identity.errors import TokenUnreadableError

SECRET_BYTES: Final = 32

Exchange = Callable[[str, bytes, Mapping[str, str]], bytes]
"""What a token endpoint answers to a form. Raises EvidenceRefusedError where it refuses, ProviderUnavailableError."""


@dataclass(frozen=True)
class Attempt:
    """One login under way."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


def authorization_url(directory: Directory, attempt: Attempt) -> str:
    """Where to send somebody. Raises ProviderUnavailableError."""
    endpoint, client = directory.endpoints().authorization, directory.client
    challenge = base64url.encode(hashlib.sha256(attempt.verifier.encode()).digest())
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": "openid",
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def subject_of(
    directory: Directory, exchange: Exchange, attempt: Attempt, code: str, issuer: str, now: datetime
) -> str:
    """The provider's own name for who came back with `code`; `issuer` is its `iss` (RFC 9207), where it sent one.

    Raises EvidenceRefusedError, ProviderUnavailableError.
    """
    if issuer and issuer != directory.client.issuer:
        raise EvidenceRefusedError("another provider than was asked has answered (iss)")
    token = _id_token(directory, exchange, code, attempt.verifier)
    return check_id_token(token, directory, attempt.nonce, now)


def _id_token(directory: Directory, exchange: Exchange, code: str, verifier: str) -> str:
    client = directory.client
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": verifier,
    }
    form |= {} if client.client_secret else {"client_id": client.client_id}
    answer = exchange(directory.endpoints().token, urlencode(form).encode(), _headers(client))
    try:
        token = read_object(answer, "the provider's answer").get("id_token")
    except TokenUnreadableError as error:
        raise ProviderUnavailableError(f"{client.name}: {error}") from error
    if not isinstance(token, str):
        raise ProviderUnavailableError(f"{client.name} answers without an ID token")
    return token


def _headers(client: Client) -> dict[str, str]:
    """Of a form; the secret, where there is one, goes as RFC 6749, section 2.3.1 has it."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    if not client.client_secret:
        return kind
    named = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    return {**kind, "Authorization": f"Basic {b64encode(named.encode()).decode()}"}
