"""`sigillo holds …`: legal holds, which keep assets from being erased and from expiring; and what waits for a person:
assets that are signed and not given out (`cases.likeness`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, quoted, say, show, told
from client import Problem, Sigillo

app = typer.Typer(
    no_args_is_help=True, help="Keep assets from being erased, by name; and decide about assets that are held."
)

ASSET = "ast_"
NAME = typer.Argument(..., help="Names the matter, such as case-2026-118. Whoever is refused is told it.")
REASON = typer.Option(..., help="Why, and by what authority; it goes on record. Name a case, never a person.")


@app.command()
def place(
    name: str = NAME,
    assets: list[str] = typer.Argument(..., help="Ids of assets, ast_…"),
    reason: str = REASON,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Put assets under a hold, or more of them under one that is there."""
    with told(), connected(server, token) as sigillo:
        placed = sigillo.place_hold(name, assets, reason)
    _tell(placed, "is in force", as_json=as_json)


@app.command("list")
def list_holds(server: str = SERVER, token: str = TOKEN, as_json: bool = JSON) -> None:
    """List legal holds and what lies under each, and assets that are held; each kind to whoever has its scope."""
    with told(), connected(server, token) as sigillo:
        found = {"holds": _seen(sigillo.holds), "assets": _seen(lambda: _held_assets(sigillo))}
        if all(kind is None for kind in found.values()):
            sigillo.holds()  # says which scope is missing
    if as_json:
        show({name: kind for name, kind in found.items() if kind is not None})
        return
    for held in found["assets"] or ():
        appeal = f", its uploader objects: {held['appeal']}" if held["appeal"] else ""
        decided = f", refused {held['refused_at']}" if held["refused_at"] else ""
        say(f"[bold]{held['asset']}[/]  {held['reason']} since {held['placed_at']}{decided}{quoted(appeal)}")
    for hold in found["holds"] or ():
        say(f"[bold]{hold['name']}[/]  since {hold['placed_at']}")
        for asset in hold["assets"]:
            say(f"  {asset}")


@app.command()
def release(
    name: str = NAME, reason: str = REASON, server: str = SERVER, token: str = TOKEN, as_json: bool = JSON
) -> None:
    """End a legal hold for everything under it, or give a held asset (ast_…) out."""
    with told(), connected(server, token) as sigillo:
        if name.startswith(ASSET):
            released = {"name": name, **sigillo.release_asset(name, reason)}
        else:
            released = sigillo.release_hold(name, reason)
    _tell(released, "is released", as_json=as_json)


@app.command()
def refuse(
    asset: str = typer.Argument(..., help="Id of a held asset, ast_…"),
    reason: str = REASON,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Decide that a held asset is not given out."""
    with told(), connected(server, token) as sigillo:
        refused = {"name": asset, **sigillo.refuse_asset(asset, reason)}
    _tell(refused, "stays as it is", as_json=as_json)


def _tell(changed: dict[str, dict[str, str]], what: str, *, as_json: bool) -> None:
    if as_json:
        show(changed)
    else:
        say(f"hold {quoted(changed['name'])} {what}; entry {changed['ledger']['entry']} says so")


def _seen(ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]] | None:
    """What is answered; None to whoever may not see it."""
    try:
        return ask()
    except Problem as problem:
        if not problem.type.endswith(":scope-missing"):
            raise
        return None


def _held_assets(sigillo: Sigillo) -> list[dict[str, Any]]:
    page = sigillo.held_assets()
    found = list(page["holds"])
    while page["next"]:
        page = sigillo.held_assets(page["next"])
        found += page["holds"]
    return found
