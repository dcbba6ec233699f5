"""The pages' own files: styles, scripts, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

FOLDER: Final = Path(__file__).with_name("static")
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS: Final = {
    "Cache-Control": "public, max-age=300",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
"""Five minutes: a new version of the service is a new page soon. A picture opened by itself runs nothing."""

_FILES: Final = {file.name: (file.read_bytes(), TYPES[file.suffix]) for file in FOLDER.iterdir() if file.is_file()}
"""A few kilobytes, read once: no path from outside reaches the disk."""

router = APIRouter(prefix="/static", include_in_schema=False)


@router.get("/{name}")
async def static(name: str) -> Response:
    """One of them."""
    body, kind = file_of(name)
    return Response(body, media_type=kind, headers=HEADERS)


def file_of(name: str) -> tuple[bytes, str]:
    """A file and its type. Raises HTTPException for one that is not there."""
    if name not in _FILES:
        raise HTTPException(404)
    return _FILES[name]
