"""What a file says beside its pixels: EXIF, XMP, and what containers and documents note of their making.

Anyone can write or remove any of it, so it proves nothing; what it is good for is to be compared with what somebody
claims. Loads no decoder, so the parent can import it. What arrives is hostile: lengths and counts are checked.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, with_config

from detection.errors import WorkerProtocolError

MAX_TEXT: Final = 200
MAX_VALUES: Final = 8
"""Of each kind: a file that names more software than that names enough."""

Text = Annotated[str, StringConstraints(strict=True, max_length=MAX_TEXT)]
Texts = Annotated[tuple[Text, ...], Field(max_length=MAX_VALUES)]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Metadata:
    """Of one file. Every text is a stranger's, bounded and free of control characters."""

    read: Annotated[bool, Field(strict=True)]
    """False where metadata of that kind of file are not read, or are damaged: then nothing is known."""

    software: Texts = ()
    """Programs that say they made or changed it."""

    camera: Text | None = None
    """Make and model."""

    captured_at: Text | None = None
    """When, RFC 3339; without an offset where the camera noted none."""

    source_types: Texts = ()
    """Digital source types, as IPTC's property in XMP has them."""

    prompted: Annotated[bool, Field(strict=True)] = False
    """Whether a generator left its prompt or parameters in it."""


UNREAD: Final = Metadata(read=False)
_METADATA: Final = TypeAdapter(Metadata)


def to_result(metadata: Metadata) -> dict[str, Any]:
    """The JSON object of a job's result."""
    return asdict(metadata)


def parse_metadata(result: object) -> Metadata:
    """What a worker's JSON object says. Raises WorkerProtocolError when no honest worker could say so."""
    try:
        return _METADATA.validate_python(result)
    except ValidationError as error:
        raise WorkerProtocolError(f"not metadata: {error.error_count()} fields are wrong") from error
