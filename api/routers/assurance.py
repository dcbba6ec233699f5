"""Accounts, how sure a platform may be of them, and the ways to be surer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from api.edge.auth import AnyoneDep, CallerDep, EitherDep
from api.schemas import words
from api.schemas.assurance import AccountView, BegunView, ChangedView, GrantedView, LoginView, PolicyView, StepUpView
from api.schemas.assurance_requests import (
    STATEMENT,
    AccountRequest,
    CodeAnswer,
    CodeRequest,
    KycRequest,
    LoginAnswer,
    LoginRequest,
    PresentationRequest,
    Provider,
    StepUpRequest,
    WithdrawalRequest,
)
from api.service import Service, ServiceDep
from cases.access import Scope
from cases.assurance import actor
from identity.assurance.grants import Withdrawal
from identity.assurance.presented import of_session
from identity.assurance.tier import Tier
from ledger.ids import SubjectId

router = APIRouter(prefix="/v1/assurance")

KEYED = "assurance"
ACCOUNT = "/accounts/{account}"
AccountPath = Annotated[SubjectId, Path(pattern=words.ACCOUNT)]
RequestPath = Annotated[str, Path(pattern=words.ASKED)]
EvidencePath = Annotated[str, Path(pattern=words.EVIDENCE)]


@router.get("/policy", tags=["assurance policy"], dependencies=[AnyoneDep])
def policy(service: ServiceDep) -> PolicyView:
    """The policy in force: which evidence grants which tier, for how long, per region; and the providers by name."""
    return PolicyView.of(service.assurance)


@router.post("/accounts", tags=[KEYED])
def open_account(service: ServiceDep, caller: CallerDep, request: AccountRequest) -> AccountView:
    """The account that the platform calls so, opened if it is new; from then on it goes by the id in the answer."""
    caller.require(Scope.ASSURANCE_GRANT)
    account = service.assurance.accounts.named(actor(caller), request.account)
    return _account(service, caller, account)


@router.get(ACCOUNT, tags=[KEYED])
def read_account(service: ServiceDep, caller: EitherDep, account: AccountPath) -> AccountView:
    """How an account stands: its tier, and the evidence that counts."""
    caller.require_for(account, Scope.ASSURANCE_READ)
    return _account(service, caller, account)


@router.delete(ACCOUNT, tags=[KEYED])
def erase_account(service: ServiceDep, caller: CallerDep, account: AccountPath) -> ChangedView:
    """Destroy the account's key, and with it everything that is known of it; the public entries stay."""
    caller.require(Scope.ASSURANCE_ERASE)
    return ChangedView.of(account, service.assurance.accounts.erase(actor(caller), account))


@router.post(ACCOUNT + "/codes", tags=[KEYED], status_code=202)
def send_code(service: ServiceDep, caller: EitherDep, account: AccountPath, request: CodeRequest) -> BegunView:
    """Send a one-time code to an e-mail address or a phone number."""
    caller.require_for(account, Scope.ASSURANCE_GRANT)
    where = (request.evidence, request.destination, request.country)
    return BegunView.of(service.assurance.codes.begin(actor(caller), account, *where))


@router.post(ACCOUNT + "/codes/{request}", tags=[KEYED])
def take_code(
    service: ServiceDep, caller: EitherDep, account: AccountPath, request: RequestPath, answer: CodeAnswer
) -> GrantedView:
    """The code that came; the address or number is evidence from then on."""
    caller.require_for(account, Scope.ASSURANCE_GRANT)
    granted = service.assurance.codes.complete(actor(caller), account, request, answer.code)
    return GrantedView.of(granted, service.assurance)


@router.post(ACCOUNT + "/logins", tags=[KEYED], status_code=202)
def begin_login(service: ServiceDep, caller: EitherDep, account: AccountPath, request: LoginRequest) -> LoginView:
    """Begin a login at an identity provider, to which the platform then sends the person."""
    caller.require_for(account, Scope.ASSURANCE_GRANT)
    begun = service.assurance.logins.begin(actor(caller), account, request.provider, request.country)
    return LoginView.begun(begun)


@router.post(ACCOUNT + "/logins/{request}", tags=[KEYED])
def take_login(
    service: ServiceDep, caller: EitherDep, account: AccountPath, request: RequestPath, answer: LoginAnswer
) -> GrantedView:
    """What the provider sent the person back with. See first that `state`, the request, is of this person's session."""
    caller.require_for(account, Scope.ASSURANCE_GRANT)
    granted = service.assurance.logins.complete(actor(caller), account, request, answer.code, answer.iss)
    return GrantedView.of(granted, service.assurance)


@router.post(ACCOUNT + "/kyc", tags=[KEYED], status_code=202)
def begin_kyc(service: ServiceDep, caller: EitherDep, account: AccountPath, request: KycRequest) -> BegunView:
    """Begin a request whose id goes to a KYC provider together with the person."""
    caller.require_for(account, Scope.ASSURANCE_GRANT)
    return BegunView.of(service.assurance.kyc.begin(actor(caller), account, request.provider, request.country))


@router.post(ACCOUNT + "/presentations", tags=[KEYED])
def take_presentation(
    service: ServiceDep, caller: EitherDep, account: AccountPath, request: PresentationRequest
) -> GrantedView:
    """What a wallet answered to a question of yours (`/openid4vp/requests`), in the minutes that it is kept: that
    somebody has a document of the kind that was asked for.
    """
    caller.require_for(account, Scope.ASSURANCE_GRANT)
    caller.require_for(account, Scope.PRESENT)
    session = service.presentations.look(caller.tenant, caller.principal, request.session)
    granted = service.assurance.presented.take(actor(caller), account, of_session(session), request.country)
    return GrantedView.of(granted, service.assurance)


@router.post(ACCOUNT + "/step-ups", tags=[KEYED])
def step_up(service: ServiceDep, caller: EitherDep, account: AccountPath, request: StepUpRequest) -> StepUpView:
    """An action needs a tier: it is stated, signed; or the answer says what is missing, and the ways to it."""
    caller.require_for(account, Scope.ASSURANCE_READ)
    assurance, wanted, by = service.assurance, Tier(request.tier), actor(caller)
    if request.form == STATEMENT:
        asked = (request.audience, request.nonce, request.country)
        return StepUpView.of(account, assurance.statements.state(by, account, wanted, *asked), assurance)
    holder = request.holder_key()
    said = assurance.credentials.state(by, account, wanted, request.form, holder, request.country)
    return StepUpView.of(account, said, assurance)


@router.post(ACCOUNT + "/evidence/{evidence}/withdrawal", tags=[KEYED])
def withdraw(
    service: ServiceDep, caller: EitherDep, account: AccountPath, evidence: EvidencePath, request: WithdrawalRequest
) -> ChangedView:
    """Take evidence back; it counts no longer from now on."""
    caller.require_for(account, Scope.ASSURANCE_GRANT)
    why = Withdrawal.ASKED if caller.account else request.reason
    return ChangedView.of(evidence, service.assurance.grants.withdraw(actor(caller), account, evidence, why))


@router.post("/webhooks/{provider}", tags=["assurance webhooks"], status_code=204, dependencies=[AnyoneDep])
async def webhook(service: ServiceDep, request: Request, provider: Annotated[Provider, Path()]) -> Response:
    """A KYC provider's message (Standard Webhooks): `{"request": "arq_…", "result": "approved"}`, or `declined`, or
    `withdrawn`.
    """
    body = await request.body()
    await run_in_threadpool(_take, service, provider, dict(request.headers), body)
    return Response(status_code=204)


def _take(service: Service, provider: str, headers: dict[str, str], body: bytes) -> None:
    kyc = service.assurance.kyc
    kyc.take(kyc.read(provider, headers, body, service.housekeeping.clock()))


def _account(service: Service, caller: CallerDep, account: SubjectId) -> AccountView:
    standing = service.assurance.grants.standing(caller.tenant, account)
    return AccountView.of(account, standing, service.assurance)
