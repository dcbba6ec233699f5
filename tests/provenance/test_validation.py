"""Whatever is done to a signed file, the verdict says so."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, UnidentifiedImageError

from detection.errors import EmptyMediaError
from provenance.codes import GENERAL_ERROR, MANIFEST_INACCESSIBLE
from provenance.errors import FormatUnsupportedError
from provenance.report import VerificationReport
from provenance.summary import summarise, word
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from tests.provenance.forger import CREATED, OPENED, actions, forge
from tests.provenance.house import MIMES, House, draw


def failures(report: VerificationReport) -> list[str]:
    return [status.code for status in report.statuses.failure]


def pixels(file: bytes) -> bytes | None:
    """The decoded picture, or None when it does not decode."""
    try:
        return Image.open(io.BytesIO(file)).tobytes()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return None


@pytest.mark.parametrize("kind", MIMES)
def test_changed_pixels_make_it_invalid(house: House, kind: str) -> None:
    signed = house.signed(draw(kind), mime=MIMES[kind])
    changed = bytearray(signed)
    changed[-200 if kind == "JPEG" else signed.index(draw(kind)[-300:-280])] ^= 0xFF
    report = house.verify(bytes(changed))
    assert report.verdict is Verdict.INVALID
    assert "assertion.dataHash.mismatch" in failures(report)
    assert word(summarise(report)) == "The content does not match its manifest: it was changed after signing."


def test_a_file_that_was_never_signed_and_one_stripped_are_absent(house: House) -> None:
    stripped = io.BytesIO()
    Image.open(io.BytesIO(house.signed(draw("PNG"), mime="image/png"))).save(stripped, "PNG")
    for file in (draw("PNG"), stripped.getvalue()):
        report = house.verify(file)
        assert (report.verdict, report.ancestry, report.label) == (Verdict.ABSENT, None, None)


def test_under_another_root_it_is_untrusted(house: House, stranger: House) -> None:
    signed = house.signed(draw())
    report = stranger.verify(signed)
    assert (report.verdict, failures(report)) == (Verdict.UNTRUSTED, ["signingCredential.untrusted"])
    both = TrustPolicy.of({"us": house.trust.anchors, "them": stranger.trust.anchors})
    assert replace(stranger, trust=both).verify(signed).verdict is Verdict.TRUSTED
    assert replace(stranger, trust=TrustPolicy.of({})).verify(signed).verdict is Verdict.UNTRUSTED


def test_a_report_names_the_policy_and_the_signer(house: House) -> None:
    report = house.verify(house.signed(draw()))
    assert report.trust == house.trust.digest
    assert report.signer is not None
    assert report.signer.algorithm == "es256"
    assert report.signer.issuer == "Sigillo development intermediate"
    assert report.signer.not_before is not None
    assert report.signer.not_after is not None
    assert report.signer.not_before < report.signer.not_after
    assert report.time_stamps == ()


@pytest.mark.parametrize(("place", "offset"), [(b"jumdc2pa", 12), (b"jumd", -4), (b"c2cl", 0), (b"\xd2\x84", 0)])
def test_a_broken_manifest_is_unreadable_never_absent(house: House, place: bytes, offset: int) -> None:
    broken = bytearray(house.signed(draw()))
    broken[broken.index(place) + offset] ^= 0xFF
    report = house.verify(bytes(broken))
    assert report.verdict is Verdict.UNREADABLE
    assert failures(report) == [GENERAL_ERROR]
    assert word(summarise(report)) == "This file, or the manifest in it, cannot be read."


def test_half_a_signed_file_is_unreadable(house: House) -> None:
    signed = house.signed(draw())
    assert house.verify(signed[: len(signed) // 2]).verdict is Verdict.UNREADABLE


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_flip_is_trusted_unless_pixels_and_statements_are_untouched(house: House, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(MIMES)))
    signed = SIGNED.setdefault(kind, house.signed(draw(kind), mime=MIMES[kind]))
    whole = ORIGINAL.setdefault(kind, house.verify(signed))
    at = data.draw(st.integers(0, len(signed) - 1))
    changed = bytearray(signed)
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        report = house.verify(bytes(changed))
    except FormatUnsupportedError:
        return
    if report.verdict is Verdict.TRUSTED:
        assert report == whole
        # A flip in the padding of a PNG breaks its checksum, so that it may not decode; never to other pixels.
        assert pixels(bytes(changed)) in {None, pixels(signed)}


SIGNED: dict[str, bytes] = {}
ORIGINAL: dict[str, VerificationReport] = {}


@given(st.binary(max_size=300))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arbitrary_bytes_are_never_trusted(house: House, data: bytes) -> None:
    for head in (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x10\0\0\0WEBP", b"%PDF-1.7\n", b"<svg"):
        try:
            assert house.verify(head + data).verdict in {Verdict.ABSENT, Verdict.UNREADABLE}
        except (EmptyMediaError, FormatUnsupportedError):
            continue


@pytest.mark.parametrize("data", [b"abcd", b"plain text", b"<html></html>", b"\0" * 100])
def test_what_c2pa_cannot_hold_is_refused_with_a_reason(house: House, data: bytes) -> None:
    with pytest.raises(FormatUnsupportedError, match="send an image"):
        house.verify(data)


def test_an_empty_file_is_named_as_such(house: House) -> None:
    with pytest.raises(EmptyMediaError):
        house.verify(b"")


SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect/></svg>'


def document() -> bytes:
    """An office document, as far as its container goes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    return file.getvalue()


@pytest.mark.parametrize(
    ("mime", "data"),
    [
        ("image/svg+xml", SVG),
        ("image/svg+xml", SVG.split(b"\n")[1]),
        ("image/gif", draw("GIF")),
        ("image/tiff", draw("TIFF")),
        ("application/epub+zip", document()),
    ],
)
def test_other_types_are_verified_undecoded(house: House, mime: str, data: bytes) -> None:
    signed, _ = forge(house, {"assertions": [actions(CREATED)]}, file=data, mime=mime)
    assert house.verify(signed).verdict is Verdict.TRUSTED


def test_a_manifest_kept_elsewhere_is_unreadable_and_can_be_signed_over(house: House) -> None:
    file, _ = forge(house, {"assertions": [actions(CREATED)]}, remote="http://127.0.0.1:9/m.c2pa")
    report = house.verify(file)
    assert (report.verdict, failures(report)) == (Verdict.UNREADABLE, [MANIFEST_INACCESSIBLE])
    assert word(summarise(report)).endswith("nothing was fetched.")
    assert house.verify(house.signed(file)).verdict is Verdict.TRUSTED


def test_too_many_actions_are_cut_and_said_to_be(house: House) -> None:
    many = actions(CREATED, *[{"action": "c2pa.edited"}] * 10_000)
    report = house.verify(forge(house, {"assertions": [many]})[0])
    assert (report.verdict, len(report.actions), report.truncated) == (Verdict.TRUSTED, 100, True)


def test_too_many_assertions_are_one_answer_and_the_next_file_is_served(house: House) -> None:
    notes = [{"label": f"com.example.note{n}", "data": {"n": n}} for n in range(1500)]
    report = house.verify(forge(house, {"assertions": [actions(CREATED), *notes]})[0])
    assert (report.verdict, report.truncated) == (Verdict.TRUSTED, True)
    assert house.verify(draw()).verdict is Verdict.ABSENT


def test_hostile_text_is_shown_harmlessly(house: House) -> None:
    title = "\x1b[2J\u202egpj.exe" + "x" * 5000
    odd = {"action": "c2pa.edited", "description": "a\x07b", "softwareAgent": {"name": "\x9b1m", "version": "1"}}
    report = house.verify(forge(house, {"title": title, "assertions": [actions(CREATED, odd)]})[0])
    assert report.title is not None
    assert report.title.startswith("\ufffd[2J\ufffdgpj.exe")
    assert len(report.title) == 2000
    assert report.actions[1].description == "a\ufffdb"
    assert report.actions[1].tool is not None
    assert report.actions[1].tool.name == "\ufffd1m"


def test_a_file_signed_by_a_foreign_builder_over_ours_is_read(house: House) -> None:
    definition = {"assertions": [actions(OPENED)], "ingredients": [{"label": "parent", "relationship": "parentOf"}]}
    report = house.verify(forge(house, definition)[0])
    assert (report.verdict, report.content, report.model, report.author) == (Verdict.TRUSTED, None, None, None)
