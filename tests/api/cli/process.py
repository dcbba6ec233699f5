"""`sigillo` as people start it: a process of its own, with an environment and a home folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.running.home import Home
from sigillo_client import Sigillo
from tests.api.wire import PATIENCE
from tests.deployment import NO_TLS

COMMAND = [sys.executable, "-W", "error::ResourceWarning", "-m", "api.cli"]


def environment(home: Path, **settings: str) -> dict[str, str]:
    """The surroundings of a command: nothing of Sigillo's but what is given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGILLO_")}
    chosen = {f"SIGILLO_{name.upper()}": value for name, value in settings.items()}
    return {**clean, "SIGILLO_HOME": str(home), "SIGILLO_WORKERS": "1", **chosen}


def sigillo(home: Path, *arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


def start(home: Path, *arguments: object, **settings: str) -> subprocess.Popen[str]:
    """Start one command."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env=environment(home, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Served:
    """A running `sigillo serve`."""

    process: subprocess.Popen[str]
    home: Home
    port: int

    def http(self, token: str = "") -> httpx.Client:
        """The network, as strangers reach it."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(verify=NO_TLS, base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=PATIENCE)

    def operator(self) -> Sigillo:
        """The operator, over the socket."""
        holder = self.home.holder()
        assert holder is not None
        return Sigillo("http://sigillo", holder.token, holder.socket)


@contextmanager
def served(home: Path, **settings: str) -> Iterator[Served]:
    """`sigillo serve` until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = start(home, "serve", "--port", port, **settings)
    try:
        deadline = time.monotonic() + PATIENCE
        while Home(home).holder() is None:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "the server does not come up"
            time.sleep(0.02)
        yield Served(process, Home(home), port)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
