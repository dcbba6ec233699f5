"""Wallets fetch credentials that were offered to them (OpenID4VCI 1.0). No API key: the secrets are in the offer."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from api.edge.auth import AddressDep
from api.edge.authorization_page import HEADERS, form_page, refused_page
from api.edge.oauth import NO_STORE, REFUSED
from api.service import ServiceDep
from identity.errors import WalletRefusedError
from identity.openid4vci.authorization import PARAMETERS, read_request
from identity.openid4vci.faults import Fault
from identity.openid4vci.key_proof import MAX_PROOFS
from identity.openid4vci.parameters import read_parameters

router = APIRouter(tags=["openid4vci"], dependencies=[AddressDep], responses={400: REFUSED, 401: REFUSED})

FORM: Final = "application/x-www-form-urlencoded"
LOGIN_CODE: Final = "login_code"
TOKEN_PARAMETERS: Final = (
    "grant_type",
    "pre-authorized_code",
    "tx_code",
    "code",
    "code_verifier",
    "redirect_uri",
    "client_id",
)
METADATA_AGE: Final = {"Cache-Control": "public, max-age=60"}


_REFUSED_PAGE: Final = {**REFUSED, "content": {**REFUSED["content"], "text/html": {}}}
_CREDENTIAL_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["credential_configuration_id"],
                    "properties": {
                        "credential_configuration_id": {"type": "string"},
                        "proofs": {
                            "type": "object",
                            "properties": {
                                "jwt": {"type": "array", "items": {"type": "string"}, "maxItems": MAX_PROOFS}
                            },
                        },
                    },
                }
            }
        },
    }
}


def _form_body(*names: str) -> dict[str, Any]:
    """An operation whose body is a form with these fields; which of them are needed, says the refusal."""
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


async def _form(request: Request) -> str:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise WalletRefusedError(Fault.INVALID_REQUEST, f"send the parameters as {FORM}")
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError:
        raise WalletRefusedError(Fault.INVALID_REQUEST, "send the parameters as UTF-8") from None


async def _json(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise WalletRefusedError(Fault.INVALID_CREDENTIAL_REQUEST, "send the request as application/json")
    return await request.body()


async def _token(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        raise WalletRefusedError(Fault.INVALID_TOKEN, "send the access token as Authorization: Bearer")
    return token.strip()


@router.get("/.well-known/openid-credential-issuer")
def issuer_metadata(service: ServiceDep) -> Response:
    """What can be had here, and where (OpenID4VCI 1.0, section 12.2)."""
    return JSONResponse(service.wallets.metadata(), headers=METADATA_AGE)


@router.get("/.well-known/oauth-authorization-server")
def server_metadata(service: ServiceDep) -> Response:
    """How wallets are let in (RFC 8414)."""
    return JSONResponse(service.wallets.server_metadata(), headers=METADATA_AGE)


@router.get("/openid4vci/offers/{handle}")
def offer(service: ServiceDep, handle: str) -> Response:
    """An offer by its address, while nobody has used it (section 4.1.3)."""
    return JSONResponse(service.wallets.offer_at(handle), headers=NO_STORE)


@router.get("/openid4vci/authorize", response_class=HTMLResponse, responses={400: _REFUSED_PAGE})
def authorize(service: ServiceDep, request: Request) -> Response:
    """The page on which the person who was invited lets a wallet in."""
    try:
        parameters = service.wallets.pushed.pulled(read_parameters(request.url.query))
        asked = read_request(parameters)
        held = service.wallets.authorizations.asked(asked)
    except WalletRefusedError as error:
        return refused_page(error)
    name = service.wallets.name_of(held)
    return form_page({one: parameters[one] for one in PARAMETERS if one in parameters}, name, asked.destination)


@router.post("/openid4vci/par", status_code=201, openapi_extra=_form_body(*PARAMETERS))
def push(service: ServiceDep, form: Annotated[str, Depends(_form)]) -> Response:
    """A request to authorise, pushed before the person's browser comes with a reference to it (RFC 9126)."""
    return JSONResponse(service.wallets.pushed.push(read_parameters(form)), 201, NO_STORE)


@router.post(
    "/openid4vci/authorize",
    openapi_extra=_form_body(*PARAMETERS, LOGIN_CODE),
    response_class=HTMLResponse,
    status_code=303,
    responses={400: _REFUSED_PAGE},
)
def authorized(service: ServiceDep, form: Annotated[str, Depends(_form)]) -> Response:
    """The person's answer: with the right code the browser goes back to the wallet."""
    try:
        parameters = read_parameters(form)
        back = service.wallets.authorizations.authorise(read_request(parameters), parameters.get(LOGIN_CODE, ""))
    except WalletRefusedError as error:
        return refused_page(error)
    return RedirectResponse(back, 303, HEADERS)


@router.post("/openid4vci/token", openapi_extra=_form_body(*TOKEN_PARAMETERS))
def token(service: ServiceDep, form: Annotated[str, Depends(_form)]) -> Response:
    """A pre-authorised code, with its transaction code, or an authorisation code, with its verifier, for a token."""
    return JSONResponse(service.wallets.tokens.exchange(read_parameters(form)), headers=NO_STORE)


@router.post("/openid4vci/nonce")
def nonce(service: ServiceDep) -> Response:
    """A nonce to make proofs over (section 7)."""
    return JSONResponse({"c_nonce": service.wallets.credentials.nonces.fresh()}, headers=NO_STORE)


@router.post("/openid4vci/credential", openapi_extra=_CREDENTIAL_BODY)
def credential(
    service: ServiceDep, access_token: Annotated[str, Depends(_token)], body: Annotated[bytes, Depends(_json)]
) -> Response:
    """The credentials, one for each proven key (section 8)."""
    answer: dict[str, Any] = service.wallets.credentials.issue(access_token, body)
    return JSONResponse(answer, headers=NO_STORE)
