from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.canonical import MAX_DEPTH, MAX_INTEGER, canonical
from ledger.errors import CanonicalFormError

ASCII = st.text(st.characters(max_codepoint=127))
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXT
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(ASCII, inner), max_leaves=20
)


@given(VALUES)
def test_the_same_bytes_as_the_reference_implementation(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@dataclass(frozen=True)
class Inner:
    name: str


@dataclass(frozen=True)
class Outer:
    tags: tuple[str, ...]
    inner: Inner
    more: dict[str, Inner]
    score: object = 7


def test_a_dataclass_is_the_object_of_its_fields() -> None:
    outer = Outer(("b", "a"), Inner("é"), {"x": Inner("y")})
    assert canonical(outer) == rfc8785.dumps(asdict(outer) | {"tags": ["b", "a"]})
    for wrong in (Outer, replace(outer, score=0.5), replace(outer, score={1})):
        with pytest.raises(CanonicalFormError):
            canonical(wrong)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        {"score": [0.5]},
        MAX_INTEGER + 1,
        -MAX_INTEGER - 1,
        {"naïve": 1},
        {1: "number"},
        {None: 1},
        "\ud800",
        ["\udfff"],
        b"bytes",
        {1, 2},
        object(),
        nested(MAX_DEPTH + 1),
    ],
)
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(CanonicalFormError):
        canonical(value)


def test_the_deepest_nesting_allowed() -> None:
    assert canonical(nested(MAX_DEPTH)) == b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
