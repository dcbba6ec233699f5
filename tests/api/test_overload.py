"""More clients than can be carried: everyone is answered, with their asset or with when to come back."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

import api.parts.pools
from api.app import create_app
from api.edge.turns import Turns
from api.edge.upload import FORM_BYTES
from detection.memfd import Memfd
from detection.process import Reply, WorkerProcess
from tests.api.wire import PATIENCE, counts, problem, upload
from tests.deployment import Running, picture, running

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
            object.__setattr__(up.service, "signing", Turns(1, each=1, seconds=0.05))
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


@pytest.mark.parametrize(("path", "tokens", "served"), [("/v1/assets", True, 201), ("/v1/verifications", False, 200)])
def test_whoever_sends_much_leaves_a_worker_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, tokens: bool, served: int
) -> None:
    """One principal, or one network of strangers, sends files that occupy a worker until the other has been served."""
    monkeypatch.setattr(api.parts.pools, "Turns", partial(Turns, seconds=PATIENCE))
    with running(tmp_path / "home", workers=2) as up:
        crowd, other = (
            Caller(up, path, network, up.key() if tokens else "") for network in ("192.0.2.1", "203.0.113.1")
        )
        slow = picture(seed=1, size=(64, 64))
        occupied = Occupied(monkeypatch, len(slow))

        async def requests() -> list[int]:
            begun = [asyncio.create_task(crowd.send(slow)) for _ in range(CLIENTS)]
            try:
                assert await asyncio.to_thread(occupied.begun.wait, PATIENCE)
                assert await other.send(picture()) == served
                assert occupied.workers == 1
            finally:
                occupied.over.set()
            return await asyncio.gather(*begun)

        assert asyncio.run(requests()) == [served] * CLIENTS


@dataclass(frozen=True)
class Caller:
    """Somebody on some network, with a key or without."""

    up: Running
    path: str
    network: str
    token: str

    async def send(self, file: bytes) -> int:
        """The status of the answer to an upload."""
        transport = httpx.ASGITransport(create_app(self.up.service), client=(self.network, 1))
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://sigillo", headers=headers) as http:
            return (await http.post(self.path, files={"file": ("upload", file, "image/jpeg")})).status_code


class Occupied:
    """Jobs on files of this size go on until it is over."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
        self.begun, self.over, self.workers = threading.Event(), threading.Event(), 0
        perform = WorkerProcess.perform

        def slowly(worker: WorkerProcess, request: bytes, fds: Sequence[Memfd], *rest: Any) -> Reply:
            if fds[0].size == size and not self.over.is_set():
                self.workers += 1
                self.begun.set()
                assert self.over.wait(PATIENCE)
            return perform(worker, request, fds, *rest)

        monkeypatch.setattr(WorkerProcess, "perform", slowly)


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
