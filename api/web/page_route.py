"""Routes whose answer is a page, also when it is a refusal: the problem that the API tells, where a person reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.edge import problem
from api.edge.auth import SignInNeededError, refuse_cross_site
from api.edge.oauth import NO_STORE
from api.service import service_of
from api.web.rendering import page
from api.web.sessions import SIGN_IN, give_cookies, reader

JSON: Final = "application/json"
"""What a script of ours asks for, which words the refusal on the page that is open."""

HTML: Final = "text/html"
"""What browsers ask for, and programs do not."""

_BACK: Final = "sigillo.back"


class PageRoute(APIRoute):
    """What goes wrong is told on a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                refuse_cross_site(request, (await service_of(request)).settings)
                response = await inner(request)
            except Exception as error:  # noqa: BLE001 -- told by the table of problems, which logs what it does not know
                response = _told(request, error)
            give_cookies(request, response)
            return response

        return handle


def pages(*, prefix: str = "") -> APIRouter:
    """A router of pages. They show what the API answers, and are no part of it; each knows who reads it."""
    return APIRouter(prefix=prefix, route_class=PageRoute, include_in_schema=False, dependencies=[Depends(reader)])


def back_to(request: Request, path: str) -> None:
    """Where a refusal leads back to, for what is sent to a path that has no page of its own."""
    request.scope[_BACK] = path


def install(app: FastAPI) -> None:
    """A browser that asks for what is nowhere is told so on a page; whoever does not ask for HTML, as ever."""
    app.add_exception_handler(HTTPException, _nowhere)


def _nowhere(request: Request, error: Exception) -> Response:
    wants = HTML in request.headers.get("accept", "")
    return _shown(request, problem.answer_to(request, error)) if wants else problem.answer_to(request, error)


def _told(request: Request, error: Exception) -> Response:
    if isinstance(error, SignInNeededError) and request.method == "GET":
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': here})}", 303, NO_STORE)
    answer = problem.answer_to(request, error)
    if request.headers.get("accept") == JSON:
        return answer
    return _shown(request, answer)


def _shown(request: Request, answer: Response) -> Response:
    named = request.scope.get("sigillo.request_id", "")
    back, told = request.scope.get(_BACK, request.url.path), json.loads(bytes(answer.body))
    shown = page(request, "error.html", answer.status_code, told=told, request_id=named, back=back)
    for name in {"retry-after", "allow"} & set(answer.headers):
        shown.headers[name] = answer.headers[name]
    return shown
