"""Embeddings as they are compared and stored, and the templates made of them.

Rules
- An embedding is unit length and of its model's dimensions; what is neither is refused before anything is made of it.
- A template is BITS bits, the signs of the rotated embedding. Two embeddings at an angle differ in about
  angle / π of them; the same embedding under two keys, in half.
- Whoever has one of the two embeddings knows more than its signs: a direction in which it is long counts for more than
  one in which its sign is chance. Weighed so, a template tells a cosine of .55 to within .03, where counting bits
  tells it to within .045.
"""

from __future__ import annotations

import math
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
AT_ONCE: Final = 512
"""Templates that are weighed together: their bits take forty times the memory as numbers, which so stays small."""

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


def rotated(embeddings: Vectors, rotation: Matrix) -> Vectors:
    """(count, BITS): how long each is in each direction."""
    lengths: Vectors = embeddings @ rotation.T
    return lengths


def signs(lengths: Vectors) -> NDArray[np.uint8]:
    """(count, TEMPLATE_BYTES) of (count, BITS), or of one alone: the template of what was `rotated`."""
    bits: NDArray[np.uint8] = np.packbits(lengths >= 0, axis=-1)
    return bits


def encode(embeddings: Vectors, rotation: Matrix) -> NDArray[np.uint8]:
    """(count, TEMPLATE_BYTES): a template of each."""
    return signs(rotated(embeddings, rotation))


def estimates(lengths: NDArray[np.float32], templates: NDArray[np.uint8], dimensions: int) -> NDArray[np.float32]:
    """(count,): the cosine between an embedding that was `rotated`, (BITS,), and that of each template, about.

    A unit vector's expected length in a direction drawn at random is what a sign is worth for each of cosine.
    """
    added = np.empty(len(templates), dtype=np.float32)
    for start in range(0, len(templates), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        added[some] = np.unpackbits(templates[some], axis=1) @ lengths
    signed = 2 * added - lengths.sum()
    worth = math.exp(math.lgamma(dimensions / 2) - math.lgamma((dimensions + 1) / 2)) / math.sqrt(math.pi)
    cosines: NDArray[np.float32] = signed / np.float32(BITS * worth)
    return cosines


def to_bytes(vector: NDArray[np.float32]) -> bytes:
    """An embedding as it is sealed: little-endian 32-bit floats."""
    return vector.astype("<f4").tobytes()


def from_bytes(opened: Sequence[bytes], dimensions: int) -> Vectors:
    """Opened embeddings again. Raises SealBrokenError when one has other dimensions."""
    if any(len(one) != 4 * dimensions for one in opened):
        raise SealBrokenError(f"a stored embedding is not of {dimensions} dimensions")
    return np.frombuffer(b"".join(opened), dtype="<f4").reshape(-1, dimensions)
