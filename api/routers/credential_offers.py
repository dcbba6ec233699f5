"""Offers of credentials: a platform makes one for somebody, whose wallet fetches it (`api.routers.openid4vci`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.edge.auth import CallerDep
from api.edge.oauth import NO_STORE
from api.edge.qr_code import Picture, qr_code
from api.schemas.assets import Strict
from api.schemas.words import Flag
from api.service import ServiceDep
from cases.access import Scope
from identity.openid4vci.credential_issuer import OFFER_LASTS, MadeOffer
from identity.openid4vci.offers import Maker, OfferId, Stage

router = APIRouter(prefix="/v1/credentials/offers", tags=["offers"])

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=1)


class GrantKind(StrEnum):
    """What gives a wallet the right to fetch an offer."""

    PRE_AUTHORISED = "pre-authorized_code"
    """Having it; with `tx_code` also what the person types into the wallet."""

    AUTHORISATION = "authorization_code"
    """What the person types into our page, to which the wallet sends them."""


class OfferRequest(Strict):
    """What is offered, and how it is fetched."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"configuration": "AgeAttestation.sd-jwt", "claims": {"age_over_18": True}, "tx_code": True}
        }
    )

    configuration: Annotated[str, Field(max_length=100)]
    """An id of `credential_configurations_supported` in `/.well-known/openid-credential-issuer`."""

    claims: dict[str, Any]
    """What the credential will say. It is sealed until a wallet fetches it, and gone then."""

    grant: GrantKind = GrantKind.PRE_AUTHORISED
    tx_code: Flag = False
    """Whether a pre-authorised offer takes a code besides: ask for one wherever others may see the QR code."""

    lasts: Annotated[timedelta, Field(ge=SHORTEST, le=LONGEST)] = OFFER_LASTS

    @model_validator(mode="after")
    def _one_code(self) -> Self:
        if self.tx_code and self.grant is GrantKind.AUTHORISATION:
            raise ValueError("an authorization_code offer has its code anyway: leave `tx_code` out")
        return self


class OfferView(BaseModel):
    """An offer, whose secrets are in this answer and nowhere else."""

    id: str
    link: str
    """Opens a wallet on the same device."""

    short_link: str
    """The same by reference: what the QR code says."""

    qr: str
    """SVG of the short link, for a wallet on another device."""

    code: str | None
    """What the person types. Show it to the account that the offer is for, not beside the link."""

    expires_at: datetime

    @classmethod
    def of(cls, made: MadeOffer, expires_at: datetime) -> Self:
        """The view of a new offer."""
        short = made.link.by_reference
        return cls(
            id=made.id,
            link=made.link.by_value,
            short_link=short,
            qr=qr_code(short, Picture.SVG).decode(),
            code=made.link.contents.typed or None,
            expires_at=expires_at,
        )


@router.post("", status_code=201)
def offer(service: ServiceDep, caller: CallerDep, response: Response, request: OfferRequest) -> OfferView:
    """Offer somebody a credential. Whoever fetches it first has it; nothing is issued, or recorded, before."""
    caller.require(Scope.ISSUE)
    stage = Stage.OFFERED if request.grant is GrantKind.PRE_AUTHORISED else Stage.INVITED
    made = service.wallets.offer(
        Maker(caller.tenant, caller.principal, caller.key),
        request.configuration,
        request.claims,
        stage,
        typed=request.tx_code or stage is Stage.INVITED,
        lasts=request.lasts,
    )
    response.headers.update(NO_STORE)
    return OfferView.of(made, made.expires_at)


@router.delete("/{offer}", status_code=204)
def withdraw(service: ServiceDep, caller: CallerDep, offer: str) -> Response:
    """End an offer of the caller's tenant that no wallet has fetched yet."""
    caller.require(Scope.ISSUE)
    service.wallets.offers.withdraw(caller.tenant, OfferId(offer))
    return Response(status_code=204)
