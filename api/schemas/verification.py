"""What a verification answers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

from pydantic import TypeAdapter, with_config

from api.version import VERSION
from cases.creators import Creator
from cases.recovery.eyes import Unasked
from cases.recovery.origins import Looked, Origin, Origins
from cases.recovery.search import By
from cases.verification import Verified
from ledger.entry import format_time
from provenance.confidence.score import Confidence
from provenance.marking import UNMARKED, Marking
from provenance.report import (
    Ingredient,
    SignerCertificate,
    StatedAction,
    StatedContent,
    StatedModel,
    StatedTool,
    StatedUse,
    Status,
    Statuses,
    VerificationReport,
)
from provenance.summary import Message, summarise, word
from provenance.trust import ListInForce
from provenance.verdict import Verdict


@dataclass(frozen=True)
class LedgerProof:
    """The signing of a public asset of this deployment in its ledger."""

    entry: str
    receipt: str | None
    """Null while the entry is durable but not yet proven."""


@dataclass(frozen=True)
class OriginView:
    """Something that was signed here, and that the file resembles. The file itself is signed by nobody."""

    manifest_id: str
    """`GET /manifests/{manifest_id}` gives its manifest store."""

    manifest_verdict: Verdict
    """Of that manifest alone: not of the file."""

    title: str | None
    signer: str | None
    signed_at: str
    first_signed_at: str
    """When whoever had it signed first had something signed that is about as much like the file."""

    match: By
    score: int
    """0 to 100, how alike they are by that; of an embedding 0 at the threshold of the encoder's card."""

    encoder: str | None
    """By which, name and version, where the match is an embedding's."""

    sentence: str
    ledger: LedgerProof
    generators: tuple[StatedTool, ...]
    """As the manifest states it, like the next two: what the original was made with, if the file is a copy of it."""

    model: StatedModel | None
    source_types: tuple[str, ...]

    @classmethod
    def of(cls, origin: Origin) -> Self:
        """The view of a candidate."""
        found, report = origin.found, origin.report
        return cls(
            found.label,
            report.verdict,
            report.title,
            report.signer.common_name if report.signer else None,
            format_time(found.signed_at),
            format_time(found.first),
            found.likeness.by,
            found.likeness.score,
            found.likeness.encoder or None,
            word((origin.message,)),
            LedgerProof(found.entry, origin.receipt or None),
            report.generators,
            report.model,
            report.source_types,
        )


@dataclass(frozen=True)
class NotAsked:
    """A way of finding what was signed here, by which a file was not looked for."""

    match: By
    reason: Unasked
    sentence: str


@dataclass(frozen=True)
class RecoveredView:
    """What a file that carries no manifest may be a copy of."""

    looked: Looked
    sentence: str
    candidates: tuple[OriginView, ...] = ()
    not_asked: tuple[NotAsked, ...] = ()
    """That nothing was found says nothing of these."""

    @classmethod
    def of(cls, origins: Origins) -> Self:
        """The view of what was found."""
        found, why = tuple(map(OriginView.of, origins.origins)), origins.unasked
        not_asked = (NotAsked(By.EMBEDDING, why, word((Message(f"recovered.unasked.{why}"),))),) if why else ()
        return cls(origins.looked, word(origins.messages), found, not_asked)


@with_config(defer_build=True)  # of a hundred types: no start waits until Pydantic knows them
@dataclass(frozen=True)
class VerificationView(VerificationReport):
    """A report, in plain words too, and where the file stands in this deployment's ledger."""

    sentence: str = ""
    messages: tuple[Message, ...] = ()
    ledger: LedgerProof | None = None
    trust_lists: tuple[ListInForce, ...] = ()
    """What `trust` was made of, beside roots of this deployment's own."""
    recovered: RecoveredView | None = None
    """Null of a file that carries a manifest."""

    marking: Marking = UNMARKED
    """Whether it is marked as made or altered by AI, and what to show beside it."""

    confidence: Confidence | None = None
    """How sure we are that what it says of its origin is so; null where `?confidence=true` did not ask."""

    creator: Creator | None = None
    """Whether somebody known stands behind it, for whoever ranks: of public assets of ours whose tool named one."""

    @classmethod
    def of(cls, verified: Verified, lists: tuple[ListInForce, ...]) -> Self:
        """The view of a report."""
        report, messages = verified.report, summarise(verified.report)
        proof = LedgerProof(verified.entry, verified.receipt or None) if verified.entry else None
        stated = {field.name: getattr(report, field.name) for field in fields(VerificationReport)}
        return cls(
            **stated,
            sentence=word(messages),
            messages=messages,
            ledger=proof,
            trust_lists=lists,
            marking=verified.marking,
            confidence=verified.confidence,
            creator=verified.creator,
            recovered=RecoveredView.of(verified.origins) if verified.origins else None,
        )


_CLAIM = "self#jumbf=/c2pa/urn:c2pa:36deccb9-75d2-4f90-bd76-d6610572a662/c2pa.signature"
_PAINT = StatedTool("Example Paint", "4.2")
_EXAMPLE = VerificationView(
    verdict=Verdict.TRUSTED,
    trust="9fc1e01ab3ef0ee3c4b0d5f0a6a4c9cbe3cbf0b0dbd5ab0f8d4bd25ce90f3a52",
    ancestry=Verdict.INVALID,
    label="urn:c2pa:36deccb9-75d2-4f90-bd76-d6610572a662",
    title="Harbour at dawn",
    generators=(StatedTool("Sigillo", VERSION), _PAINT),
    signer=SignerCertificate(
        common_name="Sigillo claim signer",
        organization="Sigillo",
        issuer="Sigillo development intermediate",
        serial="7483b3f6faa0c338ae4cdb601d28e36bdb36a5f",
        algorithm="es256",
        not_before="2026-11-21T22:24:09+00:00",
        not_after="2027-11-21T22:29:09+00:00",
    ),
    statuses=Statuses(success=(Status("signingCredential.trusted", _CLAIM, "signing certificate trusted"),)),
    actions=(
        StatedAction("c2pa.opened", None, None, _PAINT, None, None),
        StatedAction("c2pa.cropped", None, None, _PAINT, "to a square", None),
    ),
    training_mining=(StatedUse("cawg.ai_generative_training", "notAllowed"),),
    content=StatedContent(
        mime="image/jpeg",
        sha256="ca0430f4df880494cf50264c55523d3bb69b2267465086e874326140bb4df232",
        content_hash="60855462c9657a39a695cfa6ab21dfe276de0cadd5e80c0c9f2a065ed526c65d",
        normal_form="sigillo/pixels/v1",
        decoder="Pillow 13.0.0, libjpeg-turbo 3.2.0",
        width=4000,
        height=3000,
        duration=None,
        frames=0,
        windows=0,
    ),
    ingredients=(
        Ingredient(
            depth=1,
            title="Harbour",
            format="image/jpeg",
            relationship="parentOf",
            label="urn:c2pa:94f71444-3399-4b5f-9ccc-04cc80f5b74b",
            verdict=Verdict.INVALID,
            signer="Example Camera",
            failures=("assertion.dataHash.mismatch",),
        ),
    ),
    sentence="Signed by Sigillo claim signer, whom we trust, and unchanged since. "
    "An earlier version does not hold: assertion.dataHash.mismatch.",
    messages=(
        Message("trusted", {"signer": "Sigillo claim signer"}),
        Message("ancestry.invalid", {"code": "assertion.dataHash.mismatch"}),
    ),
)


def report_example() -> dict[str, Any]:
    """A report that has every field."""
    found: dict[str, Any] = TypeAdapter(VerificationView).dump_python(_EXAMPLE, mode="json")
    return found
