"""`sigillo ledger recover`: go on from an older database, in two steps."""

from __future__ import annotations

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.ledger import app
from api.cli.output import JSON, quoted, say, show, told


@app.command()
def recover(
    confirm: str = typer.Option("", help="The word that the first step gave."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Go on from a database that stands behind what was signed. First it tells what is lost; `--confirm` does it."""
    with told(), connected(server, token) as sigillo:
        found = sigillo.recover_ledger(confirm) if confirm else sigillo.ledger_recovery()
    if as_json:
        show(found)
    elif confirm:
        say(f"the log goes on from here; entry {quoted(found['entry'])} says so")
    elif not found["needed"]:
        say("there is nothing to recover from: the log extends all that was signed")
    else:
        say(f"[bold]why[/]          {quoted(found['reason'])}")
        mark = found["mark"]
        signed = "{size} entries, root {root}".format_map(mark) if mark else "unknown: the mark is gone"
        say(f"was signed   {signed}")
        say(f"is here      {found['database']['size']} signed entries, root {found['database']['root']}")
        for seen in found["witnesses"]:
            say(f"was seen     {seen['size']} entries, by {quoted(seen['witness'])}, who will cosign no other history")
        say("what is lost the entries between; whoever saw the larger log can show that it was rolled back")
        say(f"to go on     sigillo ledger recover --confirm {found['confirm']}")
