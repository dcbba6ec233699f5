"""What other sites put on their pictures: a pin that verifies one when its reader asks. No tracking, no cookie.

Files of `static/`, for everybody: other origins may load these two, and read what `POST /v1/verifications` answers.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.web.static import HEADERS, file_of
from api.web.words import preferred, words_of

FOR_ALL: Final = {
    **HEADERS,
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
SAID: Final = ("embed.", "verdict.")
"""Codes of the sentences that the pin says begin so."""

router = APIRouter(prefix="/embed", include_in_schema=False)


@router.get("/credential.js")
async def credential() -> Response:
    """The pin and its panel: a module that defines `<sigillo-credential>`."""
    body, kind = file_of("credential.js")
    return Response(body, media_type=kind, headers=FOR_ALL)


@router.get("/words.json")
async def words(request: Request) -> Response:
    """What the pin says, in the reader's language."""
    found = words_of(preferred(request.headers.get("accept-language", "")))
    said = {code: sentence for code, sentence in found.sentences.items() if code.startswith(SAID)}
    return JSONResponse(said, headers={**FOR_ALL, "Vary": "Accept-Language"})
