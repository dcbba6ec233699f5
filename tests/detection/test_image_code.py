from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from detection.image_code import digest, image_codes
from detection.iscc import from_iscc, to_iscc
from tests.recovering import photo

# Made with iscc-core 1.5.0, the reference implementation, of the same shades.
NOISE = np.random.default_rng(1).integers(0, 256, (32, 32), dtype=np.uint8)
NOISE_UNIT = "ISCC:EED3OOBNGLBKVFHZRYELO5UYPONJQCV53CXADCWP3SQRB22NNXXUSJQ"


def away(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_the_reference_implementation_makes_the_same() -> None:
    assert to_iscc(digest(NOISE).hex()) == NOISE_UNIT
    assert to_iscc(digest(np.zeros((32, 32), np.uint8)).hex()) == "ISCC:EEDQ" + 51 * "A"
    white = digest(np.full((32, 32), 255, np.uint8))
    assert white == b"\x80" + bytes(31), "what arithmetic leaves of nothing is nothing"


def test_edits_move_it_little_and_another_picture_is_far() -> None:
    whole, *turned = image_codes(photo())
    bordered = Image.new("RGB", (700, 600), "black")
    bordered.paste(photo(), (90, 40))
    assert away(whole, image_codes(photo().resize((200, 200)))[0]) <= 16
    assert away(whole, image_codes(bordered)[0]) <= 16
    assert away(whole, image_codes(photo().transpose(Image.Transpose.ROTATE_90))[0]) > 56
    assert min(away(whole, form) for form in image_codes(photo().transpose(Image.Transpose.ROTATE_90))) <= 16
    assert len({whole, *turned}) == 8
    assert away(whole, image_codes(photo(5))[0]) > 80


@given(st.binary(min_size=32, max_size=32))
def test_units_are_read_back(code: bytes) -> None:
    unit = to_iscc(code.hex())
    assert from_iscc(unit.encode()) == from_iscc(unit.removeprefix("ISCC:").encode()) == code
    assert from_iscc(b"\x21\x07" + code) == code
    assert from_iscc(b"\x21\x01" + code[:8]) == code[:8]


@given(st.binary(max_size=80))
def test_anything_else_is_refused_and_harms_nothing(value: bytes) -> None:
    with suppress(ValueError):
        assert len(from_iscc(value)) in range(8, 33, 4)


@pytest.mark.parametrize(
    "value", [b"", b"ISCC:", b"\x21", b"\x21\x07", b"\x21\x17" + bytes(32), b"\x11\x07" + bytes(32)]
)
def test_other_units_and_none(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"ISCC|base32"):
        from_iscc(value)
