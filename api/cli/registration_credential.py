"""`sigillo registration show`, `credential`: how a registration stands, and its credential once it protects."""

from __future__ import annotations

from pathlib import Path

import typer

from api.cli.acting import BIND, WALLET, bound_to
from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, say, show, told
from api.cli.registering import saved_credential
from api.cli.registration import REGISTRATION, app


@app.command("show")
def show_registration(
    registration: str = REGISTRATION, server: str = SERVER, token: str = TOKEN, as_json: bool = JSON
) -> None:
    """Show what a registration refuses, and how it stands."""
    with told(), connected(server, token) as sigillo:
        found = sigillo.registration(registration)
    if as_json:
        show(found)
        return
    say(f"[bold]{found['state']}[/]  {found['id']} of {found['account']}, until {found['expires_at']}")
    if found["leaving_at"]:
        say(f"withdrawn by its recovery code, which takes effect {found['leaving_at']} at the latest")
        say(f"  its owner stops that: sigillo registration keep {found['id']}")
    if found["consent"] is not None and found["refuses"] is not None:
        say(f"refuses {', '.join(found['refuses'])}; rules {found['rules']}, as {found['right']}")
        say(f"agreed to {found['consent']['text']}, known by: {found['consent']['known_by']}")


@app.command()
def credential(
    registration: str = REGISTRATION,
    form: str = typer.Option("dc+sd-jwt", help="dc+sd-jwt, or a cryptosuite."),
    bind: bool = BIND,
    wallet: Path = WALLET,
    out: Path = typer.Option(Path(), "-o", "--out", file_okay=False, help="Folder to save it in."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Save the credential of a registration that protects: the first after a release, or the same signed anew."""
    with told(), connected(server, token) as sigillo:
        issued = sigillo.registration_credential(registration, form, bound_to(bind, wallet).get("holder"))
        file = saved_credential(registration, issued["credential"], out)
    if as_json:
        show({**issued, "saved": str(file)})
    else:
        say(f"saved {file}; entry {issued['ledger']['entry']} says so")
