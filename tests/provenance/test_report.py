"""Reports survive the crossing, and nothing else does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.errors import WorkerProtocolError
from provenance.characters import hidden
from provenance.descent import DESCENT, Descent, parse_descent
from provenance.report import MAX_TEXT, REPORT, VerificationReport, legible, parse_history, text
from provenance.verdict import Verdict
from tests.provenance.house import House, draw

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_a_report_crosses_unchanged(house: House) -> None:
    report = house.verify(house.signed(house.signed(draw())))
    assert parse_descent(json.loads(json.dumps(DESCENT.dump_python(Descent(report), mode="json")))).report == report


@given(JSON)
def test_whatever_a_worker_says_is_a_report_or_refused(answer: Any) -> None:
    for parse in (parse_descent, parse_history):
        with pytest.raises(WorkerProtocolError):
            parse(answer)


@pytest.mark.parametrize(
    "change",
    [{"verdict": "fine"}, {"title": "x" * (MAX_TEXT + 1)}, {"ingredients": [{"depth": "one"}]}, {"truncated": []}],
)
def test_one_wrong_field_is_enough(change: dict[str, Any]) -> None:
    honest = REPORT.dump_python(VerificationReport(Verdict.ABSENT, "policy"), mode="json")
    with pytest.raises(WorkerProtocolError, match="wrong shape"):
        parse_descent({"report": honest | change})


@given(st.text())
def test_a_strangers_text_is_made_legible(stranger: str) -> None:
    shown = legible(stranger)
    assert len(shown) <= MAX_TEXT
    assert not any(hidden(character) for character in shown if character != "\n")
    assert legible(shown) == shown
    if not any(map(hidden, stranger)):
        assert shown == stranger[:MAX_TEXT]


def test_what_is_not_text_is_nothing() -> None:
    assert [text(value) for value in (None, 1, ["a"], {"a": 1}, "a")] == [None, None, None, None, "a"]
