"""From what c2pa-rs says of a manifest store to our report. Runs in the worker.

Rules
- The verdict comes from the codes; c2pa-rs's own state is a second opinion, and the worse of the two stands.
- *Trusted* needs evidence: a validated signature and a trusted signer among the successes.
- Whom c2pa-rs trusts must besides stand under one of the roots for signers by a path that holds (`provenance.signers`):
  it accepts roots that are for time-stamps alone, and asks too little of what lies between.

C2PA Technical Specification 2.4, "Validation", "Validation states".
"""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import Final

from keys.chain import rfc3339
from keys.clock import system_clock
from keys.revocation import Revocation
from provenance.ancestry import Json, statuses_in, trace
from provenance.codes import CONTENT_MISMATCH, SIGNATURE_VALIDATED, SIGNER_TRUSTED, TIME_STAMP_TRUSTED, effect
from provenance.coverage import objection
from provenance.creator_judging import Trusted
from provenance.report import (
    MAX_STATUSES,
    SignerCertificate,
    SignerRevocation,
    Status,
    Statuses,
    TimeStamp,
    VerificationReport,
    legible,
    text,
)
from provenance.revocation import enforced, of_signer
from provenance.signers import Signers, held
from provenance.stamps import Stamps, counted, moment_in, standing, time_of
from provenance.stated import Stated, source_types_in
from provenance.verdict import Verdict, worst

STATES: Final = MappingProxyType({"Trusted": Verdict.TRUSTED, "Valid": Verdict.UNTRUSTED, "Invalid": Verdict.INVALID})
"""c2pa-rs's states as the best verdict they allow."""


def assess(store: Json, detail: Json, trust: str, revoked: str, signers: Signers, stamps: Stamps) -> VerificationReport:
    """The report on a store, given as `Reader.json` parsed and `judged`, and `Reader.crjson` parsed.

    `trust` names the policy it was judged under, and `revoked` is the part of it that says which signers are.
    """
    results = (store.get("validation_results") or {}).get("activeManifest") or {}
    label = str(store.get("active_manifest"))
    stated = Stated((store.get("manifests") or {}).get(label) or {})
    actions, more_actions = stated.actions()
    ancestry = trace(store)
    signature = _signature(detail, label)
    statuses, more_statuses = _statuses(results)
    time_stamps = time_stamps_of(signature, {code for code, _, _ in statuses_in(results)}, stamps)
    verdict = worst((_judge(results), STATES.get(str(store.get("validation_state")), Verdict.INVALID)))
    return VerificationReport(
        verdict=verdict,
        trust=trust,
        ancestry=ancestry.verdict,
        label=legible(label),
        title=stated.title(),
        generators=stated.generators(),
        signer=signer_of(signature, of_signer(signers.certificate(label), revoked)),
        time_stamps=time_stamps,
        statuses=statuses,
        actions=actions,
        model=stated.model(),
        training_mining=stated.training_mining(),
        author=stated.author(),
        content=stated.content(),
        likeness_check=stated.likeness_check(),
        creator_signature=stated.creator(
            Trusted(signers.roots, signers.purposes, _made(time_stamps), revoked, verdict is Verdict.TRUSTED)
        ),
        ingredients=ancestry.tree,
        source_types=source_types_in(store, {label, *ancestry.labels}),
        truncated=more_actions or more_statuses or ancestry.truncated,
    )


def unbound(store: Json) -> Json:
    """What a store says when the content it binds is not there: without what c2pa-rs says of that content's absence."""
    found = store.get("validation_results") or {}
    results = found.get("activeManifest") or {}
    failures = [status for status in results.get("failure") or () if status.get("code") not in CONTENT_MISMATCH]
    found = {**found, "activeManifest": {**results, "failure": failures}}
    # Its second opinion cannot be had: it would be *Invalid* for the content alone.
    return {**store, "validation_state": "Trusted", "validation_results": found}


def covered(store: Json, detail: Json, store_bytes: int, file_bytes: int | None) -> Json:
    """The store with an objection among its failures where its hard binding leaves out content."""
    label = str(store.get("active_manifest"))
    manifest: Json = next((one for one in detail.get("manifests") or () if one.get("label") == label), {})
    code = objection(manifest.get("assertions") or {}, store_bytes, file_bytes)
    if code is None:
        return store
    found = store.get("validation_results") or {}
    results = found.get("activeManifest") or {}
    failures = [*(results.get("failure") or ()), {"code": code, "explanation": "the hard binding leaves out content"}]
    return {**store, "validation_results": {**found, "activeManifest": {**results, "failure": failures}}}


def judged(store: Json, detail: Json, revoked: str, signers: Signers, stamps: Stamps) -> Json:
    """The store in which those signers and time-stamps alone count as trusted that are to be."""
    return enforced(counted(held(store, signers), detail, stamps, signers), detail, revoked, signers)


def _judge(results: Json) -> Verdict:
    codes = {(code, failed) for code, failed, _ in statuses_in(results)}
    objection = worst(effect(code, failed=failed) for code, failed in codes)
    if objection is not Verdict.TRUSTED:
        return objection
    if (SIGNATURE_VALIDATED, False) not in codes:
        return Verdict.INVALID
    return Verdict.TRUSTED if (SIGNER_TRUSTED, False) in codes else Verdict.UNTRUSTED


def _statuses(results: Json) -> tuple[Statuses, bool]:
    lists = [results.get(kind) or () for kind in ("success", "informational", "failure")]
    parts = [tuple(map(_status, each[:MAX_STATUSES])) for each in lists]
    return Statuses(*parts), any(len(each) > MAX_STATUSES for each in lists)


def _status(status: Json) -> Status:
    return Status(legible(str(status.get("code"))), text(status.get("url")), text(status.get("explanation")))


def _signature(detail: Json, label: str) -> Json:
    return next((signature_of(one) for one in detail.get("manifests") or () if one.get("label") == label), {})


def signature_of(manifest: Json) -> Json:
    """What `Reader.crjson` says of the signature of one of its manifests."""
    return manifest.get("signature") or {}


def signer_of(signature: Json, revocation: Revocation | None) -> SignerCertificate | None:
    """Who signed, of what `signature_of` found."""
    certificate = signature.get("certificateInfo")
    if not certificate:
        return None
    subject, issuer = certificate.get("subject") or {}, certificate.get("issuer") or {}
    validity = certificate.get("validity") or {}
    return SignerCertificate(
        common_name=text(subject.get("CN")),
        organization=text(subject.get("O")),
        issuer=text(issuer.get("CN")),
        serial=text(certificate.get("serialNumber")),
        algorithm=text(signature.get("algorithm")),
        not_before=text(validity.get("notBefore")),
        not_after=text(validity.get("notAfter")),
        revocation=_revocation(revocation) if revocation else None,
    )


def _revocation(found: Revocation) -> SignerRevocation:
    return SignerRevocation(rfc3339(found.at), rfc3339(found.since), str(found.reason))


def time_stamps_of(signature: Json, codes: set[str], stamps: Stamps) -> tuple[TimeStamp, ...]:
    """The one of a claim, by what `signature_of` found and the codes about its manifest; c2pa-rs says nothing of what
    it holds where it is of something else.
    """
    stamp = signature.get("timeStampInfo") or {}
    if not any(code.startswith("timeStamp.") for code in codes) and not stamp:
        return ()
    certificate = signature.get("certificateInfo") or {}
    begins = moment_in((certificate.get("validity") or {}).get("notBefore"))
    authority = ((stamp.get("certificateInfo") or {}).get("subject") or {}).get("CN")
    found = standing(codes, time_of(signature), begins, stamps)
    return (TimeStamp(text(stamp.get("timestamp")), text(authority), TIME_STAMP_TRUSTED in codes, found),)


def _made(time_stamps: tuple[TimeStamp, ...]) -> datetime:
    """When it was signed, where somebody who is trusted says so; else now."""
    return next((moment for one in time_stamps if one.trusted and (moment := moment_in(one.time))), system_clock())
