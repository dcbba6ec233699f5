from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.unseen.jumbf import ASSERTIONS_TYPE, MAX_BOXES, MAX_DEPTH, Box, JumbfError
from tests.provenance.unseen.conftest import Drafted


def box(kind: bytes, content: bytes) -> bytes:
    return (len(content) + 8).to_bytes(4) + kind + content


def labelled(label: str, *inside: bytes, kind: bytes = ASSERTIONS_TYPE) -> bytes:
    return box(b"jumb", box(b"jumd", kind + b"\x03" + label.encode() + b"\0") + b"".join(inside))


def nested(depth: int) -> bytes:
    return labelled("a", nested(depth - 1)) if depth else box(b"cbor", b"")


def test_boxes_are_found_by_label() -> None:
    found = Box.parse(labelled("a", labelled("b"), box(b"cbor", b"\x01")))
    assert (found.type, found.label) == (ASSERTIONS_TYPE, "a")
    assert [(child.type, child.label) for child in found.children[1:]] == [(ASSERTIONS_TYPE, "b"), (b"cbor", "")]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(labelled("a") * 2, id="two"),
        pytest.param(box(b"cbor", b""), id="no superbox"),
        pytest.param(box(b"jumb", b""), id="no description"),
        pytest.param(box(b"jumb", box(b"cbor", b"")), id="another box first"),
        pytest.param(labelled("a", labelled("b"), labelled("b")), id="one label twice"),
        pytest.param(labelled("a")[:-1], id="cut short"),
        pytest.param(labelled("a", b"\0\0\0\7cbor"), id="a length below its own head"),
        pytest.param(labelled("a", b"\0\0\0\0cbor"), id="to the end, whatever that is"),
        pytest.param(box(b"jumb", box(b"jumd", ASSERTIONS_TYPE + b"\x00")), id="no label"),
        pytest.param(box(b"jumb", box(b"jumd", ASSERTIONS_TYPE + b"\x03\xff\0")), id="a label that is no text"),
        pytest.param(nested(MAX_DEPTH), id="nested too deep"),
        pytest.param(labelled("a", box(b"cbor", b"") * MAX_BOXES), id="too many"),
    ],
)
def test_what_does_not_fit_is_refused(data: bytes) -> None:
    with pytest.raises(JumbfError):
        Box.parse(data)


@given(st.data())
def test_bytes_are_read_or_refused(drafted: Drafted, data: st.DataObject) -> None:
    store = bytearray(drafted.draft.store[:2000])
    for _ in range(data.draw(st.integers(0, 4))):
        store[data.draw(st.integers(0, len(store) - 1))] = data.draw(st.integers(0, 255))
    try:
        Box.parse(bytes(store))
    except JumbfError:
        return
