"""Embeddings as they are compared and stored, and the templates made of them.

Rules
- An embedding is unit length and of its model's dimensions; what is neither is refused before anything is made of it.
- A template is BITS bits, the signs of the rotated embedding. Two embeddings at an angle differ in about
  angle / π of them; the same embedding under two keys, in half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detection.errors import EmbeddingRefusedError
from detection.templates.rotation import BITS, Matrix
from keys.errors import SealBrokenError

Embedding: TypeAlias = Sequence[float]
"""What a face model makes of a face: unit length."""

Vectors: TypeAlias = NDArray[np.float32]
"""(count, dimensions), each of unit length."""

TEMPLATE_BYTES: Final = BITS // 8
_UNIT: Final = 0.01
"""How far from 1 a length may be: a worker rounds."""


def vectors(embeddings: Sequence[Embedding], dimensions: int) -> Vectors:
    """Embeddings of one model, made exactly unit length. Raises EmbeddingRefusedError."""
    if any(len(one) != dimensions for one in embeddings):
        raise EmbeddingRefusedError(f"an embedding is not of {dimensions} dimensions")
    found = np.asarray(embeddings, dtype=np.float64).reshape(-1, dimensions)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    if not np.all(np.abs(lengths - 1) <= _UNIT):  # false for what is no number, too
        raise EmbeddingRefusedError("an embedding is not of unit length")
    unit: Vectors = (found / lengths).astype(np.float32)
    return unit


def encode(embeddings: Vectors, rotation: Matrix) -> NDArray[np.uint8]:
    """(count, TEMPLATE_BYTES): a template of each."""
    bits: NDArray[np.uint8] = np.packbits(embeddings @ rotation.T >= 0, axis=1)
    return bits


def to_bytes(vector: NDArray[np.float32]) -> bytes:
    """An embedding as it is sealed: little-endian 32-bit floats."""
    return vector.astype("<f4").tobytes()


def from_bytes(opened: Sequence[bytes], dimensions: int) -> Vectors:
    """Opened embeddings again. Raises SealBrokenError when one has other dimensions."""
    if any(len(one) != 4 * dimensions for one in opened):
        raise SealBrokenError(f"a stored embedding is not of {dimensions} dimensions")
    return np.frombuffer(b"".join(opened), dtype="<f4").reshape(-1, dimensions)
