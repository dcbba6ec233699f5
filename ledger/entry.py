"""The public entry: what the log says about a decision for ever, which is nothing about anyone.

Rules
- Exactly the eight members of `docs/privacy.md`, as RFC 8785 bytes; anything else is malformed.
- `time` is RFC 3339 UTC with milliseconds; `prev` is the leaf hash of the entry before, 64 zeros for the
  first.
- `commit` and `actor` are HMAC-SHA256 values; without their keys they say nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.canonical import canonical
from ledger.errors import CanonicalFormError, EntryMalformedError
from ledger.ids import EntryId, milliseconds, moment

VERSION = 1
FIRST_PREV = "0" * 64
MAX_BYTES = 1024
"""Far above any valid entry, far below the 64 KiB of a bundle's length prefix."""

KIND = re.compile(r"[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,31}")
POLICY = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}@[0-9]{1,9}")
_PATTERNS = {
    "id": re.compile(r"ent_[a-z2-7]{26}"),
    "kind": KIND,
    "time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"),
    "policy": POLICY,
    "commit": re.compile(r"[0-9a-f]{64}"),
    "actor": re.compile(r"[0-9a-f]{64}"),
    "prev": re.compile(r"[0-9a-f]{64}"),
}


@dataclass(frozen=True)
class Entry:
    """One public entry. `commit`, `actor` and `prev` are 64 hex digits."""

    id: EntryId
    kind: str
    time: str
    policy: str
    commit: str
    actor: str
    prev: str

    def encode(self) -> bytes:
        """The entry's one sequence of bytes: the leaf of the tree."""
        return canonical({"v": VERSION, **vars(self)})


def parse_entry(data: bytes) -> Entry:
    """Read exactly one entry. Raises EntryMalformedError."""
    if len(data) > MAX_BYTES:
        raise EntryMalformedError(f"an entry has at most {MAX_BYTES} bytes, not {len(data)}")
    try:
        members = json.loads(data)
        exact = canonical(members) == data
    except (ValueError, RecursionError, CanonicalFormError) as error:
        raise EntryMalformedError("the entry is not canonical JSON") from error
    if not (exact and isinstance(members, dict) and members.keys() == {"v", *_PATTERNS}):
        raise EntryMalformedError("the entry is not canonical JSON with exactly the eight public members")
    version = members.pop("v")
    if version is True or version != VERSION:
        raise EntryMalformedError(f"the entry is not of version {VERSION}")
    for name, pattern in _PATTERNS.items():
        if not (isinstance(members[name], str) and pattern.fullmatch(members[name])):
            raise EntryMalformedError(f"the entry's {name!r} is malformed")
    entry = Entry(**members)
    entry_milliseconds(entry)
    return entry


def format_time(stored: int) -> str:
    """`2026-11-21T22:04:44.123Z` of UTC milliseconds."""
    return moment(stored).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry_milliseconds(entry: Entry) -> int:
    """The entry's time in UTC milliseconds. Raises EntryMalformedError for a day that never was."""
    try:
        return milliseconds(datetime.strptime(entry.time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC))
    except ValueError as error:
        raise EntryMalformedError("the entry's 'time' is no moment") from error
