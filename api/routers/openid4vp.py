"""OpenID4VP 1.0: a service asks a wallet how old somebody is, the wallet answers, the service learns yes or no."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.edge.auth import AnyoneDep, EitherDep
from api.edge.oauth import NO_STORE, REFUSED, described
from api.edge.prefer import PatienceDep
from api.edge.qr_code import Picture, qr_code
from api.schemas.assets import Strict
from api.schemas.words import ADDRESS, Flag
from api.service import ServiceDep
from cases.access import Scope
from identity.age import Answer
from identity.errors import RequestNotFoundError, ResponseRefusedError
from identity.openid4vp.documents import DOCUMENTS, MAX_YEARS, MIN_YEARS
from identity.openid4vp.presentations import Order
from identity.openid4vp.request import MIME, Scheme
from identity.openid4vp.session import Session
from identity.openid4vp.verdict import Verdict
from identity.outcome import Outcome
from ledger.ids import moment

router = APIRouter(prefix="/openid4vp")

ASKING: Final = "presentations"
WALLETS: Final = "wallets"
MAX_ADDRESS: Final = 1000
"""Characters."""

TAKEN: Final = frozenset({Outcome.HOLDS, Outcome.ABSENT})
"""Outcomes that a wallet need not be told of: it answered, or had nothing to say."""


def _own_address(url: str) -> str:
    """Where a wallet sends its person. Raises ValueError."""
    parts = urlsplit(url)
    if url and (parts.scheme != "https" or not parts.hostname or parts.username is not None or parts.fragment):
        raise ValueError("write where to return to as https://shop.example/age, without a fragment")
    return url


class QuestionRequest(Strict):
    """Whether somebody is so many years old, or older."""

    model_config = ConfigDict(json_schema_extra={"example": {"over": 18}})

    over: Annotated[int, Field(strict=True, ge=MIN_YEARS, le=MAX_YEARS)]
    accept: Annotated[tuple[str, ...], Field(max_length=len(DOCUMENTS))] = ()
    """Kinds of documents that may answer; left out, all about which somebody is believed here."""

    return_to: Annotated[str, Field(max_length=MAX_ADDRESS, pattern=ADDRESS), AfterValidator(_own_address)] = ""
    """For a wallet on the same device: an https address of yours that it sends its person to, with a `response_code`
    that you bring back with your next look.
    """

    encrypted: Flag = True
    """Whether the wallet encrypts its answer, which old ones cannot."""

    signed: Flag = False
    """Whether we ask under our DID, which a wallet can look up, instead of by the address of the answer alone."""

    scheme: Scheme = Scheme.OPENID4VP
    """Which wallets the link opens."""


class Said(StrEnum):
    """The answer."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


_SAID: Final = {Answer.OVER: Said.YES, Answer.UNDER: Said.NO, Answer.UNSAID: Said.UNKNOWN}


class AnswerView(BaseModel):
    """All that is learned."""

    said: Said
    by: str
    """By whose word: an issuer's DID, or the authority that certifies the issuer. Empty where nothing is known."""

    outcome: Outcome
    """`holds`; or why nothing is known."""

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """The view of a verdict."""
        return cls(said=_SAID[verdict.answer], by=verdict.by, outcome=verdict.outcome)


class WalletRequestView(BaseModel):
    """A request to a wallet, and what came of it."""

    id: str
    over: int
    expires_at: datetime
    """When it is forgotten."""

    link: str | None
    """For the wallet, until it has answered."""

    answer: AnswerView | None
    """Null until then."""

    @classmethod
    def of(cls, session: Session) -> Self:
        """The view of a session."""
        return cls(
            id=session.id,
            over=session.years,
            expires_at=moment(session.expires_at),
            link=session.link or None,
            answer=AnswerView.of(session.verdict) if session.verdict else None,
        )


@router.post("/requests", status_code=201, tags=[ASKING])
def ask(service: ServiceDep, caller: EitherDep, question: QuestionRequest) -> WalletRequestView:
    """Ask a wallet whether somebody is so old: show its person the `link`, or the QR code of it. Ten minutes remain to
    answer. Nothing else is learned than that, and by whose word.
    """
    caller.require_self_or(Scope.PRESENT)
    order = Order(
        question.over, question.accept, question.return_to, question.signed, question.encrypted, question.scheme
    )
    return WalletRequestView.of(service.presentations.begin(caller.tenant, caller.principal, order))


@router.get("/requests/{session}", tags=[ASKING])
async def look(
    service: ServiceDep, caller: EitherDep, session: str, patience: PatienceDep, response_code: str = ""
) -> WalletRequestView:
    """How a request of yours stands; `Prefer: wait=30` waits for the wallet. The answer is forgotten five minutes after
    it came.
    """
    caller.require_self_or(Scope.PRESENT)
    mine = caller.tenant, caller.principal, session
    await patience.until(lambda: service.presentations.sessions.answered(*mine))
    return WalletRequestView.of(await run_in_threadpool(service.presentations.look, *mine, response_code))


@router.get("/requests/{session}/qr.{picture}", tags=[ASKING], response_class=Response)
def show(service: ServiceDep, caller: EitherDep, session: str, picture: Picture) -> Response:
    """The link of a request of yours as a QR code, for the camera of the phone that has the wallet."""
    caller.require_self_or(Scope.PRESENT)
    link = service.presentations.link(caller.tenant, caller.principal, session)
    return Response(qr_code(link, picture), media_type=picture.mime, headers=NO_STORE)


@router.get("/objects/{session}", tags=[WALLETS], dependencies=[AnyoneDep], response_class=Response)
def fetch(service: ServiceDep, session: str) -> Response:
    """A signed request, for the wallet that was sent its address."""
    return Response(service.presentations.request_object(session), media_type=MIME, headers=NO_STORE)


@router.post("/responses/{session}", tags=[WALLETS], dependencies=[AnyoneDep], responses={400: REFUSED})
async def answer(service: ServiceDep, session: str, request: Request) -> JSONResponse:
    """A wallet's answer, taken once; refusals are in OAuth's form."""
    body = await request.body()
    try:
        taken = await run_in_threadpool(service.presentations.answer, session, body)
    except (RequestNotFoundError, ResponseRefusedError) as error:
        return _refused(str(error))
    outcome = taken.verdict.outcome
    service.metrics.presentations.labels(outcome).inc()
    if outcome not in TAKEN:
        return _refused(f"it is {outcome}")
    return JSONResponse({"redirect_uri": taken.redirect} if taken.redirect else {}, headers=NO_STORE)


def _refused(why: str) -> JSONResponse:
    return JSONResponse({"error": "invalid_request", "error_description": described(why)}, 400, NO_STORE)
