"""`sigillo ledger …`: check the log, or copy it out for others to check. Reads only; a running server may go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import typer
from rich.progress import Progress

from api.cli.connect import load_settings
from api.cli.output import JSON, Exit, err, fail, quoted, say, show, told
from api.home import Home
from ledger.audit import LogReport

app = typer.Typer(no_args_is_help=True, help="The ledger of decisions.")


@app.command()
def verify(
    folder: Path = typer.Argument(None, help="An exported log. Default: the log of the home folder, payloads too."),
    key: Path = typer.Option(
        None, help="Verifier key to trust. Default: the key store's own; for a folder its log.vkey, which proves less."
    ),
    as_json: bool = JSON,
) -> None:
    """Re-check everything: bytes, chain, tree, checkpoints, payloads. Exit code 5 names the first bad index."""
    with told(), _progress("checking", quiet=as_json) as progress:
        report = _exported(folder, key, progress) if folder else _at_home(key, progress)
    if as_json:
        show({**asdict(report), "sound": report.sound})
    else:
        say(_sentence(report))
    raise typer.Exit(Exit.OK if report.sound else Exit.INVALID)


@app.command()
def export(folder: Path, as_json: bool = JSON) -> None:
    """Write checkpoint, log.vkey, tiles and entries into a folder that any static server can host."""
    from ledger.database import Database
    from ledger.export import export_log

    settings = load_settings()
    _require_log(settings.home)
    with (
        told(),
        closing(Database(settings.database_url)) as database,
        _progress("exporting", quiet=as_json) as progress,
    ):
        head = export_log(database, folder, progress)
    if as_json:
        show({"folder": str(folder), "origin": head.origin, "size": head.size, "root": head.root.hex()})
    else:
        say(f"{head.size} entries of {quoted(head.origin)} are in {quoted(folder)}")


def _at_home(key: Path | None, progress: Callable[[int, int], None]) -> LogReport:
    from api.service import open_keys
    from cases.decisions import KINDS
    from keys.clock import system_clock, system_entropy
    from ledger.database import Database
    from ledger.log import Ledger

    settings = load_settings()
    _require_log(settings.home)
    keys = open_keys(settings, Home(settings.home), system_clock, system_entropy)
    with closing(Database(settings.database_url)) as database:
        return Ledger(database, keys, KINDS).verify(progress, key.read_text() if key else None)


def _exported(folder: Path, key: Path | None, progress: Callable[[int, int], None]) -> LogReport:
    from ledger.export import VKEY_FILE, verify_export

    return verify_export(folder, (key or folder / VKEY_FILE).read_text(), progress)


def _require_log(home: Path) -> None:
    """A check must not make the very thing it checks."""
    settings = load_settings()
    if not settings.database and not (home / "sigillo.db").exists():
        raise fail(f"there is no ledger in {home}; set SIGILLO_HOME to the folder that has one", Exit.USAGE)


def _sentence(report: LogReport) -> str:
    if report.sound:
        opened = (
            f"; {report.payloads} payloads opened, {report.erased} erased" if report.payloads or report.erased else ""
        )
        return f"[bold green]sound[/]: {report.entries} entries, {report.proven} of them under a checkpoint{opened}"
    fault = report.fault
    assert fault is not None
    return f"[bold red]not sound[/]: index {fault.index}, {quoted(fault.kind)}: {quoted(fault.reason)}"


@contextmanager
def _progress(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    with Progress(console=err, transient=True, disable=quiet or not err.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
