from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import api.cli.face_rotation
from tests.api.cli.conftest import Run
from tests.deployment import Running

Ask = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_rest(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a person would wait for housekeeping, it is done."""
    renewing = deployment.service.registry.faces.renewing
    slept = SimpleNamespace(sleep=lambda _seconds: renewing.round(lambda: False))
    monkeypatch.setattr(api.cli.face_rotation, "time", slept)


def test_an_operator_renews_the_rotation_key_and_sees_it_done(ask: Ask) -> None:
    done = ask("matching", "rotate-key")
    assert (done["waiting"], done["under_way"]) == (0, False)
    assert ask("matching", "status") == {"version": done["version"], "waiting": 0, "under_way": False}


def test_people_are_told_what_stands(run: Run) -> None:
    done = run("matching", "rotate-key")
    assert done.exit_code == 0, done.output
    assert "no older key is left; entry ent_" in done.stdout
    assert "is in force" in run("matching", "status").stdout
    begun = run("matching", "rotate-key", "--no-wait")
    assert begun.exit_code == 0
    assert "rotation key" in begun.stdout
