"""The two ciphersuites of BBS over BLS12-381: how bytes become scalars and points.

Rules
- A scalar is an integer in [0, ORDER), on the wire 32 bytes, big-endian; a point of G1 is 48 bytes, compressed.
- Every hash has a domain separation tag that names suite, interface and use.
- Generators are the same for every key: they are made once, on demand, and kept.

draft-irtf-cfrg-bbs-signatures: ciphersuites and utility operations; RFC 9380, sections 5.3 and 8.8.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256, shake_256
from itertools import count
from threading import Lock
from typing import Final

from py_arkworks_bls12381 import G1Point

from identity.errors import ProofLimitError

ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""Of the groups G1, G2 and GT: r."""

FIELD: Final = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
"""The prime over which G1 is defined: p."""

SCALAR_BYTES: Final = 32
POINT_BYTES: Final = 48

EXPAND_BYTES: Final = 48
"""Hashed for one scalar: 128 bits more than ORDER has, so that no scalar is likelier than another."""

MAX_MESSAGES: Final = 1024
"""Signed together. A message is one statement of a credential; each costs a generator, 0.1 ms when first needed."""

Expand = Callable[[bytes, bytes, int], bytes]
"""`expand_message(message, tag, length)` of RFC 9380, section 5.3."""

HashToPoint = Callable[[bytes, bytes], G1Point]
"""`hash_to_curve(message, tag)` of RFC 9380, section 3."""


@dataclass(frozen=True)
class Generators:
    """Points whose relations nobody knows."""

    domain: G1Point
    """Q_1: carries the domain."""

    messages: tuple[G1Point, ...]
    """H_1 and on: one carries each message."""

    encoded: bytes
    """All of them, compressed, in this order."""


class Ciphersuite:
    """One hash for scalars and one for points, under an identifier. Safe to share between threads."""

    def __init__(self, identifier: bytes, expand: Expand, hash_to_point: HashToPoint) -> None:
        self.interface: Final = identifier + b"H2G_HM2S_"
        """The API identifier of the interface that hashes messages to scalars (`api_id`)."""

        self._expand = expand
        self._hash_to_point = hash_to_point
        self.base_point: Final = next(self._points(b"BP_MESSAGE_GENERATOR_SEED"))
        """P_1."""

        self._lock = Lock()
        self._more = self._points(b"MESSAGE_GENERATOR_SEED")
        """Guarded by `_lock`, as is `_made`, which only grows."""

        self._made: list[tuple[G1Point, bytes]] = []

    def hash_to_scalar(self, message: bytes, tag: bytes = b"H2S_") -> int:
        """`hash_to_scalar`; `tag` is what follows the interface in the domain separation tag."""
        return to_scalar(self._expand(message, self.interface + tag, EXPAND_BYTES))

    def message_scalars(self, messages: Sequence[bytes]) -> list[int]:
        """`messages_to_scalars`."""
        return [self.hash_to_scalar(message, b"MAP_MSG_TO_SCALAR_AS_HASH_") for message in messages]

    def generators(self, messages: int) -> Generators:
        """For so many messages (`create_generators`). Raises ProofLimitError beyond MAX_MESSAGES."""
        if messages > MAX_MESSAGES:
            raise ProofLimitError(f"at most {MAX_MESSAGES} statements are signed together, not {messages}")
        with self._lock:
            while len(self._made) <= messages:
                point = next(self._more)
                self._made.append((point, point.to_compressed_bytes()))
            made = self._made[: messages + 1]
        first, *others = (point for point, _ in made)
        return Generators(first, tuple(others), b"".join(encoded for _, encoded in made))

    def _points(self, seed: bytes) -> Iterator[G1Point]:
        tag = self.interface + b"SIG_GENERATOR_SEED_"
        value = self._expand(self.interface + seed, tag, EXPAND_BYTES)
        for index in count(1):
            value = self._expand(value + index.to_bytes(8), tag, EXPAND_BYTES)
            yield self._hash_to_point(value, self.interface + b"SIG_GENERATOR_DST_")


def to_scalar(wide: bytes) -> int:
    """EXPAND_BYTES of hash or randomness as a scalar."""
    return int.from_bytes(wide) % ORDER


def expand_xmd(message: bytes, tag: bytes, length: int) -> bytes:
    """`expand_message_xmd` with SHA-256 (RFC 9380, section 5.3.1); at most 255 blocks of 32 bytes."""
    suffix = tag + bytes([len(tag)])
    first = sha256(bytes(64) + message + length.to_bytes(2) + b"\0" + suffix).digest()
    blocks, last = b"", bytes(32)
    for index in range(1, -(-length // 32) + 1):
        mixed = (int.from_bytes(first) ^ int.from_bytes(last)).to_bytes(32)
        last = sha256(mixed + bytes([index]) + suffix).digest()
        blocks += last
    return blocks[:length]


def expand_xof(message: bytes, tag: bytes, length: int) -> bytes:
    """`expand_message_xof` with SHAKE-256 (RFC 9380, section 5.3.2)."""
    return shake_256(message + length.to_bytes(2) + tag + bytes([len(tag)])).digest(length)


def _hash_to_point_xof(message: bytes, tag: bytes) -> G1Point:
    """Two field elements of 64 hashed bytes, mapped and added (RFC 9380, section 3); the library has SHA-256 only."""
    wide = expand_xof(message, tag, 128)
    first, second = (int.from_bytes(half) % FIELD for half in (wide[:64], wide[64:]))
    return G1Point.map_from_fp_be(first.to_bytes(48)) + G1Point.map_from_fp_be(second.to_bytes(48))


SHA_256: Final = Ciphersuite(b"BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_", expand_xmd, G1Point.hash_to_curve)
"""The suite of bbs-2023."""

SHAKE_256: Final = Ciphersuite(b"BBS_BLS12381G1_XOF:SHAKE-256_SSWU_RO_", expand_xof, _hash_to_point_xof)
