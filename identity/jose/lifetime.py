"""When a token may be believed: `iat`, `nbf` and `exp` (RFC 7519, section 4.1).

Rules
- A token has an end: one without `exp` is refused where `exp` is asked for, which is everywhere a credential is.
- The end is exact. A beginning may lie LEEWAY ahead, because the issuer's clock may.
- Seconds since 1970 are compared as numbers: no date that a calendar cannot hold is ever made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from identity.encoding.date_time import AHEAD
from identity.errors import TokenInvalidError
from identity.outcome import Check

LEEWAY: Final = int(AHEAD.total_seconds())

MAX_SECONDS: Final = 2**53
"""Beyond, two readers of JSON would see two numbers."""


def seconds(claims: Mapping[str, object], name: str) -> float | None:
    """A NumericDate; None where there is none. Raises TokenInvalidError for anything else."""
    return _read(claims[name], name) if name in claims else None


def _read(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_SECONDS:
        raise TokenInvalidError(Check.VALIDITY, f"{name} is not a number of seconds")
    return value


def check_lifetime(claims: Mapping[str, object], now: datetime, *required: str) -> None:
    """Raises TokenInvalidError when the token has ended, has not begun, or lacks one of the times `required`."""
    moment = now.timestamp()
    for name in required:
        if name not in claims:
            raise TokenInvalidError(Check.VALIDITY, f"the token does not say {name}")
    for name in ("iat", "nbf"):
        if name in claims and _read(claims[name], name) > moment + LEEWAY:
            raise TokenInvalidError(Check.VALIDITY, f"the token is not valid yet ({name})")
    if "exp" in claims and _read(claims["exp"], "exp") <= moment:
        raise TokenInvalidError(Check.VALIDITY, "the token has expired (exp)")
