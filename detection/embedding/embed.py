"""Embedding a picture, seen from the parent: a worker does it, and what comes back is one direction.

Rules
- The encoder's file is read once, its digest compared with the card's, and kept in memory, sealed against writing: each
  worker is handed that, and no path.
- What arrives is hostile: the digest, the number of dimensions and the length are checked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from detection.embedding.card import FORM, Form, ModelCard, read_card
from detection.embedding.embedding import Embedding
from detection.errors import ModelCardError, WorkerProtocolError
from detection.memfd import CHUNK_BYTES, Memfd
from detection.shares import Shares, Workers

JOBS: Final = "detection.embedding.jobs"
"""What workers that embed can do: a pool of their own, since the network takes memory that others need not have."""

EMBED_SECONDS: Final = 30.0
EMBED_SECONDS_PER_MEBIBYTE: Final = 2.0
"""As an examination takes (`provenance.validation`): decoding is most of it."""

MAX_MODEL_BYTES: Final = 640 * 1024**2
"""Of an encoder's file: while it is loaded a worker holds it up to three times, of 3 GB (`detection.isolation`)."""

UNIT_TOLERANCE: Final = 1e-3


@dataclass(frozen=True)
class Encoder:
    """A model card, and the file that it is of."""

    card: ModelCard
    file: Memfd
    """Sealed; close it."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """From a model card. Raises ModelCardError for a card or a file that is not what it should be, and where ONNX
        Runtime is not installed.
        """
        card = read_card(path)
        if missing := absent():
            raise ModelCardError(missing)
        file = held(path.with_name(card.file))
        if (found := digest(file)) != card.digest:
            file.close()
            raise ModelCardError(f"{card.file} is another file than the one that {path} is of: its SHA-256 is {found}")
        return cls(card, file)


def absent() -> str:
    """What is missing here and how to get it; empty where workers can embed."""
    if find_spec("onnxruntime") is not None:
        return ""
    return "ONNX Runtime is not installed, and encoders run by it: pip install 'sigillo[encoder]'"


def held(path: Path) -> Memfd:
    """An encoder's file in memory, sealed; close it. Raises ModelCardError."""
    try:
        if not path.is_file() and path.exists():
            raise ModelCardError(f"{path} is no file: an encoder's ONNX file belongs there")
        with path.open("rb") as file:
            if (size := path.stat().st_size) > MAX_MODEL_BYTES:
                raise ModelCardError(f"{path} has {size} bytes, a worker has room for an encoder of {MAX_MODEL_BYTES}")
            return Memfd.of(iter(lambda: file.read(CHUNK_BYTES), b""))
    except OSError as error:
        raise ModelCardError(f"{path}: {error.strerror}") from error


def digest(file: Memfd) -> str:
    """SHA-256 in hex."""
    found = hashlib.sha256()
    for chunk in file.chunks():
        found.update(chunk)
    return found.hexdigest()


def embed(workers: Workers, encoder: Encoder, file: Memfd, *, begun: bool = False) -> Embedding:
    """What the encoder makes of the single picture in a file; `begun` as `Sandbox.run` has it.

    Raises MediaError, EncoderUnusableError, and what `Sandbox.run` raises.
    """
    card = encoder.card
    found, direction = run(workers, encoder.file, card.form, file, begun=begun)
    if found != card.digest or len(direction) != card.dimensions:
        raise WorkerProtocolError(f"a worker has another encoder than {card} of {card.dimensions} dimensions")
    return Embedding.of(card, direction)


def run(
    workers: Workers, model: Memfd, form: Form, file: Memfd, *, begun: bool = False
) -> tuple[str, NDArray[np.float32]]:
    """The digest of an ONNX file, and the direction that it makes of a picture. Raises as `embed`."""
    args = {"form": FORM.dump_python(form, mode="json")}
    seconds = EMBED_SECONDS + EMBED_SECONDS_PER_MEBIBYTE * file.size / 2**20
    with workers.run("embed", args, (file, model), timeout=seconds, begun=begun) as reply:
        return _parsed(reply.result)


@dataclass(frozen=True)
class Embedder:
    """An encoder, and the workers that run it for one kind of caller."""

    encoder: Encoder
    workers: Shares

    def embed(self, holder: str, file: Memfd, *, begun: bool = False) -> Embedding:
        """As `embed`, by the holder's share."""
        return embed(self.workers.of(holder), self.encoder, file, begun=begun)


def _parsed(result: dict[str, Any]) -> tuple[str, NDArray[np.float32]]:
    try:
        direction = np.frombuffer(base64.b64decode(result["direction"], validate=True), "<f4")
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise WorkerProtocolError("no direction") from error
    if not abs(float(np.linalg.norm(direction)) - 1) < UNIT_TOLERANCE:
        raise WorkerProtocolError("no direction of unit length")
    return str(result.get("digest")), direction
