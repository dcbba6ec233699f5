"""What a verification found, check by check."""

from __future__ import annotations

from dataclasses import dataclass

from identity.outcome import Check, Outcome

_WORST_LAST = tuple(Outcome)


@dataclass(frozen=True)
class Finding:
    """How one check ended."""

    check: Check
    outcome: Outcome
    detail: str = ""
    """What failed, in a sentence that may quote the document: for who gave it, never for a log."""

    proof: int | None = None
    """Which of the proofs, from 0; None for the document."""


@dataclass(frozen=True)
class Report:
    """Of one document, with those of what it holds."""

    findings: tuple[Finding, ...]
    credentials: tuple[Report, ...] = ()

    @property
    def verdict(self) -> Outcome:
        """The worst outcome of all checks. HOLDS: sound, in force, by somebody believed here."""
        outcomes = [finding.outcome for finding in self.findings] + [held.verdict for held in self.credentials]
        return max(outcomes, key=_WORST_LAST.index)

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Of this document, what does not hold."""
        return tuple(finding for finding in self.findings if finding.outcome is not Outcome.HOLDS)

    def outcome(self, check: Check) -> Outcome | None:
        """The worst of that check in this document; None where it was not made."""
        outcomes = [finding.outcome for finding in self.findings if finding.check is check]
        return max(outcomes, key=_WORST_LAST.index) if outcomes else None
