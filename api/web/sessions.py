"""Who has a page open: a session, the same for everybody who signs in, and a secret for each form.

Rules
- A session is a person token (`identity.passkeys.tokens`) in a cookie: 256 random bits, new at each sign-in, kept here
  as their SHA-256, over half an hour after its last use and eight hours after the first. The API takes no cookie.
- The cookie is `__Host-`: of this very host, over TLS, for no script to read. On plain HTTP, which is taken from this
  machine alone, browsers refuse such a one: there it has its bare name.
- `SameSite=Lax`, for an identity provider sends people back from elsewhere; so every form that changes something
  carries a token, an HMAC under the secret of the cookie, and only who has that cookie can send it.
- Who is not signed in has such a secret of their own once they get a form, in a second cookie.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.edge.auth import InClearError, RoleMissingError, SignInNeededError, StaleFormError, count_address
from api.edge.oauth import NO_STORE
from api.service import Service, ServiceDep
from cases.access import Caller, Scope, person_caller
from identity.passkeys.errors import SignedOutError
from identity.passkeys.people import SignedIn
from identity.passkeys.tokens import SESSION as SPAN
from identity.passkeys.tokens import Person

SESSION: Final = "sigillo-session"
VISIT: Final = "sigillo-visit"
FIELD: Final = "form_token"
"""Of every form that changes something."""

SIGN_IN: Final = "/sign-in"
PASSKEY: Final = "passkey"
"""How one signs in."""

_DOMAIN: Final = b"sigillo/form/v1"
_LOCAL: Final = re.compile(r"/(?![/\\])[A-Za-z0-9._~/?=&%:@!$'()*+,;-]*")
_SEEN: Final = "sigillo.reader"
_COOKIES: Final = "sigillo.cookies"
_SECRET_BYTES: Final = 32


@dataclass(frozen=True)
class Reader:
    """Whoever has a page open."""

    secret: str = field(repr=False)
    """Of their cookie; empty for who has none, and can send no form that changes something."""

    person: Person | None = None
    """Who is signed in."""

    staff: Caller | None = None
    """The same as one of the staff, where somebody gave them a role."""

    @property
    def form_token(self) -> str:
        """What their forms carry."""
        return hmac.digest(self.secret.encode(), _DOMAIN, "sha256").hex() if self.secret else ""

    def require_form(self, token: object) -> None:
        """That a form is one that we gave them. Raises StaleFormError."""
        ours = self.form_token
        if not ours or not isinstance(token, str) or not hmac.compare_digest(token.encode(), ours.encode()):
            raise StaleFormError


async def reader(request: Request, service: ServiceDep) -> Reader:
    """Who asks for a page, counted by network. Raises RateExceededError."""
    await count_address(request, service)
    found = await run_in_threadpool(_recognised, request, service)
    request.scope[_SEEN] = found
    if found.person:
        request.scope["sigillo.principal"] = found.person.principal
    return found


def reader_of(request: Request) -> Reader:
    """The same, once recognised; nobody on a page that does not ask."""
    found: Reader = request.scope.get(_SEEN, Reader(""))
    return found


async def visitor(request: Request, service: ServiceDep, reader: Annotated[Reader, Depends(reader)]) -> Reader:
    """Who asks for a page with a form for anybody: a secret is made for who has none."""
    if not reader.secret:
        reader = request.scope[_SEEN] = Reader(service.access.entropy(_SECRET_BYTES).hex())
        keep(request, service, VISIT, reader.secret)
    return reader


async def require_form(request: Request, reader: Annotated[Reader, Depends(reader)]) -> Reader:
    """Who sends a form, which must be one of ours. Raises StaleFormError."""
    reader.require_form((await request.form()).get(FIELD))
    return reader


async def require_signed_in(reader: Annotated[Reader, Depends(reader)]) -> Caller:
    """The person who is signed in: their own things, and nothing else. Raises SignInNeededError."""
    if reader.person is None:
        raise SignInNeededError
    return person_caller(reader.person)


def staff(*scopes: Scope) -> object:
    """A dependency: who is signed in, as one of the staff whose role has one of these scopes.

    Raises SignInNeededError, RoleMissingError.
    """

    async def require(reader: Annotated[Reader, Depends(reader)]) -> Caller:
        if reader.person is None:
            raise SignInNeededError
        if reader.staff is None or not reader.staff.scopes.intersection(scopes):
            raise RoleMissingError
        return reader.staff

    return Depends(require)


async def require_just_signed_in(service: ServiceDep, caller: Annotated[Caller, Depends(require_signed_in)]) -> Caller:
    """The same, who must have signed in minutes ago. Raises SignInNeededError, SignInAgainError."""
    if caller.person:
        service.registry.people.tokens.require_recent(caller.person)
    return caller


ReaderDep = Annotated[Reader, Depends(reader)]
"""For pages that anybody may read."""

VisitorDep = Annotated[Reader, Depends(visitor)]
"""For pages with a form that anybody may send."""

FormDep = Annotated[Reader, Depends(require_form)]
"""For whatever a form of ours is sent to (`application/x-www-form-urlencoded`, or a small multipart)."""

SignedInDep = Annotated[Caller, Depends(require_signed_in)]
JustSignedInDep = Annotated[Caller, Depends(require_just_signed_in)]
"""For what a stolen session must not do."""


def local(path: str) -> str:
    """Where to go on, if that is a page of ours; the account's page for anything else."""
    return path if _LOCAL.fullmatch(path) else SIGN_IN


def begin(request: Request, service: Service, signed_in: SignedIn, after: str, way: str = PASSKEY) -> Response:
    """A session for who has just signed in, in place of the one that their browser had; of staff, on record."""
    service.staff.signed_in(signed_in.account, way)
    end(request, service)
    keep(request, service, SESSION, signed_in.token.text)
    return RedirectResponse(local(after), 303, NO_STORE)


def end(request: Request, service: Service) -> None:
    """Sign out whoever this is; in any case no cookie of ours is left."""
    if (person := reader_of(request).person) is not None:
        service.registry.people.tokens.revoke(person)
    for name in (SESSION, VISIT):
        keep(request, service, name, "")


def give_cookies(request: Request, response: Response) -> None:
    """Put on the answer what was set meanwhile."""
    for cookie in request.scope.get(_COOKIES, {}).values():
        response.headers.append("set-cookie", cookie)


def keep(request: Request, service: Service, name: str, value: str) -> None:
    """Have a browser keep something, for no script to read; nothing more, where it is empty. Raises InClearError."""
    if service.settings.in_clear:
        raise InClearError
    ends = "" if value else "; Max-Age=0"
    safe = "; Secure" if _secure(service) else ""
    cookie = f"{_named(service, name)}={value}; Path=/; HttpOnly; SameSite=Lax{safe}{ends}"
    request.scope.setdefault(_COOKIES, {})[name] = cookie


def kept(request: Request, service: Service, name: str) -> str:
    """What a browser keeps for us by that name; empty for nothing."""
    return request.cookies.get(_named(service, name), "")


def _recognised(request: Request, service: Service) -> Reader:
    people, text = service.registry.people, kept(request, service, SESSION)
    try:
        person = people.tokens.authenticate(text, SPAN) if text else None
    except SignedOutError:
        person = None
    if person is None:
        return Reader(kept(request, service, VISIT))
    people.tokens.go_on(person)
    return Reader(text, person, service.staff.of(person.account))


def _named(service: Service, name: str) -> str:
    return f"__Host-{name}" if _secure(service) else name


def _secure(service: Service) -> bool:
    return service.settings.origin.startswith("https:")
