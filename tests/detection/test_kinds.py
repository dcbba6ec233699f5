"""Formats are told by their first bytes; everything known is named."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.errors import EmptyMediaError, UnrecognisedMediaError, UnsupportedMediaError
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


@given(st.binary(max_size=MAGIC_BYTES))
def test_any_beginning_has_an_answer(head: bytes) -> None:
    with suppress(EmptyMediaError, UnrecognisedMediaError, UnsupportedMediaError):
        assert sniff(head) in set(Kind)
