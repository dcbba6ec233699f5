"""The job module of this package: `examine`. Only workers import it; it loads decoders.

`examine`: {"declared": media type or null} and the file's descriptor →
`detection.examination.Examination`. It raises the `MediaError` that says why a file is refused.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

from PIL import Image

from detection.examination import Examination, to_result
from detection.fingerprint import fingerprint
from detection.kinds import Kind
from detection.media import decode, mapped
from detection.structure import Bytes
from detection.worker import Ask, Job


def examine(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """Decode a file and fingerprint it. Raises the subclasses of MediaError."""
    (descriptor,) = fds
    with mapped(descriptor) as data:
        return to_result(_examination(data, args["declared"])), []


def _examination(data: Bytes, declared: str | None) -> Examination:
    picture = decode(data, declared)
    return Examination(
        mime=picture.mime,
        width=picture.width,
        height=picture.height,
        size=len(data),
        decoder=picture.decoder,
        fingerprint=fingerprint(data, picture),
    )


def _rehearse() -> None:
    """Examine one small file of each kind, so that whatever loads late has loaded before files are out of
    reach.
    """
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in Kind:
        file = io.BytesIO()
        Image.new("RGB", (8, 8)).save(file, kind.value, exif=exif)
        _examination(file.getvalue(), kind.mime)


_rehearse()
JOBS: Final[Mapping[str, Job]] = {"examine": examine}
