"""`sigillo holds …`: legal holds, which keep assets from being erased and from expiring."""

from __future__ import annotations

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, quoted, say, show, told

app = typer.Typer(no_args_is_help=True, help="Keep assets from being erased, by name.")

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
    """List holds and what lies under each."""
    with told(), connected(server, token) as sigillo:
        holds = sigillo.holds()
    if as_json:
        show({"holds": holds})
        return
    for hold in holds:
        say(f"[bold]{hold['name']}[/]  since {hold['placed_at']}")
        for asset in hold["assets"]:
            say(f"  {asset}")


@app.command()
def release(
    name: str = NAME, reason: str = REASON, server: str = SERVER, token: str = TOKEN, as_json: bool = JSON
) -> None:
    """End a hold for everything under it."""
    with told(), connected(server, token) as sigillo:
        released = sigillo.release_hold(name, reason)
    _tell(released, "is released", as_json=as_json)


def _tell(changed: dict[str, dict[str, str]], what: str, *, as_json: bool) -> None:
    if as_json:
        show(changed)
    else:
        say(f"hold {quoted(changed['name'])} {what}; entry {changed['ledger']['entry']} says so")
