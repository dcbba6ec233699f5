"""Files that no writer makes: bombs, circles, floods and files that are two things at once."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import cache, partial

from tests.detection.documents import CATALOG, PAGE, numbered, pdf
from tests.detection.films import Film, write
from tests.detection.pictures import chunk, draw, png, save
from tests.hostile.damage import Case
from tests.hostile.seeds import seeds
from tests.provenance.carriers import box

MEBIBYTE = 1 << 20


HEAVY = frozenset({"bombs", "floods"})
"""Groups whose cases take seconds each."""


def crafted() -> Mapping[str, list[Case]]:
    """All of them, by group."""
    groups = {
        "bombs": _bombs(), "circles": _circles(), "floods": _floods(), "lies": _lies(), "polyglots": _polyglots()
    }  # fmt: skip
    return {group: [Case(f"{group}: {case.name}", case.make) for case in cases] for group, cases in groups.items()}


@cache
def zeros(mebibytes: int) -> bytes:
    """So many zero bytes, deflated to a thousandth."""
    deflate = zlib.compressobj(9)
    return b"".join([*(deflate.compress(bytes(MEBIBYTE)) for _ in range(mebibytes)), deflate.flush()])


def _bombs() -> Iterator[Case]:
    yield Case("PNG text", lambda: _with(chunk(b"zTXt", b"bomb\0\0" + zeros(1000))))
    yield Case("PNG texts", lambda: _with(chunk(b"zTXt", b"bomb\0\0" + zeros(1)) * 2000))
    yield Case("PNG international text", lambda: _with(chunk(b"iTXt", b"bomb\0\1\0\0\0" + zeros(1000))))
    yield Case("PNG profile", lambda: _with(chunk(b"iCCP", b"bomb\0\0" + zeros(1000))))
    yield Case("PNG picture of more rows than it says", lambda: png(chunk(b"IDAT", zeros(1000)), chunk(b"IEND", b"")))
    yield Case("PNG of 100 million pixels", lambda: png(_square(), chunk(b"IEND", b""), width=10_000, height=10_000))
    yield Case("GIF of many frames", lambda: _gif(150, 150, 10_000))
    yield Case("GIF of many large frames", lambda: _gif(20_000, 5_000, 2))
    yield Case("GIF of more pixels than any", lambda: _gif(65_535, 65_535, 100))
    yield Case("TIFF in one strip", lambda: _tiff(10_000, 10_000, zeros(96), 8))
    yield Case("TIFF of more pixels than any", lambda: _tiff(65_535, 65_535, zeros(96), 8))
    yield Case("JPEG of 100 scans", _scans)
    yield Case("MP4 of a million edits", lambda: _edits(1_000_000))
    for name in ("Contents", "Metadata"):
        yield Case(f"PDF {name}", partial(_pdf_stream, f"/{name}".encode(), zeros(1000)))
    yield Case("PDF of objects in a stream", lambda: _pdf_stream(b"/X", zeros(1000), b"/Type/ObjStm/N 9/First 9"))
    yield Case("PDF of a table in a stream", _pdf_table)
    yield Case(
        "PDF of filters", lambda: pdf(b"<</Length 1/Filter[%b]>>stream\nx\nendstream" % (b"/FlateDecode" * 9999))
    )


def _circles() -> Iterator[Case]:
    for fields in ((), (0x8769, 0x8825, 0x14A)):
        yield Case(f"TIFF {fields}", partial(_tiff, 2, 2, b"abcd", 1, *fields))
        exif = b"Exif\0\0" + _tiff(2, 2, b"abcd", 1, *fields)
        yield Case(f"EXIF {fields}", partial(save, draw(), "JPEG", exif=exif))
    yield Case("PDF tables", lambda: numbered(CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", PAGE).replace(
        b"/Root", b"/Prev %d/Root" % pdf().rindex(b"xref\n0")))  # fmt: skip
    yield Case("PDF pages", lambda: numbered(CATALOG, b"<</Type/Pages/Kids[2 0 R]/Count 1>>"))
    yield Case("PDF root", lambda: numbered(b"1 0 R"))
    yield Case("PDF parents", lambda: numbered(CATALOG, b"<</Type/Pages/Parent 2 0 R/Kids[3 0 R]/Count 1>>", PAGE))


def _floods() -> Iterator[Case]:
    yield Case("PNG chunks", lambda: _with(chunk(b"tEXt", b"a\0b") * 100_000))
    yield Case("PNG chunks just allowed", lambda: _with(chunk(b"tEXt", b"a\0b") * 60_000))
    yield Case("JPEG comments", lambda: _after_start(b"\xff\xfe\0\3x" * 60_000))
    yield Case("JPEG XMP", lambda: _after_start(_xmp(7 * MEBIBYTE)))
    yield Case("GIF comments", lambda: b"".join((_gif(8, 8, 1)[:-1], b"\x21\xfe\1x\0" * 60_000, b";")))
    yield Case("GIF comment", lambda: b"".join((_gif(8, 8, 1)[:-1], b"\x21\xfe", (b"\xff" * 256) * 20_000, b"\0;")))
    yield Case("WebP chunks", _webp_chunks)
    yield Case("MP4 boxes", lambda: _film_with(box(b"free", b"") * 100_000))
    yield Case("MP4 boxes in the index", lambda: _film_with(box(b"moov", box(b"free", b"") * 60_000)))
    yield Case("MP4 boxes in boxes", lambda: _film_with(nested(b"moov", 20_000)))
    yield Case("MP4 metadata in metadata", lambda: _film_with(box(b"moov", nested(b"udta", 20_000))))
    yield Case("MP4 tracks", lambda: _film_with(box(b"moov", box(b"trak", b"") * 5_000)))
    yield Case("PDF of nested arrays", lambda: pdf(b"[" * 100_000 + b"]" * 100_000))
    yield Case("PDF of nested dictionaries", lambda: pdf(b"<</A" * 50_000 + b"0" + b">>" * 50_000))
    yield Case("PDF of nested pages", lambda: numbered(CATALOG, *_page_chain(20_000)))
    yield Case("PDF of many objects", lambda: pdf(*[b"null"] * 49_000))
    yield Case("ID3 texts", lambda: _tagged(b"TXXX\0\0\0\4\0\0\0a\0b" * 300_000))
    yield Case(
        "FLAC comments", lambda: _flac(4, struct.pack("<II", 0, 400_000) + struct.pack("<I1s", 1, b"x") * 400_000)
    )
    yield Case("WAV chunks", lambda: _riff_with(b"LIST\0\0\0\0" * 200_000))


def _lies() -> Iterator[Case]:
    yield Case("ID3 of 256 MB", lambda: b"ID3\4\0\0\x7f\x7f\x7f\x7f" + seeds()["mp3"])
    yield Case("FLAC comment of 4 GB", lambda: _flac(4, struct.pack("<I", 0xFFFFFFF0)))
    yield Case("FLAC comments by the thousand million", lambda: _flac(4, struct.pack("<II", 0, 0xFFFFFFF0)))
    yield Case("WAV of 65,535 channels", lambda: _replaced("wav", b"fmt ", 8, struct.pack("<HHI", 1, 65535, 4 * 10**9)))
    yield Case("WAV of no rate", lambda: _replaced("wav", b"fmt ", 8, struct.pack("<HHI", 1, 1, 0)))
    for table, at in (
        (b"stts", 8),
        (b"stsz", 12),
        (b"stsz", 8),
        (b"stco", 8),
        (b"stsc", 8),
        (b"ctts", 8),
        (b"elst", 8),
    ):
        for value in (0x0FFFFFFF, 0xFFFFFFFF):
            yield Case(f"MP4 {table.decode()}+{at} {value:x}", partial(_replaced, "mp4", table, at, value.to_bytes(4)))
    yield Case("MP4 of a million samples", lambda: _samples(1_000_000, 0))
    yield Case("MP4 of four thousand million samples", lambda: _samples(0xFFFFFFFF, 0))
    yield Case("MP4 of samples of a byte", lambda: _samples(0x0FFFFFFF, 1))
    yield Case("PDF of a size beyond numbers", lambda: pdf().replace(b"/Size 4", b"/Size 99999999999999999999"))


def _polyglots() -> Iterator[Case]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("run.sh", "#!/bin/sh\n")
    tails = {
        "ZIP": archive.getvalue(),
        "PDF": pdf(),
        "HTML": b"<script>alert(1)</script>",
        "JPEG": save(draw(), "JPEG"),
    }
    for name, file in seeds().items():
        yield from (Case(f"{name} and {tail}", partial(bytes.__add__, file, more)) for tail, more in tails.items())
    yield Case("GIF and script", lambda: b"GIF89a/*" + _gif(8, 8, 1)[8:-1] + b"*/=1;alert(1)")
    yield Case("JPEG that holds a PDF", lambda: _after_start(b"\xff\xfe" + (len(pdf()) + 2).to_bytes(2) + pdf()))
    yield Case("PDF that holds a JPEG", lambda: pdf(b"<</Length 9>>stream\n" + save(draw(), "JPEG") + b"\nendstream"))
    yield Case("MP4 and HTML", lambda: _film_with(box(b"free", b"<html><script>alert(1)</script>")))
    yield Case("PNG that holds a PNG", lambda: _with(chunk(b"prVt", save(draw(), "PNG"))))


def nested(name: bytes, depth: int, before: bytes = b"", leaf: bytes = b"") -> bytes:
    """Boxes within boxes, `before` standing in each before the next."""
    step = 8 + len(before)
    sizes = (len(leaf) + step * (depth - level) for level in range(depth))
    return b"".join(struct.pack(">I4s", size, name) + before for size in sizes) + leaf


def _with(more: bytes) -> bytes:
    """A sound PNG with more chunks after its header."""
    file = seeds()["png"]
    return file[:33] + more + file[33:]


def _after_start(more: bytes) -> bytes:
    file = seeds()["jpeg"]
    return file[:2] + more + file[2:]


def _xmp(size: int) -> bytes:
    piece = b"http://ns.adobe.com/xap/1.0/\0" + b"<x:xmpmeta>" + b"<a>" * 21_000
    return (b"\xff\xe1" + (len(piece) + 2).to_bytes(2) + piece) * (size // len(piece))


def _square() -> bytes:
    deflate = zlib.compressobj(9)
    return chunk(b"IDAT", b"".join([*(deflate.compress(bytes(10_001)) for _ in range(10_000)), deflate.flush()]))


def _gif(width: int, height: int, frames: int) -> bytes:
    """Frames of one pixel each on a large screen, each of which a viewer composes whole."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    made = (
        b"\x21\xf9\4\4\1\0\0\0\x2c" + struct.pack("<HHHHB", at % width, at % height, 1, 1, 0) + b"\2\2\x44\1\0"
        for at in range(frames)
    )
    return b"".join((screen, *made, b";"))


def _tiff(width: int, height: int, data: bytes, compression: int, *fields: int) -> bytes:
    """One strip; each of `fields` leads back to the first directory, and where there are none, the next one does."""
    numbers = {256: width, 257: height, 258: 8, 259: compression, 262: 1, 277: 1, 278: height, 279: len(data)}
    numbers |= {273: 14 + 12 * (len(numbers) + 1 + len(fields)), **dict.fromkeys(fields, 8)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(numbers.items()))
    following = 0 if fields or compression == 8 else 8
    return struct.pack("<2sHIH", b"II", 42, 8, len(numbers)) + entries + struct.pack("<I", following) + data


def _scans() -> bytes:
    """A progressive picture with its last scan a hundred times."""
    file = save(draw(width=4000, height=4000), "JPEG", progressive=True)
    last = file.rindex(b"\xff\xda")
    return file[:last] + file[last:-2] * 90 + file[-2:]


def _pdf_stream(name: bytes, deflated: bytes, more: bytes = b"") -> bytes:
    stream = b"<<%b/Length %d/Filter/FlateDecode>>stream\n%b\nendstream" % (more, len(deflated), deflated)
    return numbered(CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", PAGE[:-2] + name + b" 4 0 R>>", stream)


def _pdf_table() -> bytes:
    body = b"%PDF-1.7\n"
    table = b"<</Type/XRef/W[1 4 2]/Size 2000000000/Root 1 0 R/Length %d/Filter/FlateDecode>>stream\n%b\nendstream"
    return body + b"1 0 obj\n" + table % (len(zeros(1000)), zeros(1000)) + b"\nendobj\nstartxref\n9\n%%EOF\n"


def _page_chain(depth: int) -> Iterator[bytes]:
    for number in range(2, 2 + depth):
        yield b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % (number + 1)
    yield PAGE


def _webp_chunks() -> bytes:
    file = seeds()["webp"] + b"JUNK\0\0\0\0" * 60_000
    return file[:4] + struct.pack("<I", len(file) - 8) + file[8:]


def _film_with(more: bytes) -> bytes:
    return seeds()["mp4"] + more


def _tagged(frames: bytes) -> bytes:
    size = len(frames)
    synchsafe = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + synchsafe + frames + seeds()["mp3"]


def _flac(number: int, block: bytes) -> bytes:
    """A sound file with one metadata block more."""
    file = seeds()["flac"]
    return file[:4] + file[4:42] + bytes([number]) + (len(block) % (1 << 24)).to_bytes(3) + block + file[42:]


def _riff_with(more: bytes) -> bytes:
    file = seeds()["wav"]
    made = file[:12] + more + file[12:]
    return made[:4] + struct.pack("<I", len(made) - 8) + made[8:]


def _replaced(name: str, after: bytes, at: int, value: bytes) -> bytes:
    """A sound file with other bytes so many behind a name."""
    file = seeds()[name]
    start = file.find(after) + at
    return file[:start] + value + file[start + len(value) :] if start >= at else file


def _samples(count: int, size: int) -> bytes:
    """A film whose tables are short and mean very much: so many samples of one size, one duration."""
    file = seeds()["mp4"]
    for table, at, value in (
        (b"stsz", 8, struct.pack(">II", size, count)),
        (b"stts", 12, struct.pack(">II", count, 1)),
        (b"stsc", 16, struct.pack(">I", count)),
    ):
        start = file.index(table) + at
        file = file[:start] + value + file[start + len(value) :]
    return file


def _edits(count: int) -> bytes:
    """A film, its index last, whose first track is cut a million times."""
    file = write(Film(pictures=4, audio=""))
    edits = box(b"edts", box(b"elst", struct.pack(">II", 0, count) + struct.pack(">Iii", 40, 0, 65536) * count))
    at = file.index(b"mdia") - 4
    made = bytearray(file[:at] + edits + file[at:])
    for name in (b"moov", b"trak"):
        start = file.index(name) - 4
        struct.pack_into(">I", made, start, struct.unpack_from(">I", file, start)[0] + len(edits))
    return bytes(made)
