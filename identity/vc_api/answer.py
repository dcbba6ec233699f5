"""How VC-API says what a report says: `verified`, and a problem for each check that does not hold.

Rules
- `verified` is about the document: it is sound, in force, and by who it says. Whether that issuer is believed here, and
  whether its contexts mean what one thinks, are warnings, and part of our own `verdict`.
- Who asks for the proof alone (`checks: ["proof"]`) is warned where it is by another's key than the issuer's.
- What could not be checked (a status list out of reach) is not verified. The verdict tells the two apart.

VC-API, section 3.3; VCDM 2.0 §7.3; VC Data Integrity §4.7; Bitstring Status List §3.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from identity.outcome import Check, Outcome
from identity.report import Finding, Report

VCDM: Final = "https://www.w3.org/TR/vc-data-model#"
SECURITY: Final = "https://w3id.org/security#"
STATUS_LIST: Final = "https://www.w3.org/ns/credentials/status-list#"
URN: Final = "urn:sigillo:problem:"

WARNINGS: Final = frozenset({Check.TRUST, Check.CONTEXTS})
"""Checks that may end *untrusted* in a document that is verified."""

_TYPES: Final[Mapping[Check, str]] = {
    Check.CONTEXTS: URN + "contexts-untrusted",
    Check.TRUST: URN + "issuer-untrusted",
    Check.STRUCTURE: VCDM + "MALFORMED_VALUE_ERROR",
    Check.CREDENTIALS: VCDM + "MALFORMED_VALUE_ERROR",
    Check.TYPE: VCDM + "MALFORMED_VALUE_ERROR",
    Check.RESOURCES: VCDM + "CRYPTOGRAPHIC_SECURITY_ERROR",
    Check.VALIDITY: VCDM + "RANGE_ERROR",
    Check.CHALLENGE: SECURITY + "INVALID_CHALLENGE_ERROR",
    Check.DOMAIN: SECURITY + "INVALID_DOMAIN_ERROR",
    Check.METHOD: SECURITY + "INVALID_VERIFICATION_METHOD",
    Check.PURPOSE: SECURITY + "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD",
    Check.STATUS: STATUS_LIST + "STATUS_VERIFICATION_ERROR",
}
_PROOF: Final = SECURITY + "PROOF_VERIFICATION_ERROR"
_UNREACHABLE: Final = STATUS_LIST + "STATUS_RETRIEVAL_ERROR"


WARNINGS_OF_PROOF: Final = WARNINGS | {Check.AUTHOR}
"""The same, for who asked for the proof alone."""


@dataclass(frozen=True)
class Judged:
    """A report, and what was asked for."""

    report: Report
    proof_alone: bool = False


@dataclass(frozen=True)
class CheckProblem:
    """One check that does not hold, as VC-API tells it."""

    type: str
    title: str
    detail: str


def verified(judged: Judged) -> bool:
    """Whether nothing but warnings stands against a document and what it holds."""
    warnings = WARNINGS_OF_PROOF if judged.proof_alone else WARNINGS
    held = all(verified(Judged(each, judged.proof_alone)) for each in judged.report.credentials)
    return held and all(
        finding.check in warnings and finding.outcome is Outcome.UNTRUSTED for finding in judged.report.failed
    )


def problems(report: Report) -> Iterator[CheckProblem]:
    """Of a document and of what it holds, warnings too."""
    for finding in report.failed:
        yield CheckProblem(_type(finding), f"{finding.check}: {finding.outcome}", finding.detail)
    for held in report.credentials:
        yield from problems(held)


def _type(finding: Finding) -> str:
    if finding.check is Check.STATUS and finding.outcome is Outcome.UNCHECKED:
        return _UNREACHABLE
    return _TYPES.get(finding.check, _PROOF)
