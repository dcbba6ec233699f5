from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.api.cli.conftest import Run

Ask = Callable[..., Any]


def test_somebody_is_invited_listed_and_removed(run: Run, ask: Ask) -> None:
    done = run("staff", "invite", "--role", "operator")
    assert done.exit_code == 0
    link = done.stdout.splitlines()[-1]
    assert "/join/" in link
    listed = run("staff", "list").stdout
    assert link.rpartition("/")[2] not in listed
    (staff,) = [one["id"] for one in ask("staff", "list")["staff"] if one["id"] in done.stdout]
    assert staff in listed, "an id cut short removes nobody"
    removed = run("staff", "remove", staff)
    assert "is removed" in removed.stdout
    assert staff not in run("staff", "list").stdout
    assert run("staff", "remove", staff).exit_code == 1
    assert run("staff", "invite", "--role", "king").exit_code == 2
