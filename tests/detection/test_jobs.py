"""The real job in a real worker: examinations, refusals, and no file that harms the pool."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from detection.errors import CorruptMediaError, MediaError, MislabelledMediaError, TruncatedMediaError
from detection.examination import Examination, parse_examination
from detection.media import examine
from detection.memfd import Memfd
from detection.pixels import normalised, pixel_hash
from detection.sandbox import Sandbox
from tests.detection.films import Film, subtitled, write
from tests.detection.pictures import MODES, SAMPLES, chunk, decoded, draw, png, save

FILM = write(Film())


def _examine(sandbox: Sandbox, file: bytes, declared: str | None = None) -> Examination:
    with Memfd.of([file]) as upload, sandbox.run("examine", {"declared": declared}, (upload,)) as reply:
        return parse_examination(reply.result)


@pytest.mark.parametrize(
    ("form", "mode"),
    [
        *(("JPEG", mode) for mode in ("1", "L", "RGB", "CMYK")),
        *(("PNG", mode) for mode in MODES if mode != "CMYK"),
        *(("WEBP", mode) for mode in ("L", "RGB", "RGBA")),
        *(("TIFF", mode) for mode in MODES),
        *(("AVIF", mode) for mode in ("L", "RGB", "RGBA")),
    ],
)
def test_an_examination_inside_equals_one_outside(examiner: Sandbox, form: str, mode: str) -> None:
    file = save(draw(mode), form)
    found = _examine(examiner, file, f"image/{form.lower()}")
    assert (found.mime, found.content.width, found.content.height, found.size) == (
        f"image/{form.lower()}",
        61,
        43,
        len(file),
    )
    assert found.content.content_hash == pixel_hash(normalised(decoded(file)))


@pytest.mark.parametrize(
    "film",
    [
        *(Film("mp4", *codecs) for codecs in (("libx264", "aac"), ("libx265", "alac"), ("libvpx-vp9", "libopus"))),
        Film("mp4", "mpeg4", ""),
        *(Film("webm", *codecs) for codecs in (("libvpx", "vorbis"), ("libvpx-vp9", "libopus"))),
        *(Film("ogg", "", codec) for codec in ("vorbis", "libopus", "flac")),
    ],
    ids=lambda film: f"{film.container} {film.video} {film.audio}",
)
def test_a_film_examined_inside_is_the_one_outside(examiner: Sandbox, film: Film) -> None:
    file = write(film)
    assert _examine(examiner, file) == examine(file, None)


@pytest.mark.parametrize("name", ["heic", "clear heic", "tiled heic"])
def test_heic_examined_inside_is_the_one_outside(examiner: Sandbox, name: str) -> None:
    assert _examine(examiner, SAMPLES[name], "image/heic") == examine(SAMPLES[name], None)


def test_whatever_loads_late_was_loaded_before_isolation(examiner: Sandbox) -> None:
    texts = [
        chunk(b"tEXt", "Título\0ümlaut".encode("latin-1")),
        chunk(b"iTXt", b"title\0\0\0de\0Titel\0" + "größe".encode()),
        chunk(b"zTXt", b"broken\0\0notzlib"),
        chunk(b"iCCP", b"profile\0\0notzlib"),
        chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x05\0\0\0\x01\0\0\0\x1a\0\0\0\0"),
    ]
    whole = save(draw(), "PNG")
    for text in texts:
        try:
            _examine(examiner, whole[:33] + text + whole[33:])
        except MediaError:
            continue


def test_refusals_arrive_typed(examiner: Sandbox) -> None:
    file = save(draw(), "JPEG")
    with pytest.raises(TruncatedMediaError):
        _examine(examiner, file[: len(file) // 2])
    with pytest.raises(MislabelledMediaError, match=r"image/png.*image/jpeg"):
        _examine(examiner, file, "image/png")


def test_damaged_files_never_cost_a_worker(examiner: Sandbox) -> None:
    rng = random.Random(7)
    worker = examiner._alive
    for form in ("JPEG", "PNG", "WEBP"):
        whole = save(draw(), form)
        for _ in range(60):
            file = bytearray(whole)
            for _ in range(rng.randint(1, 5)):
                file[rng.randrange(len(file))] = rng.randrange(256)
            try:
                _examine(examiner, bytes(file))
            except MediaError:
                continue
    for _ in range(60):
        film = bytearray(FILM)
        film[rng.randrange(len(film))] ^= 1 << rng.randrange(8)
        with suppress(MediaError):
            _examine(examiner, bytes(film))
    assert examiner._alive == worker


def test_an_index_that_leads_beyond_the_mapped_file_is_refused(examiner: Sandbox) -> None:
    film = bytearray(FILM)
    at = film.index(b"stsz") + 8
    film[at : at + 4] = b"\x0f\xff\xff\xff"  # each sample is so long: FFmpeg seeks behind them
    with pytest.raises(CorruptMediaError, match="does not decode"):
        _examine(examiner, bytes(film))


def test_a_pixel_bomb_is_refused(examiner: Sandbox) -> None:
    with pytest.raises(MediaError, match="60000 pixels on one side"):
        _examine(examiner, png(chunk(b"IEND", b""), width=60_000, height=60_000))


def test_subtitles_need_nothing_that_a_worker_cannot_import(examiner: Sandbox) -> None:
    file = write(Film("webm", "libvpx", "vorbis"))
    assert _examine(examiner, subtitled(file)).content == _examine(examiner, file).content
