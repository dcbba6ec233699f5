"""Visitors: clients with minds of their own, who sign, verify, read, erase and send damaged files, and remember what
they were promised.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sigillo_client import Problem, Sigillo
from sigillo_client.problem import ClientError
from tests.deployment import picture
from tests.journeys.uploader import Server

MINUTES = float(os.environ.get("SOAK_MINUTES", "5"))
CLIENTS = 6
REFUSALS = {f"refused {status}" for status in (400, 404, 410, 413, 415, 422, 503)}


@dataclass
class Memory:
    """What the clients were promised, and what they asked to be forgotten."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    kept: dict[str, str] = field(default_factory=dict)
    erasing: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    _order: list[str] = field(default_factory=list)

    def count(self, what: str) -> None:
        with self.lock:
            self.done[what] += 1

    def keep(self, asset: str, sha256: str) -> None:
        with self.lock:
            self.kept[asset] = sha256
            self._order.append(asset)

    def any(self, chance: random.Random, *, erase: bool = False) -> str:
        """One that nobody erases yet, to be erased or not; empty when there is none."""
        with self.lock:
            if not self._order:
                return ""
            place = chance.randrange(len(self._order))
            asset = self._order[place]
            if erase:
                self._order[place] = self._order[-1]
                self._order.pop()
                self.erasing.add(asset)
            return asset


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
        self.memory.keep(asset["id"], str(asset["sha256"]))
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
        if asset := self.memory.any(chance):
            check(sigillo, asset, self.memory.kept[asset], self.memory)
            self.memory.count("read")

    def _erase(self, sigillo: Sigillo, chance: random.Random) -> None:
        if asset := self.memory.any(chance, erase=True):
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


@contextmanager
def visiting(server: Server, folder: Path, memory: Memory) -> Iterator[None]:
    """All of them, while the block runs; afterwards nothing but honest refusals was heard."""
    stopping = threading.Event()
    visitors = [Visitor(server, folder, number, memory, stopping) for number in range(CLIENTS)]
    threads = [threading.Thread(target=visitor.live) for visitor in visitors]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    assert {what for what in memory.done if what.startswith("refused")} <= REFUSALS


def told(memory: Memory) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(memory.done.items()))
