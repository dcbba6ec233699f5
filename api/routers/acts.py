"""Acting by a credential: whoever has the key that a registration's credential is bound to needs no API key and no
account to withdraw it, keep it, renew it, read its log and answer to it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.edge.auth import AnyoneDep
from api.routers.likeness import PRIVATE, before_cursor
from api.routers.withdrawals import RenewedView, StoppedView, WithdrawnView
from api.schemas.acts import ActRequest, ActView, Answer, AnySigned, Keep, Read, Renew
from api.schemas.assets import LedgerView
from api.schemas.likeness import DecidedView, MatchPage
from api.schemas.words import REGISTRATION
from api.service import ServiceDep
from ledger.ids import SubjectId

router = APIRouter(prefix="/v1/registrations/{registration}/acts", tags=["acting by a credential"])

RegistrationPath = Annotated[SubjectId, Path(pattern=REGISTRATION)]
Done = WithdrawnView | StoppedView | RenewedView | DecidedView | MatchPage


@router.post("/options", status_code=202, dependencies=[AnyoneDep])
def begin(service: ServiceDep, registration: RegistrationPath, request: AnySigned) -> ActView:
    """Begin an act: what to sign with the key of the registration's credential, within five minutes."""
    act = request.of(registration)
    return ActView.of(act, service.registry.acts.begin(act))


@router.post("", dependencies=[AnyoneDep])
def act(service: ServiceDep, response: Response, registration: RegistrationPath, request: ActRequest) -> Done:
    """Do it: the credential (`dc+sd-jwt`), shown with its holder's proof over what `options` said."""
    response.headers["Cache-Control"] = PRIVATE
    acts, done, shown = service.registry.acts, request.act.of(registration), request.presentation
    match request.act:
        case Read(cursor=cursor):
            return MatchPage.of(acts.read(done, shown, before_cursor(cursor)))
        case Answer():
            return DecidedView.of(acts.answer(done, shown))
        case Renew():
            return RenewedView.of(acts.renew(done, shown))
        case Keep():
            ledger = LedgerView.of(acts.keep(done, shown), proven=False)
            return StoppedView(registration=registration, ledger=ledger)
    return WithdrawnView.of(registration, acts.withdraw(done, shown))
