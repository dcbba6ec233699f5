"""JSON pointers: RFC 6901, and what they select."""

from __future__ import annotations

import pytest

from identity.errors import SelectionError
from identity.selective.pointers import MAX_POINTERS, parse_pointer, select

DOCUMENT = {
    "@context": ["a", {"b": "c"}],
    "id": "did:example:1",
    "type": ["T"],
    "a/b": {"id": "did:example:2", "m~n": 1, "": 2, "k": [{"type": "U", "x": 1, "y": 2}, {"x": 3}, [4, 5]]},
    "other": "secret",
}
NAMED = {key: DOCUMENT[key] for key in ("@context", "id", "type")}


@pytest.mark.parametrize(
    ("pointer", "tokens"),
    [("", ()), ("/", ("",)), ("/a~1b", ("a/b",)), ("/m~0n", ("m~n",)), ("/~01", ("~1",)), ("/a//b", ("a", "", "b"))],
)
def test_tokens(pointer: str, tokens: tuple[str, ...]) -> None:
    assert parse_pointer(pointer) == tokens


@pytest.mark.parametrize("pointer", ["a", "a/b", "/~", "/~2", "/a~", "#/a", " /a"])
def test_what_is_no_pointer(pointer: str) -> None:
    with pytest.raises(SelectionError, match="no JSON pointer"):
        parse_pointer(pointer)


@pytest.mark.parametrize(
    ("pointers", "selected"),
    [
        (["/other"], {"other": "secret"}),
        (["/a~1b/m~0n"], {"a/b": {"id": "did:example:2", "m~n": 1}}),
        (["/a~1b/"], {"a/b": {"id": "did:example:2", "": 2}}),
        (["/a~1b/k/1"], {"a/b": {"id": "did:example:2", "k": [{"x": 3}]}}),
        (["/a~1b/k/0/y"], {"a/b": {"id": "did:example:2", "k": [{"type": "U", "y": 2}]}}),
        (["/a~1b/k/2/1", "/a~1b/k/0/x"], {"a/b": {"id": "did:example:2", "k": [{"type": "U", "x": 1}, [5]]}}),
        (["/a~1b/k/2/1", "/a~1b/k/2/0"], {"a/b": {"id": "did:example:2", "k": [[4, 5]]}}),
        (["/a~1b/k/0/y", "/a~1b"], {"a/b": DOCUMENT["a/b"]}),
        (["/a~1b", "/a~1b/k/0/y"], {"a/b": DOCUMENT["a/b"]}),
        (["/type/0"], {}),
        (["/other", ""], {key: value for key, value in DOCUMENT.items() if key not in NAMED}),
    ],
)
def test_selection(pointers: list[str], selected: dict[str, object]) -> None:
    assert select(DOCUMENT, pointers) == NAMED | selected


def test_nothing_selected() -> None:
    assert select(DOCUMENT, []) == {}


def test_what_is_selected_is_a_copy() -> None:
    selected = select(DOCUMENT, ["/a~1b"])
    selected["a/b"]["k"].clear()  # type: ignore[index]
    assert len(DOCUMENT["a/b"]["k"]) == 3  # type: ignore[index]


@pytest.mark.parametrize(
    "pointer", ["/none", "/a~1b/none", "/other/0", "/a~1b/k/3", "/a~1b/k/-", "/a~1b/k/01", "/a~1b/k/-1", "/a~1b/k/x"]
)
def test_what_leads_nowhere(pointer: str) -> None:
    with pytest.raises(SelectionError, match="where a pointer leads"):
        select(DOCUMENT, [pointer])


def test_too_many() -> None:
    with pytest.raises(SelectionError, match="at most"):
        select(DOCUMENT, ["/other"] * (MAX_POINTERS + 1))
