"""Error rates against counting one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.faces import evaluation
from detection.faces.evaluation import EVERYBODY, Labelled, Rate, measure, thresholds


def people(seed: int, counts: list[tuple[str, str, int]]) -> list[Labelled]:
    """So many photos of each person, about one direction each."""
    rng = np.random.default_rng(seed)
    photos = []
    for person, group, count in counts:
        middle = rng.normal(size=8)
        for _ in range(count):
            direction = middle + rng.normal(size=8)
            photos.append(Labelled(person, group, tuple(direction / np.linalg.norm(direction))))
    return photos


def by_hand(photos: list[Labelled], threshold: float) -> tuple[Rate, Rate]:
    mated: list[float] = []
    others: list[float] = []
    for one, other in itertools.combinations(photos, 2):
        cosine = sum(a * b for a, b in zip(one.embedding, other.embedding, strict=True))
        (mated if one.person == other.person else others).append(cosine)
    return Rate(sum(c >= threshold for c in others), len(others)), Rate(sum(c < threshold for c in mated), len(mated))


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.2, 0.55, 0.65, 0.75, 1.0]), st.integers(1, 9))
def test_every_pair_is_counted_once(seed: int, threshold: float, block: int) -> None:
    photos = people(seed, [("a", "x", 4), ("b", "x", 3), ("c", "y", 3), ("d", "", 1)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "BLOCK", block)
        measured = {one.group: one for one in measure(photos)}
    assert list(measured) == [EVERYBODY, "x", "y"]
    for group, one in measured.items():
        some = [photo for photo in photos if group in {EVERYBODY, photo.group}]
        assert (one.false_matches(threshold), one.false_non_matches(threshold)) == by_hand(some, threshold)
        assert (one.photos, one.people) == (len(some), len({photo.person for photo in some}))


def test_a_photo_beside_itself_is_no_rounding_fault() -> None:
    one = people(3, [("a", "", 1)])[0]
    twice = [one, Labelled("b", "", one.embedding)]
    (measured,) = measure(twice)
    assert measured.false_matches(0.999) == Rate(1, 1)


def test_a_rate_of_nothing_is_none() -> None:
    (measured,) = measure(people(1, [("a", "", 1)]))
    assert measured.false_matches(0.5).share is None
    assert measured.false_non_matches(0.5).share is None


def test_rates_move_one_way_with_the_threshold() -> None:
    (measured,) = measure(people(5, [(name, "", 4) for name in "abcdef"]))
    matches = [measured.false_matches(one).errors for one in thresholds()]
    misses = [measured.false_non_matches(one).errors for one in thresholds()]
    assert matches == sorted(matches, reverse=True)
    assert misses == sorted(misses)


def test_more_photos_than_can_be_compared_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "MAX_PHOTOS", 3)
    with pytest.raises(ValueError, match="at most 3"):
        measure(people(1, [("a", "", 4)]))
