"""What a worker claims to have found is checked before anything believes it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from detection.errors import WorkerProtocolError
from detection.examination import (
    Content,
    Examination,
    FrameHash,
    NormalForm,
    WindowHash,
    parse_examination,
    to_result,
)
from detection.limits import MAX_DURATION, MAX_FRAMES, MAX_WINDOWS

SOUND = Examination(
    mime="image/png",
    size=100,
    sha256="a" * 64,
    content=Content(
        decoder="Pillow 13",
        content_hash="b" * 64,
        normal_form=NormalForm.PIXELS,
        width=3,
        height=4,
        duration=1000,
        frames=(FrameHash(0, "c" * 64, 100), FrameHash(500, "d" * 64, 0)),
        windows=(WindowHash(0, "e" * 64),),
    ),
)
SILENT = replace(SOUND, content=Content("Pillow 13", "b" * 64, NormalForm.PIXELS))


@pytest.mark.parametrize("found", [SOUND, SILENT])
def test_round_trip(found: Examination) -> None:
    assert parse_examination(json.loads(json.dumps(to_result(found)))) == found


def _with(**change: object) -> dict[str, Any]:
    return to_result(SOUND) | {"content": to_result(SOUND)["content"] | change}


@pytest.mark.parametrize(
    "result",
    [
        *(
            to_result(SOUND) | change
            for change in (
                {"mime": "image/svg"},
                {"mime": "image/png\n"},
                {"size": 0},
                {"size": 1 << 40},
                {"sha256": "A" * 64},
                {"sha256": "a" * 63},
                {"content": None},
                {"more": 1},
            )
        ),
        _with(width=0),
        _with(width="3"),
        _with(width=True),
        _with(width=3.0),
        _with(width=30_001),
        _with(width=30_000, height=30_000),
        _with(duration=-1),
        _with(duration=MAX_DURATION + 1),
        _with(decoder="x" * 201),
        _with(content_hash="g" * 64),
        _with(normal_form="sigillo/other/v1"),
        _with(frames=[{"at": 0, "pdq": "a" * 64 + "\n", "quality": 1}]),
        _with(frames=[{"at": 0, "pdq": "a" * 64, "quality": 101}]),
        _with(frames=[{"at": 0, "pdq": "a" * 64, "quality": -1}]),
        _with(frames=[{"at": -1, "pdq": "a" * 64, "quality": 1}]),
        _with(frames=[{"at": 0, "pdq": "a" * 64, "quality": 1, "x": 1}]),
        _with(frames=[{"at": 0, "pdq": "a" * 64, "quality": 1}] * (MAX_FRAMES + 1)),
        _with(windows=[{"at": 0, "sha256": "x"}]),
        _with(windows=[{"at": 0, "sha256": "a" * 64}] * (MAX_WINDOWS + 1)),
        _with(more=1),
    ],
)
def test_impossible_findings_are_refused(result: dict[str, Any]) -> None:
    with pytest.raises(WorkerProtocolError):
        parse_examination(result)


@pytest.mark.parametrize("result", [None, [], {}, "x"])
def test_other_shapes_are_refused(result: object) -> None:
    with pytest.raises(WorkerProtocolError):
        parse_examination(result)
