"""A pool for faces in a running service: none until it is needed, and a reason where there can be none."""

from __future__ import annotations

import asyncio

import pytest

from api.parts.faces import _start
from detection.errors import SandboxUnavailableError
from detection.faces.look import look
from detection.memfd import Memfd
from tests.deployment import Running
from tests.detection.faces import photos
from tests.waiting import until


def test_without_the_model_the_rest_is_served(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.parts.faces.absent", lambda: "model absent: pip install it")
    parts = asyncio.run(deployment.service.readiness.parts())
    faces = parts["faces"]  # what else it warns of is of what was tried before on this deployment
    assert (faces["ready"], faces["reason"]) == (False, "model absent: pip install it")
    assert parts["workers"]["ready"], parts["workers"]


def test_a_running_service_looks_for_faces(deployment: Running) -> None:
    with Memfd.of([photos.PORTRAIT_FILE.read_bytes()]) as file:
        found = look(deployment.service.registry.faces.workers.of("somebody"), file)
    assert len(found.sightings[0].faces) == 1
    # The index follows the rows of whatever was tried before on this deployment.
    until(lambda: not deployment.service.registry.faces.reason)
    assert asyncio.run(deployment.service.readiness.parts())["faces"]["ready"]


def test_no_worker_starts_without_the_model(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.parts.faces.absent", lambda: "model absent: pip install it")
    with pytest.raises(SandboxUnavailableError, match="pip install it"):
        _start(deployment.service.settings, 1)
