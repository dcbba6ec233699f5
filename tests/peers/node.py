"""Node and the packages of package-lock.json: installed once, into a folder that git ignores, on first use."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
LOCK: Final = HERE / "package-lock.json"
PACKAGES: Final = HERE / "node_modules"
INSTALLED: Final = PACKAGES / ".installed"
"""Holds the digest of the lock file that was installed; written last."""

OLDEST: Final = 20
"""The major version of Node that the packages ask for."""

FAILED: Final = HERE / ".failed"
"""Why installing failed a moment ago: the other processes of a run take its word for it."""

FAILED_SECONDS: Final = 900
STUCK_SECONDS: Final = 300
"""How long before a child is called stuck; never a measurement."""

INSTALL_SECONDS: Final = 120
"""How long npm is given; it takes about ten."""


class PeersMissingError(Exception):
    """Node or its packages cannot be had here; the sentence says which."""


@dataclass(frozen=True)
class Node:
    """Runs programs of this folder."""

    binary: str

    def run(self, program: str, request: object) -> Any:
        """What the program answers. Raises AssertionError with what it said when it fails."""
        ended = subprocess.run(
            [self.binary, str(HERE / program)],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=STUCK_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, f"{program}: {ended.stderr.decode(errors='replace')}"
        return json.loads(ended.stdout)


@cache
def installed() -> Node:
    """Node with the packages, installing them where that was not done. Raises PeersMissingError."""
    binary, npm = shutil.which("node"), shutil.which("npm")
    if binary is None or npm is None:
        raise PeersMissingError("there is no node and npm here")
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        raise PeersMissingError(f"Node is {version.strip()}, the packages need {OLDEST}")
    with (HERE / ".installing").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not _up_to_date():
            _check_failed()
            _install(npm)
    return Node(binary)


def _up_to_date() -> bool:
    return INSTALLED.exists() and INSTALLED.read_text() == _digest()


def _check_failed() -> None:
    if FAILED.exists() and time.time() - FAILED.stat().st_mtime < FAILED_SECONDS:
        raise PeersMissingError(FAILED.read_text())


def _digest() -> str:
    return sha256(LOCK.read_bytes()).hexdigest()


def _install(npm: str) -> None:
    """Nothing that a package brings is run while installing (`ignore-scripts` in .npmrc)."""
    INSTALLED.unlink(missing_ok=True)
    FAILED.write_text("npm was interrupted while it installed them")
    try:
        subprocess.run(
            [npm, "ci", "--prefer-offline"],
            cwd=HERE,
            env={**os.environ, "CI": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=INSTALL_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise _failed(f"npm could not install them: {error.stderr.decode(errors='replace')}") from error
    except subprocess.TimeoutExpired as error:
        raise _failed(f"npm did not install them within {INSTALL_SECONDS} seconds") from error
    INSTALLED.write_text(_digest())
    FAILED.unlink()


def _failed(reason: str) -> PeersMissingError:
    FAILED.write_text(reason)
    return PeersMissingError(reason)
