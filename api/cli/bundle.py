"""`sigillo ledger bundle`: a range of the log in one file, for somebody with nothing but Python."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

import typer

from api.cli.at_home import load_settings
from api.cli.ledger import app, progressing, require_log
from api.cli.output import JSON, Exit, counted, fail, quoted, say, show, told
from ledger.publishing.source import CHECKPOINT_FILE, VKEY_FILE, Fetch
from ledger.tree.note import MAX_NOTE_BYTES


@app.command()
def bundle(
    file: Path = typer.Argument(..., dir_okay=False, help="Where to write it; a ZIP file."),
    first: int = typer.Option(0, "--from", min=0, help="Index of the first entry."),
    last: int = typer.Option(None, "--to", min=0, help="Index of the last entry. Default: the newest that is proven."),
    since: Path = typer.Option(
        None, exists=True, dir_okay=False, help="An earlier bundle, or a checkpoint: prove that the log grew from it."
    ),
    disclosed: Path = typer.Option(
        None, exists=True, file_okay=False, help="A folder of payloads that `sigillo ledger disclose` opened."
    ),
    url: str = typer.Option("", help="A published log. Default: the log of the home folder."),
    as_json: bool = JSON,
) -> None:
    """Write every public entry of a range, its proofs, the checkpoint, the key and a verifier into one file."""
    from ledger.auditing.bundle import read_disclosed, verifier_digest, write_bundle

    if file.exists():
        raise fail(f"{file} is there already, and may be evidence: name another file", Exit.USAGE)
    with told(), _source(url) as fetch, progressing("writing", quiet=as_json) as progress:
        vkey = (fetch(VKEY_FILE) or b"").decode("utf-8", "replace")
        end, before = None if last is None else last + 1, _checkpoint(since) if since else ""
        opened = read_disclosed(disclosed) if disclosed else []
        with _draft(file, private=bool(opened)) as out:
            facts = write_bundle(fetch, vkey, out, first, end, before, opened, progress)
    if as_json:
        show({"file": str(file), **asdict(facts), "verifier_sha256": verifier_digest()})
        return
    count = facts.end - facts.first
    said = f"{counted(count, 'entry', 'entries')} ({facts.first} to {facts.end - 1}) of {quoted(facts.origin)}"
    say(f"{said} in {quoted(file)}")
    say(f"verifier     verify.py in it, SHA-256 {verifier_digest()}; docs/verifying.md names it, too")
    say("what now     python3 verify.py FILE --key log.vkey, with both from elsewhere than the bundle")


@app.command()
def verifier(as_json: bool = JSON) -> None:
    """Print the verifier of bundles: one Python file that needs nothing else; with --json its digest."""
    from ledger.auditing.bundle import VERIFIER, verifier_digest

    if as_json:
        show({"sha256": verifier_digest(), "text": VERIFIER.read_text(encoding="utf-8")})
    else:
        typer.echo(VERIFIER.read_text(encoding="utf-8"), nl=False)


@contextmanager
def _draft(file: Path, *, private: bool) -> Iterator[IO[bytes]]:
    """Becomes the file once it is whole; else nothing stays, of payloads least of all. A private one is its owner's."""
    draft = file.with_name(f"{file.name}.part")
    draft.unlink(missing_ok=True)
    try:
        draft.touch(mode=0o600 if private else 0o644, exist_ok=False)
        with draft.open("wb") as out:
            yield out
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _source(url: str) -> Iterator[Fetch]:
    from ledger.publishing.publication import Publication
    from ledger.publishing.published import fetching
    from ledger.storage.database import Database
    from ledger.storage.tenancy import SystemSession
    from sigillo_client import PublishedLog

    if url:
        with PublishedLog(url) as published:
            yield published
        return
    settings = load_settings()
    require_log(settings.home)
    with closing(Database(settings.database_url)) as database, database.read(SystemSession.VERIFICATION) as connection:
        yield fetching(connection, Publication.under(settings.witness_policy))


def _checkpoint(file: Path) -> str:
    """Of a bundle, or the file itself."""
    if not zipfile.is_zipfile(file):
        return file.read_text(encoding="utf-8", errors="replace")
    try:
        with zipfile.ZipFile(file) as archive, archive.open(CHECKPOINT_FILE) as note:
            return note.read(MAX_NOTE_BYTES).decode("utf-8", "replace")
    except KeyError:
        raise fail(f"{file} is no bundle: it holds no checkpoint", Exit.USAGE) from None
