"""Checks a proof that a registration is not in an index. Needs Python 3.11, and beside it the verifier of bundles.

    python3 absence_verifier.py absence.json --key log.vkey [--witness VKEY]... [--quorum K]

Take both files and the log's key from somewhere else than whoever gave you the proof: they could have changed them
(GET /ledger/absence_verifier.py and GET /ledger/verify.py of another deployment will do; their digests are in
docs/verifying.md).

What is checked, in this order
 1. the receipt: an entry `index.committed` is in the log, under a checkpoint that the key signed (RFC 6962), and that
    K witnesses signed, where any are named;
 2. the opened payload is what that entry committed to, so the root and the salt are those of that generation;
 3. under that root, where SHA-256(salt ‖ registration) would be, there is nothing, or another's leaf. No tree with that
    root holds the registration.

What is not checked is printed at the end. Exit code: 0 absent, 5 not proved, 2 wrong usage. Apache-2.0.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    from ledger.auditing import bundle_verifier as log
except ModuleNotFoundError:  # on its own, beside the file that a service gives out as /ledger/verify.py
    import verify as log  # type: ignore[import-not-found, no-redef]

FORMAT = "sigillo-absence@1"
SAYS = (
    "This proves that the registration was not in the index that the named generation committed to. It does not prove "
    "that every copy of what was registered is deleted, nor what an index does that nobody committed to."
)
"""Part of every proof, word for word."""

MEMBERS = {"format", "says", "registration", "other", "siblings", "opened", "salt", "receipt"}
DATA = {"index", "generation", "size", "root", "salt"}
KIND = "index.committed"
REGISTRATION = r"[a-z]{3}_[a-z2-7]{26}"
HEADER = "c2sp.org/tlog-proof@v1"
HASH = r"[0-9a-f]{64}"
MAX_BYTES = 256 * 1024
MAX_HASHES = 63
DEPTH = 256
"""Bits of a place, and so the most hashes beside the way to it."""

UnsoundError = log.UnsoundError


@dataclass(frozen=True)
class Absence:
    """What a sound proof proves."""

    registration: str
    index: str
    generation: int
    size: int
    """How many registrations the service says are in that generation; nothing here shows it."""

    entry: str
    committed_at: str
    """The entry's time, RFC 3339."""

    origin: str
    witnesses: tuple[str, ...]


def check(data: bytes, key_text: str, witnesses: Sequence[str] = (), quorum: int | None = None) -> Absence:
    """Check a proof with the log's key; without a `quorum` all the witnesses must have signed. Raises UnsoundError."""
    proof = read_proof(data)
    key, known = log.read_key(key_text), log.read_witnesses(witnesses)
    entry, cosigned = check_receipt(proof["receipt"], key, known, len(known) if quorum is None else quorum)
    said = check_opened(proof["opened"], proof["salt"], entry)
    place = hashlib.sha256(bytes.fromhex(said["salt"]) + proof["registration"].encode()).digest()
    other = None if proof["other"] is None else bytes.fromhex(proof["other"])
    check_gap(place, other, [bytes.fromhex(one) for one in proof["siblings"]], bytes.fromhex(said["root"]))
    numbers = (said["generation"], said["size"])
    when = (entry["id"], entry["time"], key[0])
    return Absence(proof["registration"], said["index"], *numbers, *when, tuple(cosigned[0]))


def read_proof(data: bytes) -> dict[str, Any]:
    """The members of a proof, of the form that they have."""
    proof = read_object(data, MEMBERS, "the proof") if len(data) <= MAX_BYTES else {}
    if proof.get("format") != FORMAT or proof["says"] != SAYS:
        raise UnsoundError(f"it is no proof of the form {FORMAT}, or does not say what such a proof proves")
    forms = {"registration": REGISTRATION, "salt": HASH, "opened": ".*", "receipt": "(?s:.*)"}
    if proof["other"] is not None:
        forms["other"] = HASH
    for name, form in forms.items():
        if not isinstance(proof[name], str) or not re.fullmatch(form, proof[name]):
            raise UnsoundError(f"the proof's {name!r} is malformed")
    hashes = proof["siblings"]
    if not isinstance(hashes, list) or not all(isinstance(one, str) and re.fullmatch(HASH, one) for one in hashes):
        raise UnsoundError("the proof's 'siblings' are no hashes")
    return proof


def read_object(data: bytes | str, members: set[str], what: str) -> dict[str, Any]:
    """A JSON object of exactly these members."""
    try:
        found = json.loads(data, object_pairs_hook=log.once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.keys() != members:
        raise UnsoundError(f"{what} is no JSON object with exactly the members {', '.join(sorted(members))}")
    return found


def check_receipt(
    text: str, key: log.Key, witnesses: list[log.Key], quorum: int
) -> tuple[dict[str, str], log.Cosigned]:
    """The entry that a receipt (c2sp.org/tlog-proof@v1) proves to be in the log, and who cosigned its checkpoint."""
    proof, separator, note = text.partition("\n\n")
    lines = proof.split("\n")
    if not separator or len(lines) < 3 or lines[0] != HEADER or not lines[1].startswith("extra "):
        raise UnsoundError("the proof's receipt is none")
    index = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines[2])
    if index is None or len(lines) - 3 > MAX_HASHES:
        raise UnsoundError("the receipt's index or its hashes are malformed")
    size, root = log.read_checkpoint(note, key)
    cosigned = log.read_cosignatures(note, key, witnesses)
    if not 0 <= quorum <= len(witnesses):
        raise UnsoundError(f"{quorum} of {len(witnesses)} witnesses is no quorum")
    log.check_quorum(cosigned, quorum)
    data = log.decoded(lines[1].removeprefix("extra "), "the receipt's entry")
    hashes = [log.decoded(line, "a hash of the receipt") for line in lines[3:]]
    check_inclusion(int(index[1]), size, log.leaf(data), hashes, root)
    return log.read_entry(data, int(index[1])), cosigned


def check_inclusion(index: int, size: int, leaf: bytes, proof: list[bytes], root: bytes) -> None:
    """Raises UnsoundError unless the leaf stands there in the tree of the log (RFC 9162, section 2.1.3.2)."""
    if index >= size or any(len(value) != 32 for value in proof):
        raise UnsoundError("the receipt's index or its hashes are not of this log")
    fn, sn, found = index, size - 1, leaf
    for value in proof:
        if sn == 0:
            raise UnsoundError("the receipt has too many hashes")
        if fn & 1 or fn == sn:
            found = log.node(value, found)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = log.node(found, value)
        fn, sn = fn >> 1, sn >> 1
    if sn or found != root:
        raise UnsoundError("the receipt's entry is not in the log under this checkpoint")


def check_opened(opened: str, salt: str, entry: dict[str, str]) -> dict[str, Any]:
    """What the generation's entry committed to."""
    data = opened.encode("utf-8", "replace")
    if hmac.digest(bytes.fromhex(salt), b"ledger/v1/payload\x00" + data, "sha256").hex() != entry["commit"]:
        raise UnsoundError("what is opened is not what the entry committed to")
    payload = read_object(data, {"actor", "data", "kind", "subject"}, "what is opened")
    said = payload["data"]
    if {entry["kind"], payload["kind"]} != {KIND} or not isinstance(said, dict) or said.keys() != DATA:
        raise UnsoundError("the entry is not of a generation of an index")
    numbers = all(type(said[name]) is int for name in ("generation", "size")) and isinstance(said["index"], str)
    if not (numbers and all(re.fullmatch(HASH, str(said[name])) for name in ("root", "salt"))):
        raise UnsoundError("what is opened does not describe a generation of an index")
    return said


def check_gap(place: bytes, other: bytes | None, siblings: list[bytes], root: bytes) -> None:
    """Raises UnsoundError unless the tree of that root has nothing, or another's leaf, where the place is.

    A leaf is `H(00 ‖ value)`, a node `H(01 ‖ left ‖ right)`, nothing `H("")`: none of them can be taken for another, so
    one root has one content at each place.
    """
    if len(siblings) > DEPTH:
        raise UnsoundError("the proof has too many hashes")
    if other == place:
        raise UnsoundError("the registration IS in that generation of the index")
    if other is not None and bits(other)[: len(siblings)] != bits(place)[: len(siblings)]:
        raise UnsoundError("what stands there would have its place elsewhere")
    found = hashlib.sha256(b"").digest() if other is None else log.leaf(other)
    for sibling, right in zip(reversed(siblings), reversed(bits(place)[: len(siblings)]), strict=True):
        found = log.node(sibling, found) if right == "1" else log.node(found, sibling)
    if found != root:
        raise UnsoundError("the proof does not lead to the root that the generation committed to")


def bits(value: bytes) -> str:
    """256 digits, the highest first."""
    return f"{int.from_bytes(value):0{DEPTH}b}"


def described(absence: Absence) -> list[str]:
    """What was found, in sentences."""
    found = [
        f"log          {absence.origin}, entry {absence.entry}",
        f"index        {absence.index}, generation {absence.generation}, committed to at {absence.committed_at}",
        f"absent       {absence.registration} is not in that generation",
        *(f"witness      {name} saw this log" for name in absence.witnesses),
        f"not proved   whether you were registered in this index: when you were, you were told {absence.index}",
        "not proved   what later generations hold; whether every copy is deleted; what nobody committed to",
    ]
    if not absence.witnesses:
        found.append("not checked  whether everybody is shown this log: ask for witnesses")
    return found


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Checks a proof that a registration is not in an index.")
    parser.add_argument("proof")
    parser.add_argument("--key", "--vkey", required=True, help="file with the log's verifier key, from elsewhere")
    parser.add_argument("--witness", action="append", default=[], help="verifier key of a witness; again for another")
    parser.add_argument("--quorum", type=int, help="how many of the witnesses must have signed; default: all")
    asked = parser.parse_args()
    try:
        data, key = Path(asked.proof).read_bytes(), Path(asked.key).read_text(encoding="utf-8")
        absence = check(data, key, asked.witness, asked.quorum)
    except log.UNREADABLE as error:
        print(log.shown(f"cannot be read: {error}"), file=sys.stderr)
        return 2
    except UnsoundError as error:
        print(log.shown(f"NOT PROVED   {error}"))
        return 5
    print("\n".join(map(log.shown, described(absence))))
    print("ABSENT")
    return 0


if __name__ == "__main__":
    sys.exit(main())
