"""Real servers: `sigillo serve` in a process of its own on a TCP port of 127.0.0.1, with embedded keys or a real
OpenBao, and fresh data. Only the rate limits are lifted; all else is as installed.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from api.running.home import Holder, Home
from api.settings import KeyStoreKind
from keys.openbao import OpenBao
from sigillo_client import Sigillo, UnreachableError

TOOL: Final = "Benchmark Camera"
START_SECONDS: Final = 60
SETTINGS: Final[Mapping[str, str]] = dict.fromkeys(("SIGILLO_KEY_RATE", "SIGILLO_ANONYMOUS_RATE"), "10000000/minute")
"""Of every server, unless it is given others."""


class StartError(Exception):
    """A server did not come up."""


@dataclass(frozen=True)
class Deployment:
    """A server that is starting, or has started."""

    port: int
    home: Home
    process: subprocess.Popen[bytes] = field(repr=False)
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def token(self) -> str:
        """A key to sign with. Waits until the server is ready. Raises StartError."""
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            holder = self.home.holder()
            if holder is not None and (key := _key(holder)):
                return key
            time.sleep(0.05)
        raise StartError(f"the server did not become ready; it said: {self.log.read_text()[-2000:]}")


SIGILLO: Final = ("-m", "api.cli")


@contextmanager
def embedded(folder: Path, program: Sequence[str] = SIGILLO, **settings: str) -> Iterator[Deployment]:
    """With embedded keys; its data go into `folder`. Settings are named as variables are; `program` is what Python runs
    in place of `sigillo`.
    """
    with served(folder, settings, program) as deployment:
        yield deployment


@contextmanager
def with_openbao(folder: Path) -> Iterator[Deployment]:
    """With its keys in a real OpenBao. Raises OpenBaoMissingError, OpenBaoStartError."""
    with OpenBao(folder / "openbao") as bao:
        report = bao.bootstrap()
        environment = {
            "SIGILLO_KEYS": str(KeyStoreKind.VAULT),
            "SIGILLO_VAULT_URL": bao.url,
            "SIGILLO_VAULT_ROLE_ID": report.role_id,
            "SIGILLO_VAULT_WRAPPED_SECRET_ID": report.secret_id.token,
        }
        with served(folder / "home", environment) as deployment:
            yield deployment


@contextmanager
def served(folder: Path, chosen: Mapping[str, str], program: Sequence[str] = SIGILLO) -> Iterator[Deployment]:
    """With these variables in its surroundings."""
    port = _free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SIGILLO_")}
    ours = {"SIGILLO_HOME": str(folder), **SETTINGS}
    log = folder.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *program, "serve", "--port", str(port)],
            env={**inherited, **ours, **chosen},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Deployment(port, Home(folder), process, log)
    finally:
        process.terminate()
        process.wait()


def issuing_token(deployment: Deployment) -> str:
    """A key to have credentials issued with. Raises StartError."""
    assert deployment.token
    holder = deployment.home.holder()
    assert holder is not None
    with Sigillo("http://sigillo", holder.token, holder.socket) as operator:
        key: str = operator.issue_key({"scopes": ["credentials:issue"]})["token"]
        return key


def _key(holder: Holder) -> str:
    """What the operator issues to a camera; empty while the server is not ready."""
    with Sigillo("http://sigillo", holder.token, holder.socket) as operator:
        try:
            if not operator.ready()["ready"]:
                return ""
        except UnreachableError:
            return ""  # it is still starting; the caller's deadline decides
        key: str = operator.issue_key({"tool": TOOL, "source_types": ["digitalCapture"]})["token"]
        return key


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
