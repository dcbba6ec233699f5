"""Signing in at an identity provider, where the operator named one for staff: there, and back."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote, unquote

from anyio import to_thread
from fastapi import Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.edge.auth import RoleMissingError, of_ours
from api.edge.oauth import NO_STORE
from api.parts.assurance import SIGNED_IN_FROM
from api.routers.staff import JOIN
from api.schemas.words import PROVIDER
from api.service import Service, ServiceDep
from api.web.operate import OPERATE
from api.web.page_route import pages
from api.web.sessions import SIGN_IN, begin, keep, kept, local
from api.web.sign_in import MAX_NEXT
from identity.assurance.code_flow import SECRET_BYTES
from identity.assurance.errors import EvidenceRefusedError
from identity.passkeys.people import SignedIn

router = pages()

LOGIN: Final = "sigillo-login"
"""A cookie of one attempt: its secret, and where one wants to be."""

MAX_CODE: Final = 4096

Provider = Annotated[str, Path(pattern=PROVIDER)]
Text = Annotated[str, Query(max_length=MAX_CODE)]


@router.get(f"{SIGN_IN}/with/{{provider}}")
async def leave(
    request: Request,
    service: ServiceDep,
    provider: Provider,
    after: Annotated[str, Query(alias="next", max_length=MAX_NEXT)] = "",
) -> Response:
    """To the provider; this browser keeps what proves that it was this one. Whoever comes from another site's page goes
    on nowhere: who logs in there without being asked would join by an invitation that they never saw.
    """
    secret = service.access.entropy(SECRET_BYTES).hex()
    place = await to_thread.run_sync(service.registry.provided.begin, provider, secret)
    wanted = local(after) if of_ours(request, service.settings) else SIGN_IN
    keep(request, service, LOGIN, f"{secret}.{quote(wanted, safe='')}")
    return RedirectResponse(place, 303, NO_STORE)


@router.get(f"{SIGNED_IN_FROM}/{{provider}}")
async def come_back(
    request: Request,
    service: ServiceDep,
    provider: Provider,
    state: Text = "",
    code: Text = "",
    iss: Text = "",
    error: Text = "",
) -> Response:
    """Back: signed in, or joined where one came with an invitation. An attempt is good once."""
    secret, _, after = kept(request, service, LOGIN).partition(".")
    keep(request, service, LOGIN, "")
    if error or not code:
        raise EvidenceRefusedError(f"{provider} let nobody in: try again, or sign in with a passkey")
    handle = await to_thread.run_sync(service.registry.provided.came_back, provider, secret, state, code, iss)
    return await to_thread.run_sync(_signed_in, request, service, provider, handle, unquote(after))


def _signed_in(request: Request, service: Service, provider: str, handle: str, after: str) -> Response:
    """Raises RoleMissingError for who is not known, and came without an invitation."""
    signed_in = service.registry.provided.sign_in(handle)
    if signed_in is None:
        signed_in, after = _joined(service, handle, after), OPERATE
    return begin(request, service, signed_in, after, provider)


def _joined(service: Service, handle: str, after: str) -> SignedIn:
    if not after.startswith(f"{JOIN}/"):
        raise RoleMissingError
    secret = after.removeprefix(f"{JOIN}/")
    service.staff.invited(secret)  # an account that nobody could use is not opened
    opened = service.registry.provided.open(handle)
    service.staff.join(secret, opened.account)
    return opened
