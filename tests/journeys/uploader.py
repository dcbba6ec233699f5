"""A server process that can be killed, and clients that keep uploading to it and remember what was acknowledged.

Its starts are many, and most of one is Python's imports: so each is forked from a process that imported them once.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Self

import api.cli.serve
import api.running.server  # noqa: F401 (both: what a fork finds imported)
from api.cli import main
from sigillo_client import BatchFile, Sigillo, UnreachableError
from sigillo_client.answers import Asset
from sigillo_client.problem import ClientError
from tests.databases import KIND, settings_of
from tests.deployment import picture

SOME = 3
"""Every third uploader sends several files in one request."""

TOGETHER = 3
"""So many."""

START_SECONDS = 180
"""How long a server may take to answer before the test calls it stuck; never a measurement."""


_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


def _serve(environment: dict[str, str]) -> None:
    """`sigillo serve` in this process, with this environment and nothing on its standard error."""
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    sys.argv = ["sigillo", "serve"]
    main()


class Server:
    """`sigillo serve` in a process of its own; talked to over the home's socket."""

    def __init__(self, home: Path, kind: str = KIND, chosen: Mapping[str, str] | None = None) -> None:
        self.home, self.kind, self.chosen = home, kind, chosen or {}
        self.starts = list[float]()
        """Seconds from each start to the first answer that all is ready."""

        self._process: ForkServerProcess | None = None

    def start(self) -> None:
        (self.home / "server.json").unlink(missing_ok=True)
        environment = {**os.environ, "SIGILLO_HOME": str(self.home), "SIGILLO_WORKERS": "1", "SIGILLO_PORT": "0"}
        environment |= {"SIGILLO_KEY_RATE": "1000000/minute", **settings_of(self.home, self.kind), **self.chosen}
        self._process = _FORKS.Process(target=_serve, args=(environment,))
        self._process.start()
        started = time.monotonic()
        while not self._answers():
            assert self._process.is_alive(), "the server ended while starting"
            assert time.monotonic() < started + START_SECONDS, "the server does not answer"
            time.sleep(0.02)
        self.starts.append(time.monotonic() - started)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.join()

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode

    @property
    def process(self) -> int:
        """Its id."""
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing goes on when a test has failed."""
        if self._process is not None and self._process.is_alive():
            self.kill()

    def client(self) -> Sigillo:
        word = json.loads((self.home / "server.json").read_text())
        return Sigillo("http://sigillo", word["token"], Path(word["socket"]))

    def _answers(self) -> bool:
        try:
            with self.client() as sigillo:
                return bool(sigillo.ready()["ready"])
        except (FileNotFoundError, UnreachableError):
            return False


@dataclass
class Uploader(threading.Thread):
    """Uploads until told to stop; `acknowledged` are the assets it was promised."""

    server: Server
    folder: Path
    number: int
    acknowledged: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.stopping = threading.Event()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        photo = self.folder / f"{self.number}.jpg"
        photo.write_bytes(picture(seed=self.number))
        sign = self._several if self.number % SOME == 0 else self._one
        with self.server.client() as sigillo:
            while not self.stopping.is_set():
                try:
                    assets = sign(sigillo, photo, {"title": f"Upload {self.number}"})
                except ClientError:
                    return  # the server was killed under us: what was not acknowledged is not promised
                else:
                    self.acknowledged += [{"id": one["id"], "sha256": str(one["sha256"])} for one in assets]

    @staticmethod
    def _one(sigillo: Sigillo, photo: Path, claim: dict[str, str]) -> list[Asset]:
        return [sigillo.sign(photo, claim)]

    @staticmethod
    def _several(sigillo: Sigillo, photo: Path, claim: dict[str, str]) -> list[Asset]:
        """In one request, a batch of its own."""
        batch = sigillo.begin_batch(TOGETHER)["id"]
        files = [BatchFile(photo, str(number), photo.name) for number in range(TOGETHER)]
        done = sigillo.sign_files(batch, files, claim, lambda _file, _part, chunks: deque(chunks, maxlen=0))
        assets = [one for one in done if not isinstance(one, Exception)]
        assert len(assets) == TOGETHER
        return assets
