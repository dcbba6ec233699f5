"""Proof values off the wire: each shape by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import pytest

from identity.encoding.multibase import encode_base64
from identity.errors import ProofLimitError, ProofUnreadableError
from identity.selective.proof_value import (
    MAX_PROOF_CHARACTERS,
    NUMBERS,
    Kind,
    decode,
    encode,
    read_hmacs,
    read_indexes,
    read_multibase,
    read_numbers,
    read_octets,
    read_pointers,
)


def test_round_trip() -> None:
    components = [b"1", [2, 3], {4: b"5"}, "6"]
    for kind in Kind:
        assert decode(kind, encode(kind, components), 4) == components


@pytest.mark.parametrize("text", ["", "z2", "u=", "uA", "uAB", "uA A", "uAA==", "uÄA"])
def test_multibase_that_is_none(text: str) -> None:
    with pytest.raises(ProofUnreadableError):
        read_multibase(text)


def test_another_kind() -> None:
    for kind in Kind:
        for other in set(Kind) - {kind}:
            with pytest.raises(ProofUnreadableError, match="begins with"):
                decode(kind, encode(other, [1]), 1)


def test_features_we_do_not_have_are_refused_by_their_header() -> None:
    """bbs-2023 with anonymous holder binding and pseudonyms."""
    for last in range(4, 9):
        with pytest.raises(ProofUnreadableError, match="begins with"):
            decode(Kind.BBS_DERIVED, encode_base64(bytes([0xD9, 0x5D, last]) + cbor2.dumps([1])), 1)


def test_size_comes_first() -> None:
    with pytest.raises(ProofLimitError):
        decode(Kind.BBS_BASE, "u" + "*" * MAX_PROOF_CHARACTERS, 1)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x81",
        b"\x81\x00\x00",
        b"\x82\x00\x00",
        b"\x00",
        b"\xa1\x00\x00",
        b"\x81" * 4000 + b"\x00",
        b"\x9b" + b"\xff" * 8,
        b"\x5b\x7f" + b"\xff" * 7,
        b"\xff",
        b"\xd8\x40\x81\x00",
        b"\x81\xa1\x80\x00\x00",
        b"\x81\xd8\x23\x61a",  # a regular expression
        b"\x81\xd8\x1c\x80",  # a shared value
        b"\x81\xa2\x00\x01\x00\x02",  # a key twice
        b"\x9f\x00\xff",  # an array without its length
    ],
    ids=bytes.hex,
)
def test_what_is_not_one_array(octets: bytes) -> None:
    with pytest.raises(ProofUnreadableError):
        decode(Kind.BBS_BASE, encode_base64(Kind.BBS_BASE.value + octets), 1)


@pytest.mark.parametrize(
    ("read", "right", "wrong"),
    [
        (read_octets, [b"", b"12"], ["", 1, None, [1], bytearray(b"1")]),
        (lambda component: read_octets(component, 2), [b"12"], [b"", b"1", b"123", "12"]),
        (read_indexes, [[], [0], [1, 7]], [0, "", None, (0,), [-1], [1, 1], [2, 1], [True], [1.0], ["1"], [NUMBERS]]),
        (read_pointers, [[], ["/a"]], ["/a", [1], [b"/a"], [None], {"/a": 1}]),
        (
            read_numbers,
            [{}, {0: 1, 1: 0}],
            [[], {0: 1, 1: 1}, {0: "1"}, {0: b"1"}, {"0": 1}, {-1: 1}, {0: -1}, {0: NUMBERS}],
        ),
        (read_numbers, [{}], [{10**5000: 1}, {1: 10**5000}, {True: 1}, {1: True}, {1: [1]}, {1: 1.0}]),
        (read_hmacs, [{}, {0: b"1", 1: b"2"}], [[], {0: b"1", 1: b"1"}, {0: 1}, {0: "1"}, {b"0": b"1"}, {0: [b"1"]}]),
    ],
)
def test_components(read: Callable[[object], Any], right: list[object], wrong: list[object]) -> None:
    for component in right:
        assert read(component) == component
    for component in wrong:
        with pytest.raises(ProofUnreadableError):
            read(component)
