"""PDF: what is read whole, what is refused, and what no file can make of a worker."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection import document
from detection.errors import (
    CorruptMediaError,
    MediaError,
    MediaTooLargeError,
    ProtectedMediaError,
    TruncatedMediaError,
    WorkerError,
)
from detection.examination import NormalForm
from detection.isolation import Isolation
from detection.kinds import Kind
from detection.limits import MAX_OBJECTS, MAX_PAGES
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from tests.detection.documents import CATALOG, PAGE, WHOLE, numbered, pdf, qpdf


@pytest.mark.parametrize("name", WHOLE)
def test_the_content_hash_is_of_the_bytes(name: str) -> None:
    found = document.read(WHOLE[name], Kind.PDF)
    assert found.content_hash == hashlib.sha256(WHOLE[name]).hexdigest()
    assert found.normal_form is NormalForm.BYTES
    assert (found.width, found.duration, found.frames, found.windows) == (None, None, (), ())
    assert "qpdf" in found.decoder


@pytest.mark.parametrize("name", WHOLE)
@given(st.data())
def test_no_part_of_a_file_is_taken_for_the_whole(name: str, data: st.DataObject) -> None:
    whole = WHOLE[name].rstrip()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises((TruncatedMediaError, CorruptMediaError)):
        document.read(whole[:cut], Kind.PDF)


@given(st.sampled_from(sorted(WHOLE)), st.lists(st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=9))))
def test_damage_is_refused_or_read_and_never_a_defect(name: str, damage: list[tuple[int, bytes]]) -> None:
    file = bytearray(WHOLE[name])
    for at, written in damage:
        start = at % len(file)
        file[start : start + len(written)] = written
    try:
        found = document.read(bytes(file), Kind.PDF)
    except MediaError:
        return
    assert found.content_hash == hashlib.sha256(file).hexdigest()


@pytest.mark.parametrize(
    ("protected", "by"),
    [
        (qpdf(encryption=pikepdf.Encryption(owner="o", user="u")), "a password"),
        (qpdf(encryption=pikepdf.Encryption(owner="o", user="")), "encryption"),
        (pdf(b"<</Type/Sig/Filter/Adobe.PPKLite/ByteRange[0 9 99 9]/Contents<00>>>"), "a digital signature"),
    ],
)
def test_what_signing_would_undo_is_refused(protected: bytes, by: str) -> None:
    with pytest.raises(ProtectedMediaError, match=f"has {by}, which signing would undo"):
        document.read(protected, Kind.PDF)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(numbered(CATALOG, b"<</Type/Pages/Kids[2 0 R]/Count 1>>"), id="the tree is its own child"),
        pytest.param(numbered(CATALOG, b"2 0 R"), id="an object that is itself"),
        pytest.param(numbered(CATALOG, b"<</Type/Pages/Kids[]/Count 0>>"), id="no page"),
        pytest.param(numbered(CATALOG, b"<</Type/Pages/Kids 7/Count 1>>"), id="a number for children"),
        pytest.param(numbered(CATALOG, b"<</Type/Pages/Kids[7 (x) null]/Count 1>>"), id="numbers as children"),
        pytest.param(numbered(CATALOG, b"<</Type/Pages/Kids" + b"[" * 100_000 + b">>"), id="arrays without end"),
        pytest.param(numbered(CATALOG), id="no tree"),
        pytest.param(numbered(CATALOG, trailer=b""), id="no root"),
        pytest.param(b"%PDF-1.7\n%%EOF", id="nothing"),
    ],
)
def test_a_file_without_a_sound_page_tree_is_damaged(broken: bytes) -> None:
    with pytest.raises(CorruptMediaError):
        document.read(broken, Kind.PDF)


def test_limits_are_for_objects_and_pages() -> None:
    kids = b" ".join(b"%d 0 R" % number for number in range(3, MAX_PAGES + 4))
    pages = numbered(CATALOG, b"<</Type/Pages/Kids[%b]/Count 1>>" % kids, *[PAGE] * (MAX_PAGES + 1))
    objects = pdf(*[b"null"] * MAX_OBJECTS)
    for file, limit in ((pages, f"{MAX_PAGES + 1} pages"), (objects, f"{MAX_OBJECTS + 4} objects")):
        with pytest.raises(MediaTooLargeError, match=limit):
            document.read(file, Kind.PDF)


@pytest.fixture(scope="module")
def workers() -> Iterator[Sandbox]:
    with Sandbox("detection.jobs", size=1, isolation=Isolation.WARN, wait_seconds=60) as sandbox:
        yield sandbox


def zeros_after(data: bytes, megabytes: int) -> bytes:
    """A zlib stream (RFC 1950) of that; one packed megabyte is as good as another."""
    packed = zlib.compressobj(wbits=-15)
    first = packed.compress(data) + packed.flush(zlib.Z_FULL_FLUSH)
    megabyte = packed.compress(bytes(1 << 20)) + packed.flush(zlib.Z_FULL_FLUSH)
    low, high = zlib.adler32(data) & 0xFFFF, zlib.adler32(data) >> 16
    check = (high + (megabytes << 20) * low) % 65521 << 16 | low
    return b"\x78\x9c" + first + megabyte * megabytes + packed.flush() + check.to_bytes(4)


def bomb(size: int) -> bytes:
    """The page tree in an object stream that inflates to `size` bytes."""
    tree = b"2 0 <</Type/Pages/Kids[3 0 R]/Count 1>>"
    inflated = zeros_after(tree, size >> 20)
    head = b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>" % len(inflated)
    stream = head + b"stream\n%b\nendstream" % inflated
    body, places = bytearray(b"%PDF-1.7\n"), {}
    for number, content in ((1, CATALOG), (3, PAGE), (4, stream)):
        places[number] = len(body)
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    rows = [(0, 0, 0), (1, places[1], 0), (2, 4, 0), (1, places[3], 0), (1, places[4], 0), (1, len(body), 0)]
    table = b"".join(bytes([kind]) + at.to_bytes(4) + bytes([index]) for kind, at, index in rows)
    head = b"<</Type/XRef/Size 6/W[1 4 1]/Root 1 0 R/Length %d>>" % len(table)
    end = b"endstream\nendobj\nstartxref\n%d\n%%%%EOF" % len(body)
    return bytes(body + b"5 0 obj\n%b\nstream\n%b\n%b" % (head, table, end))


def test_a_bomb_costs_its_worker_and_nothing_else(workers: Sandbox) -> None:
    small = document.read(bomb(1 << 20), Kind.PDF)
    assert small.normal_form is NormalForm.BYTES
    file = bomb(4 << 30)
    assert len(file) < 6 << 20
    with Memfd.of([file]) as upload, pytest.raises((WorkerError, CorruptMediaError)):
        workers.run("examine", {"declared": None}, (upload,), timeout=5)
    with Memfd.of([pdf()]) as upload, workers.run("examine", {"declared": None}, (upload,)) as reply:
        assert reply.result["mime"] == "application/pdf"
