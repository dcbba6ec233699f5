"""Every refusal of a file has its own error; whole files of every mode decode."""

from __future__ import annotations

import base64
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from detection.errors import (
    CorruptMediaError,
    EmptyMediaError,
    MediaError,
    MediaTooLargeError,
    MislabelledMediaError,
    TruncatedMediaError,
    UnrecognisedMediaError,
    UnsupportedMediaError,
)
from detection.kinds import Kind
from detection.limits import MAX_METADATA_BYTES, MAX_SEGMENTS, MAX_UPLOAD_BYTES
from detection.media import examine, mapped
from detection.memfd import Memfd
from detection.outlines.boxes import boxes
from tests.detection.pictures import MODES, SAMPLES, chunk, decoded, draw, png, save


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_decodes(mode: str) -> None:
    form = "JPEG" if mode == "CMYK" else "PNG"
    picture = decoded(save(draw(mode), form))
    assert (picture.width, picture.height) == (61, 43)


@pytest.mark.parametrize("name", SAMPLES)
@given(share=st.floats(0, 1, exclude_max=True))
def test_no_truncated_file_decodes(name: str, share: float) -> None:
    whole = SAMPLES[name]
    with pytest.raises((TruncatedMediaError, EmptyMediaError, UnrecognisedMediaError)):
        examine(whole[: int(len(whole) * share)], None)


@pytest.mark.parametrize("name", ["avif", "clear avif", "moving avif", "heic", "tiled heic"])
def test_a_file_cut_between_its_boxes_is_truncated(name: str) -> None:
    for box in boxes(SAMPLES[name], Kind.AVIF):
        if box.end < len(SAMPLES[name]):
            with pytest.raises(TruncatedMediaError):
                examine(SAMPLES[name][: box.end], None)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_last_byte_counts(name: str) -> None:
    with pytest.raises(TruncatedMediaError):
        examine(SAMPLES[name][:-1], None)


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
def test_flipped_bits_decode_or_are_refused(name: str, data: st.DataObject) -> None:
    file = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(0, len(file) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with suppress(MediaError):
        examine(bytes(file), None)


def test_what_a_decoder_only_warns_of_is_no_damage() -> None:
    file = bytearray(SAMPLES["tiff"])
    entry = file.index(struct.pack("<HHI", 284, 3, 1))
    file[entry + 4] = 2
    assert examine(bytes(file), None).content == examine(SAMPLES["tiff"], None).content


@given(st.binary(max_size=200))
def test_noise_after_a_signature_is_refused(noise: bytes) -> None:
    for head in (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\x00\x00\x00WEBPVP8L"):
        with pytest.raises(MediaError):
            examine(head + noise, None)


def test_every_flip_in_image_data_of_a_png_is_noticed() -> None:
    file = bytearray(SAMPLES["png"])
    start = file.index(b"IDAT") + 4
    for at in range(start, start + 64):
        file[at] ^= 1
        with pytest.raises(CorruptMediaError):
            examine(bytes(file), None)
        file[at] ^= 1


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (b"", EmptyMediaError),
        (b"abcd", UnrecognisedMediaError),
        (b"\xff\xd8\xff\xe0", TruncatedMediaError),
        (b"just some text, nothing else", UnrecognisedMediaError),
        (b"GIF89a" + bytes(20), CorruptMediaError),
        (b"GIF89a\1\0\1\0\0\0\0;", CorruptMediaError),
        (SAMPLES["gif"][:6] + b"\0\0\0\0" + SAMPLES["gif"][10:], CorruptMediaError),
        (SAMPLES["moving png"].replace(b"acTL", b"acTX"), CorruptMediaError),
        (b"8BPS" + bytes(20), UnsupportedMediaError),
        (b"\x00\x00\x00\x18ftypheic" + bytes(20), TruncatedMediaError),
        (b"\x00\x00\x00\x18ftypmsf1" + bytes(20), UnsupportedMediaError),
        (b"%PDF-1.7", TruncatedMediaError),
        (b"\x00\x00\x00\x18ftypisom" + bytes(20), CorruptMediaError),
        (b"RIFF\x04\x00\x00\x00WAVE", CorruptMediaError),
        (SAMPLES["jpeg"][:2] + b"\xff\xd9", CorruptMediaError),
        (b"\xff\xd8\xff\xe0\x00\x01" + bytes(20), CorruptMediaError),
        (png(chunk(b"IEND", b"")), CorruptMediaError),
        (png(chunk(b"IDAT", zlib.compress(b"\0")), chunk(b"IEND", b"")), TruncatedMediaError),
        (png(chunk(b"IEND", b""), width=0), CorruptMediaError),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), CorruptMediaError),
        (png(chunk(b"IDAT", zlib.compress(b"\0\0")), chunk(b"IEND", b""), colour=3), CorruptMediaError),
        (b"RIFF\x04\x00\x00\x00WEBP", CorruptMediaError),
    ],
)
def test_each_damage_has_its_error(file: bytes, error: type[MediaError]) -> None:
    with pytest.raises(error):
        examine(file, None)


@pytest.mark.parametrize(
    ("file", "field"),
    [
        (png(chunk(b"IEND", b""), width=60_000, height=60_000), "pixels on one side"),
        (png(chunk(b"IEND", b""), width=30_000, height=30_000), "pixels"),
        (png(*[chunk(b"teSt", b"")] * (MAX_SEGMENTS + 1), chunk(b"IEND", b"")), "segments"),
        (png(chunk(b"teSt", bytes(MAX_METADATA_BYTES + 1)), chunk(b"IEND", b"")), "bytes of metadata"),
        (
            b"\xff\xd8" + (b"\xff\xe1\xff\xff" + bytes(65533)) * 129 + SAMPLES["jpeg"][2:],
            "bytes of metadata",
        ),
        (SAMPLES["jpeg"][:-2] + b"\xff\xda\x00\x02" * 100 + b"\xff\xd9", "scans"),
    ],
)
def test_bombs_are_refused_before_pixels_are_decoded(file: bytes, field: str) -> None:
    with pytest.raises(MediaTooLargeError) as caught:
        examine(file, None)
    assert caught.value.field == field
    assert caught.value.actual > caught.value.limit


def test_a_text_that_unpacks_without_end_is_refused() -> None:
    bomb = b"title\0\0" + zlib.compress(bytes(50_000_000))
    with pytest.raises(CorruptMediaError):
        examine(SAMPLES["png"][:33] + chunk(b"zTXt", bomb) + SAMPLES["png"][33:], None)


@pytest.mark.parametrize(
    "declared", [None, "", "image/jpeg", "IMAGE/JPEG; q=1", "image/jpg", "application/octet-stream"]
)
def test_a_fitting_declaration_passes(declared: str | None) -> None:
    assert examine(SAMPLES["jpeg"], declared).mime == "image/jpeg"


@pytest.mark.parametrize("declared", ["image/png", "image/heic", "text/plain", "jpeg"])
def test_a_wrong_declaration_is_named(declared: str) -> None:
    with pytest.raises(MislabelledMediaError) as caught:
        examine(SAMPLES["jpeg"], declared)
    assert (caught.value.declared, caught.value.actual) == (declared, "image/jpeg")


def test_a_phone_photo_with_more_pictures_is_its_first() -> None:
    first, second = draw(seed=1), draw(seed=2, width=20)
    file = save(first, "MPO", save_all=True, append_images=[second])
    picture = decoded(file)
    assert picture.tobytes() == decoded(save(first, "JPEG")).tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_picture_is_upright(orientation: int, form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decoded(save(draw(), form, exif=exif))
    assert (picture.width, picture.height) == ((61, 43) if orientation < 5 else (43, 61))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF|Truncated File Read")
@pytest.mark.parametrize("block", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0" + bytes(50)])
def test_unreadable_exif_leaves_the_picture_as_stored(block: bytes) -> None:
    picture = decoded(save(draw(), "JPEG", exif=block))
    assert (picture.width, picture.height) == (61, 43)


def test_a_header_that_lies_about_the_size_is_refused() -> None:
    file = bytearray(save(draw(), "WEBP", lossless=True, exif=b"Exif\0\0II*\0"))
    assert file[12:16] == b"VP8X"
    file[24] += 1
    with pytest.raises(CorruptMediaError):
        examine(bytes(file), None)


def test_the_decoder_is_named_with_its_version() -> None:
    decoder = examine(SAMPLES["webp"], None).content.decoder
    assert decoder.startswith("Pillow ")
    assert "libwebp" in decoder


def test_files_are_bounded_before_they_are_read() -> None:
    with Memfd.create() as memfd:
        with pytest.raises(EmptyMediaError), mapped(memfd.fileno()):
            pass
        memfd._file.truncate(MAX_UPLOAD_BYTES + 1)
        with pytest.raises(MediaTooLargeError), mapped(memfd.fileno()):
            pass


def test_errors_say_what_to_do() -> None:
    with pytest.raises(UnsupportedMediaError, match="moving HEIC is not accepted here: convert the file"):
        examine(base64.b64decode("AAAAGGZ0eXBoZXZj"), None)
