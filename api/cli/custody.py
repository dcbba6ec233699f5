"""`sigillo custody …`: whose a file is, through which hands it went, and how that is known; and handing assets over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.files import beside
from api.cli.output import JSON, Exit, fail, quoted, say, show, told
from api.cli.verify import CODES, COLOURS, WORST, sureness
from sigillo_client import Problem

app = typer.Typer(no_args_is_help=True, help="Whose a file is, and how that is known.")

BUNDLE_BEGINS = b'{"export":'
"""A custody bundle, whose members stand in the order of their names."""

NOT_FOUND = "asset-not-found"


@app.callback()
def custody() -> None:
    """Whose a file is, and how that is known."""


@app.command("show")
def show_custody(
    what: str = typer.Argument(..., help="A file, a custody bundle, or an asset of yours (ast_…)."),
    manifest: Path = typer.Option(None, help="Manifest kept beside the file."),
    anchors: Path = typer.Option(None, help="PEM file of further roots to trust."),
    key: Path = typer.Option(None, help="Of a bundle: verifier keys of logs that you know."),
    confidence: bool = typer.Option(False, "--confidence", help="Of a file: say how sure that is, and why."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Show the custody of a file, of an asset, or of what a bundle says."""
    file, pem, logs = Path(what), _text(anchors), _text(key)
    with told(), _of_its_owner(token), connected(server, token, leave_no_trace=file.is_file()) as sigillo:
        if what.startswith("ast_") and not file.is_file():
            found = sigillo.custody(what)
        elif _is_bundle(file):
            found = sigillo.look_at_bundle(file, logs, pem)
        else:
            found = sigillo.custody_of(file, pem, manifest or beside(file), confidence=confidence)
    if as_json:
        show(found)
    else:
        _show(found)
        if found.get("log") == "untrusted":
            say("  for this look alone: --key FILE")
    raise typer.Exit(_code(found))


@app.command()
def export(
    asset: str = typer.Argument(..., help="Asset of yours, ast_…"),
    out: Path = typer.Option(None, "-o", "--out", dir_okay=False, help="Default: ASSET.custody"),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Write an asset's custody into one file, for another deployment; that it was exported goes on record."""
    target = out or Path(f"{asset}.custody")
    if target.exists():
        raise fail(f"{target} is there already: name another -o", Exit.USAGE)
    with told(), _of_its_owner(token), connected(server, token) as sigillo:
        bundle = sigillo.export_custody(asset)
        target.write_bytes(bundle)
    if as_json:
        show({"asset": asset, "written": str(target)})
        return
    say(f"[bold]{quoted(target)}[/]")
    say("  anybody looks at it: sigillo custody show FILE; another deployment brings it: sigillo custody import FILE")


@app.command("import")
def import_bundle(
    file: Path = typer.Argument(..., exists=True, dir_okay=False, help="A custody bundle."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Bring a bundle: it is verified under this deployment's trust, and recorded whose word it is."""
    with told(), connected(server, token) as sigillo:
        found = sigillo.import_custody(file)
    if as_json:
        show(found)
    else:
        _show(found)
        recorded = f"{found['ledger']['entry']} ({found['ledger']['state']}), as the word of {found['origin']}"
        say(f"  recorded   {quoted(recorded)}")
    raise typer.Exit(_code(found))


@app.command()
def offer(
    asset: str = typer.Argument(..., help="Asset of yours, ast_…"),
    to: str = typer.Option(..., help="Principal who shall own it, prn_… (`sigillo apikey list`)."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Offer an asset to another principal; it stays yours until they accept."""
    with told(), _of_its_owner(token), connected(server, token) as sigillo:
        _done(sigillo.offer_asset(asset, to), f"offered to {to}", as_json=as_json)


@app.command()
def offers(server: str = SERVER, token: str = TOKEN, as_json: bool = JSON) -> None:
    """List what is offered to you."""
    with told(), connected(server, token) as sigillo:
        page = sigillo.offered_assets()
        found = list(page["offers"])
        while page["next"]:
            page = sigillo.offered_assets(page["next"])
            found += page["offers"]
    if as_json:
        show({"offers": found})
        return
    for one in found:
        say(f"[bold]{one['asset']}[/]  {quoted(one['title'])}  by {one['owner']}, {one['offered_at']}")
    if not found:
        say("nothing is offered to you")


@app.command()
def accept(
    asset: str = typer.Argument(..., help="ast_…"), server: str = SERVER, token: str = TOKEN, as_json: bool = JSON
) -> None:
    """Take over an asset that is offered to you."""
    with told(), connected(server, token) as sigillo:
        _done(sigillo.accept_asset(asset), "yours", as_json=as_json)


@app.command()
def decline(
    asset: str = typer.Argument(..., help="ast_…"), server: str = SERVER, token: str = TOKEN, as_json: bool = JSON
) -> None:
    """Decline what is offered to you, or take your own offer back."""
    with told(), connected(server, token) as sigillo:
        _done(sigillo.end_offer(asset), "the offer is over", as_json=as_json)


@contextmanager
def _of_its_owner(token: str) -> Iterator[None]:
    """An asset is its owner's alone. Who names no key asks as the operator, and is told so."""
    try:
        yield
    except Problem as problem:
        if problem.type.endswith(NOT_FOUND) and not token:
            raise fail(
                f"{problem}: no key was named, so it was looked for among the operator's own; an asset that an API key "
                "uploaded is that key's alone: name the key in SIGILLO_TOKEN or --token"
            ) from problem
        raise


def _done(said: Mapping[str, Any], what: str, *, as_json: bool) -> None:
    if as_json:
        show(said)
    else:
        say(f"[bold]{said['asset']}[/]: {what}, ledger entry {said['ledger']['entry']} ({said['ledger']['state']})")


def _text(file: Path | None) -> str:
    try:
        return file.read_text() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"{file}: not readable as text", Exit.USAGE) from error


def _is_bundle(file: Path) -> bool:
    try:
        with file.open("rb") as content:
            return content.read(len(BUNDLE_BEGINS)) == BUNDLE_BEGINS
    except OSError as error:
        raise fail(f"{file}: {error.strerror}", Exit.USAGE) from error


def _code(found: Mapping[str, Any]) -> Exit:
    """The worst of what is said: of a bundle, its log's standing and the ancestry are in the verdict."""
    ancestry = found.get("ancestry")
    codes = [CODES[found["verdict"]], *([CODES[ancestry]] if ancestry and ancestry != "absent" else [])]
    return max(codes, key=WORST.index)


def _show(found: Mapping[str, Any]) -> None:
    graph, whose = found.get("custody", found), f", says {found['origin']}" if "origin" in found else ""
    say(f"[bold {COLOURS[found['verdict']]}]{found['verdict']}[/]  {quoted(found['sentence'])}")
    if "origin" in found:
        _say_worth(found)
    _say_graph(graph, whose)
    for name, text in sureness(found.get("confidence")):
        say(f"  {name:<10} {quoted(text)}")
    if recovered := found.get("recovered"):
        say(f"  {quoted(recovered['sentence'])}")
        for one in recovered["candidates"]:
            say(f"  looks like {quoted(one['title'] or one['manifest_id'])}, of which is known:")
            _say_graph(one["custody"], "")


def _say_graph(graph: Mapping[str, Any], whose: str) -> None:
    if graph["owner"]:
        say(f"  owner      {quoted(' -> '.join(str(hand['principal']) for hand in graph['hands']))}")
    for model in graph["models"]:
        say(f"  model      {quoted(' '.join(filter(None, (model['name'], model['version'], model['provider']))))}")
    for file in (node for node in graph["nodes"] if node["type"] == "file"):
        verdict = file["verdict"] or "no manifest"
        said = ", ".join([verdict, *file["failures"]])
        name = file["title"] or (file["id"] if file["verdict"] else f"{file['format'] or 'a file'}, unnamed")
        say(f"  [bold]{quoted(name)}[/]  {quoted(said + whose)}")
        for line in _acts(graph, file["id"]):
            say(f"    {quoted(line)}")
    if graph["truncated"]:
        say("  and more, which is left out")


def _say_worth(found: Mapping[str, Any]) -> None:
    """What of a bundle is our own judgement; what comes after that is the word of its log."""
    report = found["report"]
    parts = [f"the log {found['log']}", f"its manifests {report['verdict']}"]
    if report["ancestry"]:
        parts.append(f"their ancestry {report['ancestry']}")
    say(f"  found here {', '.join(parts)}")
    if found["log"] == "untrusted":
        say("  to know this log, have its key from its operator, and put it in the file that SIGILLO_KNOWN_LOGS names;")
        say(f"  the bundle says of itself that it is {quoted(found['vkey'])}")


def _acts(graph: Mapping[str, Any], file: str) -> Iterator[str]:
    """What was done with a file, a line each."""
    acts = {node["id"]: node for node in graph["nodes"]}
    for act in (acts[edge["source"]] for edge in graph["edges"] if edge["target"] == file):
        if act["type"] == "file":
            continue
        parts = [act["type"], *_particulars(act), act["time"] or "", act["entry"] or ""]
        yield "  ".join(filter(None, parts))


def _particulars(act: Mapping[str, Any]) -> Iterator[str]:
    if act["actions"]:
        yield ", ".join(action["name"] for action in act["actions"])
    if act["tools"]:
        yield "with " + ", ".join(tool["name"] for tool in act["tools"])
    if act["signer"]:
        yield f"by {act['signer']['common_name'] or 'an unnamed signer'}"
    if act["type"] in {"decision", "handover", "verification"}:
        yield act["kind"]
    if act["type"] == "verification":
        yield f"{act['verdict']}, the word of {act['origin']}" if act["origin"] else str(act["verdict"])
    if act["to"]:
        yield f"{act['by']} -> {act['to']}"
