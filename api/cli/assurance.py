"""`sigillo assurance …`: an account's tier; a policy, before the service is started with it."""

from __future__ import annotations

from pathlib import Path

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, Exit, fail, say, show, told

ACCOUNT = typer.Argument(..., help="The account's id here, acc_…")
app = typer.Typer(no_args_is_help=True, help="How sure one may be of who holds an account.")


@app.command("open")
def open_account(
    name: str = typer.Argument(..., help="Whatever you call the account: best a pseudonymous id."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Open an account, or find the one that you opened by that name: from then on it goes by its id here, acc_…"""
    with told(), connected(server, token) as sigillo:
        found = sigillo.open_account(name)
    if as_json:
        show(found)
    else:
        say(f"[bold]{found['id']}[/]  tier {found['tier']}")


@app.command()
def portrait(
    account: str = ACCOUNT,
    document: Path = typer.Argument(..., exists=True, dir_okay=False, help="The portrait in an identity document."),
    selfie: Path = typer.Argument(..., exists=True, dir_okay=False, help="A picture of its holder, taken now."),
    country: str = typer.Option("", help="Whose rules the account has, such as FR."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Compare a portrait with a selfie: that they match is evidence. Neither picture is kept. Ends with 1 if not."""
    with told(), connected(server, token) as sigillo:
        found = sigillo.compare_portrait(account, document, selfie, country)
    if as_json:
        show(found)
    else:
        say(f"[bold]{found['verdict'].replace('_', ' ')}[/]; entry {found['ledger']['entry']} says so")
        say("  whether a living person was before the camera was not checked")
    raise typer.Exit(Exit.OK if found["granted"] else Exit.REFUSED)


@app.command()
def status(
    account: str = ACCOUNT,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Show an account's tier, and the evidence it rests on."""
    with told(), connected(server, token) as sigillo:
        found = sigillo.account(account)
    if as_json:
        show(found)
        return
    say(f"[bold]{found['tier']}[/]  under {found['policy']}")
    for one in found["evidence"]:
        say(f"  {one['kind']} from {one['source']}: {one['tier']} until {one['expires_at']}  {one['id']}")


@app.command()
def policy(
    file: Path = typer.Argument(..., exists=True, dir_okay=False, help="A policy, for SIGILLO_ASSURANCE_POLICY."),
    as_json: bool = JSON,
) -> None:
    """Check a policy file, and show what it grants; asks no server."""
    from identity.assurance.errors import AssurancePolicyError
    from identity.assurance.policy import read_policy

    try:
        found = read_policy(file.read_bytes())
    except AssurancePolicyError as error:
        raise fail(f"{file}: {error}") from error
    rules = {region: {kind: rule.model_dump() for kind, rule in of.items()} for region, of in found.rules.items()}
    if as_json:
        show({"policy": found.name, "sha256": found.digest, "rules": rules})
        return
    say(f"[bold]{found.name}[/]  SHA-256 {found.digest}")
    for region, of in found.rules.items():
        for kind, rule in of.items():
            say(f"  {region or 'everywhere'}: {kind} is {rule.tier} for {rule.days} days")
