"""The order of the verdicts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provenance.verdict import Verdict, worst


def test_tampering_outranks_everything_and_nothing_outranks_trust() -> None:
    assert [worst((each, Verdict.TRUSTED)) for each in Verdict] == list(Verdict)
    assert {worst((each, Verdict.INVALID)) for each in Verdict} == {Verdict.INVALID}
    assert worst(()) is Verdict.TRUSTED


@given(st.lists(st.sampled_from(Verdict)))
def test_only_trust_all_through_is_trust(verdicts: list[Verdict]) -> None:
    assert (worst(verdicts) is Verdict.TRUSTED) == all(each is Verdict.TRUSTED for each in verdicts)
