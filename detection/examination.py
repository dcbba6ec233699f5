"""What an examination of a file finds, as it crosses from a worker to the parent.

One shape for every medium: a picture has one frame, a film has many and a sound has none; what a medium lacks is
None or empty. Loads no decoder, so the parent can import it. What arrives is hostile: types, lengths and ranges are
checked.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from detection.errors import WorkerProtocolError
from detection.kinds import MIMES
from detection.limits import MAX_DURATION, MAX_FRAMES, MAX_PIXELS, MAX_SIDE, MAX_UPLOAD_BYTES, MAX_WINDOWS

Hex256 = Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}\z")]
Side = Annotated[int, Field(strict=True, ge=1, le=MAX_SIDE)]
Milliseconds = Annotated[int, Field(strict=True, ge=0, le=MAX_DURATION)]


class NormalForm(StrEnum):
    """What a content hash is a hash of, so that what wraps the content makes no difference."""

    PIXELS = "sigillo/pixels/v1"
    """The pixels of one picture: `detection.pixels`."""

    FRAMES = "sigillo/frames/v1"
    """The pictures of an animation and how long each is shown: `detection.timeline`."""

    BYTES = "sigillo/bytes/v1"
    """The bytes of the uploaded file: `detection.document`."""

    TRACKS = "sigillo/tracks/v1"
    """The tracks of a film or a sound file: `detection.recording`."""


_CLOSED = ConfigDict(extra="forbid")


@with_config(_CLOSED)
@dataclass(frozen=True)
class FrameHash:
    """How one frame looks."""

    at: Milliseconds
    """From the beginning; 0 for a picture that does not move."""

    pdq: Hex256
    """256 bits, the first bit the highest: the hex form that others exchange."""

    quality: Annotated[int, Field(strict=True, ge=0, le=100)]


@with_config(_CLOSED)
@dataclass(frozen=True)
class WindowHash:
    """What sounds in one stretch of time, exactly."""

    at: Milliseconds
    """Where the window begins."""

    sha256: Hex256


@with_config(_CLOSED)
@dataclass(frozen=True)
class Content:
    """What a decoder makes of a file: what one of the readers of `detection.media` returns."""

    decoder: Annotated[str, Field(strict=True, pattern=r"^[ -~]{1,200}\z")]
    """Who decoded it, with versions: decoders may differ in the last bit."""

    content_hash: Hex256
    """Of the content in its normal form."""

    normal_form: NormalForm
    width: Side | None = None
    height: Side | None = None
    """Pixels as seen, the orientation applied. None where there is nothing to see, and where pages differ."""

    duration: Milliseconds | None = None
    """None where nothing moves or sounds."""

    image_code: Hex256 | None = None
    """Of a picture that does not move: `detection.image_code`."""

    frames: Annotated[tuple[FrameHash, ...], Field(max_length=MAX_FRAMES)] = ()
    windows: Annotated[tuple[WindowHash, ...], Field(max_length=MAX_WINDOWS)] = ()

    def __post_init__(self) -> None:
        if (self.width or 1) * (self.height or 1) > MAX_PIXELS:
            raise ValueError("more pixels than any worker decodes")


@with_config(_CLOSED)
@dataclass(frozen=True)
class Examination:
    """One file that decodes."""

    mime: Annotated[str, Field(strict=True, pattern=f"^({'|'.join(MIMES)})\\z")]
    size: Annotated[int, Field(strict=True, ge=1, le=MAX_UPLOAD_BYTES)]
    """Bytes of the file."""

    sha256: Hex256
    """Of the bytes as uploaded."""

    content: Content


_EXAMINATION = TypeAdapter(Examination)


def to_result(examination: Examination) -> dict[str, Any]:
    """The JSON object of a job's result."""
    return asdict(examination)


def parse_examination(result: object) -> Examination:
    """What a worker's JSON object says. Raises WorkerProtocolError when no honest worker could say so."""
    try:
        return _EXAMINATION.validate_python(result)
    except ValidationError as error:
        raise WorkerProtocolError(f"not an examination: {error.error_count()} fields are wrong") from error
