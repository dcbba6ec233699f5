"""What a worker claims to have found is checked before anything believes it."""

from __future__ import annotations

from typing import Any

import pytest

from detection.errors import WorkerProtocolError
from detection.examination import Examination, Fingerprint, parse_examination, to_result

SOUND = Examination(
    mime="image/png",
    width=3,
    height=4,
    size=100,
    decoder="Pillow 13",
    fingerprint=Fingerprint("a" * 64, "b" * 64, "c" * 64, 100),
)


def test_round_trip() -> None:
    assert parse_examination(to_result(SOUND)) == SOUND


@pytest.mark.parametrize(
    "change",
    [
        {"mime": "image/svg"},
        {"mime": "image/png\n"},
        {"width": 0},
        {"width": "3"},
        {"width": True},
        {"width": 3.0},
        {"width": 30_001},
        {"width": 30_000, "height": 30_000},
        {"size": 0},
        {"size": 1 << 40},
        {"decoder": "x" * 201},
        {"more": 1},
        {"fingerprint": None},
        *(
            {"fingerprint": to_result(SOUND)["fingerprint"] | change}
            for change in (
                {"sha256": "A" * 64},
                {"sha256": "a" * 63},
                {"pdq": "a" * 64 + "\n"},
                {"pixel_hash": "g" * 64},
                {"pdq_quality": 101},
                {"pdq_quality": -1},
                {"x": 1},
            )
        ),
    ],
)
def test_impossible_findings_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(WorkerProtocolError):
        parse_examination(to_result(SOUND) | change)


@pytest.mark.parametrize("result", [None, [], {}, "x"])
def test_other_shapes_are_refused(result: object) -> None:
    with pytest.raises(WorkerProtocolError):
        parse_examination(result)
