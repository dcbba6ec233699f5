"""The command line. Each command is one module; none holds logic of its own (ADR 0003).

Only the modules of the command that is called are loaded: all of them together take a second to load.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Final

import typer

from api.cli import loading
from api.version import VERSION

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "serve": ("serve",),
    "sign": ("sign",),
    "batch": ("batch",),
    "verify": ("verify",),
    "register": ("register",),
    "register-image": ("register_image",),
    "demo": ("demo",),
    "claim-signer": ("claim_signer",),
    "custody": ("custody",),
    "trust": ("trust",),
    "keys": ("keys", "claim_key"),
    "ledger": ("ledger", "bundle", "oversight", "receipt", "recover"),
    "holds": ("holds",),
    "likeness": ("likeness",),
    "apikey": ("apikey",),
    "staff": ("staff",),
    "assurance": ("assurance",),
    "matching": ("matching", "face_rotation", "negative_bank"),
    "models": ("models",),
    "witness": ("witness",),
    "credential": ("credential", "credential_offer", "credential_verify", "holder"),
    "registration": ("registration", "registration_credential"),
}
"""Their modules here: the first has the command, or an `app` of commands, to which the others add some."""

_UNLOADED: Final = 7
"""As `api.cli.output.Exit.UNAVAILABLE`, which may be what cannot be loaded."""


def commands(names: Iterable[str]) -> typer.Typer:
    """`sigillo` with these commands."""
    app = typer.Typer(
        name="sigillo",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        epilog="Exit codes: 0 done, trusted or holds, 1 refused, 2 usage, 3 absent, 4 unreadable, 5 invalid, "
        "6 untrusted, 7 unavailable or unchecked, 8 held: a person decides.",
    )
    app.callback()(sigillo)
    with loading.uncollected():
        for name in names:
            module, *_ = [import_module(f"{__name__}.{module}") for module in COMMANDS[name]]
            if isinstance(group := getattr(module, "app", None), typer.Typer):
                app.add_typer(group, name=name)
            else:
                app.command(name)(getattr(module, COMMANDS[name][0]))
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sigillo {VERSION}")
        raise typer.Exit


def sigillo(
    version: bool = typer.Option(False, "--version", is_eager=True, callback=_version, help="Print the version."),
) -> None:
    """Provenance for media: sign at upload, verify anywhere, prove it later."""


def main() -> None:
    """The `sigillo` command. Where a part of it, or of what it depends on, cannot be loaded, it says which."""
    called = sys.argv[1:2]
    try:
        commands(called if COMMANDS.keys() & called else COMMANDS)()
    except ImportError as error:
        sys.stderr.write(f"sigillo: {error}: install it again, with what it depends on\n")
        raise SystemExit(_UNLOADED) from error
