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
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from detection.embedding.card import FORM, MAX_DIMENSIONS, ModelCard, read_card
from detection.errors import ModelCardError, WorkerProtocolError
from detection.examination import Hex256
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
class Embedding:
    """What one encoder makes of a picture."""

    model: Annotated[str, Field(strict=True, max_length=201)]
    """Name and version."""

    digest: Hex256
    """Of the encoder's file."""

    halves: Annotated[str, Field(strict=True, max_length=4 * MAX_DIMENSIONS)] = field(repr=False)
    """The direction as 16-bit floats, least byte first, in base64: a cosine moves by less than a thousandth."""

    @classmethod
    def of(cls, card: ModelCard, direction: NDArray[np.float32]) -> Self:
        """Of a direction of this encoder's."""
        return cls(str(card), card.digest, base64.b64encode(direction.astype("<f2").tobytes()).decode())

    @property
    def direction(self) -> NDArray[np.float32]:
        """(dimensions,), of unit length."""
        found = np.frombuffer(base64.b64decode(self.halves), "<f2").astype(np.float32)
        return found / np.float32(np.linalg.norm(found))


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


def embed(workers: Workers, encoder: Encoder, file: Memfd) -> Embedding:
    """What the encoder makes of the single picture in a file. Raises MediaError, EncoderUnusableError, and what
    `Sandbox.run` raises.
    """
    args = {"form": FORM.dump_python(encoder.card.form, mode="json")}
    seconds = EMBED_SECONDS + EMBED_SECONDS_PER_MEBIBYTE * file.size / 2**20
    with workers.run("embed", args, (file, encoder.file), timeout=seconds) as reply:
        return _parsed(reply.result, encoder.card)


@dataclass(frozen=True)
class Embedder:
    """An encoder, and the workers that run it for one kind of caller."""

    encoder: Encoder
    workers: Shares

    def embed(self, holder: str, file: Memfd) -> Embedding:
        """As `embed`, by the holder's share."""
        return embed(self.workers.of(holder), self.encoder, file)


def _parsed(result: dict[str, Any], card: ModelCard) -> Embedding:
    if result.get("digest") != card.digest:
        raise WorkerProtocolError(f"a worker has another encoder than {card}")
    try:
        direction = np.frombuffer(base64.b64decode(result["direction"], validate=True), "<f4")
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise WorkerProtocolError("no direction") from error
    if len(direction) != card.dimensions or not abs(float(np.linalg.norm(direction)) - 1) < UNIT_TOLERANCE:
        raise WorkerProtocolError(f"no direction of {card.dimensions} dimensions and unit length")
    return Embedding.of(card, direction)
