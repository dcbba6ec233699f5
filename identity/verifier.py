"""Verifying credentials and presentations, secured by proofs or in tokens: every check is made and named in a report.

Rules
- A check that fails does not hide the others; one that rests on another that failed is left out.
- All proofs must hold, and one must be by the author: the issuer of a credential, the holder of a presentation.
- A presentation is as good as the worst it holds; its challenge and domain are the caller's to ask for.
- Nothing is fetched. What would have to be (a status list, a resource) is asked of the caller, or *unchecked*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from identity.data_integrity.proof import (
    Expected,
    Proof,
    check_challenge,
    check_domain,
    check_purpose,
    check_time,
    find_method,
    preceding,
    proofs_of,
    read_proof,
)
from identity.data_integrity.signing import check_signature
from identity.did.methods import Resolver, VerificationMethod, resolve
from identity.did.web import PREFIX as DID_WEB
from identity.enveloping import checks
from identity.enveloping.envelope import is_enveloped
from identity.errors import CheckFailedError, DocumentError
from identity.jsonld.context_library import CREDENTIALS_V1, PUBLISHED, ContextLibrary
from identity.jsonld.document import check_document
from identity.legacy.detached import check_detached
from identity.legacy.suites import Legacy, LegacySuite, check_covered, no_legacy
from identity.outcome import Check, Outcome
from identity.related_resource import Resources, check_resources, pinned_contexts
from identity.report import Finding, Report
from identity.vcdm import (
    CREDENTIAL,
    PRESENTATION,
    check_contexts,
    check_structure,
    check_validity,
    listed,
    party,
    version,
)

MAX_CREDENTIALS: Final = 16
"""Of one presentation."""

ASSERTION: Final = Expected("assertionMethod")

Document = Mapping[str, object]
"""Beside it, a text is a JWT of VCDM 1.1."""

Status = Callable[[object, str | None], None]
"""Looks one `credentialStatus` of a credential by that issuer up. Raises CheckFailedError."""

_T = TypeVar("_T")


def _not_looked_up(_entry: object, _issuer: str | None) -> None:
    raise CheckFailedError(Check.STATUS, "nobody here looks it up", Outcome.UNCHECKED)


def _nothing_here(_name: str) -> None:
    return None


@dataclass(frozen=True)
class Policy:
    """Whom and what a verifier believes."""

    issuers: frozenset[str]
    """Their DIDs."""

    contexts: ContextLibrary = PUBLISHED
    resolve: Resolver = resolve
    resources: Resources = _nothing_here
    status: Status = _not_looked_up
    legacy: Legacy = no_legacy
    """For proofs from before Data Integrity: `identity.legacy.child.Child`, or in a worker `in_worker.check`."""


def verify_credential(
    document: Document | str, policy: Policy, now: datetime, expected: Expected = ASSERTION
) -> Report:
    """The report on one credential; `now` is aware. Never raises over what the document says."""
    findings, signers = _Findings(), None
    if isinstance(document, str) or is_enveloped(document, CREDENTIAL):
        opened = _open(findings, document, CREDENTIAL, policy, now, expected)
        if opened is None:
            return findings.report()
        document, signers = opened
    if not findings.begin(document, CREDENTIAL):
        return findings.report()
    contexts = pinned_contexts(document, policy.contexts)
    policy = policy if contexts is policy.contexts else replace(policy, contexts=contexts)
    findings.run(Check.CONTEXTS, partial(check_contexts, document, policy.contexts))
    issuer = party(document.get("issuer"))
    if findings.holds(Check.STRUCTURE):
        findings.run(Check.VALIDITY, partial(check_validity, document, now))
        findings.run(Check.RESOURCES, partial(check_resources, document, policy.contexts, policy.resources))
        for entry in listed(document.get("credentialStatus", [])):
            findings.run(Check.STATUS, partial(policy.status, entry, issuer))
    if signers is None:
        signers = _verify_proofs(findings, document, policy, now, expected)
    if signers:
        findings.run(Check.AUTHOR, partial(_check_author, issuer, signers))
        findings.run(Check.TRUST, partial(_check_trust, issuer, policy.issuers))
    return findings.report()


def verify_presentation(document: Document | str, policy: Policy, now: datetime, expected: Expected) -> Report:
    """The report on a presentation and on each credential it holds. Never raises over what the document says.

    What it is expected to be for is `authentication`, with the challenge and the domain that its holder was given.
    """
    findings, signers = _Findings(), None
    if isinstance(document, str) or is_enveloped(document, PRESENTATION):
        opened = _open(findings, document, PRESENTATION, policy, now, replace(expected, header=None))
        if opened is None:
            return findings.report()
        document, signers = opened
    if not findings.begin(document, PRESENTATION):
        return findings.report()
    findings.run(Check.CONTEXTS, partial(check_contexts, document, policy.contexts))
    if signers is None:
        signers = _verify_proofs(findings, document, policy, now, replace(expected, header=None))
    if signers and "holder" in document:
        findings.run(Check.AUTHOR, partial(_check_author, party(document["holder"]), signers))
    held = findings.run(Check.CREDENTIALS, partial(_held, document)) or []
    asserted = replace(ASSERTION, header=expected.header)
    return findings.report(tuple(verify_credential(each, policy, now, asserted) for each in held))


def _open(
    findings: _Findings, envelope: Document | str, kind: str, policy: Policy, now: datetime, expected: Expected
) -> tuple[Document, frozenset[str]] | None:
    """What is in an envelope, and the DID whose signature of it holds; None where it cannot be read."""
    of_token = _Findings(0)
    secured = of_token.run(Check.PROOF, partial(checks.opened, envelope, kind))
    if not secured:
        findings.made += of_token.made
        return None
    of_token.run(Check.PROOF_TIME, partial(checks.check_time, secured, now))
    of_token.run(Check.CHALLENGE, partial(checks.check_challenge, secured, expected))
    of_token.run(Check.DOMAIN, partial(checks.check_domain, secured, expected))
    method = of_token.run(Check.METHOD, partial(checks.find_method, secured, kind, policy.resolve))
    if method:
        of_token.run(Check.PURPOSE, partial(checks.check_purpose, method, expected))
        of_token.run(Check.SIGNATURE, partial(checks.check_signature, secured, method))
    findings.made += of_token.made
    sound = method and all(each.outcome is Outcome.HOLDS for each in of_token.made)
    return secured.document, frozenset({method.controller}) if method and sound else frozenset()


def _verify_proofs(
    findings: _Findings, document: Document, policy: Policy, now: datetime, expected: Expected
) -> frozenset[str]:
    """DIDs whose proofs hold."""
    proofs = findings.run(Check.PROOF, partial(proofs_of, document)) or []
    signers = set()
    for number, raw in enumerate(proofs):
        of_proof = _Findings(number)
        proof = of_proof.run(Check.PROOF, partial(read_proof, raw))
        method = of_proof.run(Check.METHOD, partial(find_method, proof, policy.resolve)) if proof else None
        if proof:
            of_proof.run(Check.PROOF_TIME, partial(check_time, proof, now))
            of_proof.run(Check.CHALLENGE, partial(check_challenge, proof, expected))
            of_proof.run(Check.DOMAIN, partial(check_domain, proof, expected))
            follows = of_proof.run(Check.CHAIN, partial(preceding, proof, proofs))
        if proof and method:
            of_proof.run(Check.PURPOSE, partial(check_purpose, proof, expected, method))
            if follows is not None:
                of_proof.run(Check.SIGNATURE, partial(_check_signature, document, raw, proof, follows, method, policy))
        if method and all(each.outcome is Outcome.HOLDS for each in of_proof.made):
            signers.add(method.controller)
        findings.made += of_proof.made
    return frozenset(signers)


def _check_signature(
    document: Document, raw: object, proof: Proof, follows: list[object], method: VerificationMethod, policy: Policy
) -> None:
    if isinstance(proof.suite, LegacySuite):
        assert isinstance(raw, dict)
        check_covered(document, raw, policy.contexts)
        if method.controller.startswith(DID_WEB):
            check_detached(document, raw, method.key, policy.contexts)
        else:
            policy.legacy(document, raw)
    else:
        check_signature(document, proof, follows, method.key, policy.contexts)


def _check_author(author: str | None, signers: frozenset[str]) -> None:
    if author not in signers:
        raise CheckFailedError(Check.AUTHOR, "no proof that holds is by the key of who it says", Outcome.UNTRUSTED)


def _check_trust(issuer: str | None, issuers: frozenset[str]) -> None:
    if issuer not in issuers:
        raise CheckFailedError(Check.TRUST, "its issuer is not believed here", Outcome.UNTRUSTED)


def _held(presentation: Document) -> list[Document | str]:
    """The credentials in a presentation; of VCDM 1.1, JWTs are texts. Raises CheckFailedError."""
    entries = listed(presentation.get("verifiableCredential", []))
    if len(entries) > MAX_CREDENTIALS:
        raise CheckFailedError(Check.CREDENTIALS, f"there are more than {MAX_CREDENTIALS}", Outcome.UNREADABLE)
    kinds = dict | str if version(presentation) == CREDENTIALS_V1 else dict
    held: list[Document | str] = [entry for entry in entries if isinstance(entry, kinds)]
    if len(held) < len(entries):
        raise CheckFailedError(Check.CREDENTIALS, "one is no object", Outcome.UNREADABLE)
    return held


@dataclass
class _Findings:
    """The findings so far, of one document or of one of its proofs."""

    proof: int | None = None
    made: list[Finding] = field(default_factory=list)

    def begin(self, document: Document, kind: str) -> bool:
        """Whether it can be looked at any further."""
        try:
            check_document(document)
        except DocumentError as error:
            self.made.append(Finding(Check.STRUCTURE, Outcome.UNREADABLE, str(error)))
            return False
        self.run(Check.STRUCTURE, partial(check_structure, document, kind))
        return True

    def run(self, check: Check, action: Callable[[], _T]) -> _T | None:
        """What the check gives; None where it does not hold."""
        try:
            given = action()
        except CheckFailedError as error:
            self.made.append(Finding(error.check, error.outcome, error.detail, self.proof))
        except DocumentError as error:
            self.made.append(Finding(check, Outcome.UNREADABLE, str(error), self.proof))
        else:
            self.made.append(Finding(check, Outcome.HOLDS, proof=self.proof))
            return given
        return None

    def holds(self, check: Check) -> bool:
        return all(each.outcome is Outcome.HOLDS for each in self.made if each.check is check)

    def report(self, credentials: tuple[Report, ...] = ()) -> Report:
        return Report(tuple(self.made), credentials)
