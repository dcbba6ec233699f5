"""More clients than can be carried: everyone is answered, with their asset or with when to come back."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from api.turns import Turns
from api.upload import FORM_BYTES
from tests.api.wire import counts, problem, upload
from tests.deployment import Running, running

CLIENTS = 40
EACH = 3
ROOM = 8
"""Uploads that fit into the memory of this deployment, a fifth of those that come at once."""


@pytest.mark.parametrize("scarce", ["memory", "turns"])
def test_overload_is_pushed_back_and_passes(tmp_path: Path, scarce: str) -> None:
    with running(tmp_path / "home") as up:
        token, before = up.key(), counts(up)
        if scarce == "memory":
            up.service.callers.uploads.limit = ROOM * (FORM_BYTES + 64 * 1024)
        else:
            object.__setattr__(up.service, "signing", Turns(1, seconds=0.05))
        answers = Flood(up, token).answers()
        signed = sum(answer.status_code == 201 for answer in answers)
        refused = [answer for answer in answers if answer.status_code != 201]
        assert signed
        assert refused
        for answer in refused:
            problem(answer, 503, "uploads-busy")
            assert int(answer.headers["retry-after"]) > 0
        after = counts(up)
        assert after["asset"] - before["asset"] == after["files"] - before["files"] == signed
        assert up.service.callers.uploads.held == 0
        with up.http(token) as http:
            assert upload(http).status_code == 201


class Flood:
    """Clients that all begin at once, and somebody who keeps asking how the service is."""

    def __init__(self, up: Running, token: str) -> None:
        self._up, self._token = up, token
        self._begin, self._over = threading.Barrier(CLIENTS + 1), threading.Event()

    def answers(self) -> list[httpx.Response]:
        """To every upload; whoever watched must have been answered well all along."""
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            watching = pool.submit(self._watch)
            uploading = [pool.submit(self._upload) for _ in range(CLIENTS)]
            answers = [answer for client in uploading for answer in client.result()]
            self._over.set()
            assert set(watching.result()) == {200}
        return answers

    def _upload(self) -> list[httpx.Response]:
        with self._up.http(self._token) as http:
            self._begin.wait()
            return [upload(http) for _ in range(EACH)]

    def _watch(self) -> Counter[int]:
        seen = Counter[int]()
        with self._up.http() as http:
            self._begin.wait()
            while not self._over.is_set() or not seen:
                seen.update(http.get(path).status_code for path in ("/healthz", "/readyz", "/metrics"))
        return seen
