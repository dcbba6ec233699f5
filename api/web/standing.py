"""Who somebody is, shown in the browser before they register: by a document in their wallet, or by the portrait in one
beside a picture of themselves. What is learned is how sure one may be, and nothing that stands in the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Self
from urllib.parse import urlencode

from anyio import to_thread
from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.edge.oauth import NO_STORE
from api.edge.qr_code import Picture, qr_code
from api.routers.openid4vp import WalletRequestView
from api.routers.portraits import compared
from api.schemas.assurance import AccountView
from api.schemas.words import PLACE
from api.service import Service, ServiceDep
from api.web.page_route import back_to, pages
from api.web.rendering import page
from api.web.sessions import FIELD, FormDep, ReaderDep, SignedInDep, local
from cases.access import Caller
from cases.assurance import actor
from detection.faces.look import absent
from identity.alike import Alike
from identity.assurance.presented import of_session
from identity.assurance.tier import EvidenceKind
from identity.openid4vp.documents import DOCUMENTS
from identity.openid4vp.presentations import Order
from identity.registration.limits import NEEDED
from ledger.ids import SubjectId, TenantId

YEARS: Final = 18
"""Wallets are asked for an age, whatever it is: that one has the document is what counts."""

router = pages(prefix="/register/identity")

Place = Annotated[str, Form(alias="region", pattern=PLACE)]
After = Annotated[str, Form(alias="next", max_length=2000)]
"""Where to go on."""


@dataclass(frozen=True)
class Known:
    """How sure one may be of an account's holder, and how they can be surer."""

    view: AccountView
    enough: bool
    by_portrait: bool
    """By that alone: it has to come again with the photos (ADR 0031)."""

    documents: tuple[str, ...]
    """That a wallet may show."""

    portraits: bool
    """Whether one can be compared here."""

    @classmethod
    def of(cls, service: Service, tenant: TenantId, account: SubjectId, place: str) -> Self:
        """Raises AccountNotFoundError, KeyStoreUnavailableError."""
        assurance, grants = service.assurance, service.assurance.grants
        standing = grants.standing(tenant, account)
        ways = assurance.policy.ways(NEEDED, assurance.policy.region_of(country(place)))
        shown = (name for name in service.presentations.believed().documents() if _counts(service, name, ways))
        return cls(
            AccountView.of(account, standing, assurance),
            standing.tier.reaches(NEEDED),
            grants.rests_on(tenant, account, EvidenceKind.PORTRAIT, NEEDED),
            tuple(shown),
            EvidenceKind.PORTRAIT in ways and not absent(),
        )


@router.post("/wallet")
async def ask_wallet(
    request: Request, service: ServiceDep, caller: SignedInDep, _: FormDep, place: Place = "", after: After = ""
) -> Response:
    """Begin to ask a wallet; its page has the code for it."""
    back_to(request, local(after))
    session = await to_thread.run_sync(_begin, service, caller, place)
    return RedirectResponse(
        f"/register/identity/{session}?{urlencode({'next': after, 'region': place})}", 303, NO_STORE
    )


@router.post("/portrait")
async def compare(request: Request, service: ServiceDep, reader: ReaderDep, caller: SignedInDep) -> Response:
    """Compare the portrait in a document with a picture that is taken now; both are gone before the answer."""
    sent = dict[str, str]()

    def country_of(fields: Mapping[str, str]) -> str:
        reader.require_form(fields.get(FIELD))
        sent.update(fields)
        back_to(request, local(fields.get("next", "")))
        return country(fields.get("region", ""))

    found = await compared(request, service, caller, _account(caller), country_of)
    after = local(sent.get("next", ""))
    if found.verdict is Alike.MATCHES and found.granted:
        return RedirectResponse(after, 303, NO_STORE)
    return page(request, "portraits.html", verdict=found.verdict, after=after)


@router.get("/{session}")
async def look(
    request: Request,
    service: ServiceDep,
    caller: SignedInDep,
    session: str,
    after: Annotated[str, Query(alias="next", max_length=2000)] = "",
    place: Annotated[str, Query(alias="region", pattern=PLACE)] = "",
) -> Response:
    """How it stands."""
    found = await to_thread.run_sync(service.presentations.look, caller.tenant, caller.principal, session)
    return page(request, "identity.html", view=WalletRequestView.of(found), after=local(after), place=place)


@router.get("/{session}/qr.svg")
async def show(service: ServiceDep, caller: SignedInDep, session: str) -> Response:
    """The code for the wallet's camera."""
    link = await to_thread.run_sync(service.presentations.link, caller.tenant, caller.principal, session)
    return Response(qr_code(link, Picture.SVG), media_type=Picture.SVG.mime, headers=NO_STORE)


@router.post("/{session}")
async def take(
    service: ServiceDep, caller: SignedInDep, _: FormDep, session: str, place: Place = "", after: After = ""
) -> Response:
    """Take what the wallet answered as evidence, and go on."""
    await to_thread.run_sync(_take, service, caller, session, country(place))
    return RedirectResponse(local(after), 303, NO_STORE)


def country(place: str) -> str:
    """Of a place that may be a part of one."""
    return place.partition("-")[0]


def _counts(service: Service, document: str, ways: list[EvidenceKind]) -> bool:
    return service.assurance.policy.documents.get(DOCUMENTS[document].type) in ways


def _begin(service: Service, caller: Caller, place: str) -> str:
    known = Known.of(service, caller.tenant, _account(caller), place)
    return service.presentations.begin(caller.tenant, caller.principal, Order(YEARS, known.documents)).id


def _take(service: Service, caller: Caller, session: str, country: str) -> None:
    found = service.presentations.look(caller.tenant, caller.principal, session)
    service.assurance.presented.take(actor(caller), _account(caller), of_session(found), country)


def _account(caller: Caller) -> SubjectId:
    assert caller.account is not None
    return caller.account
