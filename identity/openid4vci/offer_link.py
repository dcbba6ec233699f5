"""An offer as a wallet gets it: by value, or as an address where it is (OpenID4VCI 1.0, section 4.1).

Rules
- Both lead to one code: it is derived from the name in the address, so that the address can be answered without the
  code being kept.
- A code to be typed goes another way than the link: whoever sees the link alone gets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from identity.encoding import base64url
from identity.encoding.strict_json import write_json
from identity.openid4vci.offers import Contents, Stage
from identity.openid4vci.token import AUTHORISED, PRE_AUTHORISED
from keys.clock import Entropy
from keys.sealing import derive

SCHEME: Final = "openid-credential-offer://"
TYPED_DIGITS: Final = 6
"""Of a transaction or login code: with `offers.MAX_TRIES`, one chance in 200,000."""


@dataclass(frozen=True)
class OfferLink:
    """How a wallet gets at an offer."""

    issuer: str
    handle: str = field(repr=False)
    """The name in the address; a secret."""

    stage: Stage
    contents: Contents

    @property
    def code(self) -> str:
        """The pre-authorised code, or the issuer_state."""
        return code_of(self.handle)

    @property
    def document(self) -> dict[str, object]:
        """The credential offer."""
        return {
            "credential_issuer": self.issuer,
            "credential_configuration_ids": [self.contents.configuration],
            "grants": self._grants(),
        }

    @property
    def by_value(self) -> str:
        """The link that holds the whole offer."""
        return f"{SCHEME}?{urlencode({'credential_offer': write_json(self.document).decode()})}"

    @property
    def by_reference(self) -> str:
        """The short link, for a QR code."""
        address = f"{self.issuer}/openid4vci/offers/{self.handle}"
        return f"{SCHEME}?{urlencode({'credential_offer_uri': address})}"

    def _grants(self) -> dict[str, object]:
        if self.stage is Stage.INVITED:
            return {AUTHORISED: {"issuer_state": self.code}}
        grant: dict[str, object] = {"pre-authorized_code": self.code}
        if self.contents.typed:
            grant["tx_code"] = {
                "input_mode": "numeric",
                "length": len(self.contents.typed),
                "description": "The code that goes with this offer",
            }
        return {PRE_AUTHORISED: grant}


def code_of(handle: str) -> str:
    """The code of the offer at that address."""
    return base64url.encode(derive(handle.encode(), "openid4vci/v1/code"))


def new_typed(entropy: Entropy) -> str:
    """A code for people to type."""
    return f"{int.from_bytes(entropy(8)) % 10**TYPED_DIGITS:0{TYPED_DIGITS}}"
