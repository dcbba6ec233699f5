"""`sigillo matching negative-bank …`: pictures that many people have, and that nobody can register as theirs."""

from __future__ import annotations

from pathlib import Path

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.matching import app as matching
from api.cli.output import JSON, quoted, say, show, told
from api.cli.register_image import taken

app = typer.Typer(no_args_is_help=True, help="Pictures that many people have: nobody can register them.")
matching.add_typer(app, name="negative-bank")


@app.callback()
def negative_bank() -> None:
    """Keeps `add` a command of its own."""


@app.command()
def add(
    picture: Path = typer.Argument(..., exists=True, dir_okay=False, help="The picture; it stays on this machine."),
    reason: str = typer.Option(..., help="Why it is common; goes into the log."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Say that many people have a picture; its fingerprint is made here, and only that is sent."""
    with told(), connected(server, token) as sigillo:
        answer = sigillo.add_common_picture(taken(picture), reason)
    if as_json:
        show(answer)
    elif answer["added"]:
        say(f"[bold green]added[/]  {quoted(str(picture))}; entry {answer['ledger']['entry']} says so")
    else:
        say(f"{quoted(str(picture))} is known to be common already")
