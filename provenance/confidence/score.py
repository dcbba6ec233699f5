"""From findings to a score that says what it rests on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from provenance.confidence.policy import HIGHEST, LEVELS, Policy
from provenance.confidence.words import ENGLISH


@dataclass(frozen=True)
class Finding:
    """What was found of one signal."""

    signal: str
    level: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """Stable."""
        return f"{self.signal}.{self.level}"


@dataclass(frozen=True)
class Mismatch:
    """One thing in the file that is not as its manifest says."""

    code: str
    parameters: Mapping[str, str]
    sentence: str

    @classmethod
    def of(cls, code: str, **parameters: str) -> Mismatch:
        """Worded."""
        return cls(code, parameters, ENGLISH[code].format_map(parameters))


@dataclass(frozen=True)
class Reason:
    """What one signal did to the score."""

    code: str
    parameters: Mapping[str, str]
    points: int
    cap: int | None
    """The highest score that it allows; None where it allows any."""

    sentence: str


@dataclass(frozen=True)
class Confidence:
    """How sure we are that what a file says of its origin is so: neither whether it is true, nor whether it is good."""

    score: int
    """0 to 100."""

    band: str
    policy: str
    base: int
    """Where the score begins."""

    reasons: tuple[Reason, ...]
    """One for each signal, those that say nothing too."""

    mismatches: tuple[Mismatch, ...]


def judged(findings: Iterable[Finding], mismatches: Iterable[Mismatch], policy: Policy) -> Confidence:
    """The score of one finding for each signal; of a signal that is missing, ValueError."""
    found = {finding.signal: finding for finding in findings}
    if set(found) != set(LEVELS):
        raise ValueError("a score rests on every signal, once")
    reasons = tuple(_reason(found[signal], policy) for signal in LEVELS)
    total = policy.base + sum(reason.points for reason in reasons)
    score = max(0, min(total, HIGHEST, *(reason.cap for reason in reasons if reason.cap is not None)))
    return Confidence(score, policy.band(score), policy.name, policy.base, reasons, tuple(mismatches))


def _reason(finding: Finding, policy: Policy) -> Reason:
    cap = policy.caps.get(finding.signal, {}).get(finding.level, HIGHEST)
    return Reason(
        finding.code,
        finding.parameters,
        policy.signals[finding.signal][finding.level],
        cap if cap < HIGHEST else None,
        ENGLISH[finding.code].format_map(finding.parameters),
    )
