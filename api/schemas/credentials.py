"""What a verification of a credential or a presentation answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from pydantic import TypeAdapter

from identity.outcome import Check, Outcome
from identity.report import Finding, Report
from identity.vc_api.answer import CheckProblem, Judged, problems, verified


@dataclass(frozen=True)
class JudgedView:
    """One document: the worst outcome, and each check that was made."""

    verdict: Outcome
    checks: tuple[Finding, ...]
    credentials: tuple[JudgedView, ...] = ()
    """Of a presentation, those it holds."""

    @classmethod
    def of(cls, report: Report) -> Self:
        return cls(report.verdict, report.findings, tuple(map(JudgedView.of, report.credentials)))


@dataclass(frozen=True)
class CredentialVerificationView:
    """VC-API's own words first, then the report that they are of."""

    verified: bool
    problemDetails: tuple[CheckProblem, ...]  # noqa: N815 (VC-API's name)
    verdict: Outcome
    checks: tuple[Finding, ...]
    credentials: tuple[JudgedView, ...] = ()

    @classmethod
    def of(cls, judged: Judged) -> Self:
        view = JudgedView.of(judged.report)
        return cls(verified(judged), tuple(problems(judged.report)), view.verdict, view.checks, view.credentials)


@dataclass(frozen=True)
class DerivedView:
    """What is shown of a credential."""

    verifiableCredential: dict[str, Any]  # noqa: N815 (VC-API's name)


VERIFIED: TypeAdapter[CredentialVerificationView] = TypeAdapter(CredentialVerificationView)

_OF_THE_DOCUMENT = (Check.STRUCTURE, Check.CONTEXTS, Check.VALIDITY, Check.RESOURCES, Check.PROOF)
_OF_ITS_PROOF = (
    *(Check.PROOF, Check.METHOD, Check.PROOF_TIME, Check.CHALLENGE, Check.DOMAIN, Check.CHAIN),
    *(Check.PURPOSE, Check.SIGNATURE),
)
_REPORT = Report(
    (
        *(Finding(check, Outcome.HOLDS) for check in _OF_THE_DOCUMENT),
        *(Finding(check, Outcome.HOLDS, proof=0) for check in _OF_ITS_PROOF),
        Finding(Check.AUTHOR, Outcome.HOLDS),
        Finding(Check.TRUST, Outcome.UNTRUSTED, "its issuer is not believed here"),
    )
)
CREDENTIAL_EXAMPLE: dict[str, Any] = VERIFIED.dump_python(CredentialVerificationView.of(Judged(_REPORT)), mode="json")
