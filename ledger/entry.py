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
from datetime import datetime

from ledger.canonical import canonical
from ledger.errors import CanonicalFormError, EntryMalformedError
from ledger.ids import EntryId, milliseconds, moment

VERSION = 1
FIRST_PREV = "0" * 64
MAX_BYTES = 1024
"""Far above any valid entry, far below the 64 KiB of a bundle's length prefix."""

KIND = re.compile(r"[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,31}")
POLICY = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}@[0-9]{1,9}")
_HASH = r"[0-9a-f]{64}"
_PATTERNS = {
    "actor": _HASH,
    "commit": _HASH,
    "id": r"ent_[a-z2-7]{26}",
    "kind": KIND.pattern,
    "policy": POLICY.pattern,
    "prev": _HASH,
    "time": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3])(?::[0-9]{2}){2}\.[0-9]{3}Z",
}
"""Members in the order of their names, which is their order in the bytes; no value that matches needs an escape."""

_FORM = re.compile(
    r"\{" + "".join(f'"{name}":"({pattern})",' for name, pattern in _PATTERNS.items()) + rf'"v":{VERSION}\}}'
)

_WRITTEN = "{{" + "".join(f'"{name}":"{{{name}}}",' for name in _PATTERNS) + f'"v":{VERSION}}}}}'
"""The form to be filled in, for every entry that is written: with parts that match, which need no escape."""


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
        return _WRITTEN.format_map(vars(self)).encode()


def parse_entry(data: bytes) -> Entry:
    """Read exactly one entry. Raises EntryMalformedError."""
    if len(data) > MAX_BYTES:
        raise EntryMalformedError(f"an entry has at most {MAX_BYTES} bytes, not {len(data)}")
    # One pass instead of decoding and encoding again: auditors read millions.
    found = _FORM.fullmatch(data.decode("latin-1"))
    if found is None:
        raise EntryMalformedError(_fault(data))
    actor, commit, entry_id, kind, policy, prev, time = found.groups()
    entry = Entry(EntryId(entry_id), kind, time, policy, commit, actor, prev)
    entry_milliseconds(entry)
    return entry


def _fault(data: bytes) -> str:
    """Why `data`, which is no entry, is none."""
    try:
        members = json.loads(data)
        exact = canonical(members) == data
    except (ValueError, RecursionError, CanonicalFormError):
        return "the entry is not canonical JSON"
    if not (exact and isinstance(members, dict) and members.keys() == {"v", *_PATTERNS}):
        return "the entry is not canonical JSON with exactly the eight public members"
    for name, pattern in _PATTERNS.items():
        if not (isinstance(members[name], str) and re.fullmatch(pattern, members[name])):
            return f"the entry's {name!r} is malformed"
    return f"the entry is not of version {VERSION}"


def format_time(stored: int) -> str:
    """`2026-11-21T22:04:44.123Z` of UTC milliseconds."""
    return moment(stored).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry_milliseconds(entry: Entry) -> int:
    """The entry's time in UTC milliseconds. Raises EntryMalformedError for a day that never was."""
    try:
        return milliseconds(datetime.fromisoformat(entry.time))
    except ValueError as error:
        raise EntryMalformedError("the entry's 'time' is no moment") from error
