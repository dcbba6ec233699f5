"""Proving in the browser that one is over 18, from a wallet: a small verifier that shows what it learned, and what not.

It asks for the deployment itself, by the request that a service makes with its key. Who has a page's address, which
nobody can guess, sees what came of it for five minutes.
"""

from __future__ import annotations

import json
from typing import Final

from anyio import to_thread
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from api.edge.oauth import NO_STORE
from api.edge.qr_code import Picture, qr_code
from api.routers.openid4vp import WalletRequestView
from api.service import Service, ServiceDep
from api.web.page_route import pages
from api.web.rendering import page
from identity.openid4vp.documents import Question
from identity.openid4vp.presentations import Order
from identity.openid4vp.session import Answered, Session

YEARS: Final = 18

router = pages(prefix="/prove")


@router.get("")
async def explain(request: Request, service: ServiceDep) -> Response:
    """What will be asked, and what not."""
    documents = await to_thread.run_sync(lambda: service.presentations.believed().documents())
    return page(request, "prove.html", years=YEARS, documents=documents)


@router.post("")
async def ask(service: ServiceDep) -> Response:
    """Begin a request; its page has the code for the wallet."""
    session = await to_thread.run_sync(_begin, service)
    return RedirectResponse(f"/prove/{session.id}", 303, NO_STORE)


@router.get("/{session}")
async def look(request: Request, service: ServiceDep, session: str) -> Response:
    """How it stands."""
    found = await to_thread.run_sync(_find, service, session)
    query = json.dumps(_question(found).dcql(), indent=2)
    return page(request, "proving.html", view=WalletRequestView.of(found), years=found.years, query=query)


@router.get("/{session}/qr.svg")
async def show(service: ServiceDep, session: str) -> Response:
    """The code for the wallet's camera."""
    asker = service.deployment.operator()
    link = await to_thread.run_sync(service.presentations.link, asker.tenant, asker.principal, session)
    return Response(qr_code(link, Picture.SVG), media_type=Picture.SVG.mime, headers=NO_STORE)


def _begin(service: Service) -> Session:
    asker = service.deployment.operator()
    return service.presentations.begin(asker.tenant, asker.principal, Order(YEARS))


def _find(service: Service, session: str) -> Session:
    asker = service.deployment.operator()
    return service.presentations.look(asker.tenant, asker.principal, session)


def _question(session: Session) -> Question:
    state = session.state
    return Question(state.years, state.asked) if isinstance(state, Answered) else state.request.question
