"""How sure we are of one file, under the policy in force."""

from __future__ import annotations

from datetime import datetime

from detection.metadata import Metadata
from provenance.confidence.evidence import Evidence, Recovered
from provenance.confidence.policy import policy_in_force
from provenance.confidence.score import Confidence, judged
from provenance.confidence.stated import Stated
from provenance.report import VerificationReport


def of_report(
    report: VerificationReport,
    metadata: Metadata,
    now: datetime,
    *,
    recorded: bool = False,
    recovered: Recovered = Recovered.UNSOUGHT,
) -> Confidence:
    """Of a file that was verified; `recorded` where our ledger says that it was signed here."""
    return of(Evidence(Stated.in_report(report, now, recorded=recorded), metadata, recovered))


def of(evidence: Evidence) -> Confidence:
    """Of what is known of a file."""
    return judged(evidence.findings(), evidence.mismatches(), policy_in_force())
