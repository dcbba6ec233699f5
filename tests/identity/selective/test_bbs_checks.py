"""What BBS refuses before it computes, each check by itself; and nothing that is signed or shown can be changed."""

from __future__ import annotations

import secrets

import pytest
from py_arkworks_bls12381 import G1Point, G2Point

from identity.errors import (
    KeyUnfitError,
    ProofError,
    ProofInvalidError,
    ProofLimitError,
    ProofUnreadableError,
    SelectionError,
)
from identity.selective.bbs_ciphersuite import MAX_MESSAGES, ORDER, SHA_256, SHAKE_256
from identity.selective.bbs_proof import Randomness, prove, verify_proof
from identity.selective.bbs_signature import SecretKey, sign, verify

MESSAGES = [b"born before 2008", b"lives in Utopia", b"", b"blood group 0"]
SHOWN = [0, 2]
KEY = SecretKey.derive(SHA_256, bytes(range(32)))
HEADER, PRESENTATION = b"mandatory", b"nonce"
SIGNATURE = sign(SHA_256, KEY, HEADER, MESSAGES)
PROOF = prove(SHA_256, KEY.public, SIGNATURE, HEADER, PRESENTATION, MESSAGES, SHOWN, secrets.token_bytes)

IDENTITY = G1Point.identity().to_compressed_bytes()
OUTSIDE = bytes([0x80, *bytes(46), 4])
"""x = 4: on the curve of G1, outside the subgroup."""

NOWHERE = bytes([0x80, *bytes(46), 1])
"""x = 1: no such point."""

OUTSIDE_G2 = bytes([0x80, *bytes(94), 2])
"""x = 2: on the curve of G2, outside the subgroup."""


def put(octets: bytes, start: int, part: bytes) -> bytes:
    return octets[:start] + part + octets[start + len(part) :]


def check_signature(signature: bytes, key: bytes = KEY.public) -> None:
    verify(SHA_256, key, signature, HEADER, MESSAGES)


def check_proof(proof: bytes, key: bytes = KEY.public, shown: list[int] = SHOWN) -> None:
    verify_proof(SHA_256, key, proof, HEADER, PRESENTATION, [MESSAGES[index] for index in SHOWN], shown)


def test_both_hold() -> None:
    check_signature(SIGNATURE)
    check_proof(PROOF)


@pytest.mark.parametrize(
    "point", [IDENTITY, OUTSIDE, NOWHERE, bytes(48)], ids=["identity", "outside", "nowhere", "zeros"]
)
@pytest.mark.parametrize("place", [None, 0, 48, 96], ids=["A", "Abar", "Bbar", "D"])
def test_points(place: int | None, point: bytes) -> None:
    with pytest.raises(ProofUnreadableError, match="point"):
        check_signature(put(SIGNATURE, 0, point)) if place is None else check_proof(put(PROOF, place, point))


@pytest.mark.parametrize("scalar", [0, ORDER, 2**256 - 1], ids=["zero", "order", "most"])
@pytest.mark.parametrize("place", [None, *range(144, len(PROOF), 32)])
def test_scalars(place: int | None, scalar: int) -> None:
    octets = scalar.to_bytes(32)
    with pytest.raises(ProofUnreadableError, match="scalar"):
        check_signature(put(SIGNATURE, 48, octets)) if place is None else check_proof(put(PROOF, place, octets))


def test_one_encoding_of_a_scalar() -> None:
    """The last scalar of a proof is the challenge; the same one plus the order would be other bytes for it."""
    same = int.from_bytes(PROOF[-32:]) + ORDER
    with pytest.raises(ProofUnreadableError, match="scalar"):
        check_proof(PROOF[:-32] + same.to_bytes(32))


@pytest.mark.parametrize("length", [0, 79, 81, 112])
def test_length_of_a_signature(length: int) -> None:
    with pytest.raises(ProofUnreadableError, match="80 bytes"):
        check_signature((SIGNATURE + bytes(32))[:length])


@pytest.mark.parametrize("length", [0, 144, 271, 273, len(PROOF) - 1, len(PROOF) + 31])
def test_length_of_a_proof(length: int) -> None:
    with pytest.raises(ProofUnreadableError, match=f"no BBS proof has {length} bytes"):
        check_proof((PROOF + bytes(32))[:length])


def test_more_messages_than_are_signed_together() -> None:
    with pytest.raises(ProofLimitError):
        check_proof(PROOF + bytes(32) * MAX_MESSAGES)
    with pytest.raises(ProofLimitError):
        sign(SHA_256, KEY, HEADER, [b""] * (MAX_MESSAGES + 1))


@pytest.mark.parametrize(
    "key",
    [b"", KEY.public[:95], KEY.public + b"\0", G2Point.identity().to_compressed_bytes(), OUTSIDE_G2, bytes(96)],
    ids=["empty", "short", "long", "identity", "outside", "zeros"],
)
def test_public_keys(key: bytes) -> None:
    for check, octets in ((check_signature, SIGNATURE), (check_proof, PROOF)):
        with pytest.raises(KeyUnfitError):
            check(octets, key)


@pytest.mark.parametrize("scalar", [-1, 0, ORDER, ORDER + 1])
def test_secret_keys(scalar: int) -> None:
    with pytest.raises(KeyUnfitError):
        SecretKey(scalar)


def test_little_key_material() -> None:
    with pytest.raises(KeyUnfitError):
        SecretKey.derive(SHA_256, bytes(31))


def test_a_key_does_not_print_its_secret() -> None:
    assert str(KEY.scalar) not in repr(KEY)


@pytest.mark.parametrize("indexes", [[2, 0], [0, 0], [-1, 0], [0, 4], [0]])
def test_indexes(indexes: list[int]) -> None:
    with pytest.raises(ProofUnreadableError, match="rising indexes"):
        check_proof(PROOF, shown=indexes)


@pytest.mark.parametrize("indexes", [[2, 0], [0, 0], [-1, 0], [0, 4]])
def test_indexes_to_show(indexes: list[int]) -> None:
    with pytest.raises(SelectionError):
        prove(SHA_256, KEY.public, SIGNATURE, HEADER, PRESENTATION, MESSAGES, indexes, secrets.token_bytes)


@pytest.mark.parametrize("source", [bytes, lambda length: b"\1" * (length - 1)], ids=["zeros", "short"])
def test_poor_randomness(source: Randomness) -> None:
    with pytest.raises(ValueError, match="randomness"):
        prove(SHA_256, KEY.public, SIGNATURE, HEADER, PRESENTATION, MESSAGES, SHOWN, source)


@pytest.mark.parametrize("place", range(0, len(PROOF), 16))
def test_no_part_of_a_proof_can_be_changed(place: int) -> None:
    with pytest.raises(ProofError):
        check_proof(put(PROOF, place, bytes([PROOF[place] ^ 1])))


@pytest.mark.parametrize("place", range(0, len(SIGNATURE), 16))
def test_no_part_of_a_signature_can_be_changed(place: int) -> None:
    with pytest.raises(ProofError):
        check_signature(put(SIGNATURE, place, bytes([SIGNATURE[place] ^ 1])))


def test_a_proof_is_of_one_suite_key_and_presentation() -> None:
    shown = [MESSAGES[index] for index in SHOWN]
    stranger = SecretKey.derive(SHA_256, bytes(32)).public
    for suite, key, header, presentation, messages in (
        (SHAKE_256, KEY.public, HEADER, PRESENTATION, shown),
        (SHA_256, stranger, HEADER, PRESENTATION, shown),
        (SHA_256, KEY.public, b"other", PRESENTATION, shown),
        (SHA_256, KEY.public, HEADER, b"other", shown),
        (SHA_256, KEY.public, HEADER, PRESENTATION, [shown[0], b"x"]),
    ):
        with pytest.raises(ProofInvalidError):
            verify_proof(suite, key, PROOF, header, presentation, messages, SHOWN)


def test_a_proof_of_an_invalid_signature_does_not_verify() -> None:
    forged = sign(SHA_256, SecretKey(7), HEADER, MESSAGES)
    proof = prove(SHA_256, KEY.public, forged, HEADER, PRESENTATION, MESSAGES, SHOWN, secrets.token_bytes)
    with pytest.raises(ProofInvalidError, match="not of a signature of this key"):
        check_proof(proof)


def test_two_proofs_share_no_part() -> None:
    """Nor with the signature: every point and every scalar is fresh."""
    other = prove(SHA_256, KEY.public, SIGNATURE, HEADER, PRESENTATION, MESSAGES, SHOWN, secrets.token_bytes)
    check_proof(other)
    parts = [
        {
            octets[start : start + size]
            for start, size in [(0, 48), (48, 48), (96, 48)] + [(at, 32) for at in range(144, len(octets), 32)]
        }
        for octets in (PROOF, other)
    ]
    assert not parts[0] & parts[1]
    assert not (parts[0] | parts[1]) & {SIGNATURE[:48], SIGNATURE[48:]}
