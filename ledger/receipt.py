"""Receipts: one file that proves, offline, that an entry is in the log (c2sp.org/tlog-proof@v1).

Rules
- The entry's bytes ride in `extra`. The format does not authenticate that line; the inclusion proof does,
  since the leaf is hashed from those very bytes.
- A receipt is checked with the log's verifier key alone; with witnesses' keys it shows, too, that its checkpoint is
  the one that others saw.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.entry import Entry, parse_entry
from ledger.errors import CheckpointError, EntryMalformedError, ProofError, ReceiptError
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.tree.merkle import leaf_hash, verify_inclusion
from ledger.tree.note import decode, encode
from ledger.witnessing.cosignature import NO_WITNESSES, Cosigned, Quorum

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class ProvenEntry:
    """What a sound receipt proves: the entry stands at `index` of the log `origin`, then of `size` entries."""

    entry: Entry
    index: int
    size: int
    origin: str
    cosigned: Cosigned
    """By whom its checkpoint is, besides the log."""


def format_receipt(data: bytes, index: int, proof: Sequence[bytes], note: str) -> str:
    """The receipt of the entry with these bytes."""
    lines = [HEADER, f"extra {encode(data)}", f"index {index}", *map(encode, proof)]
    return "\n".join(lines) + "\n\n" + note


def verify_receipt(text: str, vkey: str, quorum: Quorum = NO_WITNESSES) -> ProvenEntry:
    """Check a receipt against the log's verifier key, and the quorum of witnesses that is asked for.

    Raises ReceiptError.
    """
    try:
        return _verify(text, VerifierKey.parse(vkey), quorum)
    except (CheckpointError, EntryMalformedError, ProofError) as error:
        raise ReceiptError(f"the receipt does not hold: {error}") from error


def _verify(text: str, key: VerifierKey, quorum: Quorum) -> ProvenEntry:
    proof, separator, note = text.partition("\n\n")
    lines = proof.split("\n")
    if not separator or len(lines) < 3 or lines[0] != HEADER or not lines[1].startswith("extra "):
        raise ReceiptError(f"not a receipt: it begins with `{HEADER}`, then `extra` with the entry")
    index = _INDEX.fullmatch(lines[2])
    hashes = lines[3:]
    if index is None or len(hashes) > MAX_HASHES:
        raise ReceiptError("the receipt's index or proof is malformed")
    head = verify_checkpoint(note, key)
    data = decode(lines[1].removeprefix("extra "))
    verify_inclusion(int(index[1]), head.size, leaf_hash(data), [decode(line) for line in hashes], head.root)
    return ProvenEntry(parse_entry(data), int(index[1]), head.size, head.origin, quorum.require(note, key))
