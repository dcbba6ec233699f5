"""`sigillo assurance …`: an account's tier; a policy, before the service is started with it."""

from __future__ import annotations

from pathlib import Path

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, fail, say, show, told

app = typer.Typer(no_args_is_help=True, help="How sure one may be of who holds an account.")


@app.command()
def status(
    account: str = typer.Argument(..., help="The account's id here, acc_…"),
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
