"""What the demo plays on: a clean folder, a server process of its own, an OpenBao if asked for, and a teller."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.cli.output import Exit, fail, quoted, say
from api.settings import KeyStoreKind
from sigillo_client import Sigillo, UnreachableError

START_SECONDS = 60
TOOL = "Demo Camera"


class PlotError(Exception):
    """The story did not go as told: something is broken."""


@dataclass
class Teller:
    """Tells the story as it happens, or keeps it for one JSON object at the end."""

    quiet: bool
    scenes: list[dict[str, Any]] = field(default_factory=list)

    def scene(self, title: str) -> None:
        """What happens next."""
        self.scenes.append({"scene": title, "seen": []})
        if not self.quiet:
            say(f"\n[bold]{title}[/]")

    def tell(self, what: str, text: str, colour: str = "") -> None:
        """One thing that was seen."""
        self.scenes[-1]["seen"].append({what: text})
        if not self.quiet:
            say(f"  {what:<16} [{colour or 'default'}]{quoted(text)}[/]")


def clean(out: Path) -> Path:
    """Make the folder anew; never delete one a demo did not make."""
    marker = out / ".sigillo-demo"
    if out.exists() and any(out.iterdir()) and not marker.exists():
        raise fail(f"{out} is not empty and was not made by a demo: choose another folder with --out", Exit.USAGE)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    marker.touch()
    return out / "home"


@contextmanager
def server(home: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """A server process on a free port, stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, "-m", "api.cli", "serve", "--port", str(port)], env=_environment(home, environment)
    )
    try:
        _wait_until_ready(process, url)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    with Sigillo(url) as sigillo:
        while True:
            try:
                if sigillo.ready()["ready"]:
                    return
            except UnreachableError:
                pass  # it is still starting; the deadline below decides
            if process.poll() is not None or time.monotonic() > deadline:
                raise fail("the demo's server did not start; its own message is above", Exit.UNAVAILABLE)
            time.sleep(0.1)


@contextmanager
def openbao(out: Path, teller: Teller) -> Iterator[dict[str, str]]:
    """A real OpenBao, set up for the service. For the demo alone: its unseal key lies beside it."""
    from keys.openbao import OpenBao

    with OpenBao(out / "openbao") as bao:
        report = bao.bootstrap()
        teller.scene("A real OpenBao starts. The signing key is made there and cannot be exported.")
        teller.tell("OpenBao", bao.url)
        yield {
            "SIGILLO_KEYS": KeyStoreKind.VAULT,
            "SIGILLO_VAULT_URL": bao.url,
            "SIGILLO_VAULT_ROLE_ID": report.role_id,
            "SIGILLO_VAULT_WRAPPED_SECRET_ID": report.secret_id.token,
        }


def camera_key(home: Path, environment: Mapping[str, str]) -> str:
    """An API key made on the command line, as an operator would."""
    made = ["apikey", "create", "--tool", TOOL, "--source", "digitalCapture", "--json"]
    token: str = json.loads(run(home, environment, *made))["token"]
    return token


def run(home: Path, environment: Mapping[str, str], *command: str) -> str:
    done = subprocess.run(  # noqa: S603 (our own command)
        [sys.executable, "-m", "api.cli", *command],
        env=_environment(home, environment),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PlotError(f"`sigillo {' '.join(command[:2])}` ended with {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def _environment(home: Path, environment: Mapping[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SIGILLO_")}
    return {**ours, "SIGILLO_HOME": str(home), "SIGILLO_WORKERS": "1", **environment}
