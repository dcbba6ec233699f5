"""Checks an audit bundle of a Sigillo ledger. Needs Python 3.11 and nothing else; reads two or three files.

    python3 verify.py bundle.zip --key log.vkey [--since previous.zip] [--witness VKEY]... [--quorum K]

Take this file and the log's key from somewhere else than the bundle: whoever made the bundle could have changed both.
The key names the log and its Ed25519 key (C2SP signed-note); `--since` is the bundle that you checked last time. Each
`--witness` is the key of somebody who signs what they see of the log (C2SP tlog-cosignature), from themselves.

What is checked, in this order
 1. the checkpoint is signed by the key, and says how many entries the log has and what their root hash is;
 2. every entry of the range is there, well-formed, and names the hash of the one before (`prev`); time never runs back;
 3. together with the hashes of all that lies outside the range, the entries make exactly that root: none was left out,
    added, moved or changed (RFC 6962);
 4. with `--witness`: their signatures of the checkpoint, and that there are K of them (all, if you do not say);
 5. disclosed payloads are what their entries committed to when they were made;
 6. time-stamps are of checkpoints that are signed by the key, and out of which this log grew (RFC 6962 consistency
    proof); whether they hold is for `openssl ts`: the command is printed;
 7. with `--since`: this log is that one, grown, and this range joins that one.

What is not checked is printed at the end. Exit code: 0 sound, 5 not sound, 2 wrong usage. Apache-2.0.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ENTRIES = "entries.jsonl"
MAX_ENTRY = 1024
MAX_FILE = 16 * 1024 * 1024
MAX_NOTE = 64 * 1024
FILES = (
    r"entries\.jsonl|bundle\.json|checkpoint|log\.vkey|verify\.py|disclosed/ent_[a-z2-7]{26}\.(json|salt)"
    r"|stamps/([1-9][0-9]{0,18}\.(checkpoint|tsr)|anchors\.pem)"
)
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
FIRST_PREV = "0" * 64
NAME = r"[^\s+\x00-\x1f\ud800-\udfff]{1,255}"
MEMBERS = {
    "id": r"ent_[a-z2-7]{26}",
    "kind": r"[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,31}",
    "time": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z",
    "policy": r"[a-z0-9][a-z0-9._-]{0,63}@[0-9]{1,9}",
    "commit": r"[0-9a-f]{64}",
    "actor": r"[0-9a-f]{64}",
    "prev": r"[0-9a-f]{64}",
}


UNREADABLE = (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError)
"""What reading a damaged or foreign file raises."""

Point = tuple[int, int, int, int]
"""(X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z."""

Key = tuple[str, bytes, bytes]
"""Name, key id and the 32 bytes of a log's or witness's key."""

Signature = tuple[str, bytes, bytes]
"""Name, key id and what follows them in a line of a signed note."""

LOG_TYPE, WITNESS_TYPE = 1, 4
"""What an Ed25519 key signs: a checkpoint, or what a witness says of one."""

Cosigned = tuple[dict[str, int], list[str]]
"""Witnesses with the time of what they signed, in seconds since 1970; names of signers nobody asked about."""


class UnsoundError(Exception):
    """Something does not hold; the text says what."""


# Ed25519 (RFC 8032, sections 5.1.3, 5.1.4 and 5.1.7).
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(p: Point, q: Point) -> Point:
    """The sum of two points."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar: int, point: Point) -> Point:
    """So many times a point."""
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def point_of(data: bytes) -> Point:
    """The point that 32 bytes stand for, in their one spelling."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        raise UnsoundError("a key or signature holds no point of the curve")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        raise UnsoundError("a key or signature holds no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def bytes_of(point: Point) -> bytes:
    """The one spelling of a point."""
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def check_signature(key: bytes, message: bytes, signature: bytes, *, what: str = "the checkpoint's signature") -> None:
    """Raises UnsoundError unless the key signed the message."""
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        raise UnsoundError(f"{what} is malformed")
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    x, y, z, t = multiply(k, point_of(key))
    if bytes_of(add(multiply(s, BASE), (-x % P, y, z, -t % P))) != signature[:32]:
        raise UnsoundError(f"{what} does not verify")


# Keys, checkpoints and cosignatures (C2SP signed-note, tlog-checkpoint and tlog-cosignature).
def decoded(text: str, what: str) -> bytes:
    """Base64, and not empty."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or base64.b64encode(data).decode() != text:
        raise UnsoundError(f"{what} is not base64 in its one spelling")
    return data


def read_key(text: str, kind: int = LOG_TYPE) -> Key:
    """(name, key id, 32 bytes) of `name+id+base64(kind || key)`."""
    whose = "the log's key" if kind == LOG_TYPE else "a witness's key"
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    data = decoded(encoded, whose)
    if not re.fullmatch(NAME, name):
        raise UnsoundError(f"{whose} has no name that a note can bear")
    if len(data) != 33 or data[0] != kind or hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8] != key_id:
        raise UnsoundError(f"{whose} is not `name+id+key` with an Ed25519 key of type {kind}")
    return name, bytes.fromhex(key_id), data[1:]


def read_witnesses(texts: Sequence[str]) -> list[Key]:
    """The keys of witnesses, each of whom has one of their own."""
    keys = [read_key(text, WITNESS_TYPE) for text in texts]
    if any(len({key[part] for key in keys}) < len(keys) for part in (0, 2)):
        raise UnsoundError("a witness is named twice: each has a name and a key of its own")
    return keys


def read_note(note: str) -> tuple[str, list[Signature]]:
    """The text that is signed, and who signed it, unverified."""
    if len(note.encode("utf-8", "replace")) > MAX_NOTE or re.search("[\x00-\x09\x0b-\x1f\ud800-\udfff]", note):
        raise UnsoundError("the checkpoint is no signed note")
    text, separator, block = note.rpartition("\n\n")
    lines = block.split("\n")
    if not separator or lines.pop() != "" or not lines:
        raise UnsoundError("the checkpoint is no signed note")
    signatures = []
    for line in lines:
        found = re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})", line)
        if found is None:
            raise UnsoundError("the checkpoint has a malformed signature line")
        blob = decoded(found[2], "a signature")
        signatures.append((found[1], blob[:4], blob[4:]))
    return text + "\n", signatures


def read_checkpoint(note: str, key: Key) -> tuple[int, bytes]:
    """(size, root) of a checkpoint that the key signed."""
    name, key_id, public = key
    text, signatures = read_note(note)
    ours = [body for *who, body in signatures if who == [name, key_id]]
    if not ours:
        raise UnsoundError(f"the checkpoint is not signed by {name}")
    for signature in ours:
        check_signature(public, text.encode(), signature)
    lines = text.split("\n")
    if len(lines) != 4:
        raise UnsoundError("the checkpoint is not origin, size and root, a line each")
    origin, size, encoded, _ = lines
    if origin != name:
        raise UnsoundError(f"the checkpoint is of {origin!r}, not of {name!r}")
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", size) or int(size) >= 2**63:
        raise UnsoundError("the checkpoint's size is no plain decimal number")
    root = decoded(encoded, "the checkpoint's root")
    if len(root) != 32:
        raise UnsoundError("the checkpoint's root has not 32 bytes")
    return int(size), root


def read_cosignatures(note: str, key: Key, witnesses: Sequence[Key]) -> Cosigned:
    """Who cosigned. What a witness that is asked about signed must verify; whoever else signed is not judged."""
    text, signatures = read_note(note)
    times: dict[str, int] = {}
    for name, key_id, public in witnesses:
        for *who, body in signatures:
            if who == [name, key_id]:
                time = int.from_bytes(body[:8], "big")
                if not 0 < time < 2**63:
                    raise UnsoundError(f"the cosignature by {name} has no time")
                message = f"cosignature/v1\ntime {time}\n{text}".encode()
                check_signature(public, message, body[8:], what=f"the cosignature by {name}")
                times[name] = max(time, times.get(name, 0))
    known = [key[:2], *(witness[:2] for witness in witnesses)]
    return times, sorted({name for name, key_id, _ in signatures if (name, key_id) not in known})


def check_quorum(cosigned: Cosigned, needed: int) -> None:
    """Raises UnsoundError unless so many witnesses signed."""
    if len(cosigned[0]) < needed:
        there = ", ".join(cosigned[0]) or "none"
        raise UnsoundError(
            f"cosignatures by {needed} of the named witnesses are needed, and there are {len(cosigned[0])} ({there})"
        )


# The tree (RFC 6962).
def leaf(data: bytes) -> bytes:
    """The hash of one entry."""
    return hashlib.sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_range(first: int, end: int, size: int, leaves: Iterator[bytes], outside: Iterator[bytes]) -> bytes:
    """The root of a tree of which [first, end) are `leaves`, and the largest subtrees beside them `outside`; both are
    taken in order, from left to right.
    """

    def subtree(lo: int, hi: int) -> bytes:
        if hi <= first or end <= lo:
            return next(outside)
        if hi - lo == 1:
            return next(leaves)
        middle = lo + (1 << (hi - lo - 1).bit_length() - 1)
        left = subtree(lo, middle)
        return node(left, subtree(middle, hi))

    return subtree(0, size)


def check_consistency(old: int, new: int, proof: list[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raises UnsoundError unless the new tree is the old one, grown (RFC 9162, section 2.1.4.2)."""
    if old == new:
        if proof or old_root != new_root:
            raise UnsoundError(
                "the log is as long as it was and not the same: keep both bundles, they are the evidence"
            )
        return
    if not proof:
        raise UnsoundError("the proof that the log grew from the earlier one is missing")
    path = proof if old & (old - 1) else [old_root, *proof]
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for value in path[1:]:
        if sn == 0:
            raise UnsoundError("the consistency proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node(value, fr), node(value, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, value)
        fn, sn = fn >> 1, sn >> 1
    if fr != old_root or sr != new_root or sn:
        raise UnsoundError("the log is not the earlier one, grown: keep both bundles, they are the evidence")


# Entries.
def read_entry(data: bytes, index: int) -> dict[str, str]:
    """The members of an entry, which is canonical JSON (RFC 8785) of exactly these."""
    try:
        entry = json.loads(data)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or entry.keys() != {"v", *MEMBERS} or type(entry["v"]) is not int or entry["v"] != 1:
        raise UnsoundError(f"entry {index} does not have exactly the public members")
    if json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace") != data:
        raise UnsoundError(f"entry {index} is not canonical JSON")
    for name, pattern in MEMBERS.items():
        if not isinstance(entry[name], str) or not re.fullmatch(pattern, entry[name]):
            raise UnsoundError(f"entry {index}: {name!r} is malformed")
    try:
        datetime.fromisoformat(entry["time"])
    except ValueError:
        raise UnsoundError(f"entry {index}: 'time' is no moment") from None
    return entry


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. One with a member twice has two readings: ValueError."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


class Bundle:
    """A bundle whose checkpoint is signed by a key."""

    def __init__(self, archive: zipfile.ZipFile, key: Key, witnesses: Sequence[Key] = ()) -> None:
        self.archive = archive
        names = archive.namelist()
        if len(names) != len(set(names)) or not all(re.fullmatch(FILES, name) for name in names):
            raise UnsoundError("the bundle holds a file twice, or one that no bundle has: others may read another")
        if any(member.compress_type not in PACKINGS or member.flag_bits & 1 for member in archive.infolist()):
            raise UnsoundError("the bundle is packed as no bundle is")
        facts = self.read_json("bundle.json")
        if ENTRIES not in self.archive.namelist():
            raise UnsoundError("the bundle has no entries")
        self.first, self.end = self.number(facts, "first"), self.number(facts, "end")
        self.since, self.outside = facts.get("since"), self.hashes(facts, "outside")
        self.stamps = facts.get("stamps", {})
        self.note = self.read("checkpoint").decode("utf-8", "replace")
        self.size, self.root = read_checkpoint(self.note, key)
        self.cosigned = read_cosignatures(self.note, key, witnesses)
        if not self.first < self.end <= self.size:
            raise UnsoundError(f"the range {self.first} to {self.end} is not in a log of {self.size} entries")
        self.kinds: dict[str, int] = {}
        self.commits: dict[str, tuple[str, str]] = {}
        self.prev, self.last = "", b""
        self.begins = self.ends = ""

    def read(self, name: str) -> bytes:
        """One small file of it."""
        try:
            member = self.archive.getinfo(name)
        except KeyError:
            raise UnsoundError(f"the bundle lacks {name!r}") from None
        if member.file_size > MAX_FILE:
            raise UnsoundError(f"{name!r} is too large")
        with self.archive.open(member) as file:
            return file.read(MAX_FILE)

    def read_json(self, name: str) -> dict[str, Any]:
        """One that holds a JSON object."""
        try:
            found = json.loads(self.read(name), object_pairs_hook=once)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise UnsoundError(f"{name!r} is no JSON object, or has a member twice")
        return found

    @staticmethod
    def number(facts: dict[str, Any], name: str) -> int:
        """A size or an index."""
        value = facts.get(name)
        if type(value) is not int or not 0 <= value < 2**63:
            raise UnsoundError(f"{name!r} is no number")
        return value

    @staticmethod
    def hashes(facts: dict[str, Any], name: str) -> list[bytes]:
        """A list of hashes."""
        found = facts.get(name)
        if isinstance(found, list) and all(isinstance(h, str) and re.fullmatch("[0-9a-f]{64}", h) for h in found):
            return [bytes.fromhex(value) for value in found]
        raise UnsoundError(f"{name!r} is no list of hashes")

    def leaves(self) -> Generator[bytes, None, None]:
        """The hash of each entry, once it is checked."""
        index, time = self.first, ""
        with self.archive.open(self.archive.getinfo(ENTRIES)) as lines:
            while line := lines.readline(MAX_ENTRY + 2):
                data = line[:-1]
                if line[-1:] != b"\n":
                    raise UnsoundError(f"entry {index} is too long or cut off")
                entry = read_entry(data, index)
                if entry["time"] < time:
                    raise UnsoundError(f"entry {index}: 'time' is before that of the entry before")
                self.take(entry, index)
                time, self.last = entry["time"], leaf(data)
                index += 1
                yield self.last

    def take(self, entry: dict[str, str], index: int) -> None:
        """Hold the next entry to those before it."""
        expected = self.last.hex() if index > self.first else FIRST_PREV if index == 0 else entry["prev"]
        if entry["prev"] != expected:
            raise UnsoundError(f"entry {index}: 'prev' is not the hash of the entry before")
        if entry["id"] in self.commits:
            raise UnsoundError(f"entry {index}: its id is that of another entry")
        self.prev, self.begins, self.ends = self.prev or entry["prev"], self.begins or entry["time"], entry["time"]
        self.kinds[entry["kind"]] = self.kinds.get(entry["kind"], 0) + 1
        self.commits[entry["id"]] = entry["kind"], entry["commit"]

    def check(self) -> None:
        """That the entries are the log's, all of the range."""
        outside = iter(self.outside)
        with closing(self.leaves()) as leaves:
            try:
                root = root_of_range(self.first, self.end, self.size, leaves, outside)
            except StopIteration:
                raise UnsoundError("an entry of the range, or a hash beside it, is missing") from None
            if next(leaves, None) is not None or next(outside, None) is not None:
                raise UnsoundError("there are more entries, or more hashes beside them, than the range has")
        if root != self.root:
            raise UnsoundError("the entries do not make the root that is signed: one was left out, added or changed")

    def check_disclosed(self) -> int:
        """How many disclosed payloads are what was committed to."""
        names = [name for name in self.archive.namelist() if name.startswith("disclosed/") and name.endswith(".json")]
        for name in names:
            entry = name[len("disclosed/") : -len(".json")]
            if entry not in self.commits:
                raise UnsoundError(f"{name}: no such entry in the range")
            kind, commit = self.commits[entry]
            payload, salt = self.read(name), self.read(f"disclosed/{entry}.salt")
            if hmac.digest(salt, b"ledger/v1/payload\x00" + payload, "sha256").hex() != commit or len(salt) != 32:
                raise UnsoundError(f"{name}: it is not what the entry committed to")
            if self.read_json(name).get("kind") != kind:
                raise UnsoundError(f"{name}: it is of another kind than the entry")
        return len(names)

    def check_stamps(self, key: Key) -> list[int]:
        """The sizes of the stamped checkpoints, once each is seen to be of this log."""
        if not isinstance(self.stamps, dict):
            raise UnsoundError("'stamps' is no list of proofs")
        expected = {f"stamps/{size}.{part}" for size in self.stamps for part in ("checkpoint", "tsr")}
        expected |= {"stamps/anchors.pem"} if self.stamps else set()
        if expected != {name for name in self.archive.namelist() if name.startswith("stamps/")}:
            raise UnsoundError("the bundle holds other stamps than it says")
        for text in self.stamps:
            try:
                self.check_stamp(int(text), self.hashes(self.stamps, text), key)
            except UnsoundError as error:
                raise UnsoundError(f"the stamp of {text} entries: its checkpoint is not this log's ({error})") from None
        return sorted(map(int, self.stamps))

    def check_stamp(self, size: int, proof: list[bytes], key: Key) -> None:
        """That the log grew out of what was stamped."""
        note = self.read(f"stamps/{size}.checkpoint").decode("utf-8", "replace")
        stamped, root = read_checkpoint(note, key)
        if stamped != size or size > self.size:
            raise UnsoundError(f"it is of {stamped} entries")
        check_consistency(size, self.size, proof, root, self.root)

    def check_since(self, before: Bundle) -> bool:
        """That this log is the one of an earlier bundle, grown; whether the two ranges join."""
        facts = self.since if isinstance(self.since, dict) else {}
        if facts.get("size") != before.size:
            raise UnsoundError(
                f"it was not made to follow that bundle, whose log had {before.size} entries: ask for one"
            )
        if before.size > self.size:
            raise UnsoundError("the log is shorter than it was: keep both bundles, they are the evidence")
        check_consistency(before.size, self.size, self.hashes(facts, "proof"), before.root, self.root)
        if before.end == self.first and self.prev != before.last.hex():
            raise UnsoundError(f"entry {self.first}: 'prev' is not the hash of the earlier bundle's last entry")
        if before.end == self.first and self.begins < before.ends:
            raise UnsoundError(f"entry {self.first}: 'time' is before that of the earlier bundle's last entry")
        return before.end == self.first


def verify(
    file: str,
    key_text: str,
    since: str | None = None,
    witnesses: Sequence[str] = (),
    quorum: int | None = None,
    *,
    judged: bool = False,
) -> list[str]:
    """What was found, in sentences; without a `quorum` all the witnesses must have signed. `judged`: somebody else
    judges the stamps.

    Raises UnsoundError, and UNREADABLE for what is no bundle.
    """
    key, known = read_key(key_text), read_witnesses(witnesses)
    needed = len(known) if quorum is None else quorum
    if not 0 <= needed <= len(known):
        raise UnsoundError(f"{needed} of {len(known)} witnesses is no quorum")
    with opened(file) as archive:
        bundle = Bundle(archive, key, known)
        bundle.check()
        check_quorum(bundle.cosigned, needed)
        disclosed, stamps = bundle.check_disclosed(), bundle.check_stamps(key)
    found = [
        f"log          {key[0]}, {bundle.size} entries, root {bundle.root.hex()}",
        f"entries      {bundle.first} to {bundle.end - 1}: all {bundle.end - bundle.first} are there and unchanged",
        "kinds        " + ", ".join(f"{count} {kind}" for kind, count in sorted(bundle.kinds.items())),
        f"disclosed    payloads: {disclosed}" + ", all what their entries committed to" * bool(disclosed),
        *(f"witness      {name} saw this log at {moment(time)}" for name, time in bundle.cosigned[0].items()),
    ]
    if stamps:
        found.append(f"stamps       {len(stamps)} of checkpoints of this log, the last at size {stamps[-1]}")
    if since is not None:
        with opened(since) as archive:
            before = Bundle(archive, key, known)
            before.check()
        joins = "and this range begins where that one ended" if bundle.check_since(before) else "the ranges do not join"
        found.append(f"since        the log is the one of the earlier bundle ({before.size} entries), grown; {joins}")
    unjudged = [] if judged else stamps
    return [*found, *not_checked(bundle, unjudged, compared=since is not None)]


def opened(file: str) -> zipfile.ZipFile:
    """Raises UNREADABLE, naming the file: of two, the wrong one may be either."""
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise zipfile.BadZipFile(f"{file} is no bundle: {error}") from error


def moment(time: int) -> str:
    """Seconds since 1970, for people."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC" if time < 2**37 else f"second {time}"


def not_checked(bundle: Bundle, stamps: list[int], *, compared: bool) -> Iterator[str]:
    """What nobody should believe that this has shown."""
    yield "not checked  payloads that were not disclosed; whether what an entry says is true"
    if not bundle.cosigned[0]:
        yield "not checked  whether everybody is shown this log: ask for witnesses, or compare with another auditor"
    yield "not checked  whether an id of this range is that of an entry outside it, too"
    if not compared:
        yield "not checked  whether it is the log that you saw before: give the bundle that you checked last as --since"
    if bundle.cosigned[1]:
        yield f"not checked  signatures by {', '.join(bundle.cosigned[1])}: give their keys as --witness"
    if stamps:
        last = f"stamps/{stamps[-1]}"
        yield "not checked  whether stamps hold: for each, with the authorities' roots (from elsewhere) in tsa.pem"
        yield f"             python3 -m zipfile -e {bundle.archive.filename} ."
        yield f"             openssl ts -verify -data {last}.checkpoint -in {last}.tsr -CAfile tsa.pem"


def shown(line: str) -> str:
    """A line as a terminal may have it: names by strangers could hold what moves its cursor."""
    return "".join(each if each.isprintable() else "?" for each in line)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Checks an audit bundle of a Sigillo ledger.")
    parser.add_argument("bundle")
    parser.add_argument("--key", required=True, help="file with the log's verifier key, from elsewhere than the bundle")
    parser.add_argument("--since", help="the bundle that you checked last time")
    parser.add_argument("--witness", action="append", default=[], help="verifier key of a witness; again for another")
    parser.add_argument("--quorum", type=int, help="how many of the witnesses must have signed; default: all")
    asked = parser.parse_args()
    try:
        key = Path(asked.key).read_text(encoding="utf-8")
        found = verify(asked.bundle, key, asked.since, asked.witness, asked.quorum)
    except UNREADABLE as error:
        print(shown(f"cannot be read: {error}"), file=sys.stderr)
        return 2
    except UnsoundError as error:
        print(shown(f"NOT SOUND    {error}"))
        return 5
    print("\n".join(map(shown, found)))
    print("SOUND")
    return 0


if __name__ == "__main__":
    sys.exit(main())
