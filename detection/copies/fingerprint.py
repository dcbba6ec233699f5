"""The fingerprint that one picture and its near copies are found by: PDQ, of the picture as it is, turned and mirrored.

Rules
- Made where the picture is, on its owner's device: the service gets these numbers and never the picture. Whoever has
  them can tell whether another picture is a near copy, and may draw a blurred sketch of it: they are kept sealed.
- What says too little is refused: at a quality below LEAST_QUALITY, flat colours and blank pages are alike.
- A crop of a tenth, or a turn by a few degrees, is no near copy (docs/limitations.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from detection.errors import FingerprintRefusedError, WorkerProtocolError
from detection.examination import Content, Hex256
from detection.memfd import Memfd
from detection.shares import Workers

FORMS: Final = 8
"""As it is, turned by a quarter, a half and three, and each of these mirrored."""

PDQ: Final = "pdq@1"
"""By what pictures are described, on record with each."""

HASH_BYTES: Final = 32
REACH: Final = 31
"""Bits of 256 in which a near copy may differ; different pictures differ in 90 and more (Meta's rule for PDQ)."""

LEAST_QUALITY: Final = 50
"""Of 100; what has less is not matched (Meta's rule)."""

JOBS: Final = "detection.jobs"
"""What workers that take fingerprints can do."""

Bits = NDArray[np.uint8]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Fingerprint:
    """One picture's."""

    forms: Annotated[tuple[Hex256, ...], Field(min_length=FORMS, max_length=FORMS)] = field(repr=False)
    """The first is the picture as it is."""

    quality: Annotated[int, Field(strict=True, ge=0, le=100)]

    def require_distinct(self) -> None:
        """Raises FingerprintRefusedError."""
        if self.quality < LEAST_QUALITY:
            raise FingerprintRefusedError(
                "faint",
                f"too little is to be seen in this picture to know its copies by: "
                f"its quality is {self.quality} of 100, and {LEAST_QUALITY} is needed",
            )

    def to_bytes(self) -> bytes:
        """The forms, one after the other."""
        return b"".join(bytes.fromhex(form) for form in self.forms)


_FINGERPRINT: Final = TypeAdapter(Fingerprint)


def recognisable(content: Content) -> bool:
    """Whether a file is a single picture that says enough to be known by."""
    return content.image_code is not None and any(frame.quality >= LEAST_QUALITY for frame in content.frames)


def fingerprint(workers: Workers, file: Memfd, declared: str | None = None) -> Fingerprint:
    """Of a picture that does not move; a worker decodes it. Raises MediaError, and what `Sandbox.run` raises."""
    with workers.run("fingerprint", {"declared": declared}, (file,)) as reply:
        return parse_fingerprint(reply.result)


def parse_fingerprint(result: object) -> Fingerprint:
    """What a worker said. Raises WorkerProtocolError."""
    try:
        return _FINGERPRINT.validate_python(result)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise WorkerProtocolError(f"no fingerprint: {faults}") from error


def from_hex(hashes: list[str]) -> Bits:
    """One row of HASH_BYTES for each."""
    return from_bytes(b"".join(map(bytes.fromhex, hashes)))


def from_bytes(hashes: bytes, width: int = HASH_BYTES) -> Bits:
    """The same of the bytes themselves, `width` of them for each."""
    return np.frombuffer(hashes, dtype=np.uint8).reshape(-1, width)


def nearest(probes: Bits, known: Bits) -> int:
    """In how many bits the two that are most alike differ; 256 where there is nothing to compare."""
    if not len(probes) or not len(known):
        return 8 * HASH_BYTES
    return int(np.bitwise_count(probes[:, None, :] ^ known[None, :, :]).sum(axis=2, dtype=np.int64).min())
