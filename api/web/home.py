"""The front page: what this is, the ledger's state, the doors."""

from __future__ import annotations

from anyio import to_thread
from fastapi import Request, Response

from api.service import ServiceDep
from api.web.page_route import pages
from api.web.rendering import page
from ledger.errors import LedgerError
from ledger.log import LogStatus

router = pages()


@router.get("/")
async def home(request: Request, service: ServiceDep) -> Response:
    """The front page; a ledger that cannot be read now is told there, and closes no door."""
    try:
        log: LogStatus | None = await to_thread.run_sync(service.ledger.status)
    except LedgerError:
        log = None
    return page(request, "home.html", log=log, origin=service.ledger.vkey().partition("+")[0])
