"""Hours in minutes: good and hostile traffic on one server that is killed again and again.

`SOAK_MINUTES=30 make soak`. Prints what it did; docs/performance.md quotes a run.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from client import Problem, Sigillo
from client.problem import ClientError
from tests.deployment import picture
from tests.journeys.test_kill import check_at_rest
from tests.journeys.uploader import Server

MINUTES = float(os.environ.get("SOAK_MINUTES", "5"))
LIVES_SECONDS = (5.0, 25.0)
CLIENTS = 6
REFUSALS = {f"refused {status}" for status in (400, 404, 410, 413, 415, 422, 503)}


@dataclass
class Memory:
    """What the clients were promised, and what they asked to be forgotten."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    kept: dict[str, str] = field(default_factory=dict)
    erasing: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)

    def count(self, what: str) -> None:
        with self.lock:
            self.done[what] += 1


@dataclass
class Visitor:
    """One client with a mind of its own."""

    server: Server
    folder: Path
    number: int
    memory: Memory
    stopping: threading.Event

    def live(self) -> None:
        chance = random.Random(self.number)
        while not self.stopping.is_set():
            try:
                with self.server.client() as sigillo:
                    while not self.stopping.is_set():
                        self._act(sigillo, chance)
            except (ClientError, FileNotFoundError, ValueError):
                time.sleep(0.1)  # killed, or not yet up again

    def _act(self, sigillo: Sigillo, chance: random.Random) -> None:
        act = chance.choices([self._sign, self._hostile, self._verify, self._read, self._erase], [4, 3, 3, 2, 1])[0]
        try:
            act(sigillo, chance)
        except Problem as problem:
            self.memory.count(f"refused {problem.status}")

    def _file(self, data: bytes, suffix: str = "jpg") -> Path:
        path = self.folder / f"{self.number}.{suffix}"
        path.write_bytes(data)
        return path

    def _sign(self, sigillo: Sigillo, chance: random.Random) -> None:
        kind = chance.choice(["JPEG", "PNG", "WEBP"])
        photo = self._file(picture(kind, seed=chance.randrange(10**6)), kind.lower().replace("jpeg", "jpg"))
        asset = sigillo.sign(photo, {"title": "Soak"}, idempotency_key=f"{chance.random()}")
        with self.memory.lock:
            self.memory.kept[asset["id"]] = asset["sha256"]
        self.memory.count("signed")

    def _hostile(self, sigillo: Sigillo, chance: random.Random) -> None:
        data = bytearray(picture(chance.choice(["JPEG", "PNG", "WEBP"]), seed=self.number))
        for _ in range(chance.randrange(1, 20)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        cut = chance.choice([len(data), chance.randrange(len(data))])
        sigillo.sign(self._file(bytes(data[:cut])), {"title": "Hostile"})
        self.memory.count("signed although damaged")

    def _verify(self, sigillo: Sigillo, chance: random.Random) -> None:
        report = sigillo.verify(self._file(picture(seed=self.number)))
        assert report["verdict"] == "absent"
        self.memory.count("verified")

    def _read(self, sigillo: Sigillo, chance: random.Random) -> None:
        with self.memory.lock:
            mine = [asset for asset in self.memory.kept if asset not in self.memory.erasing]
        if mine:
            check(sigillo, asset := chance.choice(mine), self.memory.kept[asset], self.memory)
            self.memory.count("read")

    def _erase(self, sigillo: Sigillo, chance: random.Random) -> None:
        with self.memory.lock:
            mine = [asset for asset in self.memory.kept if asset not in self.memory.erasing]
            if not mine:
                return
            asset = chance.choice(mine)
            self.memory.erasing.add(asset)
        sigillo.erase(asset)
        self.memory.count("erased")


def check(sigillo: Sigillo, asset: str, sha256: str, memory: Memory) -> None:
    """A promised asset is whole, unless someone is erasing it."""
    content = io.BytesIO()
    try:
        sigillo.content(asset, content)
    except Problem:
        if asset in memory.erasing:
            return
        raise
    if asset not in memory.erasing:
        assert hashlib.sha256(content.getvalue()).hexdigest() == sha256


@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.soak
def test_soak(tmp_path: Path) -> None:
    server, memory, stopping = Server(tmp_path / "home"), Memory(), threading.Event()
    server.start()
    visitors = [Visitor(server, tmp_path, number, memory, stopping) for number in range(CLIENTS)]
    threads = [threading.Thread(target=visitor.live) for visitor in visitors]
    for thread in threads:
        thread.start()
    chance, until, kills, most = random.Random(0), time.monotonic() + MINUTES * 60, 0, 0
    while time.monotonic() < until:
        time.sleep(chance.uniform(*LIVES_SECONDS))
        most = max(most, server.resident_megabytes())
        server.kill()
        server.start()
        kills += 1
    stopping.set()
    for thread in threads:
        thread.join()
    with server.client() as sigillo:
        for asset, sha256 in memory.kept.items():
            check(sigillo, asset, sha256, memory)
    assert {what for what in memory.done if what.startswith("refused")} <= REFUSALS
    assert server.stop() == 0
    check_at_rest(tmp_path / "home")
    figures = ", ".join(f"{what} {count}" for what, count in sorted(memory.done.items()))
    print(f"\n{MINUTES:g} minutes, {kills} kills, {CLIENTS} clients: {figures}; service at most {most} MB")
