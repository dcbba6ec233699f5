"""What a request may send: a body of limited size, within limited time.

FastAPI reads a JSON body before it asks who is calling, so both bounds hold before any route runs; a route that
takes uploads allows itself more, once it knows its caller. (FastAPI's own `max_body_size` answers a declared length
beyond it in plain text, whatever handlers are installed.)
"""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES = 64 * 1024
"""What a route takes that does not `allow` more."""

BODY_SECONDS = 300.0
"""How long a body may take to arrive, from the end of the request's head."""

_LIMIT = "sigillo.body_limit"


class BodyError(HTTPException):
    """Root of the errors here: FastAPI answers everything else that reading a body raises with a 400 of its own."""

    def __str__(self) -> str:
        return self.detail


class BodyTooLargeError(BodyError):
    """The body is larger than its route takes."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"the body is larger than {limit} bytes, the most that is taken here")
        self.limit = limit


class BodyTimeoutError(BodyError):
    """The body takes too long to arrive."""

    def __init__(self) -> None:
        super().__init__(408, f"the body did not arrive within {BODY_SECONDS:.0f} s; nothing was kept")


class BoundedBody:
    """ASGI middleware: reading a body raises BodyTooLargeError or BodyTimeoutError once it is beyond its bounds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[_LIMIT] = BODY_BYTES
        deadline: float | None = asyncio.get_running_loop().time() + BODY_SECONDS
        received = 0

        async def bounded() -> Message:
            nonlocal deadline, received
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise BodyTimeoutError from None
            if not message.get("more_body"):
                deadline = None  # what comes after the body is the end of the connection, for which answers wait
            received += len(message.get("body", b""))
            if received > scope[_LIMIT]:
                raise BodyTooLargeError(scope[_LIMIT])
            return message

        await self._app(scope, bounded, send)


def allow(request: Request, size: int) -> None:
    """Let the body of this request have `size` bytes."""
    request.scope[_LIMIT] = size
