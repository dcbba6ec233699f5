"""What a file's own manifest says, in the few words that a score rests on: of a file that is verified, or of one that
is being signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from provenance.codes import SIGNER_EXPIRED, SIGNER_TRUSTED
from provenance.report import History, StampStanding, TimeStamp, VerificationReport
from provenance.request import ClaimRequest
from provenance.verdict import Verdict
from provenance.vocabulary import CREATED, OPENED, REDACTED

_FALSE: Final = frozenset(
    {StampStanding.FUTURE, StampStanding.PREMATURE, StampStanding.MISMATCHED, StampStanding.OUTSIDE_VALIDITY}
)

_NO_EDITS: Final = frozenset(
    {
        CREATED,
        OPENED,
        REDACTED,
        "c2pa.converted",
        "c2pa.edited.metadata",
        "c2pa.published",
        "c2pa.repackaged",
        "c2pa.transcoded",
    }
)
"""Actions after which it shows what it showed: one of these states no edit, and hides none."""


@dataclass(frozen=True)
class Stated:
    """Of one manifest."""

    verdict: Verdict
    ancestry: Verdict | None
    signer: str
    """A level of the signal `signer`."""

    time_stamp: TimeStamp | None
    tools: tuple[str, ...]
    """Software and models that it names."""

    source_types: tuple[str, ...]
    edited: bool
    """Whether it states an edit."""

    signed_by: datetime
    """The moment at which it was signed, or the latest at which it can have been."""

    @classmethod
    def in_report(cls, report: VerificationReport, now: datetime, *, recorded: bool) -> Self:
        """Of a file that was verified; `recorded`: our ledger says that it was signed here."""
        tools = (*report.generators, *(action.tool for action in report.actions if action.tool))
        models = (report.model.name,) if report.model else ()
        stamp = next(iter(report.time_stamps), None)
        return cls(
            report.verdict,
            report.ancestry,
            "recorded" if recorded else _signer(report),
            stamp,
            (*(tool.name for tool in tools), *models),
            report.source_types,
            any(action.name not in _NO_EDITS for action in report.actions),
            _moment(stamp) or now,
        )

    @classmethod
    def in_claim(cls, claim: ClaimRequest, history: History, stamp: TimeStamp | None, now: datetime) -> Self:
        """Of a file that we sign now, with an earlier manifest as its parent."""
        earlier = (history.verdict, history.ancestry or history.verdict)
        broken = [one for one in earlier if one not in {Verdict.TRUSTED, Verdict.ABSENT}]
        absent = history.verdict is Verdict.ABSENT
        models = (claim.model.name,) if claim.model else ()
        declared = [action.source_type for action in claim.actions if action.source_type]
        return cls(
            Verdict.TRUSTED,
            None if absent else next(iter(broken), Verdict.TRUSTED),
            "recorded",
            stamp,
            (claim.tool.name, *models),
            (*declared, *history.source_types),
            any(action.name not in _NO_EDITS for action in claim.actions),
            now,
        )

    @property
    def stamped(self) -> str:
        """A level of the signal `time_stamp`."""
        if self.time_stamp is None:
            return "none"
        if self.time_stamp.standing in _FALSE:
            return "false"
        return "trusted" if self.time_stamp.standing is StampStanding.TRUSTED else "unproven"


def _signer(report: VerificationReport) -> str:
    if report.signer and report.signer.revocation:
        return "revoked"
    if SIGNER_EXPIRED in {status.code for status in report.statuses.failure}:
        return "expired"
    return "trusted" if SIGNER_TRUSTED in {status.code for status in report.statuses.success} else "unknown"


def _moment(stamp: TimeStamp | None) -> datetime | None:
    if stamp is None or stamp.time is None or stamp.standing is not StampStanding.TRUSTED:
        return None
    return datetime.fromisoformat(stamp.time).astimezone(UTC)
