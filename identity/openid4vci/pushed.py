"""Authorisation requests that a wallet pushes to us first, so that its person's browser carries a reference (RFC 9126).

Rules
- Nothing is kept: the reference is the request itself, sealed under our key, with its end.
- What is pushed is checked as it comes. It is the request of that one client, and says all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from identity.encoding import base64url
from identity.encoding.strict_json import read_object, write_json
from identity.errors import TokenUnreadableError, WalletRefusedError
from identity.openid4vci.authorization import PARAMETERS, read_request
from identity.openid4vci.faults import Fault
from identity.openid4vci.parameters import MAX_CHARACTERS, required
from keys.clock import Clock, Entropy
from keys.errors import SealBrokenError
from keys.sealing import seal, unseal
from ledger.ids import milliseconds

LASTS: Final = timedelta(minutes=2)
URN: Final = "urn:ietf:params:oauth:request_uri:"
ENDS: Final = "ends"
_ASSOCIATED: Final = b"openid4vci/v1/pushed"


@dataclass(frozen=True)
class PushedRequests:
    """The pushed authorisation request endpoint."""

    key: Callable[[], bytes]
    """32 bytes, the same in every process. Raises KeyStoreUnavailableError."""

    clock: Clock
    entropy: Entropy

    def push(self, parameters: Mapping[str, str]) -> dict[str, object]:
        """The answer to a wallet's push. Raises WalletRefusedError, and what `key` raises."""
        read_request(parameters)
        kept: dict[str, object] = {name: parameters[name] for name in PARAMETERS if name in parameters}
        ends = milliseconds(self.clock() + LASTS)
        sealed = seal(self.key(), write_json({**kept, ENDS: ends}), _ASSOCIATED, self.entropy)
        reference = URN + base64url.encode(sealed)
        if len(reference) > MAX_CHARACTERS:
            raise WalletRefusedError(Fault.INVALID_REQUEST, "the request is too long: shorten redirect_uri or state")
        return {"request_uri": reference, "expires_in": int(LASTS.total_seconds())}

    def pulled(self, parameters: Mapping[str, str]) -> Mapping[str, str]:
        """What a browser brings: what was pushed, where it brings a reference to it. Raises WalletRefusedError."""
        if "request_uri" not in parameters:
            return parameters
        try:
            sealed = base64url.decode(parameters["request_uri"].removeprefix(URN), "the request_uri")
            kept = read_object(unseal(self.key(), sealed, _ASSOCIATED), "the request")
        except (TokenUnreadableError, SealBrokenError):
            raise _refused() from None
        ends = kept.pop(ENDS)
        assert isinstance(ends, int)
        if ends <= milliseconds(self.clock()) or kept["client_id"] != required(parameters, "client_id"):
            raise _refused()
        return {name: str(value) for name, value in kept.items()}


def _refused() -> WalletRefusedError:
    return WalletRefusedError(Fault.INVALID_REQUEST, "the request_uri is none of ours, of another client, or has ended")
