"""The command line. Each command is one module; none holds logic of its own (ADR 0003)."""

from __future__ import annotations

import typer

import api.cli.loading as _loading  # before the commands
from api.cli import bundle as _bundle  # noqa: F401 -- adds its commands to `ledger`
from api.cli import claim_key as _claim_key  # noqa: F401 -- adds its commands to `keys`
from api.cli import credential_offer as _credential_offer  # noqa: F401 -- to `credential`
from api.cli import credential_verify as _credential_verify  # noqa: F401 -- as well
from api.cli import face_rotation as _face_rotation  # noqa: F401 -- to `matching`
from api.cli import holder as _holder  # noqa: F401 -- as well
from api.cli import negative_bank as _negative_bank  # noqa: F401 -- to `matching`
from api.cli import oversight as _oversight  # noqa: F401 -- to `ledger` as well
from api.cli import receipt as _receipt  # noqa: F401 -- as well
from api.cli import recover as _recover  # noqa: F401 -- as well
from api.cli import registration_credential as _registration_credential  # noqa: F401 -- to `registration`
from api.cli.apikey import app as apikey
from api.cli.assurance import app as assurance
from api.cli.batch import batch
from api.cli.claim_signer import app as claim_signer
from api.cli.credential import app as credential
from api.cli.custody import app as custody
from api.cli.demo import demo
from api.cli.holds import app as holds
from api.cli.keys import app as keys
from api.cli.ledger import app as ledger
from api.cli.likeness import app as likeness
from api.cli.matching import app as matching
from api.cli.models import app as models
from api.cli.register import register
from api.cli.register_image import register_image
from api.cli.registration import app as registration
from api.cli.serve import serve
from api.cli.sign import sign
from api.cli.staff import app as staff
from api.cli.trust import app as trust
from api.cli.verify import verify
from api.cli.witness import app as witness
from api.version import VERSION

_loading.done()


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sigillo {VERSION}")
        raise typer.Exit


app = typer.Typer(
    name="sigillo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    epilog="Exit codes: 0 done, trusted or holds, 1 refused, 2 usage, 3 absent, 4 unreadable, 5 invalid, 6 untrusted, "
    "7 unavailable or unchecked, 8 held: a person decides.",
)


@app.callback()
def sigillo(
    version: bool = typer.Option(False, "--version", is_eager=True, callback=_version, help="Print the version."),
) -> None:
    """Provenance for media: sign at upload, verify anywhere, prove it later."""


app.command()(serve)
app.command()(sign)
app.command()(batch)
app.command()(verify)
app.command()(register)
app.command("register-image")(register_image)
app.command()(demo)
app.add_typer(claim_signer, name="claim-signer")
app.add_typer(custody, name="custody")
app.add_typer(trust, name="trust")
app.add_typer(keys, name="keys")
app.add_typer(ledger, name="ledger")
app.add_typer(holds, name="holds")
app.add_typer(likeness, name="likeness")
app.add_typer(apikey, name="apikey")
app.add_typer(staff, name="staff")
app.add_typer(assurance, name="assurance")
app.add_typer(matching, name="matching")
app.add_typer(models, name="models")
app.add_typer(witness, name="witness")
app.add_typer(credential, name="credential")
app.add_typer(registration, name="registration")


def main() -> None:
    """The `sigillo` command."""
    app()
