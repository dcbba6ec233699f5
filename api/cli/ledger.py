"""`sigillo ledger …`: check a log, ours or another's, or copy it out for others to check. Reads only; a running server
may go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

import typer
from rich.progress import Progress

from api.cli.at_home import load_settings
from api.cli.output import JSON, Exit, counted, err, fail, quoted, say, show, told
from api.running.home import Home
from ledger.auditing.audit import LogReport
from ledger.auditing.faults import FaultError
from ledger.errors import CheckpointError, StampAnchorsError
from ledger.stamping.stamp_check import NO_STAMPS, Judge, StampsFound
from ledger.witnessing.cosignature import Quorum

app = typer.Typer(no_args_is_help=True, help="The ledger of decisions.")


@app.command()
def verify(
    folder: Path = typer.Argument(
        None, help="An exported log, an audit bundle or a receipt. Default: the log of the home folder, payloads too."
    ),
    url: str = typer.Option("", help="A published log, such as https://sigillo.example/ledger."),
    key: Path = typer.Option(
        None, help="Verifier key to trust. Default: the key store's own; elsewhere the log's log.vkey: proves less."
    ),
    state: Path = typer.Option(None, dir_okay=False, help="With --url: keep here what was checked; go on from it."),
    since: Path = typer.Option(None, exists=True, dir_okay=False, help="With a bundle: the one you checked last."),
    follow: bool = typer.Option(False, "--follow", help="With --url: go on checking until something is wrong."),
    every: float = typer.Option(60, min=1, help="With --follow: seconds between two visits."),
    stall_after: float = typer.Option(3600, min=1, help="With --follow: tell of a log that rests so many seconds."),
    witness: list[str] = typer.Option(
        [], metavar="VKEY", help="Verifier key of a witness to believe; may be repeated."
    ),
    quorum: int = typer.Option(None, min=0, help="How many of them must have cosigned. Default: all."),
    tsa_anchors: Path = typer.Option(
        None,
        exists=True,
        dir_okay=False,
        help="PEM roots of time-stamp authorities to believe: judges stamps.",
    ),
    as_json: bool = JSON,
) -> None:
    """Re-check everything: bytes, chain, tree, checkpoints, cosignatures, stamps, payloads. Exit code 5 names the first
    bad index; 6: all of it holds, but a stamp is by an authority under none of the given roots.
    """
    if url and folder:
        raise fail("give a folder or --url, not both", Exit.USAGE)
    if (state or follow) and not url:
        raise fail("--state and --follow go with --url", Exit.USAGE)
    if folder and folder.is_file():
        _receipt(folder, key, witness, quorum, as_json=as_json)
        _bundle(folder, key, since, witness, quorum, _judge(tsa_anchors), as_json=as_json)
    believed, judge = _quorum(witness, quorum), _judge(tsa_anchors)
    believes_log = not key and bool(url or folder) and not (state and state.exists())
    with told(), progressing("checking", quiet=as_json or follow) as progress:
        if url:
            following = _Following(every, stall_after, as_json) if follow else None
            report = _remote(url, key, state, believed, judge, following, progress)
        else:
            checked = (key, believed, judge, progress)
            report = _exported(folder, *checked) if folder else _at_home(*checked)
    if as_json:
        show({**asdict(report), "sound": report.sound})
    else:
        say(_sentence(report, wanted=judge is not None))
        if believes_log and report.sound:
            say("not checked  whose log it is: the key came with it, so anybody could have made both (--key)")
    raise typer.Exit(_exit(report.stamps) if report.sound else Exit.INVALID)


@app.command()
def export(folder: Path, as_json: bool = JSON) -> None:
    """Write checkpoint, log.vkey, tiles, entries and stamps into a folder that any static server can host."""
    from ledger.publishing.export import export_log
    from ledger.publishing.publication import Publication
    from ledger.storage.database import Database

    settings = load_settings()
    require_log(settings.home)
    with (
        told(),
        closing(Database(settings.database_url)) as database,
        progressing("exporting", quiet=as_json) as progress,
    ):
        head = export_log(database, folder, progress, Publication.under(settings.witness_policy))
    if as_json:
        show({"folder": str(folder), "origin": head.origin, "size": head.size, "root": head.root.hex()})
    else:
        say(f"{counted(head.size, 'entry', 'entries')} of {quoted(head.origin)} are in {quoted(folder)}")


def _quorum(witnesses: list[str], needed: int | None) -> Quorum:
    try:
        return Quorum.parse(witnesses, needed)
    except CheckpointError as error:
        raise fail(f"--witness, --quorum: {error}", Exit.USAGE) from error


def _receipt(file: Path, key: Path | None, witnesses: list[str], quorum: int | None, *, as_json: bool) -> None:
    """Where the file is one, the end of the command."""
    from api.cli.receipt import check_receipt, is_receipt

    with told():
        if is_receipt(file):
            check_receipt(file, key, _quorum(witnesses, quorum), as_json=as_json)


def _text(key: Path) -> str:
    """Of a verifier key, or of what is none: parsing tells."""
    return key.read_text(errors="replace")


def _judge(anchors: Path | None) -> Judge | None:
    try:
        return Judge.of(anchors.read_text(errors="replace")) if anchors else None
    except StampAnchorsError as error:
        raise fail(f"{anchors}: {error}", Exit.USAGE) from error


def _exit(stamps: StampsFound) -> Exit:
    return Exit.UNTRUSTED if stamps.untrusted else Exit.OK


def _bundle(
    file: Path,
    key: Path | None,
    since: Path | None,
    witnesses: list[str],
    quorum: int | None,
    judge: Judge | None,
    *,
    as_json: bool,
) -> NoReturn:
    """Check a bundle with the verifier that is in every bundle; and its stamps, which that one leaves to others."""
    from ledger.auditing import bundle_verifier
    from ledger.auditing.bundle import judge_bundle

    if key is None:
        raise fail("give the log's verifier key with --key: a bundle's own proves nothing", Exit.USAGE)
    try:
        before, judged = str(since) if since else None, judge is not None
        found = bundle_verifier.verify(str(file), _text(key), before, witnesses, quorum, judged=judged)
        stamps, unsound = judge_bundle(file, judge), ""
    except (bundle_verifier.UnsoundError, FaultError) as error:
        found, stamps, unsound = [], NO_STAMPS, str(error)
    except bundle_verifier.UNREADABLE as error:
        raise fail(f"{file} is no receipt, and cannot be read as a bundle: {error}") from error
    if as_json:
        show({"sound": not unsound, "found": found, "fault": unsound, "stamps": asdict(stamps)})
    else:
        for line in found:
            say(quoted(line))
        said = stamped(stamps, wanted=judge is not None)
        say(f"[bold red]not sound[/]: {quoted(unsound)}" if unsound else f"[bold green]sound[/]{said}")
    raise typer.Exit(Exit.INVALID if unsound else _exit(stamps))


@dataclass(frozen=True)
class _Following:
    every: float
    stall_after: float
    as_json: bool


def _remote(
    url: str,
    key: Path | None,
    state: Path | None,
    quorum: Quorum,
    judge: Judge | None,
    following: _Following | None,
    progress: Callable[[int, int], None],
) -> LogReport:
    from api.cli.audit import auditor_of, follow, telling

    with auditor_of(url, key, state, quorum, judge) as auditor:
        if following is None:
            return auditor.visit(progress)
        return follow(auditor, following.every, following.stall_after, telling(as_json=following.as_json))


def _at_home(key: Path | None, quorum: Quorum, judge: Judge | None, progress: Callable[[int, int], None]) -> LogReport:
    from api.parts.key_store import open_keys
    from cases.decisions import KINDS
    from keys.clock import system_clock, system_entropy
    from ledger.log import Ledger
    from ledger.storage.database import Database

    settings = load_settings()
    require_log(settings.home)
    keys = open_keys(settings, Home(settings.home), system_clock, system_entropy)
    own = judge or _judge(settings.tsa_anchors)
    with closing(Database(settings.database_url)) as database:
        return Ledger(database, keys, KINDS).verify(progress, _text(key) if key else None, quorum, own)


def _exported(
    folder: Path, key: Path | None, quorum: Quorum, judge: Judge | None, progress: Callable[[int, int], None]
) -> LogReport:
    from ledger.auditing.mirror import folder_fetch, verify_mirror
    from ledger.publishing.source import VKEY_FILE

    fetch = folder_fetch(folder)
    vkey = key.read_bytes() if key else fetch(VKEY_FILE)
    if vkey is None:
        raise fail(f"{folder} has no {VKEY_FILE}: give the log's verifier key with --key", Exit.USAGE)
    return verify_mirror(fetch, vkey.decode("utf-8", "replace"), progress, quorum, judge)


def require_log(home: Path) -> None:
    """A check must not make the very thing it checks."""
    from ledger.storage.database import Database
    from ledger.storage.schema import is_empty

    settings = load_settings()
    if settings.on_postgresql:
        with told(), closing(Database(settings.database_url)) as database:
            if is_empty(database):
                raise fail("there is no ledger in the database that SIGILLO_DATABASE names", Exit.USAGE)
    elif not settings.database.get_secret_value() and not (home / "sigillo.db").exists():
        where = "set SIGILLO_HOME to the folder that has one, or name a published log with --url"
        raise fail(f"there is no ledger in {home}: {where}", Exit.USAGE)


def _sentence(report: LogReport, *, wanted: bool) -> str:
    if report.sound:
        opened = (
            f"; {counted(report.payloads, 'payload')} compared, {report.erased} erased"
            if report.payloads or report.erased
            else ""
        )
        return (
            f"[bold green]sound[/]: {counted(report.entries, 'entry', 'entries')}, "
            f"{report.proven} of them under a checkpoint{opened}"
            f"{_witnessed(report)}{stamped(report.stamps, wanted=wanted)}"
        )
    fault = report.fault
    assert fault is not None
    return f"[bold red]not sound[/]: index {fault.index}, {quoted(fault.kind)}: {quoted(fault.reason)}"


def _witnessed(report: LogReport) -> str:
    """Who else signed; what is not judged is said, too."""
    by = ", ".join(one.witness for one in report.cosigned.by)
    said = f"; {report.witnessed} of them under one that witnesses signed" if report.witnessed else ""
    said += f" (the newest: {quoted(by)})" if by else ""
    unknown = ", ".join(report.cosigned.unknown)
    return said + (f"; cosignatures by {quoted(unknown)} were not judged (--witness)" if unknown else "")


def stamped(stamps: StampsFound, *, wanted: bool) -> str:
    """What is said of stamps; those that were not judged are not called good, and none is not passed over where they
    are `wanted`: whoever publishes a log can withhold them.
    """
    if not stamps.present:
        return "; no stamps to judge" if wanted else ""
    said = f"; {counted(stamps.present, 'stamp')}, the last at size {stamps.size} ({stamps.time})"
    if not stamps.trusted and not stamps.untrusted:
        return f"{said}: present, not judged (--tsa-anchors)"
    untrusted = f", {stamps.untrusted} by authorities under none of the given roots" if stamps.untrusted else ""
    return f"{said}: {stamps.trusted} good{untrusted}"


@contextmanager
def progressing(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; takes (done, total)."""
    with Progress(console=err, transient=True, disable=quiet or not err.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
