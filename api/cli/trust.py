"""`sigillo trust …`: the roots under which this deployment's signatures chain, and the trust lists that it goes by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, Exit, counted, fail, quoted, say, show, told
from provenance.trust_list import ListName

app = typer.Typer(no_args_is_help=True, help="Whom to trust.")

YES = typer.Option(False, "--yes", help="Do not ask.")


@app.callback()
def trust() -> None:
    """Whom to trust."""


@app.command()
def anchors(server: str = SERVER, token: str = TOKEN, as_json: bool = JSON) -> None:
    """Print the root certificates (PEM): give them to whoever verifies your files."""
    with told(), connected(server, token) as sigillo:
        pem = sigillo.anchors()
    if as_json:
        show({"anchors": pem})
    else:
        typer.echo(pem, nl=False)


@app.command("list")
def list_lists(server: str = SERVER, token: str = TOKEN, as_json: bool = JSON) -> None:
    """Name the trust lists in force."""
    with told(), connected(server, token) as sigillo:
        found = sigillo.trust_lists()
    if as_json:
        show(found)
        return
    for one in found["lists"]:
        say(
            f"{one['name']:<9} of {one['issued'][:10]}, {counted(one['anchors'], 'certificate')}, "
            f"SHA-256 {one['digest']}"
        )
    if not found["lists"]:
        say("none: beside this deployment's own roots nobody is trusted (`sigillo trust update`)")


@app.command("show")
def show_list(
    name: ListName = typer.Argument(..., help="Which."), server: str = SERVER, token: str = TOKEN, as_json: bool = JSON
) -> None:
    """Show who is on a list."""
    with told(), connected(server, token) as sigillo:
        found = sigillo.trust_list(name)
    if as_json:
        show(found)
        return
    until = f"; the next one was promised for {found['next_update'][:10]}" if found["next_update"] else ""
    if found["next_update"] and datetime.fromisoformat(found["next_update"]) < datetime.now(UTC):
        until += ", which is past: get it"
    say(f"{found['name']} of {found['issued'][:10]}{until}, SHA-256 {found['digest']}")
    for line in _named(found["certificates"], " "):
        say(line)


@app.command()
def update(
    file: Path = typer.Argument(..., exists=True, dir_okay=False, help="PEM, or the JSON that C2PA publishes."),
    name: ListName = typer.Option(..., "--as", help="Which list it becomes."),
    dated: str = typer.Option("", help="The day a PEM list was published, 2026-08-14; JSON says so itself."),
    yes: bool = YES,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Put a trust list in force, once you have seen whom it adds and removes. Takes effect at once; goes on record."""
    try:
        text = file.read_bytes().decode()  # as it is: its digest is that of the file
    except UnicodeDecodeError as error:
        raise fail(f"{file}: not readable as text: give PEM, or the JSON that C2PA publishes", Exit.USAGE) from error
    with told(), connected(server, token) as sigillo:
        compared = sigillo.compare_trust_list(name, text, dated)
        _confirm(compared, yes=yes, quiet=as_json)
        made = sigillo.update_trust_list(name, text, dated, compared["replaces"])
    _done(made, f"{name} of {made['list']['issued'][:10]} is in force", as_json=as_json)


@app.command()
def drop(
    name: ListName = typer.Argument(..., help="Which."),
    yes: bool = YES,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Trust nobody for being on this list any more. Goes on record."""
    with told(), connected(server, token) as sigillo:
        found = sigillo.trust_list(name)
        _confirm({"added": [], "removed": found["certificates"], "warnings": []}, yes=yes, quiet=as_json)
        made = sigillo.drop_trust_list(name, found["digest"])
    _done(made, f"{name} is dropped", as_json=as_json)


def _confirm(change: dict[str, Any], *, yes: bool, quiet: bool) -> None:
    """Show what changes and ask. A program says --yes: nobody reads its screen."""
    if quiet and not yes:
        raise fail("with --json nobody can be asked: add --yes", Exit.USAGE)
    if quiet:
        return
    for line in (*_named(change["added"], "+"), *_named(change["removed"], "-")):
        say(line)
    for warning in change["warnings"]:
        say(f"[yellow]warning[/]  {quoted(warning)}")
    said = f"{counted(len(change['added']), 'certificate')} more to trust, {len(change['removed'])} fewer"
    if not yes and not typer.confirm(f"{said}: go on?"):
        raise fail("nothing was changed")


def _named(anchors: list[dict[str, str]], sign: str) -> Iterator[str]:
    for one in anchors:
        yield f"{sign} {quoted(one['subject'])}, until {one['ends'][:10]}"
        yield f"    {one['fingerprint']}"


def _done(made: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    if as_json:
        show(made)
    else:
        say(f"{sentence}: entry {made['entry']}")
