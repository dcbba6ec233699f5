"""Status lists: the specifications' vectors, the order of bits in each form, and what a list may not do to readers."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.encoding import base64url
from identity.errors import StatusIndexError, StatusListFullError, TokenUnreadableError
from identity.status import status_list
from identity.status.status_list import (
    BITSTRING,
    MAX_OCTETS,
    TOKEN,
    Form,
    StatusList,
    decode,
    draw_place,
    empty,
)
from tests.identity.parties import counting

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "token-status-list.json").read_bytes())
W3C = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"
"""Bitstring Status List v1.0, section 3.1: the example of a list, 131,072 places of one bit."""

FORMS = [BITSTRING, TOKEN]
PLACES = BITSTRING.fewest


def packed(octets: bytes, form: Form) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, form.container)
    return form.prefix + base64url.encode(packer.compress(octets) + packer.flush())


class TestVectors:
    @pytest.mark.parametrize(
        "vector", VECTORS["lists"], ids=lambda vector: f"{vector['bits']} bits of {vector['places']}"
    )
    def test_token_status_list(self, vector: dict[str, Any]) -> None:
        statuses = {int(place): status for place, status in vector["set"].items()}
        written = empty(TOKEN, vector["places"], vector["bits"]).with_status(statuses)
        read = decode(TOKEN, vector["lst"], vector["bits"])
        assert read == written
        assert {place: read.status(place) for place in statuses} == statuses

    def test_bitstring_status_list(self) -> None:
        read = decode(BITSTRING, W3C)
        assert read == empty(BITSTRING, PLACES)
        assert read.status(PLACES - 1) == 0


class TestOrderOfBits:
    def test_place_0_is_the_left_most_bit_of_a_bitstring(self) -> None:
        assert empty(BITSTRING, PLACES).with_status({0: 1}).octets[0] == 0b1000_0000
        assert empty(BITSTRING, PLACES).with_status({9: 1}).octets[:2] == bytes([0, 0b0100_0000])
        assert empty(BITSTRING, PLACES, 2).with_status({1: 0b10}).octets[0] == 0b0010_0000

    def test_place_0_is_the_least_significant_bit_of_a_token_list(self) -> None:
        assert empty(TOKEN, 16).with_status({0: 1}).octets[0] == 0b0000_0001
        assert empty(TOKEN, 16).with_status({9: 1}).octets == bytes([0, 0b0000_0010])
        assert empty(TOKEN, 16, 2).with_status({1: 0b10}).octets[0] == 0b0000_1000

    def test_neither_is_read_as_the_other(self) -> None:
        revoked = empty(TOKEN, PLACES).with_status({0: 1})
        assert StatusList(BITSTRING, 1, revoked.octets).status(0) == 0
        for form, other in (FORMS, reversed(FORMS)):
            with pytest.raises(TokenUnreadableError):
                decode(other, empty(form, PLACES).encode())

    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(FORMS), st.data())
    def test_it_keeps_what_it_was_given(self, form: Form, data: st.DataObject) -> None:
        width = data.draw(st.sampled_from(sorted(form.widths)))
        places = form.fewest if form is BITSTRING else data.draw(st.integers(1, 40))
        near = st.one_of(st.integers(0, min(places, 40) - 1), st.integers(max(0, places - 40), places - 1))
        statuses = data.draw(st.dictionaries(near, st.integers(0, (1 << width) - 1), max_size=20))
        written = empty(form, places, width).with_status(statuses)
        read = decode(form, written.encode(), width)
        assert read == written
        beside = {place + step for place in statuses for step in (-1, 1)} & set(range(places))
        for place in beside | statuses.keys():
            assert read.status(place) == statuses.get(place, 0)
        bits = "".join(f"{octet:08b}"[:: 1 if form is BITSTRING else -1] for octet in read.octets[:40])
        for place, expected in statuses.items():
            if place < 40:
                text = bits[place * width : (place + 1) * width]
                assert int(text[:: 1 if form is BITSTRING else -1], 2) == expected


class TestRange:
    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("place", [-1, -PLACES, PLACES, PLACES + 1, 10**20])
    def test_a_place_outside_has_no_status(self, form: Form, place: int) -> None:
        revoked = empty(form, PLACES).with_status(dict.fromkeys(range(PLACES - 8, PLACES), 1))
        with pytest.raises(StatusIndexError):
            revoked.status(place)
        with pytest.raises(StatusIndexError):
            revoked.with_status({place: 1})

    def test_bits_left_over_are_no_place(self) -> None:
        odd = StatusList(BITSTRING, 3, bytes(PLACES))
        assert odd.places == PLACES * 8 // 3
        with pytest.raises(StatusIndexError):
            odd.status(odd.places)

    @pytest.mark.parametrize("status", [-1, 2])
    def test_a_status_too_wide_is_not_written_into_its_neighbour(self, status: int) -> None:
        with pytest.raises(ValueError, match="0 to 1"):
            empty(TOKEN, 8).with_status({3: status})

    def test_setting_one_leaves_the_list_as_it_was(self) -> None:
        before = empty(TOKEN, 8)
        assert before.with_status({1: 1}).with_status({1: 0}) == before
        assert before.status(1) == 0

    @pytest.mark.parametrize(
        ("form", "places", "width"),
        [
            (BITSTRING, PLACES - 1, 1),
            (BITSTRING, PLACES, 9),
            (TOKEN, 8, 3),
            (TOKEN, 0, 1),
            (TOKEN, MAX_OCTETS * 8 + 1, 1),
        ],
    )
    def test_a_list_that_its_form_does_not_have(self, form: Form, places: int, width: int) -> None:
        with pytest.raises(ValueError, match="no list"):
            empty(form, places, width)


class TestHostileLists:
    @pytest.mark.parametrize("form", FORMS)
    def test_a_bomb_is_not_unpacked(self, form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
        bomb = packed(bytes(8 * MAX_OCTETS), form)
        assert len(bomb) < 50_000
        with pytest.raises(TokenUnreadableError):
            decode(form, bomb)
        monkeypatch.setattr(status_list, "MAX_CHARACTERS", 10)
        with pytest.raises(TokenUnreadableError, match="too long"):
            decode(form, empty(form, PLACES).encode())

    def test_the_largest_list_is_read(self) -> None:
        assert decode(TOKEN, empty(TOKEN, MAX_OCTETS * 8).encode()).places == MAX_OCTETS * 8

    @pytest.mark.parametrize(
        "spoil",
        [
            pytest.param(lambda data: data[:-1], id="cut off"),
            pytest.param(lambda data: data[:10], id="cut off early"),
            pytest.param(lambda data: data + b"\0", id="runs on"),
            pytest.param(lambda data: data + data, id="twice"),
            pytest.param(lambda data: data[:-5] + bytes(5), id="checksum"),
            pytest.param(lambda _: b"", id="empty"),
        ],
    )
    @pytest.mark.parametrize("form", FORMS)
    def test_what_does_not_unpack_to_its_end(self, form: Form, spoil: Callable[[bytes], bytes]) -> None:
        data = base64url.decode(empty(form, PLACES).encode().removeprefix(form.prefix), "")
        with pytest.raises(TokenUnreadableError):
            decode(form, form.prefix + base64url.encode(spoil(data)))

    @pytest.mark.parametrize(
        "text", ["", "u", W3C[1:], "z" + W3C[1:], W3C + "=", W3C[:-1], W3C.replace("-", "+"), " " + W3C]
    )
    def test_what_is_not_in_its_base(self, text: str) -> None:
        with pytest.raises(TokenUnreadableError):
            decode(BITSTRING, text)

    def test_a_list_too_short_tells_too_much(self) -> None:
        with pytest.raises(TokenUnreadableError, match="fewer"):
            decode(BITSTRING, "u" + base64url.encode(gzip.compress(bytes(PLACES // 8 - 1))))
        with pytest.raises(TokenUnreadableError, match="fewer"):
            decode(BITSTRING, W3C, 2)
        with pytest.raises(TokenUnreadableError):
            decode(TOKEN, packed(b"", TOKEN))

    @pytest.mark.parametrize("width", [0, -1, 3, 16])
    def test_a_width_that_there_is_not(self, width: int) -> None:
        with pytest.raises(TokenUnreadableError):
            decode(TOKEN, VECTORS["lists"][0]["lst"], width)


class TestPlaces:
    def test_each_is_drawn_once_and_any_can_be_first(self) -> None:
        entropy = counting()
        taken: set[int] = set()
        for _ in range(50):
            place = draw_place(100, taken.__contains__, entropy)
            assert 0 <= place < 100
            assert place not in taken
            taken.add(place)
        assert {draw_place(5, nobody, counting_from(start)) for start in range(8)} == set(range(5))

    def test_none_is_likelier_than_another(self) -> None:
        draws = [draw_place(5, nobody, counting_from(start)) for start in range(256)]
        # 256 values of an octet keep three bits each; 5, 6 and 7 are drawn again, and become 0 with this entropy.
        assert [draws.count(place) for place in range(1, 5)] == [32] * 4

    def test_a_list_gives_some_three_of_five_of_its_places_away(self) -> None:
        chance = random.Random(1)
        taken: set[int] = set()
        with suppress(StatusListFullError):
            while True:
                taken.add(draw_place(1 << 14, taken.__contains__, chance.randbytes))
        assert 0.4 < len(taken) / (1 << 14) < 0.75

    def test_entropy_that_is_stuck_ends(self) -> None:
        with pytest.raises(StatusListFullError):
            draw_place(PLACES, {0}.__contains__, bytes)


def nobody(_place: int) -> bool:
    return False


def counting_from(start: int) -> Callable[[int], bytes]:
    """The octet `start`, then the next ones."""
    drawn = iter(range(start, 1 << 16))
    return lambda size: (next(drawn) & 0xFF).to_bytes(size, "big")
