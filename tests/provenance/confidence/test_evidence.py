"""What a file's metadata say against its manifest, one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from detection.metadata import UNREAD, Metadata
from provenance.confidence.evidence import Evidence, Recovered
from provenance.confidence.judging import of
from provenance.confidence.stated import Stated
from provenance.report import History, StampStanding, StatedAction, TimeStamp, VerificationReport
from provenance.request import Action, ClaimRequest, Model, Tool
from provenance.verdict import Verdict
from provenance.vocabulary import DigitalSourceType

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
CAPTURE, TRAINED = DigitalSourceType.DIGITAL_CAPTURE, DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA
PHOTO = Stated(Verdict.TRUSTED, None, "trusted", None, ("Example Camera",), (CAPTURE,), False, NOW)
MADE = replace(PHOTO, tools=("Example Paint", "example-diffusion"), source_types=(TRAINED,))


def said(**facts: Any) -> Metadata:
    return Metadata(read=True, **facts)


MISMATCHES: list[tuple[Stated, Metadata, list[str], str]] = [
    (PHOTO, said(software=("Adobe Photoshop 25.0",)), ["software", "editor"], "edits.undeclared"),
    (PHOTO, said(software=("Midjourney",)), ["software", "generator"], "source.contradicted"),
    (PHOTO, said(prompted=True), ["generator"], "source.contradicted"),
    (PHOTO, said(source_types=(TRAINED,)), ["source_type"], "source.contradicted"),
    (PHOTO, said(captured_at="2026-12-24T00:00:00+00:00"), ["capture_time"], "capture.impossible"),
    (MADE, said(camera="Canon EOS R5"), ["camera"], "source.contradicted"),
    (replace(PHOTO, edited=True), said(software=("GIMP 2.10",)), ["software"], "edits.declared"),
    (replace(PHOTO, tools=("GIMP",)), said(software=("GIMP 2.10",)), [], "tool.agrees"),
    (replace(PHOTO, source_types=()), said(prompted=True), ["generator"], "source.undeclared"),
    (PHOTO, said(software=("Firmware 1.8", "Lavf61.7")), [], "tool.silent"),
    (PHOTO, said(camera="Canon EOS R5", captured_at="2026-11-29T20:00:00"), [], "source.agrees"),
    (PHOTO, said(captured_at="2026-11-29T20:00:00"), [], "capture.plausible"),
    (PHOTO, said(captured_at="0001-01-01T00:00:00"), [], "capture.silent"),
    (PHOTO, said(captured_at="yesterday"), [], "capture.silent"),
    (MADE, said(source_types=(TRAINED,), prompted=True), [], "source.agrees"),
    (replace(PHOTO, verdict=Verdict.UNREADABLE), said(captured_at="2090-01-01T00:00:00+00:00"), [], "capture.silent"),
    (replace(PHOTO, verdict=Verdict.ABSENT), said(prompted=True, software=("Photoshop",)), [], "tool.silent"),
]


@pytest.mark.parametrize(("stated", "metadata", "codes", "finding"), MISMATCHES)
def test_each_mismatch_is_named(stated: Stated, metadata: Metadata, codes: list[str], finding: str) -> None:
    found, without = of(Evidence(stated, metadata)), of(Evidence(stated, UNREAD))
    assert [mismatch.code for mismatch in found.mismatches] == codes
    assert finding in {reason.code for reason in found.reasons}
    assert found.score <= without.score if codes else found.score >= without.score
    for mismatch in found.mismatches:
        assert all(value in mismatch.sentence for value in mismatch.parameters.values())


@pytest.mark.parametrize(
    ("standing", "level"),
    [(StampStanding.FUTURE, "false"), (StampStanding.UNTRUSTED, "unproven"), (StampStanding.TRUSTED, "trusted")],
)
def test_a_time_stamp_counts_for_what_it_is_worth(standing: StampStanding, level: str) -> None:
    stamp = TimeStamp("2026-11-29T00:00:00Z", None, trusted=True, standing=standing)
    found = of(Evidence(replace(PHOTO, time_stamp=stamp), UNREAD))
    assert f"time_stamp.{level}" in {reason.code for reason in found.reasons}


def test_what_was_recovered_counts_and_never_as_much_as_a_manifest() -> None:
    bare = replace(PHOTO, verdict=Verdict.ABSENT, signer="unknown", source_types=(), tools=())
    scores = [of(Evidence(bare, UNREAD, recovered)).score for recovered in Recovered]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1] < of(Evidence(PHOTO, UNREAD)).score


def test_of_an_upload_the_earlier_history_counts() -> None:
    claim = ClaimRequest(
        "", Tool("Brush", "1"), Model("m-1", "2", "Example"), (Action("c2pa.created", TRAINED), Action("c2pa.cropped"))
    )
    absent, broken = History(Verdict.ABSENT, None, None, (), ""), History(Verdict.TRUSTED, Verdict.INVALID, "a", (), "")
    made = Stated.in_claim(claim, absent, None, NOW)
    assert (made.tools, made.source_types, made.edited, made.ancestry) == (("Brush", "m-1"), (TRAINED,), True, None)
    assert not Stated.in_claim(published(), absent, None, NOW).edited, "what shows what it showed is not edited"
    assert Stated.in_claim(claim, broken, None, NOW).ancestry is Verdict.INVALID
    assert Stated.in_claim(claim, replace(broken, ancestry=None), None, NOW).ancestry is Verdict.TRUSTED
    assert of(Evidence(made, UNREAD)).score > of(Evidence(Stated.in_claim(claim, broken, None, NOW), UNREAD)).score


def published() -> ClaimRequest:
    """A claim that states no edit."""
    names = ("c2pa.created", "c2pa.converted", "c2pa.transcoded", "c2pa.repackaged", "c2pa.published")
    return ClaimRequest("", Tool("Brush", "1"), None, tuple(Action(name, TRAINED) for name in names))


def test_what_is_published_hides_no_editor() -> None:
    report = VerificationReport(
        Verdict.TRUSTED, "policy", actions=tuple(StatedAction(one.name, *[None] * 5) for one in published().actions)
    )
    stated = Stated.in_report(report, NOW, recorded=True)
    found = of(Evidence(stated, said(software=("Adobe Photoshop 25.0",))))
    assert "edits.undeclared" in {reason.code for reason in found.reasons}
