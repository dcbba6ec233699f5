"""`sigillo staff …`: who acts for the deployment in a browser, and by which role."""

from __future__ import annotations

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, quoted, say, show, told
from cases.staff_member import Role

app = typer.Typer(no_args_is_help=True, help="Invite and remove people who act in the browser.")


@app.command()
def invite(
    role: Role = typer.Option(..., help="What they are there for."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Make a link for one person: it is good once, for a day. Hand it to them in a way that nobody else reads."""
    with told(), connected(server, token) as sigillo:
        invited = sigillo.invite_staff(role)
    if as_json:
        show(invited)
        return
    say(f"staff  {invited['id']}  {invited['role']}")
    say(f"good once, until {invited['expires_at']}; the link is shown this once:")
    typer.echo(invited["link"])  # whole, however narrow the terminal


@app.command("list")
def list_staff(server: str = SERVER, token: str = TOKEN, as_json: bool = JSON) -> None:
    """List who has a role, and invitations that nobody came with."""
    with told(), connected(server, token) as sigillo:
        staff = sigillo.staff()
    if as_json:
        show({"staff": staff})
        return
    for one in staff:
        state = f"since {one['joined_at']}" if one["joined_at"] else f"invited until {one['expires_at']}"
        say(f"[bold]{one['id']}[/]  {one['role']}  {state}  {one['principal']}")


@app.command()
def remove(staff: str, server: str = SERVER, token: str = TOKEN, as_json: bool = JSON) -> None:
    """Take a role back, or an invitation; whoever had it is signed out everywhere."""
    with told(), connected(server, token) as sigillo:
        removed = sigillo.remove_staff(staff)
    if as_json:
        show(removed)
    else:
        say(f"{quoted(staff)} is removed; entry {removed['ledger']['entry']} says so")
