"""The token endpoint: a code for an access token (OpenID4VCI 1.0, section 6; RFC 6749, section 4.1.3; RFC 7636).

Rules
- A code works once; so does the token, which is good for the one credential request that succeeds.
- A wrong transaction code or verifier counts against the offer, and is answered as a code that is none.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from identity.encoding import base64url
from identity.errors import OfferGoneError, WalletRefusedError
from identity.openid4vci.faults import Fault
from identity.openid4vci.offers import Contents, Offer, Offers, Stage
from identity.openid4vci.parameters import required

AUTHORISED: Final = "authorization_code"
PRE_AUTHORISED: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
TOKEN_LASTS: Final = timedelta(minutes=5)
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


@dataclass(frozen=True)
class Tokens:
    """The token endpoint."""

    offers: Offers

    def exchange(self, parameters: Mapping[str, str]) -> dict[str, object]:
        """The token response. Raises WalletRefusedError."""
        grant = required(parameters, "grant_type")
        if grant == PRE_AUTHORISED:
            return self._exchanged(required(parameters, "pre-authorized_code"), Stage.OFFERED, _typed, parameters)
        if grant == AUTHORISED:
            return self._exchanged(required(parameters, "code"), Stage.AUTHORISED, _requested, parameters)
        raise WalletRefusedError(Fault.UNSUPPORTED_GRANT, f"grant_type is {AUTHORISED} or {PRE_AUTHORISED}")

    def _exchanged(
        self,
        code: str,
        stage: Stage,
        entitled: Callable[[Contents, Mapping[str, str]], bool],
        parameters: Mapping[str, str],
    ) -> dict[str, object]:
        try:
            offer = self.offers.open(code, stage)
            if not entitled(offer.contents, parameters):
                self.offers.miss(offer)
            token = self.offers.advance(offer, Stage.GRANTED, _granted(offer, parameters), TOKEN_LASTS)
        except OfferGoneError as error:
            raise WalletRefusedError(
                Fault.INVALID_GRANT, "the code was used, has ended, or goes with another wallet or transaction code"
            ) from error
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LASTS.total_seconds()),
            "scope": offer.contents.configuration,
        }


def _typed(contents: Contents, parameters: Mapping[str, str]) -> bool:
    """Whether the transaction code is right. Raises WalletRefusedError for one that is missing, or not asked for."""
    said = parameters.get("tx_code", "")
    if bool(said) != bool(contents.typed):
        wanted = "tx_code is missing" if contents.typed else "no tx_code goes with this offer"
        raise WalletRefusedError(Fault.INVALID_REQUEST, wanted)
    return hmac.compare_digest(said.encode(), contents.typed.encode())


def _requested(contents: Contents, parameters: Mapping[str, str]) -> bool:
    """Whether it was this wallet that asked for the code. Raises WalletRefusedError for what is missing."""
    verifier = required(parameters, "code_verifier")
    challenge = base64url.encode(hashlib.sha256(verifier.encode()).digest())
    same = (
        (challenge, contents.challenge),
        (required(parameters, "redirect_uri"), contents.redirect),
        (required(parameters, "client_id"), contents.client),
    )
    return bool(VERIFIER.fullmatch(verifier)) and all(
        hmac.compare_digest(said.encode(), meant.encode()) for said, meant in same
    )


def _granted(offer: Offer, parameters: Mapping[str, str]) -> Contents:
    client = parameters.get("client_id", "")
    return replace(offer.contents, typed="", client=client, redirect="", challenge="")
