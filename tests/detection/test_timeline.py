"""Animations: what shows the same pictures for the same times hashes the same, and nothing else does."""

from __future__ import annotations

import hashlib
import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from detection.errors import CorruptMediaError, MediaTooLargeError
from detection.examination import Content, NormalForm
from detection.limits import MAX_ANIMATION_FRAMES, MAX_ANIMATION_PIXELS, MAX_DURATION, MAX_FRAMES
from detection.media import examine
from detection.pixels import normalised, pixel_hash
from detection.timeline import Shown, Timeline, frames_hash
from tests.detection.pictures import SAMPLES, animated, chunk, draw, png, save

LOSSLESS: dict[str, dict[str, object]] = {"PNG": {}, "WEBP": {"lossless": True, "exact": True}, "GIF": {}}


def _content(file: bytes) -> Content:
    return examine(file, None).content


def _solid(colour: int) -> Image.Image:
    """Few colours, so that a GIF holds them as they are."""
    pixels = np.zeros((8, 12, 3), np.uint8)
    pixels[2:6, 3:9] = colour, 255 - colour, colour // 2
    return Image.fromarray(pixels)


_MOMENTS = st.lists(
    st.tuples(
        st.integers(0, 3).map(lambda shade: shade * 80), st.integers(1, 50).map(lambda hundredths: hundredths * 10)
    ),
    min_size=1,
    max_size=6,
)


@given(moments=_MOMENTS)
def test_the_same_showing_agrees_in_every_format(moments: list[tuple[int, int]]) -> None:
    pictures, durations = [_solid(shade) for shade, _ in moments], [duration for _, duration in moments]
    files = [animated(pictures, durations, form, **options) for form, options in LOSSLESS.items()]
    files.append(animated(pictures, durations, "PNG", disposal=1, blend=0))
    files.append(animated(pictures, durations, "GIF", disposal=1, optimize=False))
    found = [_content(file) for file in files]
    assert len({(content.content_hash, content.normal_form, content.duration) for content in found}) == 1
    assert len({content.frames for content in found}) == 1


def test_transparent_frames_agree() -> None:
    pictures = [draw("RGBA", seed=seed) for seed in range(3)]
    one, other = (
        _content(animated(pictures, [20, 30, 40], form, disposal=disposal, blend=0, **options))
        for form, options, disposal in (("PNG", {}, 1), ("WEBP", LOSSLESS["WEBP"], 0))
    )
    assert one.content_hash == other.content_hash


@pytest.mark.parametrize("form", LOSSLESS)
def test_frames_have_times(form: str) -> None:
    content = _content(animated([_solid(shade) for shade in (10, 90, 200)], [100, 250, 40], form))
    assert [frame.at for frame in content.frames] == [0, 100, 350]
    assert (content.duration, content.width, content.height) == (390, 12, 8)
    assert content.normal_form is NormalForm.FRAMES


@pytest.mark.parametrize("form", LOSSLESS)
def test_order_time_and_pixels_count_and_repetition_does_not(form: str) -> None:
    pictures, durations = [_solid(shade) for shade in (10, 90, 200)], [100, 250, 40]
    options = LOSSLESS[form]
    original = _content(animated(pictures, durations, form, loop=0, **options)).content_hash
    assert _content(animated(pictures, durations, form, loop=7, **options)).content_hash == original
    others = [
        (pictures[::-1], durations),
        (pictures[:2], durations[:2]),
        (pictures, [100, 250, 50]),
        ([*pictures[:2], _solid(201)], durations),
    ]
    assert original not in {_content(animated(shown, times, form, **options)).content_hash for shown, times in others}


@pytest.mark.parametrize("form", LOSSLESS)
def test_what_does_not_move_is_a_picture(form: str) -> None:
    options = LOSSLESS[form]
    still, moving = _content(save(_solid(10), form, **options)), [_solid(10), _solid(10)]
    content = _content(animated(moving, [10, 10], form, **options))
    assert (content.content_hash, content.normal_form, content.duration) == (
        still.content_hash,
        NormalForm.PIXELS,
        None,
    )


def test_every_frame_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures = [draw(seed=seed) for seed in range(2)]
    turned = [picture.transpose(Image.Transpose.ROTATE_270) for picture in pictures]
    content = _content(animated(pictures, [10, 20], "PNG", exif=exif))
    assert content.content_hash == _content(animated(turned, [10, 20], "PNG")).content_hash
    assert (content.width, content.height) == (43, 61)


def test_a_picture_that_only_stands_for_an_animation_is_no_part_of_it() -> None:
    pictures = [_solid(shade) for shade in (0, 10, 90)]
    file = io.BytesIO()
    pictures[0].save(file, "PNG", save_all=True, append_images=pictures[1:], default_image=True, duration=[10, 20])
    assert _content(file.getvalue()).content_hash == _content(animated(pictures[1:], [10, 20], "PNG")).content_hash


def test_published_vector() -> None:
    """The form in bytes, so that another program can be held to it."""
    red, blue = (normalised(Image.new("RGB", (1, 1), colour)) for colour in ("red", "blue"))
    lines = f"sigillo/frames/v1\n30 {pixel_hash(red)}\n0 {pixel_hash(blue)}\n"
    shown = [Shown(pixel_hash(red), 30), Shown(pixel_hash(blue), 0)]
    assert frames_hash(shown) == hashlib.sha256(lines.encode()).hexdigest()
    timeline = Timeline(3)
    for picture, milliseconds in ((red, 10), (red, 20), (blue, 0)):
        timeline.show(picture, milliseconds)
    assert timeline.content("x").content_hash == frames_hash(shown)


def test_long_animations_are_looked_at_less_often() -> None:
    timeline = Timeline(MAX_FRAMES + 1)
    for shade in range(MAX_FRAMES + 1):
        timeline.show(Image.new("RGB", (2, 2), (shade % 256, shade // 256, 0)), 1)
    assert [frame.at for frame in timeline.content("x").frames] == list(range(0, MAX_FRAMES + 1, 2))


def _gif(frames: int, width: int, height: int) -> bytes:
    frame = b"\x2c" + bytes(4) + b"\1\0\1\0\0" + b"\2\2\x44\1\0"
    header = b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + b"\x80\0\0" + bytes(6)
    return header + frame * frames + b";"


def _png(frames: int) -> bytes:
    control = chunk(b"acTL", struct.pack(">II", frames, 0))
    return png(control, *[chunk(b"fcTL", bytes(26))] * frames, chunk(b"IEND", b""))


def _webp(frames: int) -> bytes:
    chunks = b"VP8X\n\0\0\0" + bytes(10) + b"ANMF\0\0\0\0" * frames
    return b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WEBP" + chunks


def _avif(frames: int) -> bytes:
    file = SAMPLES["moving avif"]
    at = file.index(b"stsz") + 12
    return file[:at] + frames.to_bytes(4) + file[at + 4 :]


@pytest.mark.parametrize(
    ("file", "field"),
    [
        *((make(MAX_ANIMATION_FRAMES + 1), "frames") for make in (_png, _webp, _avif)),
        (_gif(MAX_ANIMATION_FRAMES + 1, 1, 1), "frames"),
        (_gif(MAX_ANIMATION_PIXELS // 10**8 + 1, 10_000, 10_000), "pixels in all frames"),
    ],
)
def test_bombs_of_many_frames_are_refused(file: bytes, field: str) -> None:
    with pytest.raises(MediaTooLargeError) as caught:
        examine(file, None)
    assert caught.value.field == field


def test_nothing_is_shown_for_ever() -> None:
    timeline = Timeline(2)
    timeline.show(_solid(0), MAX_DURATION)
    with pytest.raises(MediaTooLargeError):
        timeline.show(_solid(1), 1)


def test_a_frame_outside_the_screen_is_refused() -> None:
    file = bytearray(_gif(2, 4, 4))
    file[file.index(b"\x2c") + 1] = 4
    with pytest.raises(CorruptMediaError, match="beyond the screen"):
        examine(bytes(file), None)


def test_one_broken_frame_breaks_the_file() -> None:
    file = bytearray(_gif(3, 4, 4))
    file[file.rindex(b"\x2c") + 10] = 13  # no such width of codes
    with pytest.raises(CorruptMediaError):
        examine(bytes(file), None)
