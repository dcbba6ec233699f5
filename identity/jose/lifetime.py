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
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_SECONDS:
        raise TokenInvalidError(Check.VALIDITY, f"{name} is not a number of seconds")
    return value


def check_lifetime(claims: Mapping[str, object], now: datetime, *required: str) -> None:
    """Raises TokenInvalidError when the token has ended, has not begun, or lacks one of the times `required`."""
    moment = now.timestamp()
    times = {name: seconds(claims, name) for name in ("iat", "nbf", "exp")}
    missing = [name for name in required if times[name] is None]
    if missing:
        raise TokenInvalidError(Check.VALIDITY, f"the token does not say {missing[0]}")
    for name in ("iat", "nbf"):
        begins = times[name]
        if begins is not None and begins > moment + LEEWAY:
            raise TokenInvalidError(Check.VALIDITY, f"the token is not valid yet ({name})")
    if times["exp"] is not None and times["exp"] <= moment:
        raise TokenInvalidError(Check.VALIDITY, "the token has expired (exp)")
