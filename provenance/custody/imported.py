"""What was found of a custody bundle: whose word it is, and what that is worth here. Crosses from worker to parent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

from detection.errors import WorkerProtocolError
from provenance.custody.graph import Custody
from provenance.lineage import Digest
from provenance.report import Text, VerificationReport
from provenance.summary import summarise, without_file, word
from provenance.verdict import Verdict, worst


@dataclass(frozen=True)
class BundleReport:
    """A bundle that holds together."""

    sha256: Digest
    """Of the bundle."""

    origin: Text
    """The name of the log whose word it is."""

    vkey: Text
    exported: Text
    """The entry of the export in that log."""

    exported_at: Text
    log: Verdict
    """*trusted* where that log's key is known here, else *untrusted*."""

    report: VerificationReport
    """On the manifests, under the trust of whoever reads; whether a file is the one they are of, that file shows."""

    custody: Custody
    """As it is told there."""

    @property
    def verdict(self) -> Verdict:
        """The worst of log, manifests and ancestry."""
        known = (one for one in (self.report.verdict, self.report.ancestry) if one is not None)
        return worst((self.log, *known))

    @property
    def sentence(self) -> str:
        """The same in plain words."""
        known = "which is known here" if self.log is Verdict.TRUSTED else "which nobody here knows"
        told = word(without_file(summarise(self.report)))
        return f"This is the word of the log {self.origin}, {known}; it has not been changed since. {told}"


BUNDLE_REPORT: Final = TypeAdapter(BundleReport)


def parse_bundle_report(answer: object) -> BundleReport:
    """A worker's report on a bundle. Raises WorkerProtocolError."""
    try:
        return BUNDLE_REPORT.validate_python(answer)
    except ValidationError as error:
        raise WorkerProtocolError(f"the bundle's report has {error.error_count()} fields of the wrong shape") from error
