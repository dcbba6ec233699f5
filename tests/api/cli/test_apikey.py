from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.api.cli.conftest import Run
from tests.api.wire import upload
from tests.deployment import Running

Ask = Callable[..., Any]


def test_a_key_is_made_listed_and_revoked(deployment: Running, run: Run, ask: Ask) -> None:
    issued = ask("apikey", "create", "--tool", "My Camera", "--source", "digitalCapture")
    assert issued["scopes"] == ["assets:erase", "assets:read", "assets:sign"]
    listed = next(key for key in ask("apikey", "list")["keys"] if key["id"] == issued["id"])
    assert "token" not in listed
    with deployment.http(issued["token"]) as http:
        assert upload(http).status_code == 201
        assert ask("apikey", "revoke", issued["id"]) == {"revoked": issued["id"]}
        assert upload(http).status_code == 401
    shown = run("apikey", "list")
    assert shown.exit_code == 0
    assert issued["token"] not in shown.output


def test_people_see_the_token_once(run: Run) -> None:
    done = run("apikey", "create", "--tool", "[red]Brush[/red]", "--scope", "assets:sign")
    assert done.exit_code == 0
    assert "sgk_" in done.stdout
    listed = run("apikey", "list").stdout
    assert "sgk_" not in listed
    assert "[red]Brush[/red]" in listed
    assert done.stdout.split()[1] in listed, "an id cut short cannot be revoked"


def test_refusals_are_told(run: Run) -> None:
    assert run("apikey", "create", "--tool", "x", "--source", "madeUp").exit_code == 1
    assert run("apikey", "create", "--tool", "x", "--scope", "root").exit_code == 1
    assert run("apikey", "create", "--tool", "x", "--principal", "prn_nobody").exit_code == 1
    assert run("apikey", "revoke", "key_nobody").exit_code == 1
    assert run("apikey", "create").exit_code == 2


def test_a_regulators_key_names_no_tool(ask: Ask) -> None:
    made = ask("apikey", "create", "--scope", "ledger:audit")
    assert (made["tool"], made["scopes"]) == ("", ["ledger:audit"])


def test_second_key_of_a_principal_and_a_new_tenant(ask: Ask) -> None:
    first = ask("apikey", "create", "--tool", "One")
    second = ask("apikey", "create", "--tool", "Two", "--principal", first["principal"])
    away = ask("apikey", "create", "--tool", "Three", "--new-tenant")
    assert first["principal"] == second["principal"] != away["principal"]
    assert first["tenant"] == second["tenant"] != away["tenant"]


def test_a_key_talks_to_a_named_server(deployment: Running, run: Run, photo: Path) -> None:
    done = run("apikey", "list", "--server", "http://127.0.0.1:1", "--token", "sgk_x_y")
    assert done.exit_code == 7
