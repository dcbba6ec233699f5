"""PDFs of several makers: written by hand, by Pillow and by qpdf."""

from __future__ import annotations

import io
from types import MappingProxyType
from typing import Any, Final

import pikepdf
from PIL import Image

CATALOG: Final = b"<</Type/Catalog/Pages 2 0 R>>"
PAGE: Final = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"


def pdf(*objects: bytes) -> bytes:
    """One empty page, and whatever `objects` follow from number 4 on."""
    return numbered(CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", PAGE, *objects)


def numbered(*objects: bytes, trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A PDF of these objects, numbered from 1 on, with a table of where they are."""
    body, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        places.append(b"%010d 00000 n \n" % len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, b"".join(places))
    end = b"trailer\n<</Size %d%b>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, len(body))
    return bytes(body + table + end)


def pillow() -> bytes:
    """Two pages, from Pillow's own writer."""
    file = io.BytesIO()
    page = Image.linear_gradient("L")
    page.save(file, "PDF", save_all=True, append_images=[page])
    return file.getvalue()


def qpdf(**how: Any) -> bytes:
    """The same pages, written by qpdf."""
    file = io.BytesIO()
    with pikepdf.open(io.BytesIO(pillow())) as pages:
        pages.attachments["notes.txt"] = b"attached"
        pages.save(file, **how)
    return file.getvalue()


WHOLE: Final = MappingProxyType(
    {
        "Pillow": pillow(),
        "by hand": pdf(),
        "qpdf": qpdf(),
        "object streams": qpdf(object_stream_mode=pikepdf.ObjectStreamMode.generate),
        "linearised": qpdf(linearize=True),
        "PDF 2.0": qpdf(force_version="2.0"),
    }
)
