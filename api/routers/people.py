"""People, who open an account for themselves and sign in to it with a passkey: ceremonies begin with options for
`navigator.credentials` and end with what it answers.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from api.edge.auth import AnyoneDep, PersonDep, RecentPersonDep, VisitorDep, counted_as
from api.edge.oauth import NO_STORE
from api.schemas import words
from api.schemas.assurance import ChangedView
from api.schemas.passkeys import NewPasskey, UsedPasskey
from api.schemas.people import (
    OptionsView,
    PasskeyBoundView,
    PasskeyNameRequest,
    PasskeyView,
    PersonView,
    SignedInView,
    SigningRequest,
    StatementRequest,
    StatementView,
    begun_statement,
)
from api.service import ServiceDep
from cases.access import Caller
from cases.assurance import actor
from identity.passkeys.challenges import Purpose
from ledger.ids import SubjectId, moment

router = APIRouter(prefix="/v1/people")

PEOPLE = "people"
SIGNED_IN = "signed in"
PasskeyPath = Annotated[str, Path(pattern=words.PASSKEY)]


def _not_stored(response: Response) -> None:
    response.headers.update(NO_STORE)


NotStoredDep = Depends(_not_stored)
"""For answers with a secret."""


@router.post("", tags=[PEOPLE], status_code=202)
def begin_opening(service: ServiceDep, request: Request, caller: VisitorDep) -> OptionsView:
    """Begin to open an account: it is there once its passkey is bound, within five minutes."""
    service.throttle.opening(counted_as(caller, request))
    return OptionsView.of(service.registry.people.begin())


@router.post("/accounts", tags=[PEOPLE], status_code=201, dependencies=[AnyoneDep, NotStoredDep])
def open_account(service: ServiceDep, passkey: NewPasskey) -> SignedInView:
    """Open the account with the passkey that was made for it, and sign in."""
    return SignedInView.of(service.registry.people.open(passkey.attested()))


@router.post("/sign-ins", tags=[PEOPLE], status_code=202, dependencies=[AnyoneDep])
def begin_sign_in(service: ServiceDep) -> OptionsView:
    """Begin to sign in: with any passkey that the device has for this service."""
    return OptionsView.of(service.registry.people.begin_sign_in())


@router.post("/tokens", tags=[PEOPLE], status_code=201, dependencies=[AnyoneDep, NotStoredDep])
def sign_in(service: ServiceDep, passkey: UsedPasskey) -> SignedInView:
    """Sign in: the person token is good for an hour, for this account and nothing else."""
    return SignedInView.of(service.registry.people.sign_in(passkey.asserted()))


@router.get("/me", tags=[SIGNED_IN])
def look(service: ServiceDep, caller: PersonDep) -> PersonView:
    """Who is signed in; how the account stands is at `/v1/assurance/accounts/{account}`."""
    account, person = _account(caller), caller.person
    assert person is not None
    passkeys = [PasskeyView.of(one) for one in service.registry.people.passkeys.of(caller.tenant, account)]
    return PersonView(
        account=account, passkey=person.passkey, passkeys=passkeys, signed_in_at=moment(person.signed_in_at)
    )


@router.delete("/me/token", tags=[SIGNED_IN], status_code=204)
def sign_out(service: ServiceDep, caller: PersonDep) -> Response:
    """Sign out: the token that asks is good for nothing any more."""
    if caller.person:
        service.registry.people.tokens.revoke(caller.person)
    return Response(status_code=204)


@router.delete("/me", tags=[SIGNED_IN])
def erase(service: ServiceDep, caller: RecentPersonDep) -> ChangedView:
    """Erase the account: its key is destroyed, and with it everything that is known of it; the public entries stay.
    Whoever does so has signed in within ten minutes.
    """
    account = _account(caller)
    return ChangedView.of(account, service.assurance.accounts.erase(actor(caller), account))


@router.post("/me/passkeys/options", tags=[SIGNED_IN], status_code=202)
def begin_binding(service: ServiceDep, caller: RecentPersonDep) -> OptionsView:
    """Begin to bind another passkey, having signed in within ten minutes."""
    return OptionsView.of(service.registry.people.passkeys.begin(actor(caller), _account(caller)))


@router.post("/me/passkeys", tags=[SIGNED_IN], status_code=201)
def bind(service: ServiceDep, caller: RecentPersonDep, passkey: NewPasskey) -> PasskeyBoundView:
    """Bind the passkey that was made."""
    bound = service.registry.people.passkeys.bind(actor(caller), _account(caller), passkey.attested())
    return PasskeyBoundView.of(*bound)


@router.patch("/me/passkeys/{passkey}", tags=[SIGNED_IN])
def call(service: ServiceDep, caller: PersonDep, passkey: PasskeyPath, request: PasskeyNameRequest) -> PasskeyView:
    """Give a passkey a name, which its owner alone sees."""
    people = service.registry.people
    return PasskeyView.of(people.passkeys.call(actor(caller), _account(caller), passkey, request.name))


@router.delete("/me/passkeys/{passkey}", tags=[SIGNED_IN])
def remove(service: ServiceDep, caller: RecentPersonDep, passkey: PasskeyPath) -> ChangedView:
    """Remove a passkey, and sign out whoever signed in with it; never the last one."""
    entry = service.registry.people.passkeys.remove(actor(caller), _account(caller), passkey)
    return ChangedView.of(passkey, entry)


@router.post("/me/signatures", tags=[SIGNED_IN], status_code=202)
def begin_signing(service: ServiceDep, caller: PersonDep, request: SigningRequest) -> OptionsView:
    """Begin to sign bytes for a purpose; the answer goes to the route that asks for a signature."""
    digest = bytes.fromhex(request.sha256)
    return OptionsView.of(
        service.registry.signatures.begin(caller.tenant, _account(caller), Purpose(request.purpose), digest)
    )


@router.post("/me/creator-statements", tags=[SIGNED_IN], status_code=202)
def begin_statement(service: ServiceDep, caller: PersonDep, request: StatementRequest) -> StatementView:
    """Begin to sign for a work of one's own: what the passkey answers goes, with the statement, into the claim of
    whoever has the file signed (`creator_signature`).
    """
    return begun_statement(service.registry.statements, caller.tenant, _account(caller), request)


def _account(caller: Caller) -> SubjectId:
    assert caller.account is not None
    return caller.account
