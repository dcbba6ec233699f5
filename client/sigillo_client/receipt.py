"""Receipts, checked here and without asking anybody: that an entry is in the log whose key you know
(c2sp.org/tlog-proof@v1, RFC 9162).

Rules
- Nothing that a server says counts, only the log's verifier key, and the witnesses' where you name some: get them once,
  over a way you trust.
- What has to do with keys, notes and entries is the stdlib-only verifier that auditors are handed, the same file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sigillo_client.bundle_verifier import (
    UnsoundError,
    check_quorum,
    decoded,
    leaf,
    node,
    read_checkpoint,
    read_cosignatures,
    read_entry,
    read_key,
    read_witnesses,
)
from sigillo_client.problem import ReceiptError

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_HASHES: Final = 63
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class ProvenEntry:
    """What a sound receipt proves: the entry stands at `index` of the log `origin`, which had `size` entries then."""

    id: str
    kind: str
    time: datetime
    """When the log took it."""

    policy: str
    commit: str
    """The salted commitment to the payload, which the log does not show."""

    index: int
    size: int
    origin: str
    witnessed: Mapping[str, int]
    """Seconds since 1970 at which each of the named witnesses saw the log so."""


def verify_receipt(text: str, log_key: str, witnesses: Sequence[str] = (), quorum: int = 0) -> ProvenEntry:
    """Check a receipt by the log's verifier key, and that at least `quorum` of `witnesses` (their keys) saw that log.

    Raises ReceiptError.
    """
    try:
        return _verified(text, log_key, witnesses, quorum)
    except UnsoundError as error:
        raise ReceiptError(f"the receipt does not hold: {error}") from error


def _verified(text: str, log_key: str, witnesses: Sequence[str], quorum: int) -> ProvenEntry:
    proof, separator, note = text.partition("\n\n")
    lines = proof.split("\n")
    if not separator or len(lines) < 3 or lines[0] != HEADER or not lines[1].startswith("extra "):
        raise UnsoundError(f"it does not begin with `{HEADER}` and `extra`, which is the entry")
    stated = _INDEX.fullmatch(lines[2])
    if stated is None or len(lines) - 3 > MAX_HASHES:
        raise UnsoundError("its index or its proof is malformed")
    key, index = read_key(log_key), int(stated[1])
    size, root = read_checkpoint(note, key)
    data = decoded(lines[1].removeprefix("extra "), "the entry")
    check_inclusion(index, size, leaf(data), [decoded(line, "a hash of the proof") for line in lines[3:]], root)
    cosigned = read_cosignatures(note, key, read_witnesses(witnesses))
    check_quorum(cosigned, quorum)
    entry = read_entry(data, index)
    time = datetime.fromisoformat(entry["time"])
    facts = {name: entry[name] for name in ("id", "kind", "policy", "commit")}
    return ProvenEntry(**facts, time=time, index=index, size=size, origin=key[0], witnessed=cosigned[0])


def check_inclusion(index: int, size: int, hashed: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raises UnsoundError unless the leaf is at `index` of a tree of `size` with that root (RFC 9162, 2.1.3.2)."""
    if index >= size or any(len(value) != len(root) for value in proof):
        raise UnsoundError("the entry lies outside the log, or a hash of its proof is of another length")
    fn, sn = index, size - 1
    for value in proof:
        if sn == 0:
            raise UnsoundError("the inclusion proof is too long")
        if fn & 1 or fn == sn:
            hashed = node(value, hashed)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            hashed = node(hashed, value)
        fn, sn = fn >> 1, sn >> 1
    if sn or hashed != root:
        raise UnsoundError("the entry is not in the log that was signed")
