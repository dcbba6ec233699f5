"""A page: a template, its words, and the headers that keep it harmless.

Rules
- What others wrote (file names, manifests) is escaped by the template engine, which is never told that a text is safe.
- No page loads, embeds or tells anybody else anything, and none can be embedded.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.web.sessions import reader_of
from api.web.words import Words, preferred, words_of

HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "media-src blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
    }
)
"""Of every page. Scripts and styles are files of ours, so none stands in a page."""

_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def moment(text: str | None) -> str:
    """A manifest's or certificate's time as a person reads it, to the second; what is no time is shown as it stands."""
    try:
        at = datetime.fromisoformat(text or "").astimezone(UTC)
    except ValueError:
        return text or ""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def instant(milliseconds: int) -> str:
    """A time of ours as a person reads it, to the minute."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def day(at: datetime) -> str:
    """The day of a time, where no hour matters."""
    return f"{at.astimezone(UTC):%Y-%m-%d}"


def words_for(request: Request) -> Words:
    """The sentences in the reader's language."""
    return words_of(preferred(request.headers.get("accept-language", "")))


_PAGES.globals |= {"moment": moment, "instant": instant, "day": day}  # macros of other files see globals alone


def page(request: Request, template: str, status: int = 200, **shown: object) -> HTMLResponse:
    """Render `template` in the reader's language."""
    words = words_for(request)
    reader = reader_of(request)
    known = {"t": words, "here": request.url.path, "reader": reader, "form_token": reader.form_token}
    body = _PAGES.get_template(template).render(known, **shown)
    return HTMLResponse(body, status, HEADERS)
