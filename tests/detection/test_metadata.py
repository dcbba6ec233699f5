"""What files say beside their pixels, read from real ones; and nothing that is damaged is more than unread."""

from __future__ import annotations

import io
from typing import Any

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from detection.errors import WorkerProtocolError
from detection.metadata import MAX_TEXT, MAX_VALUES, UNREAD, Metadata, parse_metadata, to_result
from detection.metadata_reading import metadata_of
from tests.detection.films import sound, tone

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP = f"""<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmp:CreatorTool="Adobe Firefly">
 <i:DigitalSourceType>{TRAINED}</i:DigitalSourceType></rdf:Description></rdf:RDF></x:xmpmeta>""".encode()


def saved(kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(file, kind, **options)
    return file.getvalue()


def exif(**tags: str) -> Image.Exif:
    made = Image.Exif()
    named = {"make": 0x010F, "model": 0x0110, "software": 0x0131}
    made.update({named[name]: value for name, value in tags.items() if name in named})
    made.get_ifd(0x8769).update(
        {{"taken": 0x9003, "offset": 0x9011}[name]: v for name, v in tags.items() if name not in named}
    )
    return made


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_exif_says_camera_software_and_moment(kind: str) -> None:
    said = exif(
        make="Canon", model="Canon EOS R5", software="Firmware 1.8", taken="2026:03:04 05:06:07", offset="+01:00"
    )
    found = metadata_of(saved(kind, exif=said))
    assert (found.camera, found.software) == ("Canon EOS R5", ("Firmware 1.8",))
    if kind != "TIFF":  # of which Pillow writes no directory below the first
        assert found.captured_at == "2026-03-04T05:06:07+01:00"


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_xmp_says_tool_and_source(kind: str) -> None:
    found = metadata_of(saved(kind, xmp=XMP))
    assert (found.software, found.source_types) == (("Adobe Firefly",), (TRAINED,))


def test_a_generators_prompt_is_seen_and_not_kept() -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", "a harbour at dawn, masterpiece")
    found = metadata_of(saved("PNG", pnginfo=chunks))
    assert found == Metadata(read=True, prompted=True)


def test_films_and_documents_say_what_made_them() -> None:
    assert metadata_of(sound("mp4", "aac", tone(0.2))).software[0].startswith("Lavf")
    pages = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        document.docinfo["/Producer"] = "Example Writer"
        document.save(pages)
    assert metadata_of(pages.getvalue()).software == ("Example Writer",)


@pytest.mark.parametrize("xmp", [b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + XMP, b"<x", b"\xff\xfe", b"<a>" * 10_000, b""])
def test_odd_xmp_says_nothing(xmp: bytes) -> None:
    assert metadata_of(saved("WEBP", xmp=xmp)).source_types == ()


def test_texts_are_short_few_and_legible() -> None:
    found = metadata_of(saved("JPEG", exif=exif(software="\x1b[31mEvil\n" + "x" * 1000)))
    (software,) = found.software
    assert len(software) == MAX_TEXT
    assert software.isprintable()
    many = "".join(f"<a xmlns:n='n' n:Software='tool {n}'/>" for n in range(50))
    assert len(metadata_of(saved("WEBP", xmp=f"<r>{many}</r>".encode())).software) == MAX_VALUES


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"%PDF-1.7 nothing", b"\x89PNG\r\n\x1a\n", b"<svg/>", b"RIFF0000WAVE"]
)
def test_what_cannot_be_read_is_unread(data: bytes) -> None:
    assert metadata_of(data) == UNREAD


@given(st.integers(0, 900), st.binary(min_size=1, max_size=8))
def test_damage_is_no_error(at: int, damage: bytes) -> None:
    data = bytearray(saved("JPEG", exif=exif(make="Canon", taken="2026:03:04 05:06:07"), xmp=XMP))
    data[at : at + len(damage)] = damage
    found = metadata_of(bytes(data))
    assert parse_metadata(to_result(found)) == found


@pytest.mark.parametrize(
    "change", [{"read": 1}, {"software": ["x" * 201]}, {"software": ["x"] * 9}, {"more": 1}, {"camera": 3}]
)
def test_a_workers_metadata_are_checked(change: dict[str, Any]) -> None:
    with pytest.raises(WorkerProtocolError):
        parse_metadata({**to_result(UNREAD), **change})
