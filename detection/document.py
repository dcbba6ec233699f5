"""Reading PDF with qpdf. Runs in sandboxed workers only.

Rules
- A file whose table of objects does not hold is refused, where others guess anew where its objects are. No path is
  opened, no script run, nothing rendered.
- Signing writes a PDF anew (c2pa-rs appends no update). What that would undo is refused: encryption, which would be
  gone, and digital signatures, which would break.
- The content hash is of the file's bytes: what a document shows depends on fonts, forms and scripts, and on who draws
  it, so that no hash of its looks would be the same everywhere.

Specification: ISO 32000-2, section 7.5 and 12.8.
"""

from __future__ import annotations

import hashlib
import io
from typing import Final

import pikepdf
from pikepdf import PasswordError, PdfError

from detection.errors import CorruptMediaError, ProtectedMediaError, TruncatedMediaError
from detection.examination import Content, NormalForm
from detection.kinds import Kind
from detection.limits import MAX_OBJECTS, MAX_PAGES, at_most
from detection.outlines.outline import Bytes

_DECODER: Final = f"pikepdf {pikepdf.__version__}, qpdf {pikepdf.__libqpdf_version__}"
_END_MARK: Final = b"%%EOF"
_END_BYTES: Final = 1024
"""How near to its end a file has the mark: what readers have always looked through."""

_SIGNED_RANGES: Final = b"/ByteRange"
"""In the clear in every signature: it says which bytes are signed, so that they lie where it says."""

UNREADABLE: Final = (PdfError, AttributeError, KeyError, TypeError, ValueError)
"""What pikepdf raises where something is missing, or is something else than it should be."""


def read(data: Bytes, kind: Kind) -> Content:
    """Read the whole structure and hash the bytes. Raises the subclasses of MediaError."""
    if data.find(_END_MARK, max(0, len(data) - _END_BYTES)) < 0:
        raise TruncatedMediaError(kind=kind)
    if data.find(_SIGNED_RANGES) >= 0:
        raise ProtectedMediaError(kind=kind, protection="a digital signature")
    try:
        with pikepdf.open(io.BytesIO(data), attempt_recovery=False, suppress_warnings=True) as document:
            _check(document, kind)
    except PasswordError as error:
        raise ProtectedMediaError(kind=kind, protection="a password") from error
    except UNREADABLE as error:
        raise CorruptMediaError(kind=kind, reason="its structure cannot be read") from error
    return Content(_DECODER, hashlib.sha256(data).hexdigest(), NormalForm.BYTES)


def _check(document: pikepdf.Pdf, kind: Kind) -> None:
    at_most("objects", MAX_OBJECTS, int(document.trailer.Size))
    if document.is_encrypted:
        raise ProtectedMediaError(kind=kind, protection="encryption")
    pages = len(document.pages)
    at_most("pages", MAX_PAGES, pages)
    if not pages:
        raise CorruptMediaError(kind=kind, reason="it has no page")
