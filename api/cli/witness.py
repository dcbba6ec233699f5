"""`sigillo witness …`: the small reference witness, which cosigns what it sees of other people's logs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from api.cli.output import JSON, Exit, err, fail, quoted, show, told
from api.running.home import FOLDER_MODE, alone
from keys.clock import system_clock, system_entropy
from ledger.errors import CheckpointError
from ledger.tree.checkpoint import VerifierKey
from ledger.witnessing.witness_key import WitnessSigner, open_witness_key

app = typer.Typer(no_args_is_help=True, help="The reference witness: it sees logs of others, and signs that they grow.")

REFERENCE = (
    "This is the reference witness: small, to be read and tried. Whoever runs it should not run the log; it trusts its "
    "disk, so never put an older copy of its folder back."
)
HOME = typer.Option(..., file_okay=False, help="Its folder: key, and what it saw.")
NAME = typer.Option("", help="What it is called, such as witness.example/one; chosen at the first start, for ever.")


@app.command()
def serve(
    home: Path = HOME,
    log: list[str] = typer.Option(..., metavar="VKEY", help="Verifier key of a log to cosign; repeat for more."),
    listen: str = typer.Option("127.0.0.1:8090", help="HOST:PORT; port 0 takes a free one."),
    name: str = NAME,
    as_json: bool = JSON,
) -> None:
    """Cosign those logs. Stop it with Ctrl-C, or in any other way."""
    from api.edge.listening import serve_app
    from api.running.log import configure
    from api.witness import witness_app
    from ledger.witnessing.witness import Witness

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 0xFFFF:
        raise fail("write --listen as 127.0.0.1:8090", Exit.USAGE)
    logs = {key.origin: key for key in map(_log, log)}
    with told(), _opened(home, name) as signer:
        configure(None)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _stop)
        witness = Witness(home, signer, logs, system_clock)
        serve_app(witness_app(witness), host.strip("[]"), int(port), lambda url: _say(url, signer, as_json=as_json))


@app.command()
def vkey(home: Path = HOME, name: str = NAME, as_json: bool = JSON) -> None:
    """Print its verifier key: for the log's settings, and for whoever checks cosignatures. Made if there is none."""
    with told():
        _folder(home)
        key = open_witness_key(home / "key", _wanted(home, name), system_entropy).key
    if as_json:
        show({"name": key.name, "vkey": str(key)})
    else:
        typer.echo(str(key))


@contextmanager
def _opened(home: Path, name: str) -> Iterator[WitnessSigner]:
    """Its key, while nobody else serves from the same folder."""
    _folder(home)
    with alone(home / "lock", str(home)):
        yield open_witness_key(home / "key", _wanted(home, name), system_entropy)


def _folder(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)


def _wanted(home: Path, name: str) -> str:
    if not name and not (home / "key").exists():
        raise fail("give a new witness a --name, such as witness.example/one", Exit.USAGE)
    return name


def _log(vkey: str) -> VerifierKey:
    try:
        return VerifierKey.parse(vkey)
    except CheckpointError as error:
        raise fail(f"--log: {error}", Exit.USAGE) from error


def _say(url: str, signer: WitnessSigner, *, as_json: bool) -> None:
    if as_json:
        show({"url": url, "vkey": str(signer.key)})
        return
    err.print(f"witness [bold]{quoted(signer.key)}[/] on {url}")
    err.print(REFERENCE)


def _stop(_number: int, _frame: object) -> None:
    raise SystemExit(0)
