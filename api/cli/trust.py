"""`sigillo trust anchors`: the roots under which this deployment's signatures chain."""

from __future__ import annotations

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, show, told

app = typer.Typer(no_args_is_help=True, help="Whom to trust.")


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
