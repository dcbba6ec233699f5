"""Who is calling: the operator's token, an API key, a person who is signed in, or nobody.

A caller without a key is counted by network, so is a person, one with a key by principal. Where a route does not say
that it is for people, a person is refused; where it is open to everyone, a person is anyone. The operator's token is
made at every start and handed on in a file only its owner can read (`api.running.home`).
"""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from api.edge.throttle import Address, client_address
from api.service import Service, ServiceDep
from api.settings import Settings
from cases.access import Caller, person_caller
from cases.errors import PersonRefusedError, UnknownKeyError
from identity.passkeys.tokens import TOKEN

_NETWORK = "sigillo.network"


class UnauthenticatedError(Exception):
    """No API key was sent where one is needed."""

    def __init__(self) -> None:
        super().__init__(
            "send your API key as `Authorization: Bearer sgk_…`; the operator makes one with `sigillo apikey create`"
        )


class CrossSiteError(Exception):
    """A page of another site sends a form in its reader's name."""

    def __init__(self) -> None:
        super().__init__("this form was sent by another site's page: open the page here, and send it from there")


def origin_of(request: Request, settings: Settings) -> str:
    """Where this service is, without a slash at its end: as the operator says (`SIGILLO_PUBLIC_URL`); where nothing is
    said, on a machine of one's own, as the caller does, whose word is good for the caller alone.
    """
    return settings.public_url or str(request.base_url).rstrip("/")


def refuse_cross_site(request: Request, settings: Settings) -> None:
    """Forms are taken from our own pages alone: by what the browser says of where they come from (Fetch Metadata), or
    by their Origin in one that does not. What is no browser sends neither. Raises CrossSiteError.
    """
    if request.method not in {"GET", "HEAD"} and not of_ours(request, settings):
        raise CrossSiteError


def of_ours(request: Request, settings: Settings) -> bool:
    """Whether no page of another site sends it, as far as a browser says."""
    came, origin = request.headers.get("sec-fetch-site", ""), request.headers.get("origin", "")
    return came in {"same-origin", "none"} if came else origin in {"", origin_of(request, settings)}


class SignInNeededError(Exception):
    """Nobody is signed in where a page is for who is."""

    def __init__(self) -> None:
        super().__init__("sign in, or sign in again: what you did before was not done")


class RoleMissingError(Exception):
    """A page for staff of another role, or for staff at all."""

    def __init__(self) -> None:
        super().__init__("your account has no role that this page is for: whoever runs this service can invite you")


class StaleFormError(Exception):
    """A form that we did not give to this browser, or not for the session that it has now."""

    def __init__(self) -> None:
        super().__init__("nothing was done: you signed in or out since the page was shown; open it again and send it")


class InClearError(Exception):
    """Nobody signs in where others on the way could read along."""

    def __init__(self) -> None:
        super().__init__(
            "nobody signs in over plain HTTP from another machine: the operator must set SIGILLO_PUBLIC_URL=https://…"
        )


class PersonNeededError(UnauthenticatedError):
    """Nobody is signed in where a person must be."""

    def __init__(self) -> None:
        Exception.__init__(
            self,
            "sign in with POST /v1/people/sign-ins, and send the person token as `Authorization: Bearer sgp_…`",
        )


async def recognise(request: Request, service: ServiceDep) -> Caller | None:
    """The caller, counted; None for one without a key or token.

    Raises UnknownKeyError, SignedOutError, RateExceededError.
    """
    address = _address(request, service)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        request.scope[_NETWORK] = service.throttle.anonymous(address)
        return None
    if token.strip().startswith(TOKEN.prefix):
        request.scope[_NETWORK] = service.throttle.anonymous(address)
        person = await run_in_threadpool(service.registry.people.tokens.authenticate, token.strip())
        request.scope["sigillo.principal"] = person.principal
        return person_caller(person)
    try:
        caller = await run_in_threadpool(_recognise, service, token.strip())
    except UnknownKeyError:
        service.throttle.anonymous(address)  # whoever guesses is counted as whoever they are
        raise
    request.scope["sigillo.principal"] = caller.principal
    service.throttle.principal(caller.principal)
    return caller


async def identify(request: Request, service: ServiceDep) -> Caller | None:
    """The caller with a key; None for anybody else. Raises as `recognise`."""
    found = await recognise(request, service)
    return None if found is None or found.person else found


async def count_reader(request: Request, service: ServiceDep) -> None:
    """Count one who reads the published log, whoever it is. Raises RateExceededError."""
    service.throttle.reader(_address(request, service))


async def count_address(request: Request, service: ServiceDep) -> None:
    """Count whoever it is by network: what they send as `Authorization` is no API key. Raises RateExceededError."""
    request.scope[_NETWORK] = service.throttle.anonymous(_address(request, service))


def counted_as(caller: Caller | None, request: Request) -> str:
    """What a caller goes by, once identified, where it is counted or waits: one without a key by network, for the day;
    empty for one without an address.
    """
    name: str = caller.principal if caller else request.scope[_NETWORK]
    return name


async def require_either(recognised: Annotated[Caller | None, Depends(recognise)]) -> Caller:
    """The caller, with a key or signed in. Raises UnauthenticatedError."""
    if recognised is None:
        raise UnauthenticatedError
    return recognised


async def require_caller(either: Annotated[Caller, Depends(require_either)]) -> Caller:
    """The caller, who must have a key. Raises UnauthenticatedError, PersonRefusedError."""
    if either.person:
        raise PersonRefusedError
    return either


async def require_person(recognised: Annotated[Caller | None, Depends(recognise)]) -> Caller:
    """The caller, who must be signed in. Raises PersonNeededError."""
    if recognised is None or recognised.person is None:
        raise PersonNeededError
    return recognised


async def require_recent(service: ServiceDep, caller: Annotated[Caller, Depends(require_person)]) -> Caller:
    """The same, who must have signed in minutes ago. Raises PersonNeededError, SignInAgainError."""
    if caller.person:
        service.registry.people.tokens.require_recent(caller.person)
    return caller


async def require_either_recent(service: ServiceDep, either: Annotated[Caller, Depends(require_either)]) -> Caller:
    """A caller with a key, or a person who signed in minutes ago. Raises UnauthenticatedError, SignInAgainError."""
    if either.person:
        service.registry.people.tokens.require_recent(either.person)
    return either


async def count_bundle(request: Request, service: ServiceDep) -> None:
    """Count one who has an audit bundle made, by network. Raises RateExceededError."""
    service.throttle.bundle(_address(request, service))


async def count_guess(request: Request, service: ServiceDep) -> None:
    """Count one who guesses a secret, by network. Raises RateExceededError."""
    service.throttle.guess(_address(request, service))


def _address(request: Request, service: Service) -> Address | None:
    peer = request.client.host if request.client else ""
    # A proxy may add a line of its own below the stranger's; read as one list, the nearest hop is the last.
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    address = client_address(peer, forwarded, service.settings.trusted_proxies)
    request.scope["sigillo.address"] = address
    return address


def _recognise(service: Service, token: str) -> Caller:
    if hmac.compare_digest(token.encode(), service.operator_token.encode()):
        return service.deployment.operator()
    return service.access.authenticate(token)


CallerDep = Annotated[Caller, Depends(require_caller)]
EitherDep = Annotated[Caller, Depends(require_either)]
"""For routes that an API key uses for an account that it names, and a person for their own (`Caller.require_for`)."""

EitherRecentDep = Annotated[Caller, Depends(require_either_recent)]
BundleDep = Depends(count_bundle)
"""For what is made of thousands of entries for whoever asks."""

GuesserDep = Depends(count_guess)
"""For routes whose secret somebody might guess, at our cost."""

PersonDep = Annotated[Caller, Depends(require_person)]
RecentPersonDep = Annotated[Caller, Depends(require_recent)]
"""For what a stolen token must not do."""

AnyoneDep = Depends(identify)
"""For routes open to everyone: counts the request, and asks for nothing."""

AddressDep = Depends(count_address)
"""For routes whose callers have secrets of their own."""

ReaderDep = Depends(count_reader)
"""For the published log, which auditors read whole: small files, a rate of their own."""

VisitorDep = Annotated[Caller | None, AnyoneDep]
"""The same, where it matters whether the caller has a key."""
