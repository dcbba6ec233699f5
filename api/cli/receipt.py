"""`sigillo ledger receipt ENTRY`, and `sigillo ledger verify FILE` of what it wrote: one entry, proved to anybody."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.ledger import app
from api.cli.output import JSON, Exit, fail, quoted, say, show, told
from ledger.errors import ReceiptError
from ledger.receipt import HEADER, verify_receipt
from ledger.witnessing.cosignature import Quorum

SUFFIX = ".tlog-proof"
WAIT_SECONDS = 10
"""A checkpoint comes every second; one that waits for witnesses some seconds later."""


@app.command()
def receipt(
    entry: str = typer.Argument(..., help="Id of an entry, ent_…"),
    out: Path = typer.Option(None, "-o", "--out", dir_okay=False, help=f"Default: ENTRY{SUFFIX}"),
    wait: int = typer.Option(WAIT_SECONDS, min=0, help="Seconds to wait until the entry is proven."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Fetch the receipt of an entry: a small file that proves it, offline, to whoever has the log's key."""
    with told(), connected(server, token) as sigillo:
        text = sigillo.receipt(entry, wait)
    if not text:
        raise fail(f"{entry} is durable, and no checkpoint covers it yet: ask again", Exit.UNAVAILABLE)
    target = out or Path(f"{entry}{SUFFIX}")
    with told():
        target.write_text(text)
    if as_json:
        show({"entry": entry, "written": str(target)})
    else:
        say(f"[bold]{quoted(str(target))}[/]")
        say(f"  anybody checks it: sigillo ledger verify {quoted(target.name)} --key log.vkey")


def is_receipt(file: Path) -> bool:
    """Whether the file begins as one. Raises OSError."""
    with file.open("rb") as content:
        return content.read(len(HEADER)) == HEADER.encode()


def check_receipt(file: Path, key: Path | None, quorum: Quorum, *, as_json: bool) -> NoReturn:
    """Check a receipt, say what it proves, and end."""
    if key is None:
        raise fail("give the log's verifier key with --key: a receipt has none of its own", Exit.USAGE)
    try:
        proven = verify_receipt(file.read_text(errors="replace"), key.read_text(errors="replace"), quorum)
    except ReceiptError as error:
        if as_json:
            show({"sound": False, "fault": str(error)})
        else:
            say(f"[bold red]not sound[/]: {quoted(str(error))}")
        raise typer.Exit(Exit.INVALID) from error
    if as_json:
        show({"sound": True, **asdict(proven)})
    else:
        by = ", ".join(one.witness for one in proven.cosigned.by)
        said = f"{proven.entry.kind} of {proven.entry.time}, entry {proven.index} of {proven.size} in {proven.origin}"
        say(f"[bold green]sound[/]: {quoted(said)}" + (f"; witnessed by {quoted(by)}" if by else ""))
    raise typer.Exit
