"""`sigillo matching negative-bank …`: pictures that many people have, and that nobody can register as theirs."""

from __future__ import annotations

from pathlib import Path

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.matching import app as matching
from api.cli.output import JSON, counted, quoted, say, show, told
from api.cli.register_image import taken

app = typer.Typer(no_args_is_help=True, help="Pictures that many people have: nobody can register them.")
matching.add_typer(app, name="negative-bank")


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


@app.command("list")
def listed(
    cursor: str = typer.Option("", help="`next` of the page before."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """List the pictures that were added, by the entry that says so. What ships is known beside them."""
    with told(), connected(server, token) as sigillo:
        page = sigillo.common_pictures(cursor)
    if as_json:
        show(page)
        return
    for one in page["pictures"]:
        say(f"[bold]{one['id']}[/]  {one['pdq'][0]}, {counted(len(one['pdq']), 'hash', 'hashes')}")
    if not page["pictures"]:
        say("nothing was added")
    if page["next"]:
        say(f"more with --cursor {page['next']}")


@app.command()
def remove(
    picture: str = typer.Argument(..., help="The entry that added it, ent_… (negative-bank list)."),
    reason: str = typer.Option(..., help="Why it is not common after all; goes into the log."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Say that a picture is not common after all: whoever registered it is told of copies again."""
    with told(), connected(server, token) as sigillo:
        answer = sigillo.remove_common_picture(picture, reason)
    if as_json:
        show(answer)
    else:
        say(f"[bold green]removed[/]; entry {answer['ledger']['entry']} says so")
