from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.unseen.cbor import MAX_DEPTH, CborError, decode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_another_writes_is_read(value: object) -> None:
    assert decode(cbor2.dumps(value)) == value


@given(VALUES, st.binary(min_size=1, max_size=3))
def test_nothing_may_follow(value: object, more: bytes) -> None:
    with pytest.raises(CborError):
        decode(cbor2.dumps(value) + more)


@given(st.binary(max_size=60))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        decode(data)
    except CborError:
        return


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xa2\x61a\x01\x61a\x02", id="a key twice"),
        pytest.param(b"\xa2\x01\x00\x01\x00", id="a number twice"),
        pytest.param(b"\xa1\xf5\x00", id="a key that is true"),
        pytest.param(b"\xa1\x40\x00", id="a key of bytes"),
        pytest.param(b"\x9f\x01\xff", id="no definite length"),
        pytest.param(b"\x5f\x41a\xff", id="bytes of no definite length"),
        pytest.param(b"\xd8\x1d\x00", id="a tag that refers"),
        pytest.param(b"\x9b" + b"\xff" * 8, id="more items than bytes"),
        pytest.param(b"\xbb" + b"\xff" * 8, id="more members than bytes"),
        pytest.param(b"\x7b" + b"\xff" * 8, id="more text than bytes"),
        pytest.param(b"\x61\xff", id="no UTF-8"),
        pytest.param(b"\x81" * (MAX_DEPTH + 1) + b"\x00", id="nested too deep"),
        pytest.param(b"\x9a\x00\x01\x00\x00" + b"\x00" * 65536, id="too many items"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_two_could_read_differently_is_refused(data: bytes) -> None:
    with pytest.raises(CborError):
        decode(data)


def test_a_date_is_its_text() -> None:
    assert decode(b"\xc0\x63now") == "now"
