"""What the routes of custody take, and how hand-overs are told. Custody itself is `provenance.custody.graph`'s."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, with_config

from api.schemas.assets import LedgerView, Strict
from api.schemas.verification import OriginView
from api.schemas.words import PRINCIPAL
from cases.custody.custodian import Told
from cases.custody.handovers import Offer
from cases.custody.imported import Imported
from cases.recovery.origins import Looked
from ledger.ids import moment
from provenance.confidence.score import Confidence
from provenance.custody.graph import Custody
from provenance.custody.imported import BundleReport
from provenance.report import VerificationReport
from provenance.summary import word
from provenance.trust import ListInForce
from provenance.verdict import Verdict


class HandoverRequest(Strict):
    """To whom an asset is offered."""

    to: Annotated[str, Field(pattern=PRINCIPAL)]
    """The principal behind their API key, as `sigillo apikey list` shows it."""


class HandoverView(BaseModel):
    """That an asset was offered, handed over, or that an offer ended; and where that stands in the ledger."""

    asset: str
    ledger: LedgerView


class OfferView(BaseModel):
    """An asset that waits for the caller to accept or decline it."""

    id: str
    asset: str
    title: str
    owner: str
    offered_at: datetime

    @classmethod
    def of(cls, offer: Offer) -> Self:
        """The view of an offer."""
        return cls(
            id=offer.id,
            asset=offer.asset,
            title=offer.title,
            owner=offer.owner,
            offered_at=moment(offer.offered_at),
        )


class OfferPage(BaseModel):
    """A page of them."""

    offers: list[OfferView]
    next: str | None
    """The cursor of the page after; null after the last."""


@dataclass(frozen=True)
class RecoveredOrigin(OriginView):
    """Something that was signed here, and that the file resembles, with its own custody."""

    custody: Custody
    """Of that, as far as whoever asks may know: not of the file."""


@dataclass(frozen=True)
class RecoveredCustody:
    """What a file that carries no manifest may be a copy of."""

    looked: Looked
    sentence: str
    candidates: tuple[RecoveredOrigin, ...] = ()


@with_config(defer_build=True)  # of a hundred types: no start waits until Pydantic knows them
@dataclass(frozen=True)
class CustodyView(Custody):
    """Custody, how sure we are of it, and what a file without a manifest may be a copy of."""

    confidence: Confidence | None = None
    """Of an asset, as of its signing; of a file where `?confidence=true` asked."""

    recovered: RecoveredCustody | None = None
    """Null of a file that carries a manifest."""

    @classmethod
    def of(cls, told: Told) -> Self:
        """The view of what is told."""
        return cls(**_members(told.custody), confidence=told.confidence, recovered=_recovered(told))


@with_config(defer_build=True)  # of a hundred types: no start waits until Pydantic knows them
@dataclass(frozen=True)
class BundleView:
    """A custody bundle that holds together: whose word it is, and what that is worth here."""

    verdict: Verdict
    """The worst of log, file and ancestry; only *trusted* passes."""

    sentence: str
    origin: str
    """The name of the log whose word it is."""

    vkey: str
    exported: str
    """The entry of the export in that log."""

    exported_at: str
    log: Verdict
    """*trusted* where the log's key is known here, else *untrusted*."""

    bundle_sha256: str
    report: VerificationReport
    """On the manifests in it, under the trust of this deployment."""

    custody: Custody
    """As it is told there: principals, verdicts and trust lists are theirs."""

    trust_lists: tuple[ListInForce, ...] = ()
    """The trust lists that `report` was made under, those of this deployment."""

    ledger: LedgerView | None = None
    """Where it stands in the ledger of this deployment that it was brought; null where it was looked at alone."""

    @classmethod
    def of(
        cls,
        report: BundleReport,
        lists: tuple[ListInForce, ...],
        ledger: LedgerView | None = None,
        before: Imported | None = None,
    ) -> Self:
        """The view of a report, made under these lists; of a bundle that was brought `before`, as it was found then."""
        return cls(
            verdict=before.verdict if before else report.verdict,
            sentence=before.sentence if before else report.sentence,
            origin=report.origin,
            vkey=report.vkey,
            exported=report.exported,
            exported_at=report.exported_at,
            log=before.log if before else report.log,
            bundle_sha256=report.sha256,
            report=report.report,
            custody=report.custody,
            trust_lists=lists,
            ledger=ledger,
        )


def _recovered(told: Told) -> RecoveredCustody | None:
    if told.origins is None:
        return None
    pairs = zip(told.origins.origins, told.custodies, strict=True)
    found = (RecoveredOrigin(**_members(OriginView.of(origin)), custody=custody) for origin, custody in pairs)
    return RecoveredCustody(told.origins.looked, word(told.origins.messages), tuple(found))


def _members(of: Custody | OriginView) -> dict[str, Any]:
    return {field.name: getattr(of, field.name) for field in fields(of)}
