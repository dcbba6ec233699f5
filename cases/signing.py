"""An upload on its way: what was handed in, what was found of it, and what will be said about it.

Pure: nothing here reads a clock, a row or a file.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Self

from cases.access import Caller
from cases.asset import AssetDetails, AssetId, Visibility
from cases.batch import Part
from cases.creators import PasskeyStatement
from cases.decisions import AssetSigned, ParentFinding
from cases.likeness.findings import Circumstances, Finding
from cases.likeness.use import Use
from detection.embedding.embedding import Embedding
from detection.examination import Examination
from detection.iscc import to_iscc
from detection.memfd import Memfd
from detection.metadata import Metadata
from keys.signer import Signer
from ledger.entry import format_time
from ledger.storage.blobs import Blob
from provenance.confidence import judging
from provenance.confidence.evidence import Evidence
from provenance.confidence.score import Confidence
from provenance.confidence.stated import Stated
from provenance.manifest import ContentAssertion
from provenance.marking import Marking, of_upload
from provenance.report import History, TimeStamp
from provenance.request import ClaimRequest
from provenance.sign import Parent, SignedAsset
from provenance.trust import TrustPolicy
from provenance.verdict import worst


@dataclass(frozen=True)
class Original:
    """The caller's asset that an upload was made from."""

    asset: AssetId
    mime: str
    """Empty once it is erased."""

    open: Callable[[], AbstractContextManager[Parent]]
    """The signed file in memory, sealed against writing. Raises AssetGoneError, BlobError."""


@dataclass(frozen=True)
class Submission:
    """What a creation tool hands in."""

    content: Memfd
    """Sealed against writing."""

    declared_mime: str
    claim: ClaimRequest
    visibility: Visibility
    idempotency_key: str = ""
    """Empty when the caller sent none."""

    part: Part | None = None
    """Of a batch; then there is a key."""

    use: Use = Use.UNSAID
    """What a likeness in it is for."""

    place: str = ""
    """Where it is from: ISO 3166-1 or -2; empty where the caller does not say."""

    likeness_check: str = ""
    """The token of one that its tool made before; empty for none."""

    original: Original | None = None
    """Of a transformation."""

    account: str = ""
    """Who made it, an account of the caller's tenant; empty where the caller does not say."""

    creator: PasskeyStatement | None = None
    """What its creator signed with a passkey of this deployment."""


@dataclass(frozen=True)
class Judged:
    """How sure we are of what is signed, and what it says of AI."""

    confidence: Confidence
    marking: Marking

    @classmethod
    def of(
        cls,
        claim: ClaimRequest,
        found: Examination,
        history: History,
        metadata: Metadata,
        time_stamp: TimeStamp | None,
        now: datetime,
    ) -> Self:
        """From the claim, the file's earlier manifest and its metadata."""
        stated = Stated.in_claim(claim, history, time_stamp, now)
        declared = (action.source_type for action in claim.actions if action.source_type)
        earlier = worst((history.verdict, history.ancestry or history.verdict))
        marked = of_upload(declared, history.source_types, earlier, metadata, found.mime)
        return cls(judging.of(Evidence(stated, metadata)), marked)


@dataclass(frozen=True)
class Signing:
    """An upload on its way: examined, signed, not yet committed."""

    caller: Caller
    submission: Submission
    received_at: int
    found: Examination
    parent: ParentFinding | None
    signed: SignedAsset
    signer: Signer
    circumstances: Circumstances
    trust: TrustPolicy
    history: History
    metadata: Metadata
    signed_at: datetime
    embedding: Embedding | None
    """None of what is no single picture, or shows too little, and where no encoder is set."""

    finding: Finding | None = None
    """Whom of those who are registered it may show; None where nobody is, and while nobody looked."""

    @cached_property
    def judged(self) -> Judged:
        """Told when it is kept: of several one after the other that takes a quarter of what it does between two jobs,
        of which each has emptied the processor's caches.
        """
        time_stamp = self.signed.time_stamp
        return Judged.of(self.submission.claim, self.found, self.history, self.metadata, time_stamp, self.signed_at)


def details(signing: Signing, blob: Blob) -> AssetDetails:
    """What is kept of the file beside its media."""
    found, claim = signing.found, signing.submission.claim
    return AssetDetails(
        upload=found,
        signed_bytes=blob.size,
        signed_sha256=blob.sha256.hex(),
        title=claim.title,
        tool=claim.tool.name,
        key=str(signing.signed.key),
        parent=signing.parent,
        time_stamp=signing.signed.time_stamp,
        manifest_sha256=signing.signed.manifest_sha256,
        circumstances=signing.circumstances,
        confidence=signing.judged.confidence,
        marking=signing.judged.marking,
        account=signing.submission.account,
        embedding=signing.embedding,
    )


def content(found: Examination) -> ContentAssertion:
    """What the manifest says of the file as it was uploaded."""
    seen = found.content
    return ContentAssertion(
        mime=found.mime,
        sha256=found.sha256,
        content_hash=seen.content_hash,
        normal_form=seen.normal_form,
        decoder=seen.decoder,
        width=seen.width,
        height=seen.height,
        duration=seen.duration,
        image_code=to_iscc(seen.image_code) if seen.image_code else None,
        frames=tuple((frame.at, frame.pdq) for frame in seen.frames if seen.duration is not None),
        windows=tuple((window.at, window.sha256) for window in seen.windows),
    )


def decision(signing: Signing, asset: AssetId, known: AssetDetails, expires_at: int) -> AssetSigned:
    """The payload of the entry: what was decided, on which inputs. `expires_at` in Unix milliseconds."""
    submission = signing.submission
    return AssetSigned(
        asset=asset,
        actor=signing.caller.principal,
        received_at=format_time(signing.received_at),
        inputs={**vars(signing.found)},
        claim=_claim(submission.claim, submission.visibility),
        parent=signing.parent,
        manifest=signing.signed.label,
        signed_sha256=known.signed_sha256,
        key=known.key,
        expires_at=format_time(expires_at),
        outcome="signed",
        reasons=(*_reasons(signing.parent), *_skipped(signing.finding)),
        time_stamp=signing.signed.time_stamp,
        trust=signing.trust.digest,
        trust_lists=signing.trust.lists,
        confidence=signing.judged.confidence,
        marking=signing.judged.marking,
    )


def _claim(claim: ClaimRequest, visibility: Visibility) -> dict[str, object]:
    """What the decision turned on; the author's words stay in the manifest alone."""
    return {
        "tool": claim.tool,
        "model": claim.model,
        "actions": [action.name for action in claim.actions],
        "source_types": [action.source_type for action in claim.actions if action.source_type],
        "training_mining": claim.training_mining,
        "redacted": list(claim.redaction.assertions) if claim.redaction else [],
        "creator_key": claim.creator.key_sha256 if claim.creator else None,
        "visibility": visibility,
    }


def _reasons(parent: ParentFinding | None) -> tuple[str, ...]:
    """Reason codes: what about the parent a reader of the decision must know."""
    if parent is None:
        return ("parent.none",)
    return (f"parent.{parent.verdict}", *((f"ancestry.{parent.ancestry}",) if parent.ancestry else ()))


def _skipped(finding: Finding | None) -> tuple[str, ...]:
    """That nobody was looked for, as rules of the file's place have it."""
    looked = finding.looked if finding else None
    return tuple(f"likeness.skipped.{rules}" for rules in looked.skipped) if looked and not looked.whole else ()
