from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from detection.templates.index import LEAD_BYTES, LEAD_REACH
from detection.templates.matcher import LEAST, REACH
from detection.templates.rotation import BITS, Matrix, rotation_matrix
from detection.templates.template import Embedding, Vectors, encode, estimates, rotated, vectors
from detection.templates.thresholds import THRESHOLDS
from tests.detection.templates.registered import all_alike, strangers

KEY = bytes(range(32))


def away(
    faces: list[Embedding], others: list[Embedding], key: bytes = KEY, other_key: bytes = KEY
) -> NDArray[np.int64]:
    """In how many bits each differs from its other."""
    counted: NDArray[np.int64] = np.bitwise_count(apart(faces, others, key, other_key)).sum(axis=1)
    return counted


def apart(faces: list[Embedding], others: list[Embedding], key: bytes, other_key: bytes) -> NDArray[np.uint8]:
    """In which."""
    one, other = (
        encode(vectors(some, 128), rotation_matrix(by, 128)) for some, by in ((faces, key), (others, other_key))
    )
    return one ^ other


def test_a_key_makes_one_matrix_everywhere() -> None:
    """To the digits that machines agree upon: templates outlive the machine that made them."""
    matrix = rotation_matrix(KEY, 128)
    picked = [*matrix[0, :3], *matrix[300, 60:62], matrix[511, 127]]
    assert picked == pytest.approx([0.022139, -0.032263, 0.212944, 0.090709, 0.022341, 0.003589], abs=1e-5)
    assert not np.allclose(matrix, rotation_matrix(bytes(32), 128), atol=0.1)


@pytest.mark.parametrize("dimensions", [64, 100, 128, 512])
def test_blocks_are_orthonormal(dimensions: int) -> None:
    matrix = rotation_matrix(KEY, dimensions)
    assert matrix.shape == (BITS, dimensions)
    for start in range(0, BITS, dimensions):
        block = matrix[start : start + dimensions]
        assert np.abs(block @ block.T - np.eye(len(block))).max() < 1e-5


def test_bits_differ_as_the_angle_says() -> None:
    faces = strangers(2000)
    for cosine in (0.9, 0.75, 0.55, 0.0):
        others = all_alike(faces, cosine)
        assert away(faces, others).mean() / BITS == pytest.approx(math.acos(cosine) / math.pi, abs=0.003)


def test_under_another_key_nothing_is_alike() -> None:
    faces = strangers(2000)
    assert away(faces, faces, KEY, bytes(32)).mean() / BITS == pytest.approx(0.5, abs=0.003)


def test_whoever_is_possible_is_in_reach_and_strangers_are_far() -> None:
    faces = strangers(10_000)
    possible, likely = (all_alike(faces, cosine) for cosine in (THRESHOLDS.possible, 0.65))
    assert (away(faces, possible) <= REACH).mean() > 0.9995
    assert (away(faces, likely) <= REACH).all()
    assert (away(faces, faces[1:] + faces[:1]) > REACH).mean() > 0.999


@pytest.mark.parametrize("dimensions", [64, 128, 512])
def test_a_template_tells_the_cosine(dimensions: int) -> None:
    """To whoever has one of the two faces, and better than the bits alone do."""
    matrix, faces = rotation_matrix(KEY, dimensions), strangers(4000, dimensions=dimensions)
    for cosine in (0.75, THRESHOLDS.possible, 0.0):
        told, counted = _told(faces, all_alike(faces, cosine), matrix)
        assert told.mean() == pytest.approx(cosine, abs=0.003)
        assert told.std() < 0.8 * counted.std()


def test_many_templates_are_weighed_as_one_by_one() -> None:
    """And in little memory, however many are near."""
    matrix, faces = rotation_matrix(KEY, 128), vectors(strangers(3000), 128)
    lengths, templates = rotated(faces[:1], matrix)[0], encode(faces, matrix)
    tracemalloc.start()
    together = estimates(lengths, templates, 128)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    one_by_one = [estimates(lengths, templates[n : n + 1], 128)[0] for n in range(3000)]
    assert together == pytest.approx(np.asarray(one_by_one), abs=1e-5)
    assert estimates(lengths, templates[:0], 128).shape == (0,)
    assert most < 3_000_000


def _told(faces: list[Embedding], others: list[Embedding], matrix: Matrix) -> tuple[Vectors, Vectors]:
    """The cosine of each pair by weighing, and by counting bits."""
    dimensions = matrix.shape[1]
    lengths, templates = rotated(vectors(faces, dimensions), matrix), encode(vectors(others, dimensions), matrix)
    weighed = [estimates(one, templates[n : n + 1], dimensions)[0] for n, one in enumerate(lengths)]
    apart = np.bitwise_count(np.packbits(lengths >= 0, axis=1) ^ templates).sum(axis=1)
    return np.asarray(weighed), np.cos(np.pi * apart / BITS)


def test_who_may_be_possible_is_opened_and_no_stranger_is() -> None:
    faces = strangers(10_000)
    matrix = rotation_matrix(KEY, 128)
    possible, likely = (_told(faces, all_alike(faces, cosine), matrix)[0] for cosine in (THRESHOLDS.possible, 0.65))
    assert (possible >= LEAST).mean() > 0.9995
    assert (likely >= LEAST).all()
    assert (_told(faces, faces[1:] + faces[:1], matrix)[0] < LEAST).mean() > 0.9998


def test_the_first_half_rules_out_strangers_and_nobody_else() -> None:
    def within(others: list[Embedding]) -> NDArray[np.bool_]:
        first = apart(faces, others, KEY, KEY)[:, :LEAD_BYTES]
        found: NDArray[np.bool_] = np.bitwise_count(first).sum(axis=1) <= LEAD_REACH
        return found

    faces = strangers(10_000)
    assert within(all_alike(faces, THRESHOLDS.possible)).mean() > 0.9995
    assert within(all_alike(faces, 0.65)).all()
    assert within(faces[1:] + faces[:1]).mean() < 0.005
