"""Every error that may cross does so as itself, and nothing else crosses."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, ClassVar, get_type_hints

import pytest

import detection.errors
from detection.job_error import JobError, _classes, _fields, from_message, to_message

CROSSING = [
    kind
    for kind in vars(detection.errors).values()
    if isinstance(kind, type) and issubclass(kind, JobError) and "code" in vars(kind)
]


@pytest.mark.parametrize("kind", CROSSING)
def test_each_error_arrives_as_itself(kind: type[JobError]) -> None:
    hints = get_type_hints(kind)
    detail: dict[str, Any] = {name: "text" if hints[name] is str else 7 for name in _fields(kind)}
    arrived = from_message(json.loads(json.dumps(to_message(kind(**detail)))))
    assert type(arrived) is kind
    assert arrived.detail == detail
    assert str(arrived)


def test_an_upper_package_needs_no_introduction() -> None:
    try:

        @dataclasses.dataclass(eq=False)
        class FarAwayError(JobError):
            code: ClassVar[str] = "far-away"
            sentence: ClassVar[str] = "it is {miles} miles away"
            miles: int

        arrived = from_message({"code": "far-away", "detail": {"miles": 3}})
        assert isinstance(arrived, FarAwayError)
        assert str(arrived) == "it is 3 miles away"
        with pytest.raises(TypeError, match="far-away"):

            class OtherError(JobError):
                code: ClassVar[str] = "far-away"
    finally:
        _classes.pop("far-away", None)


@pytest.mark.parametrize(
    "message",
    [
        None,
        {},
        {"code": "media-empty"},
        {"code": "media-empty", "detail": {}, "more": 1},
        {"code": ["media-empty"], "detail": {}},
        {"code": "nobody-knows", "detail": {}},
        {"code": "media-truncated", "detail": {"kind": None}},
        {"code": "media-truncated", "detail": {"kind": "x", "self": "y"}},
        {"code": "media-truncated", "detail": {"kind": "x" * 1001}},
    ],
)
def test_everything_else_is_refused(message: object) -> None:
    with pytest.raises(ValueError):
        from_message(message)
