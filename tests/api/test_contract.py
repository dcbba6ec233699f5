"""The whole API against its own description, by schemathesis: requests that `/openapi.json` allows, requests that it
does not, and of each answer whether it is one that is described. Who asks, and which checks, says `schemathesis.toml`.

Here each parameter is tried at its bounds and beyond; `make soak` sends others at random, too
(`tests/soak/test_contract.py`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from api.edge.listening import address, listening
from tests.api.people import somebody
from tests.api.test_app import ROUTES
from tests.deployment import running
from tests.serving import served

CONFIG: Final = Path(__file__).with_name("schemathesis.toml")


def check_contract(folder: Path, *arguments: str) -> str:
    """Fails with what schemathesis found wrong of a deployment in `folder`; what it says of one where all is well."""
    with running(folder) as up, listening("127.0.0.1", 0) as listener, served(up, listener):
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", *arguments]
        command += [f"{address(listener)}/openapi.json", "--no-color"]
        with somebody(up) as person:
            asking = os.environ | {"OPERATOR": up.service.operator_token, "PERSON": person.token}
            found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=asking)
            person.http.get("/v1/people/me").raise_for_status()  # nothing signed them out meanwhile
    if found.returncode:
        pytest.fail(found.stdout + found.stderr, pytrace=False)
    return found.stdout


def test_every_answer_is_one_that_is_described(tmp_path: Path) -> None:
    said = check_contract(tmp_path / "home", "--phases=examples,coverage")
    assert f"Tested: {len(ROUTES)}\n" in said
