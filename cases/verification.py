"""Verifying a file for anyone: the report, and the receipt when the file is a public asset of ours.

Rules
- Nothing is kept: no row, no blob. The edge counts verdicts, and that is all that remains of a verification.
- A receipt is added only to what verifies as *trusted*: a label copied into another file leads nowhere.
- Whether an asset that is not public exists is not answered.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select

from cases.asset import AssetRow, AssetState, Visibility
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from ledger.database import Database
from ledger.errors import NotProvenError
from ledger.ids import EntryId
from ledger.log import Ledger
from ledger.tenancy import SystemSession
from provenance.report import VerificationReport
from provenance.trust import TrustPolicy
from provenance.validation import verify
from provenance.verdict import Verdict

# Built once: to build it for each of hundreds of files a second costs as much as to run it.
_PUBLIC_ENTRY = select(AssetRow.entry_id).where(
    AssetRow.manifest_label == bindparam("label"),
    AssetRow.visibility == Visibility.PUBLIC,
    AssetRow.state != AssetState.ERASED,
)


@dataclass(frozen=True)
class Verified:
    """A report, and where the file stands in our ledger."""

    report: VerificationReport
    entry: EntryId | None
    """The signing's entry, for public assets of ours."""

    receipt: str
    """Its receipt; empty without an entry, or while it is not yet proven."""


@dataclass(frozen=True)
class Verification:
    """Verifies files. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    sandbox: Sandbox

    def verify(self, file: Memfd, trust: TrustPolicy) -> Verified:
        """What a file of any type that C2PA defines says about itself, and what that is worth.

        Raises FormatUnsupportedError, SandboxError.
        """
        report = verify(self.sandbox, file, trust)
        entry = self._public_entry(report)
        return Verified(report, entry, self._receipt(entry) if entry else "")

    def _public_entry(self, report: VerificationReport) -> EntryId | None:
        if report.verdict is not Verdict.TRUSTED or not report.label:
            return None
        with self.database.read(SystemSession.VERIFICATION) as connection:
            found: EntryId | None = connection.execute(_PUBLIC_ENTRY, {"label": report.label}).scalar()
        return found

    def _receipt(self, entry: EntryId) -> str:
        try:
            return self.ledger.receipt(entry)
        except NotProvenError:
            return ""
