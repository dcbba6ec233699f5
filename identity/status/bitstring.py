"""Bitstring Status List credentials, and what a credential says about its places in them (W3C, v1.0).

Rules
- Who calls has verified both credentials; here it is checked that the list is the one meant, and has such a place.
- Every entry of a credential is looked at: one that is not understood is an error, not a revocation passed over.
- A place is a text of ASCII digits; nothing else that Python would read as a number is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.outcome import Check
from identity.status.status_list import BITSTRING, StatusList, decode

ENTRY_TYPE: Final = "BitstringStatusListEntry"
LIST_TYPE: Final = "BitstringStatusList"
CREDENTIAL_TYPE: Final = "BitstringStatusListCredential"
CONTEXT: Final = "https://www.w3.org/ns/credentials/v2"
MAX_ENTRIES: Final = 16
"""Of one credential."""

KEEP: Final = timedelta(minutes=5)
"""Where a list says nothing of it (section 2.2, `ttl`)."""

_PLACE = re.compile("0|[1-9][0-9]{0,9}")


@dataclass(frozen=True)
class StatusEntry:
    """One place of a credential in one list."""

    purpose: str
    """`revocation`, `suspension`, or what the list says."""

    uri: str
    place: int
    width: int = 1

    def members(self) -> dict[str, object]:
        """As `credentialStatus` holds it."""
        return {
            "id": f"{self.uri}#{self.place}",
            "type": ENTRY_TYPE,
            "statusPurpose": self.purpose,
            "statusListIndex": str(self.place),
            "statusListCredential": self.uri,
        }


def list_credential(
    statuses: StatusList,
    uri: str,
    issuer: str,
    purpose: str,
    valid_from: datetime,
    valid_until: datetime,
    keep: timedelta = KEEP,
) -> dict[str, object]:
    """The credential to sign and publish at `uri`, kept by who fetched it for `keep`. Times are aware; their
    milliseconds do not matter.
    """
    return {
        "@context": [CONTEXT],
        "id": uri,
        "type": ["VerifiableCredential", CREDENTIAL_TYPE],
        "issuer": issuer,
        "validFrom": _date(valid_from),
        "validUntil": _date(valid_until),
        "credentialSubject": {
            "id": f"{uri}#list",
            "type": LIST_TYPE,
            "statusPurpose": purpose,
            "ttl": keep // timedelta(milliseconds=1),
            "encodedList": statuses.encode(),
        },
    }


def entries(credential: Mapping[str, object]) -> tuple[StatusEntry, ...]:
    """A verified credential's places; none where it claims no status. Raises TokenUnreadableError."""
    stated = credential.get("credentialStatus", [])
    listed = stated if isinstance(stated, list) else [stated]
    if len(listed) > MAX_ENTRIES:
        raise TokenUnreadableError(f"a credential has at most {MAX_ENTRIES} statuses")
    return tuple(map(_entry, listed))


def _entry(stated: object) -> StatusEntry:
    if not isinstance(stated, dict):
        raise TokenUnreadableError("a credential's status is an object")
    match stated:
        case {
            "type": str(kind),
            "statusPurpose": str(purpose),
            "statusListIndex": str(place),
            "statusListCredential": str(uri),
        } if kind == ENTRY_TYPE and _PLACE.fullmatch(place):
            return StatusEntry(purpose, uri, int(place), _width(stated))
    raise TokenUnreadableError("the credential's status is not a place in a bitstring status list")


def _width(stated: Mapping[str, object]) -> int:
    size, messages = stated.get("statusSize", 1), stated.get("statusMessage")
    if isinstance(size, bool) or not isinstance(size, int) or size not in BITSTRING.widths:
        raise TokenUnreadableError(f"statusSize is a number from 1 to {max(BITSTRING.widths)}")
    if (size > 1 or messages is not None) and not (isinstance(messages, list) and len(messages) == 1 << size):
        raise TokenUnreadableError(f"a statusSize of {size} takes {1 << size} statusMessages")
    return size


def status(entry: StatusEntry, published: Mapping[str, object]) -> int:
    """The status of the entry in the verified credential that was fetched from `entry.uri`; 0 is *all is well*.

    Raises TokenInvalidError for another list, TokenUnreadableError for none, StatusIndexError for no such place.
    """
    subject = published.get("credentialSubject")
    if CREDENTIAL_TYPE not in _several(published.get("type")) or not isinstance(subject, dict):
        raise TokenUnreadableError(f"what was fetched is not a {CREDENTIAL_TYPE}")
    text = subject.get("encodedList")
    if subject.get("type") != LIST_TYPE or not isinstance(text, str):
        raise TokenUnreadableError(f"the credential is not about a {LIST_TYPE}")
    if published.get("id", entry.uri) != entry.uri:
        raise TokenInvalidError(Check.SUBJECT, "the status list is about another URI")
    if entry.purpose not in _several(subject.get("statusPurpose")):
        raise TokenInvalidError(Check.SUBJECT, f"the status list is not about {entry.purpose}")
    return decode(BITSTRING, text, entry.width).status(entry.place)


def _several(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


def _date(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
