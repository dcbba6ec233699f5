r"""Checkpoints: the log's signed tree head (c2sp.org/tlog-checkpoint).

Rules
- The text is `origin\nsize\nbase64(root)\n`, without extension lines; the log's key is Ed25519 (type
  0x01) and carries the origin as its name.
- A signature by any other name or key id is not the log's (`ledger.cosignature` knows witnesses'); one by our key must
  verify, and there must be one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keys.signer import Signer
from ledger.errors import CheckpointError
from ledger.tree.merkle import HASH_BYTES
from ledger.tree.note import Signature, decode, encode, format_vkey, is_name, key_id, parse_note, parse_vkey

ED25519_TYPE = b"\x01"
MAX_SIZE = 2**63 - 1
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class VerifierKey:
    """What a stranger needs to check the log: its name and its Ed25519 public key."""

    origin: str
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """Read `name+hex(key id)+base64(type ‖ key)`. Raises CheckpointError."""
        name, material = parse_vkey(vkey)
        if material[:1] != ED25519_TYPE or len(material) != 1 + HASH_BYTES:
            raise CheckpointError("the verifier key is not `name+id+key` with an Ed25519 key")
        return cls(name, material[1:])

    @property
    def id(self) -> bytes:
        """The four bytes that name this key in a signature."""
        return key_id(self.origin, ED25519_TYPE + self.public_key)

    def __str__(self) -> str:
        return format_vkey(self.origin, ED25519_TYPE + self.public_key)


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
    if not is_name(origin):
        raise CheckpointError(f"{origin!r} cannot name a log: use `host/path`, without spaces, `+` or scheme")
    return origin


def sign_checkpoint(head: TreeHead, key: VerifierKey, signer: Signer) -> str:
    """The signed note. Raises KeyStoreUnavailableError from the signer."""
    return f"{head.text}\n{Signature(head.origin, key.id, signer.sign(head.text.encode())).line}"


def verify_checkpoint(note: str, key: VerifierKey) -> TreeHead:
    """Check the log's signature and read what it says. Raises CheckpointError."""
    head = parse_head(verify_note(note, key))
    if head.origin != key.origin:
        raise CheckpointError(f"the checkpoint is of {head.origin!r}, not of {key.origin!r}")
    return head


def verify_note(note: str, key: VerifierKey) -> str:
    """The text of a note that the key signed. Raises CheckpointError."""
    parsed = parse_note(note)
    ours = parsed.by(key.origin, key.id)
    if not ours:
        raise CheckpointError(f"no signature by {key.origin}+{key.id.hex()}")
    for signature in ours:
        try:
            Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature.body, parsed.text.encode())
        except InvalidSignature as error:
            raise CheckpointError("the log's signature does not verify") from error
    return parsed.text


def parse_head(text: str, *, extended: bool = False) -> TreeHead:
    """What the text of a checkpoint says; `extended` lets other logs add lines of their own. Raises CheckpointError."""
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or (len(lines) > 4 and not extended):
        raise CheckpointError("a checkpoint is origin, size and root, without extension lines")
    origin, size, root, *_ = lines
    decoded = decode(root)
    if len(decoded) != HASH_BYTES:
        raise CheckpointError(f"a root has {HASH_BYTES} bytes")
    return TreeHead(origin, parse_size(size), decoded)


def parse_size(text: str) -> int:
    """A tree size in its one spelling. Raises CheckpointError."""
    if not _SIZE.fullmatch(text) or int(text) > MAX_SIZE:
        raise CheckpointError("the tree size is not a plain decimal number")
    return int(text)
