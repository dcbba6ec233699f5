"""BBS proofs: who holds a signature shows some of its messages and nothing else, each time in fresh bytes.

Rules
- A proof is three points, then scalars: three, one for each hidden message, and the challenge. Its length says how many
  messages are hidden, and is checked before anything is computed.
- Indexes count from 0, rise, and lie within the messages.
- Fresh randomness for every proof, or two of them give the signature away; it is an argument, so that a test can hold
  the published vectors against it.

draft-irtf-cfrg-bbs-signatures: ProofGen, ProofVerify and what they call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from py_arkworks_bls12381 import GT, G1Point, Scalar

from identity.errors import ProofInvalidError, ProofLimitError, ProofUnreadableError, SelectionError
from identity.selective.bbs_ciphersuite import (
    EXPAND_BYTES,
    MAX_MESSAGES,
    ORDER,
    POINT_BYTES,
    SCALAR_BYTES,
    Ciphersuite,
    to_scalar,
)
from identity.selective.bbs_encoding import (
    G2_BASE,
    read_points,
    read_public_key,
    read_scalars,
    weighted_sum,
    write_points,
    write_scalars,
)
from identity.selective.bbs_signature import domain_of, read_signature, signed_point

Randomness = Callable[[int], bytes]
"""So many bytes that nobody can guess; `secrets.token_bytes` is one."""

_POINTS: Final = 3
_SCALARS: Final = 4
MIN_PROOF_BYTES: Final = _POINTS * POINT_BYTES + _SCALARS * SCALAR_BYTES
"""Of a proof that hides nothing; each hidden message adds SCALAR_BYTES."""


@dataclass(frozen=True)
class _Statement:
    """What the challenge binds (`ProofChallengeCalculate`)."""

    points: tuple[G1Point, G1Point, G1Point]
    """Abar, Bbar and D: the signature and what it signs, blinded."""

    commitments: tuple[G1Point, G1Point]
    """T1 and T2."""

    domain: int
    shown: dict[int, int]
    """Scalar of each disclosed message by its index, rising."""

    presentation_header: bytes

    def challenge(self, suite: Ciphersuite) -> int:
        shown = b"".join(index.to_bytes(8) + write_scalars(scalar) for index, scalar in self.shown.items())
        return suite.hash_to_scalar(
            len(self.shown).to_bytes(8)
            + shown
            + write_points(*self.points, *self.commitments)
            + write_scalars(self.domain)
            + len(self.presentation_header).to_bytes(8)
            + self.presentation_header
        )


def prove(
    suite: Ciphersuite,
    key: bytes,
    signature: bytes,
    header: bytes,
    presentation_header: bytes,
    messages: Sequence[bytes],
    disclosed: Sequence[int],
    randomness: Randomness,
) -> bytes:
    """A proof that shows `disclosed` of the messages, bound to the presentation header.

    `signature` is taken to be valid: of another one comes a proof that does not verify. Raises ProofUnreadableError,
    SelectionError, ProofLimitError.
    """
    if not _are_indexes(disclosed, len(messages)):
        raise SelectionError(f"indexes of disclosed messages rise from 0 and stay below {len(messages)}")
    signature_point, exponent = read_signature(signature)
    scalars = suite.message_scalars(messages)
    generators = suite.generators(len(messages))
    domain = domain_of(suite, key, generators, header)
    shown = {index: scalars[index] for index in disclosed}
    hidden = [index for index in range(len(messages)) if index not in shown]
    r1, r2, e_blind, r1_blind, r3_blind, *blinds = _random_scalars(randomness, 5 + len(hidden))

    d = signed_point(suite, generators, domain, scalars) * Scalar(r2)
    a_bar = signature_point * Scalar(r1 * r2 % ORDER)
    b_bar = weighted_sum((d, r1), (a_bar, ORDER - exponent))
    carried = [(generators.messages[index], blind) for index, blind in zip(hidden, blinds, strict=True)]
    statement = _Statement(
        points=(a_bar, b_bar, d),
        commitments=(weighted_sum((a_bar, e_blind), (d, r1_blind)), weighted_sum((d, r3_blind), *carried)),
        domain=domain,
        shown=shown,
        presentation_header=presentation_header,
    )
    challenge = statement.challenge(suite)
    answers = [
        e_blind + exponent * challenge,
        r1_blind - r1 * challenge,
        r3_blind - pow(r2, -1, ORDER) * challenge,
        *(blind + scalars[index] * challenge for index, blind in zip(hidden, blinds, strict=True)),
    ]
    return write_points(a_bar, b_bar, d) + write_scalars(*(answer % ORDER for answer in answers), challenge)


def verify_proof(
    suite: Ciphersuite,
    key: bytes,
    proof: bytes,
    header: bytes,
    presentation_header: bytes,
    messages: Sequence[bytes],
    disclosed: Sequence[int],
) -> None:
    """`messages` are the disclosed ones, at the indexes `disclosed` of all that were signed.

    Raises ProofInvalidError, ProofUnreadableError, KeyUnfitError, ProofLimitError.
    """
    total = _hidden_messages(proof) + len(disclosed)
    if len(messages) != len(disclosed) or not _are_indexes(disclosed, total):
        raise ProofUnreadableError(f"{len(messages)} messages are not at {len(disclosed)} rising indexes below {total}")
    issuer = read_public_key(key)
    a_bar, b_bar, d = read_points(proof[: _POINTS * POINT_BYTES])
    e_answer, r1_answer, r3_answer, *answers, challenge = read_scalars(proof[_POINTS * POINT_BYTES :])

    generators = suite.generators(total)
    domain = domain_of(suite, key, generators, header)
    shown = dict(zip(disclosed, suite.message_scalars(messages), strict=True))
    hidden = [index for index in range(total) if index not in shown]
    carried = [(generators.messages[index], scalar * challenge) for index, scalar in shown.items()]
    carried += [(generators.messages[index], answer) for index, answer in zip(hidden, answers, strict=True)]
    first = weighted_sum((b_bar, challenge), (a_bar, e_answer), (d, r1_answer))
    second = weighted_sum(
        (suite.base_point, challenge), (generators.domain, domain * challenge), (d, r3_answer), *carried
    )
    statement = _Statement((a_bar, b_bar, d), (first, second), domain, shown, presentation_header)
    if statement.challenge(suite) != challenge:
        raise ProofInvalidError("the BBS proof is of other messages, another header or another presentation")
    if not GT.pairing_check([a_bar, b_bar], [issuer, -G2_BASE]):
        raise ProofInvalidError("the BBS proof is not of a signature of this key")


def _hidden_messages(proof: bytes) -> int:
    """How many messages a proof of this length hides."""
    hidden, rest = divmod(len(proof) - MIN_PROOF_BYTES, SCALAR_BYTES)
    if hidden < 0 or rest:
        raise ProofUnreadableError(f"no BBS proof has {len(proof)} bytes")
    if hidden > MAX_MESSAGES:
        raise ProofLimitError(f"at most {MAX_MESSAGES} statements are signed together, and this proof hides {hidden}")
    return hidden


def _are_indexes(indexes: Sequence[int], total: int) -> bool:
    rising = all(one < other for one, other in pairwise(indexes))
    return rising and (not indexes or (indexes[0] >= 0 and indexes[-1] < total))


def _random_scalars(randomness: Randomness, count: int) -> list[int]:
    """`calculate_random_scalars`. Raises ValueError on a source that gives zeros."""
    wide = randomness(count * EXPAND_BYTES)
    scalars = [to_scalar(wide[start : start + EXPAND_BYTES]) for start in range(0, len(wide), EXPAND_BYTES)]
    if len(wide) != count * EXPAND_BYTES or 0 in scalars:
        raise ValueError("the source of randomness gave too little of it, or zeros")
    return scalars
