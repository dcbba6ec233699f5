from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.api.fixtures import logging_put_back
from tests.commands import app
from tests.databases import settings_of
from tests.deployment import Running

Run = Callable[..., Result]


@pytest.fixture
def run(deployment: Running) -> Run:
    """Runs a command against the shared deployment, which holds the folder: over its socket."""

    def invoke(*arguments: object, typed: str = "", **environment: str) -> Result:
        surroundings = {"SIGILLO_HOME": str(deployment.home.folder), "SIGILLO_SERVER": "", "SIGILLO_WORKERS": "1"}
        surroundings |= settings_of(Path(environment.get("SIGILLO_HOME", deployment.home.folder))) | environment
        with logging_put_back():
            return CliRunner().invoke(app, [str(one) for one in arguments], input=typed, env=surroundings)

    return invoke


@pytest.fixture
def ask(run: Run) -> Callable[..., Any]:
    """The same with `--json`: what it printed."""

    def invoke(*arguments: object, **environment: str) -> Any:
        done = run(*arguments, "--json", **environment)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return invoke
