"""The public-domain portrait of the repository (NASA, Eileen Collins), and what people might send instead of it."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

PORTRAIT_FILE = Path(__file__).parents[3] / "api" / "cli" / "astronaut.jpg"
PORTRAIT = Image.open(PORTRAIT_FILE).convert("RGB")
FACE = (178, 62, 269, 176)
"""Where her face is: left, top, right, bottom."""

AROUND = (124, 20, 324, 220)


_UNDONE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def jpeg(picture: Image.Image, **options: Any) -> bytes:
    """The picture as a file."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92, **options)
    return file.getvalue()


def stored_turned(orientation: int) -> bytes:
    """Stored turned or mirrored, with the EXIF orientation that makes viewers show it upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return jpeg(PORTRAIT.transpose(_UNDONE[orientation]), exif=exif)


def mirrored() -> Image.Image:
    return ImageOps.mirror(PORTRAIT)


def sized(side: int) -> Image.Image:
    """Her face `side` pixels wide."""
    width = round(PORTRAIT.width * side / (FACE[2] - FACE[0]))
    return PORTRAIT.resize((width, width))


def blurred() -> Image.Image:
    return PORTRAIT.filter(ImageFilter.GaussianBlur(3))


def lit(brightness: float, contrast: float = 1.0) -> Image.Image:
    return ImageEnhance.Contrast(ImageEnhance.Brightness(PORTRAIT).enhance(brightness)).enhance(contrast)


def crowd(count: int, columns: int = 5) -> Image.Image:
    """So many of her."""
    one = PORTRAIT.crop(AROUND)
    picture = Image.new("RGB", (one.width * columns, one.height * -(-count // columns)), "grey")
    for at in range(count):
        picture.paste(one, (one.width * (at % columns), one.height * (at // columns)))
    return picture


def masked() -> Image.Image:
    """A surgical mask from nose to chin."""
    picture = PORTRAIT.copy()
    ImageDraw.Draw(picture).polygon([(182, 125), (265, 125), (262, 165), (225, 180), (188, 165)], fill=(190, 220, 235))
    return picture


def cut_off() -> Image.Image:
    """A third of her face is beyond the edge."""
    return sized(180).crop((0, 0, 475, 1013))


def turned_away(radians: float = 1.0) -> Image.Image:
    """Her head turned, as an egg with a nose that the portrait is laid on: no profile of her may be had."""
    left, top, right, bottom = FACE
    x, y, radius = (left + right) / 2, (top + bottom) / 2, 0.75 * (right - left)
    across, down = np.meshgrid(np.arange(x - 100, x + 100, 0.5), np.arange(y - 100, y + 100, 0.5))
    source, down = across - x, down - y
    for _ in range(60):  # of the place that is seen there, which lies as deep as it does
        egg = np.sqrt(np.maximum(0, 1 - (source / radius) ** 2 - (down / radius / 1.4) ** 2))
        nose = 0.5 * np.exp(-((source / 9) ** 2) - ((down - 6) / 14) ** 2)
        source += 0.3 * (((across - x) - radius * (egg + nose) * np.sin(radians)) / np.cos(radians) - source)
    pixels = np.asarray(PORTRAIT)
    columns, rows = (np.clip(place, 0, 511).astype(int) for place in (source + x, down + y))
    return Image.fromarray(pixels[rows, columns])


def printed() -> Image.Image:
    """A print of the portrait that lies on a table, photographed a little askew."""
    table = (120, 110, 100)
    picture = Image.new("RGB", (900, 900), table)
    picture.paste(PORTRAIT.resize((450, 450)).rotate(7, expand=True, fillcolor=table), (200, 200))
    return ImageEnhance.Contrast(picture).enhance(0.7)


def drawn() -> Image.Image:
    """A face as children draw it."""
    picture = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((100, 60, 300, 340), outline="black", width=4, fill=(250, 220, 200))
    for x in (160, 240):
        draw.ellipse((x - 18, 160, x + 18, 180), outline="black", fill="white", width=3)
        draw.ellipse((x - 7, 163, x + 7, 177), fill="black")
        draw.arc((x - 25, 135, x + 25, 165), 200, 340, fill="black", width=5)
    draw.line((200, 180, 190, 235, 208, 238), fill="black", width=4)
    draw.arc((160, 240, 240, 290), 20, 160, fill=(180, 40, 40), width=6)
    return picture


def landscape() -> Image.Image:
    """A gradient of hills: nobody is there."""
    return Image.linear_gradient("L").resize((640, 480)).convert("RGB").filter(ImageFilter.GaussianBlur(2))


def animation(*pictures: Image.Image, milliseconds: int = 400) -> bytes:
    """A GIF that shows them one after another."""
    file = io.BytesIO()
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=milliseconds)
    return file.getvalue()


def film(*pictures: Image.Image) -> bytes:
    """A film that shows each for a second."""
    file, size = io.BytesIO(), (480, 480)
    with av.open(file, "w", format="mp4") as container:
        video: Any = container.add_stream("libx264", rate=2, options={"crf": "18"})
        video.width, video.height = size
        video.codec_context.thread_count = 1
        for at in range(2 * len(pictures)):
            shown = np.asarray(pictures[at // 2].convert("RGB").resize(size))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 2)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return file.getvalue()
