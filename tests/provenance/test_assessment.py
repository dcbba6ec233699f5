"""The verdict of one manifest: codes first, c2pa-rs's own state as the second opinion."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from provenance.assessment import assess, judged
from provenance.codes import EFFECTS
from provenance.report import MAX_STATUSES, StampStanding, TimeStamp, VerificationReport
from provenance.verdict import Verdict
from tests.provenance.fixtures import Believed, Everybody

EVERYBODY = Everybody({}, (), frozenset())
STAMPS = Believed({}, (), datetime(2026, 6, 1, tzinfo=UTC))
TRUSTED = "signingCredential.trusted"
VALIDATED = "claimSignature.validated"


def judge(
    success: tuple[str, ...] = (TRUSTED, VALIDATED),
    failure: tuple[str, ...] = (),
    informational: tuple[str, ...] = (),
    state: Any = "Trusted",
    detail: dict[str, Any] | None = None,
) -> VerificationReport:
    lists = {"success": success, "failure": failure, "informational": informational}
    results = {kind: [{"code": code} for code in codes] for kind, codes in lists.items()}
    store = {
        "active_manifest": "m",
        "manifests": {"m": {}},
        "validation_state": state,
        "validation_results": {"activeManifest": results},
    }
    detail = detail or {}
    return assess(judged(store, detail, "", EVERYBODY, STAMPS), detail, "policy", "", EVERYBODY, STAMPS)


def test_trust_needs_a_validated_signature_a_trusted_signer_and_the_second_opinion() -> None:
    assert judge().verdict is Verdict.TRUSTED
    assert judge(success=(VALIDATED,)).verdict is Verdict.UNTRUSTED
    assert judge(success=(TRUSTED,)).verdict is Verdict.INVALID
    assert judge(success=()).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("Trusted", Verdict.TRUSTED),
        ("Valid", Verdict.UNTRUSTED),
        ("Invalid", Verdict.INVALID),
        ("Splendid", Verdict.INVALID),
        (None, Verdict.INVALID),
    ],
)
def test_the_worse_of_both_opinions_stands(state: Any, verdict: Verdict) -> None:
    assert judge(state=state).verdict is verdict


@pytest.mark.parametrize("kind", ["failure", "informational", "success"])
@pytest.mark.parametrize(("code", "verdict"), EFFECTS.items())
def test_a_code_has_its_effect_wherever_it_stands(kind: str, code: str, verdict: Verdict) -> None:
    lists: dict[str, Any] = {kind: (TRUSTED, VALIDATED, code) if kind == "success" else (code,)}
    report = judge(**lists)
    expected = Verdict.INVALID if kind == "failure" and verdict is Verdict.TRUSTED else verdict
    assert report.verdict is expected


def test_an_unknown_failure_is_invalid() -> None:
    assert judge(failure=("assertion.tomorrow.mismatch",)).verdict is Verdict.INVALID
    assert judge(informational=("assertion.tomorrow.remark",)).verdict is Verdict.TRUSTED


def test_codes_are_reported_verbatim_and_in_order() -> None:
    report = judge(success=(TRUSTED, VALIDATED), informational=("signingCredential.ocsp.skipped",))
    assert [status.code for status in report.statuses.success] == [TRUSTED, VALIDATED]
    assert [status.code for status in report.statuses.informational] == ["signingCredential.ocsp.skipped"]


def test_a_failure_beyond_the_reported_ones_still_counts() -> None:
    report = judge(informational=("a",) * MAX_STATUSES + ("claimSignature.mismatch",))
    assert (report.verdict, report.truncated) == (Verdict.INVALID, True)
    assert len(report.statuses.informational) == MAX_STATUSES


def test_a_time_stamp_is_reported_with_what_it_is_worth() -> None:
    stamp = {"timestamp": "2026-01-02T03:04:05Z", "certificateInfo": {"subject": {"CN": "Clock"}}}
    detail = {"manifests": [{"label": "m", "signature": {"timeStampInfo": stamp}}]}
    assert judge(detail=detail).time_stamps == (
        TimeStamp("2026-01-02T03:04:05Z", "Clock", trusted=False, standing=StampStanding.UNTRUSTED),
    )
    trusted = judge(success=(TRUSTED, VALIDATED, "timeStamp.trusted"), detail=detail)
    assert trusted.time_stamps == (
        TimeStamp("2026-01-02T03:04:05Z", "Clock", trusted=True, standing=StampStanding.TRUSTED),
    )
