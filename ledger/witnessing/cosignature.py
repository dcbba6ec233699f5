r"""Cosignatures: what witnesses say of a checkpoint (c2sp.org/tlog-cosignature), and how many of them it takes.

Rules
- A cosignature says that at a moment this was the largest tree its witness had seen of the log, and extended all it
  had seen before. Its line in the note is `time ‖ signature` under the witness's own name and key id.
- One by a witness that was not named is present and not judged; one by a witness that was named must verify.
- A witness counts once, however many lines it has: each has a name and a key that no other has.
- Types are those of SCHEMES. A key of another type can be no witness here; a line of another type is a stranger's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.errors import CheckpointError, CosignatureError
from ledger.tree.checkpoint import VerifierKey
from ledger.tree.note import Signature, format_vkey, key_id, parse_note, parse_vkey

ED25519_TYPE: Final = 0x04
TIME_BYTES: Final = 8
MAX_TIME: Final = 2**63 - 1


@dataclass(frozen=True)
class Scheme:
    """One type of cosignature."""

    key_bytes: int
    signature_bytes: int
    message: Callable[[str, int, str], bytes]
    """What is signed: of the witness's name, the time and the checkpoint's text."""

    verify: Callable[[bytes, bytes, bytes], None]
    """Public key, signature, message. Raises InvalidSignature."""


def _v1(_name: str, time: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _ed25519(public_key: bytes, signature: bytes, message: bytes) -> None:
    Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)


SCHEMES: Final = {ED25519_TYPE: Scheme(32, 64, _v1, _ed25519)}
"""By the first byte of a verifier key. ML-DSA-44 (0x06) is one more row here, and one in `bundle_verifier`."""


@dataclass(frozen=True)
class WitnessKey:
    """A witness: its name, and its public key with the type of what that signs."""

    name: str
    type: int
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> WitnessKey:
        """Read `name+hex(key id)+base64(type ‖ key)`. Raises CheckpointError."""
        name, material = parse_vkey(vkey)
        scheme = SCHEMES.get(material[0])
        if scheme is None or len(material) != 1 + scheme.key_bytes:
            known = ", ".join(str(known) for known in SCHEMES)
            raise CheckpointError(
                f"{name} is no witness this version can check: its key is of type {material[0]}, not {known}"
            )
        return cls(name, material[0], material[1:])

    @property
    def id(self) -> bytes:
        """The four bytes that name this key in a signature."""
        return key_id(self.name, bytes([self.type]) + self.public_key)

    def __str__(self) -> str:
        return format_vkey(self.name, bytes([self.type]) + self.public_key)


@dataclass(frozen=True)
class Cosignature:
    """One that verified."""

    witness: str
    time: int
    """Seconds since 1970, by the witness's clock."""


@dataclass(frozen=True)
class Cosigned:
    """What a note's cosignatures come to."""

    by: tuple[Cosignature, ...] = ()
    """The newest of each witness that was named."""

    unknown: tuple[str, ...] = ()
    """Who else signed, by its own word: not judged."""


NO_COSIGNATURES: Final = Cosigned()


@dataclass(frozen=True)
class Quorum:
    """Whose cosignatures count, and how many there must be. Raises CheckpointError when that is no quorum."""

    witnesses: tuple[WitnessKey, ...] = ()
    needed: int = 0

    def __post_init__(self) -> None:
        for distinct in ({key.name for key in self.witnesses}, {key.public_key for key in self.witnesses}):
            if len(distinct) < len(self.witnesses):
                raise CheckpointError("a witness is named twice: each has a name and a key of its own")
        if not 0 <= self.needed <= len(self.witnesses):
            raise CheckpointError(f"{self.needed} of {len(self.witnesses)} witnesses is no quorum")

    @classmethod
    def parse(cls, vkeys: tuple[str, ...] | list[str], needed: int | None = None) -> Quorum:
        """Of verifier keys; where it is not said how many it takes, all. Raises CheckpointError."""
        witnesses = tuple(map(WitnessKey.parse, vkeys))
        return cls(witnesses, len(witnesses) if needed is None else needed)

    def judge(self, note: str, key: VerifierKey) -> Cosigned:
        """Check every cosignature by a named witness on a checkpoint of the log with that key, whatever their number.

        Raises CosignatureError for one that does not verify, CheckpointError for what is no note.
        """
        parsed, found = parse_note(note), []
        for witness in self.witnesses:
            times = [verify_cosignature(one, parsed.text, witness) for one in parsed.by(witness.name, witness.id)]
            if times:
                found.append(Cosignature(witness.name, max(times)))
        known = {(key.origin, key.id), *((witness.name, witness.id) for witness in self.witnesses)}
        unknown = {one.name for one in parsed.signatures if (one.name, one.key_id) not in known}
        return Cosigned(tuple(found), tuple(sorted(unknown)))

    def lacks(self, cosigned: Cosigned) -> str:
        """What keeps these from being enough; empty when they are."""
        if len(cosigned.by) >= self.needed:
            return ""
        there = ", ".join(one.witness for one in cosigned.by) or "none"
        needed = f"cosignatures by {self.needed} of the named witnesses are needed"
        return f"{needed}, and there are {len(cosigned.by)} ({there})"

    def require(self, note: str, key: VerifierKey) -> Cosigned:
        """The same as `judge`, and CosignatureError where they are too few."""
        cosigned = self.judge(note, key)
        if lacking := self.lacks(cosigned):
            raise CosignatureError(lacking)
        return cosigned


NO_WITNESSES: Final = Quorum()


def cosign(text: str, key: WitnessKey, time: int, sign: Callable[[bytes], bytes]) -> Signature:
    """A witness's own cosignature, at `time` (seconds since 1970), of a checkpoint's text."""
    signature = sign(SCHEMES[key.type].message(key.name, time, text))
    return Signature(key.name, key.id, time.to_bytes(TIME_BYTES, "big") + signature)


def verify_cosignature(signature: Signature, text: str, witness: WitnessKey) -> int:
    """The time of a cosignature that names this witness. Raises CosignatureError."""
    scheme = SCHEMES[witness.type]
    time, body = int.from_bytes(signature.body[:TIME_BYTES], "big"), signature.body[TIME_BYTES:]
    if len(body) != scheme.signature_bytes or not 0 < time <= MAX_TIME:
        raise CosignatureError(f"the cosignature by {witness.name} is malformed")
    try:
        scheme.verify(witness.public_key, body, scheme.message(witness.name, time, text))
    except InvalidSignature as error:
        raise CosignatureError(f"the cosignature by {witness.name} does not verify") from error
    return time
