"""The audit of the ledger in a browser: search, entries, charts, and what to take away.

What is shown here is our word; `static/ledger.js` has the reader's own browser check it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from typing import Annotated, Final

from anyio import to_thread
from fastapi import Query, Request, Response

from api.edge.auth import origin_of
from api.routers.ledger import MAX_BUNDLED
from api.schemas.oversight import ActivityView, PageView, cursor_of, query_of
from api.service import Service, ServiceDep
from api.web.page_route import pages
from api.web.rendering import page
from cases.decisions import KINDS
from ledger.auditing.bundle import verifier_digest
from ledger.errors import NotProvenError, SearchRefusedError
from ledger.ids import EntryId

DAYS: Final = 30
"""That charts show."""

router = pages(prefix="/audit")

Text = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]
"""What a database can be asked for (`ledger.ids.may_be_stored`)."""


@router.get("")
async def audit(request: Request, service: ServiceDep, kind: Text = "", cursor: Text = "") -> Response:
    """The ledger as a whole, and one page of a search in it."""
    begins, ends = (request.query_params.get(name, "") for name in ("from", "to"))
    asked = {"kind": kind, "from": begins, "to": ends}
    found, refused = await to_thread.run_sync(_search, service, asked, cursor)
    active = ActivityView.of(await to_thread.run_sync(service.ledger.activity, DAYS))
    return page(
        request,
        "audit.html",
        asked=asked,
        found=found,
        refused=refused,
        active=active,
        bars=bars,
        kinds=sorted(kind.name for kind in KINDS),
        bundled=min(service.ledger.status().proven, MAX_BUNDLED),
        digest=verifier_digest(),
        base=origin_of(request, service.settings),
    )


@router.get("/entries/{entry}")
async def entry(request: Request, service: ServiceDep, entry: str) -> Response:
    """One entry; while it has no place in the log yet, that alone."""
    try:
        found = asdict(await to_thread.run_sync(service.ledger.entry, EntryId(entry)))
        proven = await to_thread.run_sync(service.ledger.is_proven, EntryId(entry))
    except NotProvenError:
        found, proven = {}, False
    return page(request, "entry.html", name=entry, members=found, proven=proven)


def bars(entries: Sequence[int]) -> Sequence[int]:
    """How high each day's bar is, of 24; a day with one entry shows one, however many the others have."""
    most = max(*entries, 1)
    return [ceil(24 * count / most) for count in entries]


def _search(service: Service, asked: Mapping[str, str], cursor: str) -> tuple[PageView | None, str]:
    """A page of matches; or None, and why where that is the asker's doing."""
    try:
        begins, ends = _day(asked["from"]), _day(asked["to"])
        query = query_of(asked["kind"], "", begins, ends + timedelta(days=1) if ends else None)
        return PageView.of(service.ledger.search(query, cursor_of(cursor))), ""
    except NotProvenError:
        return None, ""
    except (SearchRefusedError, ValueError) as error:
        return None, str(error)


def _day(text: str) -> datetime | None:
    """A day as `<input type=date>` sends it, where it begins. Raises ValueError."""
    return datetime.combine(date.fromisoformat(text), time(), UTC) if text else None
