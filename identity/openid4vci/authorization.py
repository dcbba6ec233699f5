"""Authorisation requests: a wallet asks, the person who was invited says yes (RFC 6749, section 4.1; RFC 7636).

Rules
- Who authorises is whoever has both the offer (`issuer_state`) and the login code, which the platform shows to the
  account that the offer is for. There are no passwords here, and no sessions.
- PKCE with S256, always. The code goes to the redirect_uri of the very request that the person saw.
- Wallets are not registered, so nothing is ever sent to an address that nobody authorised: what is wrong is said to
  the person, not to a redirect_uri (RFC 9700, section 4.11.2).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from identity.errors import OfferGoneError, WalletRefusedError
from identity.openid4vci.faults import Fault
from identity.openid4vci.offers import Offer, Offers, Stage
from identity.openid4vci.parameters import required

CODE_LASTS: Final = timedelta(minutes=2)
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
"""A SHA-256 in base64url."""

PARAMETERS: Final = (
    "response_type",
    "client_id",
    "redirect_uri",
    "code_challenge",
    "code_challenge_method",
    "issuer_state",
    "scope",
    "state",
)
"""What we read of a request."""

ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]+", re.ASCII)
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
NO_WALLET: Final = frozenset(
    {"about", "blob", "data", "file", "filesystem", "ftp", "javascript", "vbscript", "ws", "wss"}
)
"""Schemes that a browser takes for itself; any other is some app's."""


@dataclass(frozen=True)
class AuthorizationRequest:
    """What a wallet asks, in good form."""

    issuer_state: str
    client: str
    redirect: str
    challenge: str
    scope: str
    state: str | None

    @property
    def destination(self) -> str:
        """Where the code goes, for the person to judge: a host, or the scheme of an app."""
        parts = urlsplit(self.redirect)
        return parts.hostname or f"{parts.scheme}:"


def read_request(parameters: Mapping[str, str]) -> AuthorizationRequest:
    """Raises WalletRefusedError."""
    if required(parameters, "response_type") != "code":
        raise WalletRefusedError(Fault.UNSUPPORTED_RESPONSE, "response_type is code")
    if required(parameters, "code_challenge_method") != "S256":
        raise WalletRefusedError(Fault.INVALID_REQUEST, "code_challenge_method is S256")
    challenge, redirect = required(parameters, "code_challenge"), required(parameters, "redirect_uri")
    if not CHALLENGE.fullmatch(challenge):
        raise WalletRefusedError(Fault.INVALID_REQUEST, "code_challenge is a SHA-256 in base64url")
    if not _is_wallets(redirect):
        raise WalletRefusedError(
            Fault.INVALID_REQUEST, "redirect_uri is https, http on this machine, or the scheme of an app; no fragment"
        )
    return AuthorizationRequest(
        required(parameters, "issuer_state"),
        required(parameters, "client_id"),
        redirect,
        challenge,
        parameters.get("scope", ""),
        parameters.get("state"),
    )


@dataclass(frozen=True)
class Authorizations:
    """The authorisation endpoint."""

    issuer: str
    offers: Offers

    def asked(self, request: AuthorizationRequest) -> Offer:
        """The offer that a request is about, for the person to see. Raises WalletRefusedError."""
        try:
            offer = self.offers.open(request.issuer_state, Stage.INVITED)
        except OfferGoneError as error:
            raise _gone() from error
        if set(request.scope.split()) - {offer.contents.configuration}:
            raise WalletRefusedError(Fault.INVALID_SCOPE, "the offer is for another scope")
        return offer

    def authorise(self, request: AuthorizationRequest, login_code: str) -> str:
        """The address to send the person back to, with the code. Raises WalletRefusedError."""
        offer = self.asked(request)
        contents = replace(
            offer.contents, typed="", client=request.client, redirect=request.redirect, challenge=request.challenge
        )
        try:
            if not hmac.compare_digest(login_code.encode(), offer.contents.typed.encode()):
                self.offers.miss(offer)
            code = self.offers.advance(offer, Stage.AUTHORISED, contents, CODE_LASTS)
        except OfferGoneError as error:
            raise _gone() from error
        state = {} if request.state is None else {"state": request.state}
        return _with(request.redirect, {"code": code, **state, "iss": self.issuer})


def _gone() -> WalletRefusedError:
    """Alike for a wrong code and an offer that is no more."""
    return WalletRefusedError(
        Fault.INVALID_REQUEST, "the login code is wrong, or the offer was used, withdrawn or has ended"
    )


def _is_wallets(redirect: str) -> bool:
    if not ADDRESS.fullmatch(redirect) or "#" in redirect:
        return False
    try:
        parts = urlsplit(redirect)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme in {"http", "https"}:
        return bool(host) and parts.username is None and (parts.scheme == "https" or host in LOOPBACK)
    return parts.scheme not in NO_WALLET


def _with(address: str, added: Mapping[str, str]) -> str:
    parts: SplitResult = urlsplit(address)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *added.items()])
    return urlunsplit(parts._replace(query=query))
