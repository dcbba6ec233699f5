"""Verifying a file for anyone: the report, the receipt when the file is a public asset of ours, and where the file says
nothing about itself what it may be a copy of.

Rules
- Nothing is kept: no row, no blob. The edge counts verdicts, and that is all that remains of a verification.
- A receipt is added only to what verifies as *trusted* and is, byte for byte, what was signed here, a sidecar too.
- Whether an asset that is not public exists is not answered.
"""

from __future__ import annotations

from dataclasses import dataclass

from cases.access import Caller
from cases.creators import Creator, Creators
from cases.recognition import Recognised, Recognition
from cases.recovery.eyes import Eyes
from cases.recovery.origins import Origins, Recovery
from detection.embedding.embed import Embedder
from detection.memfd import Memfd
from detection.metadata import UNREAD, Metadata
from detection.shares import Shares
from keys.clock import Clock
from keys.errors import KeyNotFoundError, KeyStoreUnavailableError
from ledger.errors import NotProvenError
from ledger.ids import EntryId
from ledger.log import Ledger
from provenance import marking
from provenance.confidence import judging
from provenance.confidence.evidence import Recovered
from provenance.confidence.score import Confidence
from provenance.marking import Marking
from provenance.report import VerificationReport
from provenance.trust import TrustPolicy
from provenance.validation import inspect, verify
from provenance.verdict import Verdict


@dataclass(frozen=True)
class Verified:
    """A report, and where the file stands in our ledger."""

    report: VerificationReport
    entry: EntryId | None
    """The signing's entry, for public assets of ours while the key store can tell that they are."""

    receipt: str
    """Its receipt; empty without an entry, or while it is not yet proven."""

    marking: Marking
    """What it says of AI."""

    confidence: Confidence | None
    """How sure we are of it; None where nobody asked."""

    creator: Creator | None
    """How whoever made it stands, for public assets of ours whose tool named an account that is still there."""

    origins: Origins | None = None
    """What it may have been made from; None of a file that carries a manifest, for that is asked first."""


@dataclass(frozen=True)
class Verification:
    """Verifies files. Safe to call from many threads."""

    ledger: Ledger
    recognition: Recognition
    recovery: Recovery
    workers: Shares
    embedder: Embedder | None
    """None where no encoder is set."""

    creators: Creators
    clock: Clock

    def verify(
        self,
        holder: str,
        file: Memfd,
        trust: TrustPolicy,
        sidecar: Memfd | None = None,
        *,
        caller: Caller | None = None,
        confidence: bool = False,
    ) -> Verified:
        """What a file of any type that C2PA defines says about itself, or its `sidecar` says, and what that is worth;
        a worker of the holder's share looks. With `confidence` it looks at the file's metadata, too. The `caller` is
        told of their own assets.

        Raises EmptyMediaError, FormatUnsupportedError, SandboxError.
        """
        report, metadata = self._looked_at(holder, file, trust, sidecar, metadata=confidence)
        ours = self._public(report, file, sidecar)
        bare = report.verdict is Verdict.ABSENT and sidecar is None
        origins = self.recovery.of(self.eyes(holder), file, caller, trust) if bare else None
        return Verified(
            report,
            ours.entry if ours else None,
            self._receipt(ours.entry) if ours else "",
            _marked(report, metadata or UNREAD, origins),
            self._judged(report, metadata, ours, origins) if metadata else None,
            self._creator(ours) if ours and ours.account else None,
            origins,
        )

    def eyes(self, holder: str) -> Eyes:
        """With what the holder's files are looked at."""
        return Eyes(holder, self.workers.of(holder), self.embedder)

    def _judged(
        self, report: VerificationReport, metadata: Metadata, ours: Recognised | None, origins: Origins | None
    ) -> Confidence:
        recovered = origins.level if origins else Recovered.UNSOUGHT
        return judging.of_report(report, metadata, self.clock(), recorded=ours is not None, recovered=recovered)

    def _looked_at(
        self, holder: str, file: Memfd, trust: TrustPolicy, sidecar: Memfd | None, *, metadata: bool
    ) -> tuple[VerificationReport, Metadata | None]:
        workers = self.workers.of(holder)
        if not metadata:
            return verify(workers, file, trust, sidecar), None
        found, read = inspect(workers, file, trust, sidecar)
        return found.report, read

    def _public(self, report: VerificationReport, file: Memfd, sidecar: Memfd | None) -> Recognised | None:
        if report.verdict is not Verdict.TRUSTED or not report.label:
            return None
        try:
            return self.recognition.public(report.label, file, sidecar)
        except (KeyStoreUnavailableError, KeyNotFoundError):
            return None  # the report stands by itself; readiness says what is missing

    def _creator(self, ours: Recognised) -> Creator | None:
        try:
            return self.creators.of(ours.tenant, ours.account)
        except (KeyStoreUnavailableError, KeyNotFoundError):
            return None  # as above

    def _receipt(self, entry: EntryId) -> str:
        try:
            return self.ledger.receipt(entry)
        except NotProvenError:
            return ""


def _marked(report: VerificationReport, metadata: Metadata, origins: Origins | None) -> Marking:
    """The file's own mark; of one that has none, that of what it may be a copy of."""
    own = marking.of_report(report, metadata)
    if own.disclosure or origins is None:
        return own
    trusted = (one.report for one in origins.origins if one.report.verdict is Verdict.TRUSTED)
    return next((found for found in map(marking.of_origin, trusted) if found.disclosure), own)
