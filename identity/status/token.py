"""Token Status Lists as signed tokens, and what a credential says about its place in one (IETF Token Status List).

Rules
- A list is about the URI that it was fetched from (`sub`), signed, of type `statuslist+jwt`, and not expired.
- A credential that names no list, and one whose list cannot be had or does not hold, are different things: the first is
  None, the second an error, and who verifies decides what that means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.jose.jwk import PublicKey
from identity.jose.jws import read_jws, verify_jws
from identity.jose.lifetime import check_lifetime, seconds
from identity.outcome import Check
from identity.status.status_list import TOKEN, StatusList, decode

TYPE: Final = "statuslist+jwt"


class Status(IntEnum):
    """Statuses that every verifier understands (section 7.1). Any other number is the issuer's own, and not valid."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


@dataclass(frozen=True)
class Reference:
    """Where a credential's status is."""

    uri: str
    place: int


@dataclass(frozen=True)
class PublishedList:
    """A list that holds, and until when it may be kept."""

    statuses: StatusList
    fresh_until: float | None
    """Seconds since 1970, the earlier of `exp` and `iat` + `ttl`; None where the list says neither."""


def reference(claims: Mapping[str, object]) -> Reference | None:
    """The credential's place in a token status list; None where it claims no status.

    Raises TokenUnreadableError for a status that is not understood: passing over it would accept what was revoked.
    """
    if "status" not in claims:
        return None
    match claims["status"]:
        case {"status_list": {"uri": str(uri), "idx": int(place)}} if place >= 0 and not isinstance(place, bool):
            return Reference(uri, place)
    raise TokenUnreadableError("the credential's status is not a place in a token status list")


def list_payload(statuses: StatusList, uri: str, now: datetime, life: timedelta, keep: timedelta) -> dict[str, object]:
    """What to sign, of TYPE, and publish at `uri`: believed for `life`, kept by who fetched it for `keep`."""
    if statuses.form is not TOKEN:
        raise ValueError("the list is of another form")
    issued = int(now.timestamp())
    return {
        "sub": uri,
        "iat": issued,
        "exp": issued + int(life.total_seconds()),
        "ttl": int(keep.total_seconds()),
        "status_list": {"bits": statuses.width, "lst": statuses.encode()},
    }


def read_list(token: str, uri: str, key: PublicKey, now: datetime) -> PublishedList:
    """The list in a token that was fetched from `uri`. Raises TokenUnreadableError, TokenInvalidError."""
    jws = read_jws(token, TYPE)
    verify_jws(jws, key)
    if jws.payload.get("sub") != uri:
        raise TokenInvalidError(Check.SUBJECT, "the status list is about another URI")
    check_lifetime(jws.payload, now, "iat")
    return PublishedList(_statuses(jws.payload.get("status_list")), _fresh_until(jws.payload))


def _statuses(listed: object) -> StatusList:
    match listed:
        case {"bits": int(width), "lst": str(text)} if not isinstance(width, bool):
            return decode(TOKEN, text, width)
    raise TokenUnreadableError("a status list is a width (bits) and a list (lst)")


def _fresh_until(payload: Mapping[str, object]) -> float | None:
    issued, ends, keep = (seconds(payload, name) for name in ("iat", "exp", "ttl"))
    if keep is not None and keep <= 0:
        raise TokenInvalidError(Check.VALIDITY, "ttl is not a positive number of seconds")
    return min(
        (end for end in (ends, None if issued is None or keep is None else issued + keep) if end is not None),
        default=None,
    )
