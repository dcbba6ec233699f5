"""Hostile media over HTTP: every answer is an asset, a report or a problem that is listed; the service stays well."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from api.edge.problem import PROBLEMS, URN
from detection import errors as detection
from tests.api.wire import PATIENCE, upload
from tests.deployment import Running
from tests.hostile.corpus import share
from tests.hostile.damage import Case
from tests.provenance.house import House

SHARE = 1
KNOWN = {problem.slug for problem in PROBLEMS.values()} | {
    kind.code for kind in detection.MediaError.__subclasses__()
}  # fmt: skip
OURS = {"internal", "job-failed", "media-crash", "workers-unavailable"}
"""Problems that say that something is wrong here."""

PATHS = ("/v1/assets", "/v1/verifications")


def test_what_hostile_media_are_answered(deployment: Running, house: House) -> None:
    with deployment.http(deployment.key()) as http:
        _check_well(http)
        before = _descriptors()
        wrong = list(_wrong_answers(http, share(house, SHARE, seed=2)))
        assert not wrong
        _check_well(http)
        _until_descriptors_are(before)
    assert deployment.service.callers.uploads.held == 0


def _wrong_answers(http: httpx.Client, cases: list[Case]) -> Iterator[str]:
    for case in cases:
        file = case.make()
        for path in PATHS:
            answer = upload(http, file, path=path, mime="application/octet-stream")
            if answer.is_success:
                continue
            slug = str(answer.json()["type"]).removeprefix(URN)
            if not answer.is_client_error or slug in OURS or slug not in KNOWN:
                yield f"{path} {case}: {answer.text}"


def _check_well(http: httpx.Client) -> None:
    assert upload(http).status_code == 201
    assert upload(http, path="/v1/verifications").json()["verdict"] == "absent"
    ready = http.get("/readyz")
    assert ready.status_code == 200, ready.text


def _until_descriptors_are(before: int) -> None:
    """A worker that is being replaced has two sets for a moment."""
    deadline = time.monotonic() + PATIENCE
    while (now := _descriptors()) > before:
        assert time.monotonic() < deadline, f"{now} descriptors, and {before} before"
        time.sleep(0.1)


def _descriptors() -> int:
    """Open files, but for the database's: its pool opens as many as it is asked for at once, up to a bound."""
    held = [os.path.realpath(path) for path in Path("/proc/self/fd").iterdir()]
    return sum("sigillo.db" not in path for path in held)
