"""Logging in elsewhere: an identity provider says that somebody is who they were there before.

Authorisation code with PKCE (RFC 6749, RFC 7636; OpenID Connect Core 1.0). The platform sends the person to the
provider and takes them back: its page is the redirect address, and its session says whose login it is. So nobody's
login can be put under another's account without that platform (docs/adr/0019).

Rules
- The request's id is the `state`. Nonce and verifier are random, and sealed under the account's key.
- What is kept of a login is which provider, and an HMAC of its name there; the tokens are dropped.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import quote_plus, urlencode

from identity.assurance.account import Accounts, Actor
from identity.assurance.errors import EvidenceRefusedError, ProviderUnavailableError, ProviderUnknownError
from identity.assurance.evidence import Found
from identity.assurance.grants import Granted, Grants
from identity.assurance.id_token import check_id_token
from identity.assurance.provider import Client, Directory
from identity.assurance.requests import Request, Requests, Wanted
from identity.assurance.tier import EvidenceKind
from identity.encoding import base64url
from identity.encoding.strict_json import read_object
from identity.errors import TokenUnreadableError
from ledger.ids import SubjectId

LASTS: Final = timedelta(minutes=15)
SECRET_BYTES: Final = 32
LOGINS: Final = (EvidenceKind.LOGIN, EvidenceKind.PUBLIC_ACCOUNT)

Exchange = Callable[[str, bytes, Mapping[str, str]], bytes]
"""What a token endpoint answers to a form. Raises EvidenceRefusedError where it refuses, ProviderUnavailableError."""


@dataclass(frozen=True)
class Begun:
    """A login under way."""

    request: Request
    url: str
    """Where to send the person."""


@dataclass(frozen=True)
class Logins:
    """The adapter. Safe to call from many threads."""

    accounts: Accounts
    requests: Requests
    grants: Grants
    providers: Mapping[str, Directory]
    """By name."""

    exchange: Exchange

    def begin(self, by: Actor, account: SubjectId, provider: str, country: str) -> Begun:
        """Begin a login. Raises ProviderUnknownError, ProviderUnavailableError, and as `Requests.begin`."""
        directory = self._directory(provider)
        client, endpoints = directory.client, directory.endpoints()
        subject = self.accounts.subject(by.tenant, account)
        nonce, verifier = (base64url.encode(self.accounts.entropy(SECRET_BYTES)) for _ in range(2))
        region = self.requests.policy.region_of(country)
        wanted = Wanted(client.evidence, region, provider, nonce=nonce, verifier=verifier)
        request = self.requests.begin(by, subject, wanted, LASTS)
        return Begun(request, _link(client, endpoints.authorization, request))

    def complete(self, by: Actor, account: SubjectId, request: str, code: str, issuer: str = "") -> Granted:
        """Take what the provider sent the person back with; `issuer` is its `iss` (RFC 9207), where it sent one.

        Raises EvidenceUnaskedError, RequestEndedError, EvidenceRefusedError, ProviderUnavailableError, and as
        `Grants.grant`.
        """
        found = self.requests.find(by.tenant, account, request, *LOGINS)
        self.requests.require_open(found)
        directory, wanted = self._directory(found.wanted.provider), found.wanted
        client = directory.client
        if issuer and issuer != client.issuer:
            raise EvidenceRefusedError("another provider than was asked has answered (iss)")
        token = self._id_token(directory, code, wanted.verifier)
        subject = check_id_token(token, directory, wanted.nonce, self.accounts.clock())
        mark = self.accounts.mark(by.tenant, "login", client.issuer, subject)
        shown = Found(wanted.kind, client.name, wanted.region, mark, request)
        return self.grants.grant(by, found.account, shown, partial(self.requests.complete, request=found))

    def _id_token(self, directory: Directory, code: str, verifier: str) -> str:
        client = directory.client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": verifier,
        }
        form |= {} if client.client_secret else {"client_id": client.client_id}
        answer = self.exchange(directory.endpoints().token, urlencode(form).encode(), _headers(client))
        try:
            token = read_object(answer, "the provider's answer").get("id_token")
        except TokenUnreadableError as error:
            raise ProviderUnavailableError(f"{client.name}: {error}") from error
        if not isinstance(token, str):
            raise ProviderUnavailableError(f"{client.name} answers without an ID token")
        return token

    def _directory(self, provider: str) -> Directory:
        if provider not in self.providers:
            raise ProviderUnknownError(
                f"there is no identity provider {provider!r} here; GET /v1/assurance/policy names all"
            )
        return self.providers[provider]


def _link(client: Client, endpoint: str, request: Request) -> str:
    challenge = base64url.encode(hashlib.sha256(request.wanted.verifier.encode()).digest())
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": "openid",
        "state": request.id,
        "nonce": request.wanted.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def _headers(client: Client) -> dict[str, str]:
    """Of a form; the secret, where there is one, goes as RFC 6749, section 2.3.1 has it."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    if not client.client_secret:
        return kind
    named = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    return {**kind, "Authorization": f"Basic {b64encode(named.encode()).decode()}"}
