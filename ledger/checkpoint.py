r"""Checkpoints: the log's signed tree head (c2sp.org/tlog-checkpoint, c2sp.org/signed-note).

Rules
- The text is `origin\nsize\nbase64(root)\n`, without extension lines; the log's key is Ed25519 (type
  0x01) and carries the origin as its name.
- A signature by any other name or key id is ignored (a witness, a later key type); one by our key must
  verify, and there must be one.
- Sizes and lengths are checked before anything is decoded further; one text has one reading.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keys.signer import Signer
from ledger.errors import CheckpointError
from ledger.merkle import HASH_BYTES

ED25519_TYPE = b"\x01"
KEY_ID_BYTES = 4
MAX_NOTE_BYTES = 64 * 1024
"""Room for sixteen post-quantum signatures, which the note format asks verifiers to accept."""

MAX_SIZE = 2**63 - 1
_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]{1,255}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True)
class VerifierKey:
    """What a stranger needs to check the log: its name and its Ed25519 public key."""

    origin: str
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """Read `name+hex(key id)+base64(type ‖ key)`. Raises CheckpointError."""
        name, _, rest = vkey.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        decoded = decode(encoded)
        if not _NAME.fullmatch(name) or decoded[:1] != ED25519_TYPE or len(decoded) != 1 + HASH_BYTES:
            raise CheckpointError("the verifier key is not `name+id+key` with an Ed25519 key")
        key = cls(name, decoded[1:])
        if key.id.hex() != key_id:
            raise CheckpointError("the verifier key's id does not belong to its name and key")
        return key

    @property
    def id(self) -> bytes:
        """The four bytes that name this key in a signature."""
        return sha256(self.origin.encode() + b"\n" + ED25519_TYPE + self.public_key).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.origin}+{self.id.hex()}+{encode(ED25519_TYPE + self.public_key)}"


@dataclass(frozen=True)
class TreeHead:
    """What a checkpoint says: under this name, the first `size` entries have this root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{encode(self.root)}\n"


def check_origin(origin: str) -> str:
    """The origin, if a log may be named so. Raises CheckpointError."""
    if not _NAME.fullmatch(origin):
        raise CheckpointError(f"{origin!r} cannot name a log: use `host/path`, without spaces, `+` or scheme")
    return origin


def sign_checkpoint(head: TreeHead, key: VerifierKey, signer: Signer) -> str:
    """The signed note. Raises KeyStoreUnavailableError from the signer."""
    return f"{head.text}\n— {head.origin} {encode(key.id + signer.sign(head.text.encode()))}\n"


def verify_checkpoint(note: str, key: VerifierKey) -> TreeHead:
    """Check the log's signature and read what it says. Raises CheckpointError."""
    text, signatures = _split_note(note)
    ours = [blob[KEY_ID_BYTES:] for name, blob in signatures if name == key.origin and blob[:KEY_ID_BYTES] == key.id]
    if not ours:
        raise CheckpointError(f"no signature by {key.origin}+{key.id.hex()}")
    for signature in ours:
        try:
            Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, text.encode())
        except InvalidSignature as error:
            raise CheckpointError("the log's signature does not verify") from error
    head = _parse_head(text)
    if head.origin != key.origin:
        raise CheckpointError(f"the checkpoint is of {head.origin!r}, not of {key.origin!r}")
    return head


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


def _split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    try:
        size = len(note.encode())
    except UnicodeEncodeError as error:
        raise CheckpointError("a note is valid UTF-8") from error
    if size > MAX_NOTE_BYTES:
        raise CheckpointError(f"a note has at most {MAX_NOTE_BYTES} bytes, not {size}")
    text, found, block = note.rpartition("\n\n")
    lines = block.split("\n")
    if not (found and len(lines) > 1 and lines.pop() == "") or any(c < " " and c != "\n" for c in note):
        raise CheckpointError("not a signed note: text, blank line, signature lines")
    matches = [_SIGNATURE.fullmatch(line) for line in lines]
    if not all(matches):
        raise CheckpointError("a malformed signature line")
    return text + "\n", [(match["name"], decode(match["signature"])) for match in matches if match]


def _parse_head(text: str) -> TreeHead:
    lines = text.split("\n")
    if len(lines) != 4 or not lines[0]:
        raise CheckpointError("a checkpoint is origin, size and root, without extension lines")
    origin, size, root, _ = lines
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise CheckpointError("the tree size is not a plain decimal number")
    decoded = decode(root)
    if len(decoded) != HASH_BYTES:
        raise CheckpointError(f"a root has {HASH_BYTES} bytes")
    return TreeHead(origin, int(size), decoded)
