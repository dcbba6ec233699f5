"""What an examination of a file finds, as it crosses from a worker to the parent.

Loads no decoder, so the parent can import it. What arrives is hostile: types, lengths and ranges are checked.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from detection.errors import WorkerProtocolError
from detection.limits import MAX_PIXELS, MAX_SIDE, MAX_UPLOAD_BYTES

Hex256 = Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}\z")]
Side = Annotated[int, Field(strict=True, ge=1, le=MAX_SIDE)]
NORMAL_FORM = "sigillo/pixels/v1"
"""What `pixel_hash` is a hash of; `detection.pixels` defines it."""

_CLOSED = ConfigDict(extra="forbid")


@with_config(_CLOSED)
@dataclass(frozen=True)
class Fingerprint:
    """Three ways to recognise a picture, in lower-case hex."""

    sha256: Hex256
    """Of the bytes as uploaded."""

    pixel_hash: Hex256
    """Of the normal form, see `detection.pixels`."""

    pdq: Hex256
    """256 bits, the first bit the highest: the hex form that others exchange."""

    pdq_quality: Annotated[int, Field(strict=True, ge=0, le=100)]


@with_config(_CLOSED)
@dataclass(frozen=True)
class Examination:
    """One file that decodes."""

    mime: Annotated[str, Field(strict=True, pattern=r"^image/(jpeg|png|webp)\z")]
    width: Side
    height: Side
    """Pixels as seen, the orientation applied."""

    size: Annotated[int, Field(strict=True, ge=1, le=MAX_UPLOAD_BYTES)]
    """Bytes of the file."""

    decoder: Annotated[str, Field(strict=True, pattern=r"^[ -~]{1,200}\z")]
    fingerprint: Fingerprint

    def __post_init__(self) -> None:
        if self.width * self.height > MAX_PIXELS:
            raise ValueError("more pixels than any worker decodes")


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
