"""Logging in elsewhere: an identity provider says that somebody is who they were there before.

The platform sends the person to the
provider and takes them back: its page is the redirect address, and its session says whose login it is. So nobody's
login can be put under another's account without that platform (docs/adr/0019).

Rules
- The request's id is the `state`. Nonce and verifier are random, and sealed under the account's key.
- What is kept of a login is which provider, and an HMAC of its name there; the tokens are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from identity.assurance.account import Accounts, Actor
from identity.assurance.code_flow import SECRET_BYTES, Attempt, Exchange, authorization_url, subject_of
from identity.assurance.errors import ProviderUnknownError
from identity.assurance.evidence import Found
from identity.assurance.grants import Granted, Grants
from identity.assurance.provider import Directory
from identity.assurance.requests import Request, Requests, Wanted
from identity.assurance.tier import EvidenceKind
from identity.encoding import base64url
from ledger.ids import SubjectId

LASTS: Final = timedelta(minutes=15)
LOGINS: Final = (EvidenceKind.LOGIN, EvidenceKind.PUBLIC_ACCOUNT)


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
        client = directory.client
        directory.endpoints()  # one that cannot be had begins nothing
        subject = self.accounts.subject(by.tenant, account)
        nonce, verifier = (base64url.encode(self.accounts.entropy(SECRET_BYTES)) for _ in range(2))
        region = self.requests.policy.region_of(country)
        wanted = Wanted(client.evidence, region, provider, nonce=nonce, verifier=verifier)
        request = self.requests.begin(by, subject, wanted, LASTS)
        return Begun(request, authorization_url(directory, _attempt(request)))

    def complete(self, by: Actor, account: SubjectId, request: str, code: str, issuer: str = "") -> Granted:
        """Take what the provider sent the person back with; `issuer` is its `iss` (RFC 9207), where it sent one.

        Raises EvidenceUnaskedError, RequestEndedError, EvidenceRefusedError, ProviderUnavailableError, and as
        `Grants.grant`.
        """
        found = self.requests.find(by.tenant, account, request, *LOGINS)
        self.requests.require_open(found)
        directory, wanted = self._directory(found.wanted.provider), found.wanted
        client, now = directory.client, self.accounts.clock()
        subject = subject_of(directory, self.exchange, _attempt(found), code, issuer, now)
        mark = self.accounts.mark(by.tenant, "login", client.issuer, subject)
        shown = Found(wanted.kind, client.name, wanted.region, mark, request)
        return self.grants.grant(by, found.account, shown, partial(self.requests.complete, request=found))

    def _directory(self, provider: str) -> Directory:
        if provider not in self.providers:
            raise ProviderUnknownError(
                f"there is no identity provider {provider!r} here; GET /v1/assurance/policy names all"
            )
        return self.providers[provider]


def _attempt(request: Request) -> Attempt:
    return Attempt(request.id, request.wanted.nonce, request.wanted.verifier)
