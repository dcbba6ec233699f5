"""Formats are told by their first bytes; everything known is named."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.errors import ACCEPTED, EmptyMediaError, UnrecognisedMediaError, UnsupportedMediaError
from detection.kinds import MAGIC_BYTES, MAGICS, Kind, Magic, sniff


@pytest.mark.parametrize("magic", MAGICS)
def test_each_signature_is_reached(magic: Magic) -> None:
    head = bytearray(MAGIC_BYTES)
    head[magic.offset : magic.offset + len(magic.signature)] = magic.signature
    head[8 : 8 + len(magic.also)] = magic.also
    if magic.name in set(Kind):
        assert sniff(bytes(head)) == magic.name
    else:
        with pytest.raises(UnsupportedMediaError) as caught:
            sniff(bytes(head))
        assert caught.value.kind == magic.name


def test_a_refusal_names_the_accepted_kinds() -> None:
    assert sorted(re.split(", | or ", ACCEPTED)) == sorted(Kind)
    with pytest.raises(UnrecognisedMediaError, match=ACCEPTED):
        sniff(b"neither this nor that")


def test_the_page_of_the_interface_lists_each_accepted_kind_once() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    (listed,) = re.findall(r"`file` \(([^)]*)\)", page)
    assert sorted(re.split(", | or ", listed)) == sorted(Kind)


@given(st.binary(max_size=MAGIC_BYTES))
def test_any_beginning_has_an_answer(head: bytes) -> None:
    with suppress(EmptyMediaError, UnrecognisedMediaError, UnsupportedMediaError):
        assert sniff(head) in set(Kind)
