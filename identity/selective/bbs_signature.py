"""BBS keys and signatures: one signature over many messages, of which proofs later show some.

Rules
- Whatever is read is checked first (`bbs_encoding`); a verification raises, it never returns False.
- Signing is deterministic: the same key, header and messages make the same signature.
- The key is an integer in this process: no key store has BLS12-381. Nor does the library's arithmetic take the same
  time for every key; docs/limitations.md says both.

draft-irtf-cfrg-bbs-signatures: KeyGen, SkToPk, Sign and Verify.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Self

from py_arkworks_bls12381 import GT, G1Point, Scalar

from identity.errors import KeyUnfitError, ProofInvalidError, ProofUnreadableError
from identity.selective.bbs_ciphersuite import ORDER, POINT_BYTES, SCALAR_BYTES, Ciphersuite, Generators
from identity.selective.bbs_encoding import (
    G2_BASE,
    read_points,
    read_public_key,
    read_scalars,
    weighted_sum,
    write_points,
    write_scalars,
)

SIGNATURE_BYTES: Final = POINT_BYTES + SCALAR_BYTES

MIN_KEY_MATERIAL_BYTES: Final = 32
MAX_KEY_INFO_BYTES: Final = 65535


@dataclass(frozen=True)
class SecretKey:
    """What signs. Raises KeyUnfitError unless the scalar is in (0, ORDER)."""

    scalar: int = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.scalar < ORDER:
            raise KeyUnfitError("a BBS secret key is between zero and the order of the group")

    @classmethod
    def derive(cls, suite: Ciphersuite, material: bytes, info: bytes = b"") -> Self:
        """From MIN_KEY_MATERIAL_BYTES of secret randomness or more (`KeyGen`). Raises KeyUnfitError."""
        if len(material) < MIN_KEY_MATERIAL_BYTES or len(info) > MAX_KEY_INFO_BYTES:
            raise KeyUnfitError(f"a BBS key is made from {MIN_KEY_MATERIAL_BYTES} bytes of randomness or more")
        return cls(suite.hash_to_scalar(material + len(info).to_bytes(2) + info, b"KEYGEN_DST_"))

    @cached_property
    def public(self) -> bytes:
        """PUBLIC_KEY_BYTES, compressed (`SkToPk`)."""
        return (G2_BASE * Scalar(self.scalar)).to_compressed_bytes()


def sign(suite: Ciphersuite, key: SecretKey, header: bytes, messages: Sequence[bytes]) -> bytes:
    """SIGNATURE_BYTES over all messages and the header. Raises KeyUnfitError, ProofLimitError."""
    generators = suite.generators(len(messages))
    scalars = suite.message_scalars(messages)
    domain = domain_of(suite, key.public, generators, header)
    exponent = suite.hash_to_scalar(write_scalars(key.scalar, *scalars, domain))
    divisor = (key.scalar + exponent) % ORDER
    if not divisor or not exponent:
        raise KeyUnfitError("this key cannot sign these messages")
    point = signed_point(suite, generators, domain, scalars) * Scalar(pow(divisor, -1, ORDER))
    return write_points(point) + write_scalars(exponent)


def verify(suite: Ciphersuite, key: bytes, signature: bytes, header: bytes, messages: Sequence[bytes]) -> None:
    """Raises ProofInvalidError, ProofUnreadableError, KeyUnfitError, ProofLimitError."""
    point, exponent = read_signature(signature)
    issuer = read_public_key(key)
    generators = suite.generators(len(messages))
    domain = domain_of(suite, key, generators, header)
    signed = signed_point(suite, generators, domain, suite.message_scalars(messages))
    if not GT.pairing_check([point, signed], [issuer + G2_BASE * Scalar(exponent), -G2_BASE]):
        raise ProofInvalidError("the BBS signature is of other messages, another header or another key")


def read_signature(signature: bytes) -> tuple[G1Point, int]:
    """A and e (`octets_to_signature`). Raises ProofUnreadableError."""
    if len(signature) != SIGNATURE_BYTES:
        raise ProofUnreadableError(f"a BBS signature has {SIGNATURE_BYTES} bytes, not {len(signature)}")
    (point,) = read_points(signature[:POINT_BYTES])
    (exponent,) = read_scalars(signature[POINT_BYTES:])
    return point, exponent


def domain_of(suite: Ciphersuite, key: bytes, generators: Generators, header: bytes) -> int:
    """Binds a signature to key, generators, suite and header (`calculate_domain`)."""
    count = len(generators.messages).to_bytes(8)
    return suite.hash_to_scalar(key + count + generators.encoded + suite.interface + len(header).to_bytes(8) + header)


def signed_point(suite: Ciphersuite, generators: Generators, domain: int, scalars: Sequence[int]) -> G1Point:
    """B: what the signature is a root of."""
    carried = zip(generators.messages, scalars, strict=True)
    return weighted_sum((suite.base_point, 1), (generators.domain, domain), *carried)
