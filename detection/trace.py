"""By what a file's edited copies are known, and what it may itself be a copy of: the content, and how it looks.

Rules
- Made where the file is, by a worker; what comes back is checked. It is compared and dropped.
- What shows too little to be known by (`copies.fingerprint.LEAST_QUALITY`) is known by its exact content alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from detection.copies.fingerprint import FORMS
from detection.errors import EmptyMediaError, WorkerProtocolError
from detection.examination import Hex256
from detection.limits import MAX_FRAMES
from detection.memfd import Memfd
from detection.shares import Workers


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Trace:
    """One file's."""

    content_hash: Hex256
    """Of the content in its normal form: the same for the very same content, whatever wraps it."""

    moves: bool
    """Whether it is anything but a single picture."""

    pdq: Annotated[tuple[Hex256, ...], Field(max_length=MAX_FRAMES)] = field(default=(), repr=False)
    """Of a picture: as it is, turned and mirrored. Of what moves: of its frames."""

    image_codes: Annotated[tuple[Hex256, ...], Field(max_length=FORMS)] = field(default=(), repr=False)
    """Of a picture, in the same order (`detection.image_code`)."""


_TRACE: Final = TypeAdapter(Trace)


def trace(workers: Workers, file: Memfd, seconds: float) -> Trace:
    """A worker looks at the file. Raises MediaError, and what `Sandbox.run` raises."""
    if not file.size:
        raise EmptyMediaError
    with workers.run("trace", {}, (file,), timeout=seconds) as reply:
        return parse_trace(reply.result)


def parse_trace(result: object) -> Trace:
    """What a worker said. Raises WorkerProtocolError."""
    try:
        return _TRACE.validate_python(result)
    except ValidationError as error:
        raise WorkerProtocolError(f"no trace: {error.error_count()} fields are wrong") from error
