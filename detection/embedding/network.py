"""An encoder's network, loaded, and what it makes of a picture. Runs in sandboxed workers only.

Rules
- The file is parsed after isolation, as every other file of somebody else's is.
- One thread: the pool of workers is the parallelism. ONNX Runtime's telemetry, which starts a thread as it loads and
  calls its maker, is switched off first; out of a worker it would reach nobody.
- A network that is no encoder of pictures is refused, and why: nothing is guessed of its inputs and outputs.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from detection.embedding.card import MAX_DIMENSIONS, Fit, Form
from detection.errors import EncoderUnusableError
from detection.fingerprint import as_seen

SEEN_SIDE: Final = 2048
"""Pixels on the longer side of the picture that is made as small as the network takes it."""

_FATAL: Final = 4
_TAKES: Final = "it must take one input: float32 of (1, 3, side, side), or bytes of (1, side, side, 3)"

Direction: TypeAlias = NDArray[np.float32]
"""(dimensions,), of unit length."""


@dataclass(frozen=True)
class Network:
    """For one thread."""

    session: onnxruntime.InferenceSession
    digest: str
    """SHA-256 in hex of the file."""

    @classmethod
    def load(cls, file: bytes) -> Network:
        """From an ONNX file. Raises EncoderUnusableError."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL
        try:
            session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its classes have no base of their own
            raise EncoderUnusableError(reason=_said(error)) from error
        taken = [(one.type, one.shape) for one in session.get_inputs()]
        match taken:
            case [("tensor(float)", [_, _, _, _])] | [("tensor(uint8)", [_, _, _, 3])]:
                return cls(session, hashlib.sha256(file).hexdigest())
        raise EncoderUnusableError(reason=f"{_TAKES}; it takes {taken}"[:300])

    def embed(self, picture: Image.Image, form: Form) -> Direction:
        """The direction of an upright picture in normal form (`detection.pixels`). Raises EncoderUnusableError."""
        (taken,) = self.session.get_inputs()
        by_bytes = taken.type == "tensor(uint8)"
        if by_bytes and (form.mean, form.std) != (Form(form.side).mean, Form(form.side).std):
            raise EncoderUnusableError(reason="it takes bytes, of which no mean is taken and no share")
        try:
            shown = np.asarray(squared(picture, form))[None] if by_bytes else put(picture, form)
            made: Any = self.session.run(None, {taken.name: shown})[0]
        except Exception as error:  # as above
            raise EncoderUnusableError(reason=_said(error)) from error
        found = np.asarray(made, np.float32).ravel()
        length = float(np.linalg.norm(found))
        if np.shape(made) != (1, len(found)) or len(found) > MAX_DIMENSIONS or not np.isfinite(length) or not length:
            raise EncoderUnusableError(reason="its first output must be one direction, (1, dimensions)")
        return found / np.float32(length)


def squared(picture: Image.Image, form: Form) -> Image.Image:
    """An upright picture in normal form as the square that the network is shown, RGB."""
    seen = as_seen(picture, SEEN_SIDE)
    return seen.resize((form.side, form.side), Image.Resampling.BICUBIC, _box(seen, form.fit))


def put(picture: Image.Image, form: Form) -> NDArray[np.float32]:
    """The same as (1, 3, side, side)."""
    mean, std = np.asarray(form.mean, np.float32), np.asarray(form.std, np.float32)
    scaled = (np.asarray(squared(picture, form), np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def _box(seen: Image.Image, fit: Fit) -> tuple[float, float, float, float]:
    """The part that is shown to the network."""
    width, height = seen.size
    if fit is Fit.SQUASH:
        return 0, 0, width, height
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
