"""The job module of this package: `embed`. Only workers import it; it loads decoders and ONNX Runtime.

`embed`: {"form": `detection.embedding.card.Form`}, the descriptors of a file and of an encoder's ONNX file → the file's
direction, 32-bit floats in base64, and the digest of that ONNX file. Of a single picture; whatever else is refused, as
the `MediaError` that says why. Raises EncoderUnusableError.

What stays between two jobs is the last network. What it is of says its digest, which the parent compares.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any, Final

# Decoders load late, each with its first file, and this module is imported before isolation.
import detection.jobs
from detection import media
from detection.embedding.card import FORM
from detection.embedding.network import Network
from detection.worker import Ask, Job

_held: dict[tuple[int, int], Network] = {}
"""The last one, by the memory file that it came in."""


def embed(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """As this module says."""
    file, model = fds
    network = _network(model)
    with media.mapped(file) as data:
        direction = network.embed(media.still(data, None), FORM.validate_python(args["form"]))
    return {"digest": network.digest, "direction": base64.b64encode(direction.tobytes()).decode()}, []


def _network(model: int) -> Network:
    status = os.fstat(model)
    held = status.st_dev, status.st_ino
    if held not in _held:
        _held.clear()  # first: two may be more than a worker has room for
        with os.fdopen(model, "rb", closefd=False) as file:
            _held[held] = Network.load(file.read())
    return _held[held]


JOBS: Final[Mapping[str, Job]] = {**detection.jobs.JOBS, "embed": embed}
