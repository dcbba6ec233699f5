"""A person's own page: what they registered, what was matched, and what they decide of it, signed in by their passkey.

Withdrawing, and giving a wallet what it can withdraw by, ask for the passkey once more, so that nobody does either who
finds a page open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from anyio import to_thread
from fastapi import Form, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.edge.oauth import NO_STORE
from api.routers import people
from api.routers.likeness import before_cursor, person_of
from api.routers.registrations import offered
from api.routers.withdrawals import RenewalView
from api.schemas import words
from api.schemas.likeness import MatchPage, RetroactiveView
from api.schemas.passkeys import UsedPasskey
from api.schemas.people import MAX_NAME, OptionsView
from api.schemas.registrations import RegistrationView
from api.service import Service, ServiceDep
from api.web.page_route import back_to, pages
from api.web.passkeys import Done
from api.web.register import LANGUAGE, account_of
from api.web.rendering import page
from api.web.sessions import FormDep, SignedInDep
from api.web.sign_in import Passkey, answered, by_passkey
from cases.access import Caller, Scope
from cases.likeness.log import Response as Answer
from identity.passkeys.challenges import Purpose
from identity.passkeys.options import Options
from identity.registration.notices import REMINDERS, About
from identity.registration.record import KEPT, State
from identity.registration.renewing import Renewal
from ledger.ids import SubjectId

SOON: Final[timedelta] = REMINDERS[About.ENDS_IN_A_MONTH]
"""Before its end a registration is said to end."""

router = pages(prefix="/me")

RegistrationPath = Annotated[SubjectId, Path(pattern=words.REGISTRATION)]


@router.get("")
async def mine(
    request: Request,
    service: ServiceDep,
    caller: SignedInDep,
    done: Annotated[Done | None, Query(alias="passkey")] = None,
) -> Response:
    """All that somebody registered, and the passkeys that they sign in with; `done` is what they just did to one."""
    found = await to_thread.run_sync(_all, service, caller)
    person = await to_thread.run_sync(people.look, service, caller)
    return page(
        request,
        "me.html",
        registrations=found,
        soon=ends_soon(service, found),
        person=person,
        done=done,
        longest=MAX_NAME,
    )


@router.get("/{registration}")
async def one(
    request: Request,
    service: ServiceDep,
    caller: SignedInDep,
    registration: RegistrationPath,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """One registration, with its log; of one that ended, the proof that it is in no index."""
    found = await to_thread.run_sync(_find, service, caller, registration)
    kept = found.state in KEPT
    log = await to_thread.run_sync(_log, service, caller, registration, cursor) if kept else None
    return page(
        request, "registration.html", view=found, kept=kept, log=log, soon=ends_soon(service, [found]), first=not cursor
    )


@router.post("/{registration}/matches/{match}")
async def answer(
    request: Request,
    service: ServiceDep,
    caller: SignedInDep,
    _: FormDep,
    registration: RegistrationPath,
    match: Annotated[str, Path(pattern=words.MATCH)],
    said: Annotated[Answer, Form(alias="response")],
) -> Response:
    """What the person says to one line of the log."""
    back_to(request, f"/me/{registration}#{match}")
    await to_thread.run_sync(_answer, service, caller, registration, match, said)
    return RedirectResponse(f"/me/{registration}#{match}", 303, NO_STORE)


@router.get("/{registration}/withdrawal")
async def ask_withdrawal(
    request: Request, service: ServiceDep, caller: SignedInDep, registration: RegistrationPath
) -> Response:
    """What ends with it, and what does not."""
    return page(request, "withdrawal.html", view=await to_thread.run_sync(_find, service, caller, registration))


@router.post("/{registration}/withdrawal")
async def withdraw(
    service: ServiceDep, _caller: SignedInDep, _: FormDep, registration: RegistrationPath, passkey: Passkey = ""
) -> Response:
    """End it now."""
    used = answered(UsedPasskey, passkey)
    await to_thread.run_sync(
        by_passkey, service, used, lambda caller: service.registry.leaving.withdraw(caller, registration)
    )
    return RedirectResponse(f"/me/{registration}", 303, NO_STORE)


@router.post("/{registration}/stay")
async def stay(
    request: Request, service: ServiceDep, caller: SignedInDep, _: FormDep, registration: RegistrationPath
) -> Response:
    """Stop a withdrawal that somebody asked for with the recovery code."""
    back_to(request, f"/me/{registration}")
    await to_thread.run_sync(service.registry.leaving.stop, caller, registration)
    return RedirectResponse(f"/me/{registration}", 303, NO_STORE)


@router.get("/{registration}/wallet")
async def ask_wallet(
    request: Request, service: ServiceDep, caller: SignedInDep, registration: RegistrationPath
) -> Response:
    """What a wallet with its credential can do."""
    found = await to_thread.run_sync(_find, service, caller, registration)
    return page(request, "wallet.html", view=found, offer=None)


@router.post("/{registration}/wallet")
async def offer(
    request: Request,
    service: ServiceDep,
    caller: SignedInDep,
    _: FormDep,
    registration: RegistrationPath,
    passkey: Passkey = "",
) -> Response:
    """The code for a wallet, which then can act for its owner."""
    used = answered(UsedPasskey, passkey)
    found = await to_thread.run_sync(_find, service, caller, registration)
    made = await to_thread.run_sync(by_passkey, service, used, lambda caller: offered(service, caller, registration))
    return page(request, "wallet.html", view=found, offer=made)


@router.get("/{registration}/renewal")
async def ask_renewal(
    request: Request, service: ServiceDep, caller: SignedInDep, registration: RegistrationPath
) -> Response:
    """The text in force, to be agreed to for another term."""
    found = await to_thread.run_sync(_find, service, caller, registration)
    said = await to_thread.run_sync(service.registry.leaving.statement, caller, registration, LANGUAGE)
    return page(request, "renewal.html", view=found, text=RenewalView.of(said))


@router.post("/{registration}/renewal/options")
async def begin_renewal(
    service: ServiceDep, caller: SignedInDep, _: FormDep, registration: RegistrationPath
) -> OptionsView:
    """Begin to sign that."""
    return OptionsView.of(await to_thread.run_sync(_begin_renewal, service, caller, registration))


@router.post("/{registration}/renewal")
async def renew(
    service: ServiceDep,
    caller: SignedInDep,
    _: FormDep,
    registration: RegistrationPath,
    sha256: Annotated[str, Form(pattern=words.SHA256)],
    passkey: Passkey = "",
) -> Response:
    """Another term."""
    asserted, renewal = answered(UsedPasskey, passkey).asserted(), Renewal(LANGUAGE, sha256)
    await to_thread.run_sync(service.registry.leaving.renew, caller, registration, renewal, asserted)
    return RedirectResponse(f"/me/{registration}", 303, NO_STORE)


def _all(service: Service, caller: Caller) -> list[RegistrationView]:
    found = service.registry.registrations.of_account(caller, account_of(caller))
    return [RegistrationView.of(one) for one in found]


def _find(service: Service, caller: Caller, registration: SubjectId) -> RegistrationView:
    return RegistrationView.of(service.registry.registrations.find(caller, registration))


def _log(service: Service, caller: Caller, registration: SubjectId, cursor: str) -> tuple[MatchPage, RetroactiveView]:
    person = person_of(service, caller, registration, Scope.REGISTRATIONS_READ)
    likeness = service.registry.likeness
    found = MatchPage.of(likeness.log.page(person, before_cursor(cursor)))
    return found, RetroactiveView.of(likeness.retroactive.progress(caller.tenant, person.id))


def _answer(service: Service, caller: Caller, registration: SubjectId, match: str, said: Answer) -> None:
    person = person_of(service, caller, registration, Scope.REGISTER)
    service.registry.likeness.log.respond(caller, person, match, said)


def _begin_renewal(service: Service, caller: Caller, registration: SubjectId) -> Options:
    content = service.registry.leaving.statement(caller, registration, LANGUAGE).content
    digest = hashlib.sha256(content).digest()
    return service.registry.signatures.begin(caller.tenant, account_of(caller), Purpose.CONSENT, digest)


def ends_soon(service: Service, found: Sequence[RegistrationView]) -> frozenset[str]:
    """Those that end within a month, unless they are renewed: one that waits for a person, or is leaving, is not."""
    until = service.housekeeping.clock() + SOON
    return frozenset(one.id for one in found if one.state == State.ACTIVE and one.expires_at <= until)
