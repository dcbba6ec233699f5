"""What follows from what was seen, worked out without a deployment: to see more makes no answer milder."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.likeness.answers import SENTENCES, Answer, judge
from cases.likeness.findings import because
from cases.likeness.matching import Looked, Sighted
from cases.likeness.use import Stance, Use, stance
from detection.templates.thresholds import Band
from identity.registration.refusal import Purpose, Refusal
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId, TenantId
from provenance.report import History
from provenance.request import Action, ClaimRequest, Model, Tool
from provenance.verdict import Verdict
from provenance.vocabulary import IMITATING, DigitalSourceType

SOMEBODY = Subject(TenantId("tnt"), SubjectId("reg"), 1, b"", b"")
STRICTNESS = [Answer.ALLOWED, Answer.ASK_A_HUMAN, Answer.REFUSED]
SIGHTED = st.builds(
    Sighted,
    st.just(SOMEBODY),
    st.sampled_from([Band.POSSIBLE, Band.LIKELY, Band.CERTAIN]),
    st.sampled_from(Stance),
    st.just(""),
)
LOOKED = st.builds(
    Looked, faces=st.integers(0, 9), sighted=st.lists(SIGHTED, max_size=4).map(tuple), unseen=st.integers(0, 2)
)
DECLARED = st.sampled_from([use for use in Use if use is not Use.UNSAID])
CLAIM = ClaimRequest("x", Tool("Brush", "1"))
NOTHING = History(Verdict.ABSENT, None, None, (), "")


@given(LOOKED, SIGHTED, DECLARED)
def test_one_more_person_makes_no_answer_milder(looked: Looked, more: Sighted, use: Use) -> None:
    before = judge(looked, use, ()).answer
    after = judge(Looked(looked.faces + 1, (*looked.sighted, more), unseen=looked.unseen), use, ()).answer
    assert STRICTNESS.index(after) >= STRICTNESS.index(before)


@given(LOOKED, DECLARED)
def test_what_was_not_seen_is_never_allowed(looked: Looked, use: Use) -> None:
    for unsure in (Looked(1, looked.sighted, unseen=1), Looked(0, looked.sighted, skipped=("r@1",), whole=False)):
        assert judge(unsure, use, ()).answer is not Answer.ALLOWED


@given(LOOKED, DECLARED)
def test_a_look_alike_alone_is_never_refused(looked: Looked, use: Use) -> None:
    alike = tuple(Sighted(SOMEBODY, Band.POSSIBLE, one.stance, one.who) for one in looked.sighted)
    assert judge(Looked(looked.faces, alike, unseen=looked.unseen), use, ()).answer is not Answer.REFUSED


@given(LOOKED, DECLARED)
def test_the_policy_refuses_whatever_was_seen(looked: Looked, use: Use) -> None:
    assert judge(looked, use, {use}).answer is Answer.REFUSED


def test_every_answer_has_its_sentence() -> None:
    assert set(SENTENCES) == set(Answer)


@pytest.mark.parametrize("purposes", [some for n in range(4) for some in combinations(Purpose, n)], ids=" ".join)
def test_a_stance_is_what_was_said(purposes: tuple[Purpose, ...]) -> None:
    refusal = Refusal(frozenset(purposes))
    for use in Use:
        refuses = not purposes or use.value in {purpose.value for purpose in purposes}
        unsaid = Stance.ASKS if use is Use.UNSAID else Stance.ALLOWS
        assert stance(refusal, use) is (Stance.REFUSES if refuses else unsaid)


@pytest.mark.parametrize("source", DigitalSourceType)
def test_made_or_altered_is_what_a_source_type_says(source: DigitalSourceType) -> None:
    declared = ClaimRequest("x", CLAIM.tool, actions=(Action("c2pa.edited", source),))
    inherited = History(Verdict.TRUSTED, None, "l", (), "", (str(source),))
    for codes in (because(declared, NOTHING), because(CLAIM, inherited)):
        assert bool(codes) == (source in IMITATING)


@pytest.mark.parametrize("verdict", Verdict)
def test_a_history_that_does_not_hold_is_altered(verdict: Verdict) -> None:
    broken = verdict in (Verdict.INVALID, Verdict.UNREADABLE)
    assert bool(because(CLAIM, History(verdict, None, "l", (), ""))) == broken
    assert bool(because(CLAIM, History(Verdict.TRUSTED, verdict, "l", (), ""))) == broken


def test_a_model_makes_it_made() -> None:
    assert because(ClaimRequest("x", CLAIM.tool, Model("m", "1", "p")), NOTHING) == ("declared.model",)
    assert because(CLAIM, NOTHING) == ()
