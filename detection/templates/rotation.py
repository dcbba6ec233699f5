"""The keyed rotation that turns an embedding into directions whose signs are the template.

Rules
- The matrix follows from 32 bytes and the number of dimensions alone: SHAKE256 (FIPS 202) gives uniform numbers,
  Box-Muller makes them normal, Householder's QR makes blocks of them orthonormal and uniform among rotations.
- Between machines a matrix may differ in its last digits; a bit of a template then differs where a projection is as
  good as nothing, which no distance notices.
- It is no one-way function: whoever has the key recovers an embedding's direction from its bits, to within a few
  degrees (docs/threat-model.md has the number). The key is what protects a template, and so is sealing it.
"""

from __future__ import annotations

from hashlib import shake_256
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

BITS: Final = 512
"""Of a template: one for each direction."""

Matrix: TypeAlias = NDArray[np.float32]
"""(BITS, dimensions): each row a unit vector, rows of one block of `dimensions` at right angles."""


def rotation_matrix(key: bytes, dimensions: int) -> Matrix:
    """The matrix that 32 bytes of key stand for."""
    blocks = -(-BITS // dimensions)
    normals = _normals(key, blocks * dimensions * dimensions).reshape(blocks, dimensions, dimensions)
    return np.concatenate([_orthonormal(block) for block in normals])[:BITS].astype(np.float32)


def _orthonormal(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Uniform among rotations and reflections once the signs that QR leaves open are fixed (Mezzadri 2007)."""
    q, r = np.linalg.qr(block)
    return np.asarray(q * np.sign(np.diagonal(r)))


def _normals(key: bytes, count: int) -> NDArray[np.float64]:
    pairs = -(-count // 2)
    stream = np.frombuffer(shake_256(key).digest(16 * pairs), dtype="<u8").reshape(2, pairs)
    uniform = ((stream >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53
    radius, angle = np.sqrt(-2 * np.log(uniform[0])), 2 * np.pi * uniform[1]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]
