"""What a log asks of a witness: `add-checkpoint` of c2sp.org/tlog-witness, as both ends spell it.

The body is `old N`, the hashes of a consistency proof from size N, each in base64 on a line of its own, an empty line,
and the signed checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final, Self

from ledger.errors import CheckpointError, WitnessRefusedError
from ledger.tree.checkpoint import parse_size
from ledger.tree.merkle import HASH_BYTES
from ledger.tree.note import MAX_NOTE_BYTES, decode, encode

PATH: Final = "add-checkpoint"
SIZE_TYPE: Final = "text/x.tlog.size"
"""Content type of a conflict, whose body is the size that the witness saw last."""

MAX_HASHES: Final = 63
MAX_BODY_BYTES: Final = MAX_NOTE_BYTES + MAX_HASHES * 45 + 32
_OLD: Final = "old "


def shown_path(origin: str) -> str:
    """Where a witness shows what it cosigned last of a log."""
    return f"{sha256(origin.encode()).hexdigest()}/checkpoint"


class Refusal(IntEnum):
    """Why a witness does not cosign: the protocol's HTTP statuses."""

    MALFORMED = 400
    UNSIGNED = 403
    """By no key that it knows of this log, or the signature does not verify."""

    UNKNOWN_LOG = 404
    CONFLICT = 409
    """What it saw last is of another size than `old`."""

    INCONSISTENT = 422
    """This tree does not extend what it saw last."""


@dataclass(frozen=True)
class AddCheckpoint:
    """Please cosign this checkpoint, which extends the one of size `old` that you saw."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    @property
    def body(self) -> str:
        """As it is sent."""
        return "".join([f"{_OLD}{self.old}\n", *(f"{encode(value)}\n" for value in self.proof), "\n", self.note])

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Raises WitnessRefusedError for what does not have this form."""
        try:
            return cls(*_parts(body.decode()))
        except (UnicodeDecodeError, CheckpointError) as error:
            raise WitnessRefusedError(Refusal.MALFORMED, f"the request is malformed: {error}") from error


def _parts(body: str) -> tuple[int, tuple[bytes, ...], str]:
    asked, separator, note = body.partition("\n\n")
    first, *hashes = asked.split("\n")
    if not separator or not first.startswith(_OLD) or len(hashes) > MAX_HASHES:
        raise CheckpointError("it is `old` and a size, at most 63 hashes, an empty line and a checkpoint")
    proof = tuple(map(decode, hashes))
    if any(len(value) != HASH_BYTES for value in proof):
        raise CheckpointError(f"every hash has {HASH_BYTES} bytes")
    return parse_size(first.removeprefix(_OLD)), proof, note
