"""Points and scalars of BBS on the wire, each checked as it is read.

Rules
- A length is checked before anything is computed.
- A point is on its curve, in the subgroup of ORDER elements (the library's checked decoding sees to both and to the
  one encoding) and not the identity, which would make equations hold that prove nothing.
- A scalar is in (0, ORDER): zero would cancel what it multiplies, and beyond ORDER there would be two encodings of one.

draft-irtf-cfrg-bbs-signatures: `octets_to_signature`, `octets_to_proof`, `octets_to_pubkey`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from identity.errors import KeyUnfitError, ProofUnreadableError
from identity.selective.bbs_ciphersuite import ORDER, POINT_BYTES, SCALAR_BYTES

PUBLIC_KEY_BYTES: Final = 96

_KEYS_KEPT: Final = 64
"""Public keys kept decoded, which costs 0.7 ms each time otherwise."""

G2_BASE: Final = G2Point()
"""BP2, the base point of G2."""


def read_points(octets: bytes) -> list[G1Point]:
    """POINT_BYTES each. Raises ProofUnreadableError."""
    parts = _parts(octets, POINT_BYTES)
    try:
        points = [G1Point.from_compressed_bytes(part) for part in parts]
    except ValueError as error:
        raise ProofUnreadableError("a part of the proof is no point of G1") from error
    if G1Point.identity() in points:
        raise ProofUnreadableError("a point of the proof is the identity")
    return points


def read_scalars(octets: bytes) -> list[int]:
    """SCALAR_BYTES each. Raises ProofUnreadableError."""
    scalars = [int.from_bytes(part) for part in _parts(octets, SCALAR_BYTES)]
    if not all(0 < scalar < ORDER for scalar in scalars):
        raise ProofUnreadableError("a scalar of the proof is zero or beyond the order of the group")
    return scalars


@lru_cache(maxsize=_KEYS_KEPT)
def read_public_key(octets: bytes) -> G2Point:
    """PUBLIC_KEY_BYTES. Raises KeyUnfitError."""
    if len(octets) != PUBLIC_KEY_BYTES:
        raise KeyUnfitError(f"a BBS public key has {PUBLIC_KEY_BYTES} bytes, not {len(octets)}")
    try:
        point = G2Point.from_compressed_bytes(octets)
    except ValueError as error:
        raise KeyUnfitError("the BBS public key is no point of G2") from error
    if point == G2Point.identity():
        raise KeyUnfitError("the BBS public key is the identity")
    return point


def write_scalars(*scalars: int) -> bytes:
    """Of scalars in [0, ORDER)."""
    return b"".join(scalar.to_bytes(SCALAR_BYTES) for scalar in scalars)


def write_points(*points: G1Point) -> bytes:
    return b"".join(point.to_compressed_bytes() for point in points)


def weighted_sum(*terms: tuple[G1Point, int]) -> G1Point:
    """Of points, each times its scalar, which may be any integer ≥ 0."""
    points, weights = zip(*terms, strict=True)
    return G1Point.multiexp_unchecked(list(points), [Scalar(weight % ORDER) for weight in weights])


def _parts(octets: bytes, size: int) -> list[bytes]:
    if len(octets) % size:
        raise ProofUnreadableError(f"{len(octets)} bytes do not divide into parts of {size}")
    return [octets[start : start + size] for start in range(0, len(octets), size)]
