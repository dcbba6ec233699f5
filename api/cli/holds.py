"""`sigillo holds …`: legal holds, which keep assets from being erased and from expiring; and what waits for a person:
assets that are signed and not given out (`cases.likeness`), registrations that protect nobody yet
(`cases.registration`). A legal hold goes by the name that somebody gave it, an asset by `ast_…`, a registration by
`hld_…`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, quoted, say, show, told
from api.schemas.words import REGISTRATION_HOLD
from sigillo_client import Problem, Sigillo

app = typer.Typer(
    no_args_is_help=True,
    help="Keep assets from being erased, by name; and decide about assets and registrations that are held.",
)


class Kind(StrEnum):
    """Which holds are meant."""

    LEGAL = "legal"
    ASSET = "asset"
    REGISTRATION = "registration"


ASSET = "ast_"
REGISTRATION = re.compile(REGISTRATION_HOLD)
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
def list_holds(
    kind: Kind | None = typer.Option(None, help="Only these. Default: all, as far as the key's scopes reach."),
    decided: bool = typer.Option(False, "--decided", help="Registrations that somebody decided, not those that wait."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """List legal holds and what lies under each, and assets and registrations that are held."""
    with told(), connected(server, token) as sigillo:
        asks: dict[Kind, tuple[str, Callable[[], list[dict[str, Any]]]]] = {
            Kind.LEGAL: ("holds", sigillo.holds),
            Kind.ASSET: ("assets", lambda: _held_assets(sigillo)),
            Kind.REGISTRATION: ("registrations", lambda: sigillo.registration_holds(decided=decided)),
        }
        wanted = [asks[kind]] if kind else list(asks.values())
        found = {name: ask() if kind else _seen(ask) for name, ask in wanted}
        if all(seen is None for seen in found.values()):
            sigillo.holds()  # says which scope is missing
    if as_json:
        show({name: seen for name, seen in found.items() if seen is not None})
        return
    for one in found.get("registrations") or ():
        _say_registration(one)
    for held in found.get("assets") or ():
        appeal = f", its uploader objects: {held['appeal']}" if held["appeal"] else ""
        refused = f", refused {held['refused_at']}" if held["refused_at"] else ""
        say(f"[bold]{held['asset']}[/]  {held['reason']} since {held['placed_at']}{refused}{quoted(appeal)}")
    for hold in found.get("holds") or ():
        say(f"[bold]{hold['name']}[/]  legal hold since {hold['placed_at']}")
        for asset in hold["assets"]:
            say(f"  {asset}")


@app.command()
def release(
    name: str = typer.Argument(..., help="Name of a legal hold; or ast_… or hld_…, of what is held."),
    reason: str = REASON,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """End a legal hold for everything under it; give a held asset (ast_…) out; let a registration (hld_…) protect."""
    with told(), connected(server, token) as sigillo:
        if REGISTRATION.fullmatch(name):
            released = {"name": name, **sigillo.release_registration(name, reason)}
        elif name.startswith(ASSET):
            released = {"name": name, **sigillo.release_asset(name, reason)}
        else:
            released = sigillo.release_hold(name, reason)
    _tell(released, "is released", as_json=as_json)


@app.command()
def refuse(
    name: str = typer.Argument(..., help="Id of a held asset, ast_…, or of a held registration, hld_…"),
    reason: str = REASON,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Decide that a held asset is not given out; or end a held registration, and destroy its key."""
    with told(), connected(server, token) as sigillo:
        if REGISTRATION.fullmatch(name):
            refused, what = sigillo.refuse_registration(name, reason), "is refused, and its registration ended"
        else:
            refused, what = sigillo.refuse_asset(name, reason), "stays as it is"
    decided: dict[str, Any] = {"name": name, **refused}
    _tell(decided, what, as_json=as_json)


def _tell(changed: dict[str, Any], what: str, *, as_json: bool) -> None:
    if as_json:
        show(changed)
    else:
        say(f"hold {quoted(changed['name'])} {what}; entry {changed['ledger']['entry']} says so")


def _say_registration(one: dict[str, Any]) -> None:
    said = f"registration {one['registration']} of {one['account']}"
    say(f"[bold]{one['id']}[/]  {said}: {one['state']}, since {one['placed_at']}")
    for reason in one["reasons"]:
        alike = f": {', '.join(reason['alike'])}" if reason["alike"] else ""
        say(f"  {reason['reason']}{alike}")
    if one["stated"]:
        say(f"  acts as {one['right']}: {quoted(one['stated'])}")


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
