"""Looking a token's status up in the Token Status List it names: the list is a token, verified as one.

Who calls says whose key a list is believed under: of the credential's own issuer, for whose word it is. A list that
cannot be had is *unchecked*, which is for policy to decide; one by a stranger *untrusted*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from identity.errors import (
    CheckFailedError,
    DidError,
    DidUnreachableError,
    IssuerUntrustedError,
    StatusError,
    TokenInvalidError,
    TokenUnreadableError,
)
from identity.jose.jwk import PublicKey
from identity.jose.jws import read_jws
from identity.outcome import Check, Outcome
from identity.status.token import TYPE, Reference, Status, read_list, reference

Fetch: TypeAlias = Callable[[str], bytes | None]
"""From a list's URL to the token published there; None where it cannot be had now."""

ListKey: TypeAlias = Callable[[Mapping[str, object]], PublicKey]
"""The key of a list by its header, not verified yet. Raises IssuerUntrustedError, DidError's kinds."""

_WORDS: Final[Mapping[int, str]] = {Status.INVALID: "revoked", Status.SUSPENDED: "suspended"}


def token_status(fetch: Fetch, key: ListKey, now: datetime) -> Callable[[object], None]:
    """Looks up what a token says as its `status`. That raises CheckFailedError, unless all is well."""

    def check(stated: object) -> None:
        try:
            place = reference({"status": stated})
            assert place is not None
            _check(place, fetch(place.uri), key, now)
        except TokenUnreadableError as error:
            raise CheckFailedError(Check.STATUS, str(error), Outcome.UNREADABLE) from error
        except DidUnreachableError as error:
            raise CheckFailedError(Check.STATUS, str(error), Outcome.UNCHECKED) from error
        except (IssuerUntrustedError, DidError) as error:
            raise CheckFailedError(Check.STATUS, f"the list is not believed: {error}", Outcome.UNTRUSTED) from error
        except (StatusError, TokenInvalidError) as error:
            raise CheckFailedError(Check.STATUS, str(error)) from error

    return check


def _check(place: Reference, published: bytes | None, key: ListKey, now: datetime) -> None:
    if published is None:
        raise CheckFailedError(Check.STATUS, f"the list {place.uri!r} cannot be had now", Outcome.UNCHECKED)
    token = published.decode("ascii", "replace").strip()
    listed = read_list(token, place.uri, key(read_jws(token, TYPE).header), now)
    status = listed.statuses.status(place.place)
    if status != Status.VALID:
        raise CheckFailedError(Check.STATUS, _WORDS.get(status, f"its status is {status}, which is not valid"))
