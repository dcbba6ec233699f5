"""A report on an SD-JWT, as there is on a document: each check by its name, and the claims of one that holds.

`identity.sd_jwt.credential` raises at the first thing that is wrong; here that becomes a finding, and the status is
looked up besides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from identity.errors import (
    CheckFailedError,
    IssuerUnreachableError,
    IssuerUntrustedError,
    TokenError,
    TokenInvalidError,
)
from identity.outcome import Check, Outcome
from identity.report import Finding, Report
from identity.sd_jwt.credential import Expectation, verify


@dataclass(frozen=True)
class Judged:
    """What a presentation came to."""

    report: Report
    claims: Mapping[str, object] = field(default_factory=dict)
    """What was signed and shown; empty unless all but its status was found to hold."""


def judge(presentation: str, expected: Expectation, status: Callable[[object], None], now: datetime) -> Judged:
    """Never raises over what a presentation says; `status` looks up what it says as its status, as
    `identity.status.token_lookup.token_status` does.
    """
    try:
        verified = verify(presentation, expected, now)
    except TokenError as error:
        return Judged(Report((_finding(error),)))
    findings = [Finding(check, Outcome.HOLDS) for check in verified.checks]
    if "status" in verified.claims:
        findings.append(_status(status, verified.claims["status"]))
    return Judged(Report(tuple(findings)), verified.claims)


def _status(look_up: Callable[[object], None], stated: object) -> Finding:
    try:
        look_up(stated)
    except CheckFailedError as error:
        return Finding(error.check, error.outcome, error.detail)
    return Finding(Check.STATUS, Outcome.HOLDS)


def _finding(error: TokenError) -> Finding:
    if isinstance(error, TokenInvalidError):
        return Finding(error.check, Outcome.INVALID, str(error))
    if isinstance(error, IssuerUnreachableError):
        return Finding(Check.METHOD, Outcome.UNCHECKED, str(error))
    if isinstance(error, IssuerUntrustedError):
        return Finding(Check.TRUST, Outcome.UNTRUSTED, str(error))
    return Finding(Check.STRUCTURE, Outcome.UNREADABLE, str(error))
