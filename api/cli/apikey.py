"""`sigillo apikey …`: who may ask for signatures, and what they may claim."""

from __future__ import annotations

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, Exit, fail, quoted, say, show, told

app = typer.Typer(no_args_is_help=True, help="Give and take back API keys.")


@app.command()
def create(
    tool: str = typer.Option("", help="The one tool this key may name in manifests; a key that signs needs it."),
    source: list[str] = typer.Option(
        [],
        help="A digital source type it may assert, such as digitalCapture; repeat for more. None: edits only.",
    ),
    scope: list[str] = typer.Option(
        [], help="What it may do, such as ledger:audit; repeat for more. Default: sign, read and erase its own assets."
    ),
    model: list[str] = typer.Option([], help="A model its claims over unseen content may name; repeat for more."),
    assertion: list[str] = typer.Option([], help="An assertion of its own that such claims may hold, such as com.a.b."),
    principal: str = typer.Option("", help="An existing principal that gets another key. Default: a new one."),
    new_tenant: bool = typer.Option(False, help="Put the key into a tenant of its own."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Make an API key. Its token is shown this once."""
    if not tool and (not scope or {"assets:sign", "claims:sign"} & set(scope)):
        raise fail("name the tool with --tool, or with --scope what a key may do that does not sign", Exit.USAGE)
    request = {"tool": tool, "source_types": source, "new_tenant": new_tenant}
    request |= {"models": model, "assertions": assertion}
    request |= {"scopes": scope} if scope else {}
    request |= {"principal": principal} if principal else {}
    with told(), connected(server, token) as sigillo:
        issued = sigillo.issue_key(request)
    if as_json:
        show(issued)
        return
    say(f"key        {issued['id']}")
    say(f"principal  {issued['principal']}")
    say(f"token      [bold]{issued['token']}[/]   (shown once: keep it now)")


@app.command("list")
def list_keys(server: str = SERVER, token: str = TOKEN, as_json: bool = JSON) -> None:
    """List keys; tokens are never shown again."""
    with told(), connected(server, token) as sigillo:
        keys = sigillo.api_keys()
    if as_json:
        show({"keys": keys})
        return
    # Lines, not a table: a table cuts ids to the terminal's width, and a cut id revokes nothing.
    for key in keys:
        state = "revoked" if key["revoked_at"] else "active"
        sources = ", ".join(source.rsplit("/", 1)[-1] for source in key["source_types"]) or "edits only"
        say(f"[bold]{key['id']}[/]  {state}  {key['principal']}  {quoted(key['tool'])}")
        say(f"  may assert {sources}; may do {', '.join(key['scopes'])}")


@app.command()
def revoke(key: str, server: str = SERVER, token: str = TOKEN, as_json: bool = JSON) -> None:
    """Make a key stop working at once."""
    with told(), connected(server, token) as sigillo:
        sigillo.revoke_key(key)
    if as_json:
        show({"revoked": key})
    else:
        say(f"{quoted(key)} is revoked")
