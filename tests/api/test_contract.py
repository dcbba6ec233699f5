"""The whole API against its own description, by schemathesis: requests that `/openapi.json` allows, requests that it
does not, and of each answer whether it is one that is described. Which checks, says `schemathesis.toml`.

Here each parameter is tried at its bounds and beyond; `make soak` sends others at random, too
(`tests/soak/test_contract.py`).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from api.listening import address, listening
from tests.api.test_app import ROUTES
from tests.deployment import running
from tests.serving import served

CONFIG: Final = Path(__file__).with_name("schemathesis.toml")


def check_contract(folder: Path, *arguments: str) -> str:
    """Fails with what schemathesis found wrong of a deployment in `folder`; what it says of one where all is well."""
    with running(folder) as up, listening("127.0.0.1", 0) as listener, served(up, listener):
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", *arguments]
        command += ["--header", f"Authorization: Bearer {up.service.operator_token}"]
        command += [f"{address(listener)}/openapi.json", "--no-color"]
        found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if found.returncode:
        pytest.fail(found.stdout + found.stderr, pytrace=False)
    return found.stdout


def test_every_answer_is_one_that_is_described(tmp_path: Path) -> None:
    said = check_contract(tmp_path / "home", "--phases=examples,coverage")
    assert f"Tested: {len(ROUTES)}\n" in said
