"""`sigillo credential offer`: a credential for somebody's wallet to fetch, as a QR code in the terminal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.credential import app, claim_of
from api.cli.output import JSON, Exit, fail, quoted, say, show, told
from api.edge.qr_code import in_letters
from identity.openid4vci.token import AUTHORISED


@app.command()
def offer(
    configuration: str = typer.Argument(
        ..., help="AgeAttestation.sd-jwt, AgeAttestation.bbs, VerifiedCreator.sd-jwt, …: a type, and how it is signed."
    ),
    claim: list[str] = typer.Option(..., help="What it says, as in age_over_18=true; repeat for more."),
    code: bool = typer.Option(False, "--code", help="The wallet asks its person for a code, which is shown here."),
    page: bool = typer.Option(
        False, "--page", help="The wallet sends its person to our page, which asks for the code."
    ),
    minutes: int = typer.Option(10, min=1, max=60, help="How long a wallet has."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Offer a credential to a wallet (OpenID4VCI). Whoever has the link has it, unless a code goes with it.

    The service must be running where the link says: a wallet fetches it from there.
    """
    if code and page:
        raise fail("--code or --page: either asks for the code", Exit.USAGE)
    request: dict[str, Any] = {
        "configuration": configuration,
        "claims": dict(map(claim_of, claim)),
        "tx_code": code,
        "lasts": timedelta(minutes=minutes).total_seconds(),
        **({"grant": AUTHORISED} if page else {}),
    }
    with told(), connected(server, token) as sigillo:
        made = sigillo.offer_credential(request)
    if as_json:
        show(made)
        return
    typer.echo(in_letters(made["short_link"]))
    say(quoted(made["short_link"]))
    if made["code"]:
        say(f"[bold]{quoted(made['code'])}[/] is the code: give it to the person another way than the link")
    say(f"{quoted(made['id'])}, until {quoted(made['expires_at'])}")
