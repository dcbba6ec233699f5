"""`sigillo ledger search` and `disclose`: what a regulator asks; every opening of a payload goes on record first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.ledger import app
from api.cli.output import JSON, Exit, counted, fail, quoted, say, show, told
from sigillo_client import Sigillo

_Page = TypeVar("_Page", bound=Mapping[str, Any])
REASON = typer.Option("", help="Why, and by what authority; it goes on record. Name a case, never a person.")
OUT = typer.Option(Path("disclosed"), file_okay=False, help="Folder for payloads and salts; yours alone.")


@app.command()
def search(
    kind: str = typer.Option("", help="Such as asset.signed."),
    policy: str = typer.Option("", help="Such as intake.record@1."),
    begins: datetime = typer.Option(None, "--from", help="From this moment on, UTC."),
    ends: datetime = typer.Option(None, "--to", help="Before this moment, UTC."),
    actor: str = typer.Option("", help="Opens payloads: the principal that acted, prn_…"),
    outcome: str = typer.Option("", help="Opens payloads: such as signed."),
    model: str = typer.Option("", help="Opens payloads: name of the generative model."),
    reason: str = REASON,
    out: Path = OUT,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Find entries by kind, policy and time; with --reason also by what their payloads hold, which opens them."""
    query = {"kind": kind, "policy": policy, "from": _moment(begins), "to": _moment(ends)}
    wanted = {"actor": actor, "outcome": outcome, "model": model}
    if any(wanted.values()) != bool(reason):
        raise fail("--actor, --outcome and --model open payloads, and go with --reason", Exit.USAGE)
    with told(), connected(server, token) as sigillo:
        if reason:
            _look_through(sigillo, query | wanted | {"reason": reason}, out, server, as_json=as_json)
        else:
            _list(sigillo, query, server, as_json=as_json)


@app.command()
def disclose(
    entries: list[str] = typer.Argument(..., help="Ids of entries, ent_…"),
    reason: str = REASON,
    out: Path = OUT,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Open payloads into a folder, for `sigillo ledger bundle --disclosed`. Who, why and which go on record first."""
    if not reason:
        raise fail("say why, with --reason: it goes on record", Exit.USAGE)
    with told(), connected(server, token) as sigillo:
        opening = sigillo.disclose(entries, reason)
        for one in opening["disclosed"]:
            _keep(out, one)
    if as_json:
        show(opening)
        return
    count = counted(len(opening["disclosed"]), "payload")
    say(f"{count} opened into {quoted(out)}; entry {opening['opening']['entry']} says so")
    _missing(opening["erased"], opening["damaged"])


def _list(sigillo: Sigillo, query: dict[str, str], server: str, *, as_json: bool) -> None:
    pages = list(_pages(lambda cursor: sigillo.entries(**query, cursor=cursor)))
    found = [one for page in pages for one in page["entries"]]
    whole = _whole(pages, server)
    if as_json:
        show({"entries": found, "range": whole})
        return
    for one in found:
        entry = one["entry"]
        say(f"{one['index']}  {entry['time']}  {entry['kind']}  {entry['policy']}  {entry['id']}")
    _covered(len(found), whole)


def _look_through(sigillo: Sigillo, question: dict[str, str], out: Path, server: str, *, as_json: bool) -> None:
    asked = {name: value for name, value in question.items() if value}
    pages = []
    for page in _pages(lambda cursor: sigillo.search_payloads(asked | {"cursor": cursor})):
        pages.append(page)
        for one in page["matches"]:  # at once: it is on record, whatever becomes of the next page
            _keep(out, one["disclosed"])
    matches = [one for page in pages for one in page["matches"]]
    erased, damaged = ([one for page in pages for one in page[name]] for name in ("erased", "damaged"))
    openings = [page["opening"]["entry"] for page in pages if page["opening"]]
    opened, whole = [one for page in pages for one in page["opened"]], _whole(pages, server)
    if as_json:
        told_of = {"opened": opened, "erased": erased, "damaged": damaged}
        show({"matches": matches, "openings": openings, **told_of, "range": whole})
        return
    for one in matches:
        say(f"{one['index']}  {one['entry']['time']}  {one['entry']['kind']}  {one['entry']['id']}")
    _covered(len(matches), whole)
    say(f"{counted(len(opened), 'payload')} opened; those that match are in {quoted(out)}")
    if openings:
        say(f"on record in {', '.join(openings)}")
    _missing(erased, damaged)


def _missing(erased: list[str], damaged: list[str]) -> None:
    for entry in erased:
        say(f"{quoted(entry)} was erased: what it committed to is destroyed")
    for entry in damaged:
        say(f"{quoted(entry)} does not open: the operator must look, with sigillo ledger verify")


def _pages(ask: Callable[[str], _Page]) -> Iterator[_Page]:
    cursor: str | None = ""
    while cursor is not None:
        page = ask(cursor)
        cursor = page["next"]
        yield page


def _whole(pages: Sequence[Mapping[str, Any]], server: str) -> dict[str, Any]:
    """What all pages together speak of; the command that proves it reads the log where it was asked for."""
    first, end, size = pages[0]["range"]["first"], pages[-1]["range"]["end"], pages[0]["range"]["size"]
    published = f" --url {server.rstrip('/')}/ledger" if server else ""
    proof = f"sigillo ledger bundle FILE --from {first} --to {end - 1}{published}" if end > first else ""
    return {"first": first, "end": end, "size": size, "proof": proof}


def _covered(count: int, whole: dict[str, Any]) -> None:
    say(f"{count} found among entries {whole['first']} to {whole['end'] - 1} of {whole['size']}")
    if whole["proof"]:
        say(f"that none is left out: {whole['proof']}")


def _keep(out: Path, disclosed: dict[str, str]) -> None:
    from ledger.auditing.bundle import write_disclosed
    from ledger.ids import EntryId
    from ledger.payload import Disclosed

    payload, salt = disclosed["payload"].encode(), bytes.fromhex(disclosed["salt"])
    write_disclosed(out, Disclosed(EntryId(disclosed["entry"]), salt, payload))


def _moment(given: datetime | None) -> str:
    return given.replace(tzinfo=UTC).isoformat() if given else ""
