"""Reading EXIF, XMP and what containers note. Runs in sandboxed workers only.

Rules
- Nothing is decoded but headers. What cannot be read is *unread*, and no reason to refuse a file.
- XMP with a document type is not parsed: nothing honest needs entities.

EXIF 3.0 (CIPA DC-008); XMP (ISO 16684-1); IPTC Photo Metadata, "Digital Source Type".
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from xml.etree import ElementTree as ET

import pikepdf
from PIL import ExifTags, Image

from detection.container import opened
from detection.decoders import DECODERS, refusing
from detection.document import UNREADABLE
from detection.errors import CorruptMediaError, MediaError
from detection.kinds import MAGIC_BYTES, Kind, Medium, sniff
from detection.metadata import MAX_TEXT, MAX_VALUES, UNREAD, Metadata
from detection.outlines.outline import Bytes

MAX_XMP_BYTES: Final = 1024 * 1024

_XMP_KEYS: Final = ("xmp", "XML:com.adobe.xmp")
_XMP_TAG: Final = 700
_PROMPTS: Final = frozenset({"parameters", "prompt", "workflow", "sd-metadata", "invokeai_metadata", "dream"})
"""Chunks in which the usual image generators leave what they were asked for."""

_SOFTWARE: Final = frozenset(
    {"software", "encoder", "creatortool", "com.apple.quicktime.software", "creator", "producer"}
)
_MAKE: Final = ("make", "com.apple.quicktime.make", "com.android.manufacturer")
_MODEL: Final = ("model", "com.apple.quicktime.model", "com.android.model")
_TIMES: Final = ("datetimeoriginal", "com.apple.quicktime.creationdate", "creation_time")
_EXIF_TIME: Final = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")
_XML_FAULTS: Final = (ET.ParseError, ValueError, LookupError)

Facts = Iterable[tuple[str, str]]
"""Names in lower case, and what they say."""


def metadata_of(data: Bytes) -> Metadata:
    """What a file of an accepted kind says of its making; UNREAD for any other, and for what is damaged."""
    try:
        kind = sniff(data[:MAGIC_BYTES])
        facts = list(_READERS[kind.medium](data, kind))
    except (MediaError, KeyError):
        return UNREAD
    return _gathered(facts)


def _picture(data: Bytes, kind: Kind) -> Iterator[tuple[str, str]]:
    with refusing(kind):
        image = DECODERS[kind].open(data)
        yield from ((str(name).lower(), str(value)) for name, value in image.info.items() if isinstance(value, str))
        exif = image.getexif()
        yield from _tags(exif)
        yield from _tags(exif.get_ifd(ExifTags.IFD.Exif))
        yield from _xmp(_packet(image, exif))


def _tags(found: Mapping[int, Any]) -> Iterator[tuple[str, str]]:
    offset = found.get(ExifTags.Base.OffsetTimeOriginal, "")
    for tag in (*(ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software), ExifTags.Base.DateTimeOriginal):
        value = found.get(tag)
        if isinstance(value, str):
            yield tag.name.lower(), f"{value}{offset}" if tag is ExifTags.Base.DateTimeOriginal else value


def _packet(image: Image.Image, exif: Mapping[int, Any]) -> bytes:
    given = next((image.info[key] for key in _XMP_KEYS if image.info.get(key)), exif.get(_XMP_TAG, b""))
    return given.encode() if isinstance(given, str) else given if isinstance(given, bytes) else b""


def _xmp(packet: bytes) -> Iterator[tuple[str, str]]:
    """Properties by their local names, whether written as attributes or as elements."""
    if not packet or len(packet) > MAX_XMP_BYTES or b"<!" in packet:
        return
    try:
        root = ET.fromstring(packet.strip(b"\0"))  # noqa: S314 -- see above
    except _XML_FAULTS:
        return
    for element in root.iter():
        yield _local(element.tag), (element.text or "").strip()
        yield from ((_local(name), value) for name, value in element.attrib.items())


def _local(name: str) -> str:
    return str(name).rsplit("}", 1)[-1].lower()


def _recording(data: Bytes, kind: Kind) -> Iterator[tuple[str, str]]:
    with opened(data, kind) as container:
        for noted in (container.metadata, *(stream.metadata for stream in container.streams)):
            yield from ((name.lower(), value) for name, value in noted.items())


def _document(data: Bytes, kind: Kind) -> Iterator[tuple[str, str]]:
    try:
        with pikepdf.open(io.BytesIO(data), attempt_recovery=False, suppress_warnings=True) as document:
            yield from ((str(name).strip("/").lower(), str(value)) for name, value in document.docinfo.items())
    except UNREADABLE as error:
        raise CorruptMediaError(kind=kind, reason="its structure cannot be read") from error


_READERS: Final[Mapping[Medium, Callable[[Bytes, Kind], Facts]]] = {
    Medium.PICTURE: _picture,
    Medium.RECORDING: _recording,
    Medium.DOCUMENT: _document,
}


def _gathered(facts: list[tuple[str, str]]) -> Metadata:
    said = {name: value for name, value in reversed(facts) if value.strip()}
    make, model = (next((said[name] for name in names if name in said), "") for names in (_MAKE, _MODEL))
    named = model if model.lower().startswith(make.lower()) else f"{make} {model}"
    return Metadata(
        read=True,
        software=_texts(value for name, value in facts if name in _SOFTWARE),
        camera=next(iter(_texts([named])), None),
        captured_at=next((_time(said[name]) for name in _TIMES if name in said), None),
        source_types=_texts(value for name, value in facts if name == "digitalsourcetype"),
        prompted=any(name in _PROMPTS for name, _ in facts),
    )


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    """Each once, legible and short."""
    plain = ("".join(c for c in value if c.isprintable()).strip()[:MAX_TEXT] for value in values)
    return tuple(dict.fromkeys(text for text in plain if text))[:MAX_VALUES]


def _time(value: str) -> str | None:
    return next(iter(_texts([_EXIF_TIME.sub(r"\1-\2-\3T\4", value)])), None)
