r"""Signed notes: a text, a blank line, and a line for each signature (c2sp.org/signed-note); the log and its cosigners
sign the same one.

Rules
- A signature is told by its name and key id together. One by a key that is not known says nothing, for or against.
- Sizes and lengths are checked before anything is decoded further; one text has one reading.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256

from ledger.errors import CheckpointError

KEY_ID_BYTES = 4
MAX_NOTE_BYTES = 64 * 1024
"""Room for sixteen post-quantum signatures, which the note format asks verifiers to accept."""

_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]{1,255}")
_SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True)
class Signature:
    """One signature of a note, whoever made it."""

    name: str
    key_id: bytes
    body: bytes
    """What the key's type makes of it."""

    @property
    def line(self) -> str:
        """As it stands in a note."""
        return f"— {self.name} {encode(self.key_id + self.body)}\n"


@dataclass(frozen=True)
class Note:
    """A text and its signatures, none of them verified."""

    text: str
    signatures: tuple[Signature, ...]

    def by(self, name: str, key_id: bytes) -> list[Signature]:
        """Those that name this key."""
        return [one for one in self.signatures if (one.name, one.key_id) == (name, key_id)]


def key_id(name: str, material: bytes) -> bytes:
    """The four bytes that name a key in a signature; `material` is its type and its public key."""
    return sha256(name.encode() + b"\n" + material).digest()[:KEY_ID_BYTES]


def parse_vkey(vkey: str) -> tuple[str, bytes]:
    """Name, and type ‖ public key, of `name+hex(key id)+base64(type ‖ key)`. Raises CheckpointError."""
    name, _, rest = vkey.strip().partition("+")
    stated, _, encoded = rest.partition("+")
    material = decode(encoded)
    if not is_name(name) or len(material) < 2:
        raise CheckpointError("the verifier key is not `name+id+key`")
    if key_id(name, material).hex() != stated:
        raise CheckpointError("the verifier key's id does not belong to its name and key")
    return name, material


def format_vkey(name: str, material: bytes) -> str:
    """The spelling that `parse_vkey` reads."""
    return f"{name}+{key_id(name, material).hex()}+{encode(material)}"


def is_name(text: str) -> bool:
    """Whether it can name a key."""
    return _NAME.fullmatch(text) is not None


def parse_note(note: str) -> Note:
    """Read a note without verifying it. Raises CheckpointError."""
    try:
        size = len(note.encode())
    except UnicodeEncodeError as error:
        raise CheckpointError("a note is valid UTF-8") from error
    if size > MAX_NOTE_BYTES:
        raise CheckpointError(f"a note has at most {MAX_NOTE_BYTES} bytes, not {size}")
    text, found, block = note.rpartition("\n\n")
    if not found or any(c < " " and c != "\n" for c in note):
        raise CheckpointError("not a signed note: text, blank line, signature lines")
    return Note(text + "\n", parse_signatures(block))


def parse_signatures(block: str) -> tuple[Signature, ...]:
    """One line or more, each ended by a newline. Raises CheckpointError."""
    lines = block.split("\n")
    if not (len(lines) > 1 and lines.pop() == ""):
        raise CheckpointError("not a signed note: text, blank line, signature lines")
    return tuple(map(_parse_line, lines))


def encode(data: bytes) -> str:
    """Standard base64."""
    return b64encode(data).decode()


def decode(text: str) -> bytes:
    """Standard base64 in its one spelling. Raises CheckpointError."""
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise CheckpointError("malformed base64") from error
    if encode(data) != text:
        raise CheckpointError("base64 with stray bits")
    return data


def _parse_line(line: str) -> Signature:
    found = _SIGNATURE.fullmatch(line)
    if found is None:
        raise CheckpointError("a malformed signature line")
    blob = decode(found["signature"])
    return Signature(found["name"], blob[:KEY_ID_BYTES], blob[KEY_ID_BYTES:])
