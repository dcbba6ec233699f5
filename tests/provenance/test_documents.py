"""Signed PDFs: they hold, they open, and what is done to one afterwards shows."""

from __future__ import annotations

import io

import pikepdf
import pytest

from detection import document
from detection.kinds import Kind
from provenance.verdict import Verdict
from tests.detection.documents import WHOLE, numbered, pdf
from tests.provenance.house import House

MIME = Kind.PDF.mime


def update(file: bytes) -> bytes:
    """The file with an incremental update that turns its first page (ISO 32000-2, section 7.5.6)."""
    with pikepdf.open(io.BytesIO(file)) as opened:
        page, root, size = opened.pages[0].obj.objgen[0], opened.Root.objgen[0], int(opened.trailer.Size)
        parent = opened.pages[0].obj.Parent.objgen[0]
    before = int(file[file.rindex(b"startxref") + 9 :].split()[0])
    turned = b"%d 0 obj\n<</Type/Page/Parent %d 0 R/MediaBox[0 0 9 9]/Rotate 90>>\nendobj\n" % (page, parent)
    table = b"xref\n%d 1\n%010d 00000 n \ntrailer\n<</Size %d/Root %d 0 R/Prev %d>>\n" % (
        page, len(file), size, root, before,
    )  # fmt: skip
    return file + turned + table + b"startxref\n%d\n%%%%EOF\n" % (len(file) + len(turned))


@pytest.mark.parametrize("name", WHOLE)
def test_a_signed_document_holds_and_opens(house: House, name: str) -> None:
    signed = house.signed(WHOLE[name], mime=MIME)
    assert house.verify(signed).verdict is Verdict.TRUSTED
    with pikepdf.open(io.BytesIO(WHOLE[name])) as before, pikepdf.open(io.BytesIO(signed)) as after:
        assert len(after.pages) == len(before.pages)
        assert set(after.attachments) == {*before.attachments, "Content Credentials"}
        for page, was in zip(after.pages, before.pages, strict=True):
            assert page.mediabox == was.mediabox
            if "/Contents" in was:
                assert page.Contents.read_bytes() == was.Contents.read_bytes()


@pytest.mark.parametrize("name", WHOLE)
def test_a_signed_document_can_be_signed_again(house: House, name: str) -> None:
    first = house.signed(WHOLE[name], mime=MIME)
    assert document.read(first, Kind.PDF).content_hash != document.read(WHOLE[name], Kind.PDF).content_hash
    report = house.verify(house.signed(first, mime=MIME))
    assert (report.verdict, report.ancestry, len(report.ingredients)) == (Verdict.TRUSTED, Verdict.TRUSTED, 2)


@pytest.mark.parametrize("name", WHOLE)
def test_an_update_after_signing_makes_it_invalid(house: House, name: str) -> None:
    changed = update(house.signed(WHOLE[name], mime=MIME))
    with pikepdf.open(io.BytesIO(changed)) as opened:
        assert opened.pages[0].Rotate == 90, "a reader shows the update"
    report = house.verify(changed)
    assert report.verdict is Verdict.INVALID
    assert [status.code for status in report.statuses.failure] == ["assertion.dataHash.mismatch"]


def test_a_changed_page_makes_it_invalid(house: House) -> None:
    signed = house.signed(pdf(), mime=MIME)
    changed = signed.replace(b"0 0 9 9", b"0 0 8 9")
    assert changed != signed
    report = house.verify(changed)
    assert report.verdict is Verdict.INVALID
    assert [status.code for status in report.statuses.failure] == ["assertion.dataHash.mismatch"]


def test_no_part_of_a_signed_document_is_trusted(house: House) -> None:
    signed = house.signed(WHOLE["Pillow"], mime=MIME)
    for cut in range(9, len(signed.rstrip()), 997):
        assert house.verify(signed[:cut]).verdict in {Verdict.UNREADABLE, Verdict.INVALID}


@pytest.mark.parametrize(
    "hostile",
    [
        numbered(b"<</Type/Catalog/Pages 2 0 R/AF 1 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 1>>"),
        numbered(b"<</Type/Catalog/Pages 2 0 R/AF[3 0 R]>>", b"2 0 R", b"<</AFRelationship/C2PA_Manifest/EF 3 0 R>>"),
        b"%PDF-1.7\n" + b"[" * 1_000_000,
    ],
)
def test_what_leads_nowhere_is_no_manifest(house: House, hostile: bytes) -> None:
    assert house.verify(hostile).verdict in {Verdict.UNREADABLE, Verdict.ABSENT}
    assert house.verify(house.signed(pdf(), mime=MIME)).verdict is Verdict.TRUSTED
