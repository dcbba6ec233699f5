"""What a tool carries away from a likeness check: a JWT of minutes, bound to what was asked, naming nobody.

Rules
- It says the answer, the declared purpose, a commitment to the picture that was shown, which tool asked, and that
  tool's nonce; nothing of a face or a person. Its `jti` is the check's entry, of which anyone can have the receipt.
- Only an allowed one goes into a manifest, of the tool that it was given to.
- It speaks of the picture that was shown. Of what a tool made out of it, or without it, it proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cases.errors import LikenessTokenError
from cases.likeness.answers import Answer, Checked
from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.issuing.issuer import Issuer
from identity.jose.jws import read_jws, verify_jws
from identity.jose.lifetime import check_lifetime
from keys.clock import Clock
from ledger.entry import format_time
from provenance.request import LikenessCheck

TYPE: Final = "likeness-check+jwt"
LASTS: Final = timedelta(minutes=10)
"""Long enough to generate a film; a token is asked for, used and gone."""

MAX_TOKEN: Final = 4096


@dataclass(frozen=True)
class Tokens:
    """Signs and reads them. Safe to call from many threads."""

    issuer: Callable[[], Issuer]
    """Raises IssuerUnnamedError, KeyStoreUnavailableError, KeyNotFoundError."""

    clock: Clock

    def of(self, checked: Checked, tool: str) -> str:
        """The token of a check; whoever asks again for the same one gets one that ends when the first did.

        Raises as `issuer`.
        """
        issuer, at = self.issuer(), checked.at // 1000
        times = {"iat": at, "exp": at + int(LASTS.total_seconds()), "jti": checked.entry}
        bound = {"tool": tool, "nonce": checked.nonce, "commitment": checked.commitment}
        said = {"answer": checked.answer, "purpose": checked.use}
        return issuer.token(TYPE, {"iss": issuer.did, **times, **bound, **said})

    def read(self, token: str, tool: str) -> LikenessCheck:
        """What a tool brings to have it put into a manifest. Raises LikenessTokenError, and as `issuer`."""
        if len(token) > MAX_TOKEN:
            raise LikenessTokenError(f"it is longer than {MAX_TOKEN} characters")
        issuer = self.issuer()
        try:
            jws = read_jws(token, TYPE)
            verify_jws(jws, issuer.p256.key)
            check_lifetime(jws.payload, self.clock(), "iat", "exp")
        except (TokenInvalidError, TokenUnreadableError) as error:
            raise LikenessTokenError(str(error)) from error
        claims = jws.payload
        for name, expected in (("iss", issuer.did), ("tool", tool), ("answer", Answer.ALLOWED)):
            if claims.get(name) != expected:
                raise LikenessTokenError(f"its {name} is not {expected}")
        entry, purpose, commitment = (str(claims.get(name, "")) for name in ("jti", "purpose", "commitment"))
        began = claims["iat"]
        assert isinstance(began, int | float)
        return LikenessCheck(token, entry, purpose, commitment, format_time(int(began * 1000)))


def expires_at(checked: Checked) -> int:
    """When its token ends, Unix milliseconds."""
    return checked.at // 1000 * 1000 + LASTS // timedelta(milliseconds=1)
