"""`sigillo verify FILE…`: what a file says about itself, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.files import beside, each
from api.cli.output import JSON, Exit, fail, quoted, say, show, told
from sigillo_client import Sigillo

PEM = "-----BEGIN CERTIFICATE-----"

COLOURS = {"trusted": "green", "untrusted": "yellow", "invalid": "red", "unreadable": "red", "absent": "blue"}
CODES = {
    "trusted": Exit.OK,
    "untrusted": Exit.UNTRUSTED,
    "invalid": Exit.INVALID,
    "unreadable": Exit.UNREADABLE,
    "absent": Exit.ABSENT,
}
WORST = [Exit.OK, Exit.ABSENT, Exit.UNTRUSTED, Exit.UNREADABLE, Exit.INVALID, Exit.REFUSED, Exit.UNAVAILABLE]
"""From best to worst: among several files the worst decides the exit code."""

_ALIKE = {
    "content": "told by its content, which is the same",
    "pdq": "told by how it looks",
    "image-code": "told by how it looks",
    "frames": "told by its frames",
    "embedding": "told by how {encoder} sees it",
}
_DOUBTS = {
    "untrusted": ", whom we do not trust",
    "future": ": a time that has not come yet",
    "premature": ": before its signer's certificate began",
    "outside-validity": ": when the authority's certificate did not hold",
    "mismatched": ": it is of something else",
    "unreadable": ": it cannot be read",
}


def verify(
    files: list[Path] = typer.Argument(..., help="Files of any type C2PA can live in."),
    manifest: Path = typer.Option(
        None, help="Manifest kept beside the file. Default: NAME.c2pa beside a WebM or Ogg file."
    ),
    anchors: Path = typer.Option(None, help="PEM file of further roots to trust."),
    trust_config: Path = typer.Option(None, help="File of further extended key usages to accept."),
    confidence: bool = typer.Option(False, "--confidence", help="Say how sure that is, and why; reads metadata, too."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Verify files: signature, trust, ancestors, and what the manifest says."""
    pem, config = _anchors(anchors), _text(trust_config)
    with told(), connected(server, token, leave_no_trace=True) as sigillo:
        done, refused = each(
            files,
            "verifying",
            lambda file: _verified(sigillo, file, pem, config, manifest, confidence=confidence),
            as_json=as_json,
        )
    reports = {file: report for file, report in done.items() if "problem" not in report}
    if as_json:
        show(next(iter(done.values())) if len(done) == 1 else done)
    else:
        _show(reports)
    codes = [*refused, *(code for report in reports.values() for code in _codes(report))]
    raise typer.Exit(max(codes, key=WORST.index))


def _verified(
    sigillo: Sigillo, file: Path, pem: str, config: str, manifest: Path | None, *, confidence: bool
) -> dict[str, Any]:
    found = None if manifest else beside(file)
    report = sigillo.verify(file, pem, config, manifest or found, confidence=confidence)
    return report | ({"manifest_file": str(found)} if found else {})


def _text(file: Path | None) -> str:
    try:
        return file.read_text() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"{file}: not readable as text: {getattr(error, 'strerror', None) or error}", Exit.USAGE) from error


def _anchors(file: Path | None) -> str:
    pem = _text(file)
    if file and PEM not in pem:
        raise fail(f"{file}: there is no PEM certificate in it", Exit.USAGE)
    return pem


def _codes(report: dict[str, Any]) -> list[Exit]:
    ancestry = report.get("ancestry")
    return [CODES[report["verdict"]], *([CODES[ancestry]] if ancestry and ancestry != "absent" else [])]


def _show(reports: dict[str, dict[str, Any]]) -> None:
    for file, report in reports.items():
        say(f"{quoted(file)}: {_headline(report)}")
        say(f"  {quoted(report['sentence'])}")
        if "manifest_file" in report:
            say(f"  manifest   {quoted(report['manifest_file'])}, found beside it")
        for name, text in (*_stated(report), *_recovered(report)):
            say(f"  {name:<10} {quoted(text)}")


def _headline(report: dict[str, Any]) -> str:
    """The verdict, and the ancestry's beside it when that is worse: a green word alone would mislead."""
    verdict, ancestry = report["verdict"], report["ancestry"]
    said = f"[bold {COLOURS[verdict]}]{verdict}[/]"
    if ancestry in {None, "trusted"}:
        return said
    return f"{said}, made from something [bold {COLOURS[ancestry]}]{ancestry}[/]"


def _stated(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the manifest states, for people; `--json` has all of it."""
    if report["title"]:
        yield "title", report["title"]
    yield from (("time-stamp", _stamped(stamp)) for stamp in report["time_stamps"])
    tools = dict.fromkeys(_named(action["tool"]) for action in report["actions"] if action["tool"])
    if tools:
        yield "made with", ", ".join(tools)
    if report["model"]:
        model = report["model"]
        yield "model", f"{_named(model)} by {model['provider'] or 'an unnamed provider'}"
    for action in report["actions"]:
        source = f" ({action['source_type'].rsplit('/', 1)[-1]})" if action["source_type"] else ""
        yield "action", f"{action['name']}{source}"
    uses = {entry["use"] for entry in report["training_mining"]}
    if uses:
        yield "training", "not allowed" if uses == {"notAllowed"} else ", ".join(sorted(uses))
    yield from _people(report)
    for ingredient in report["ingredients"]:
        if ingredient["verdict"]:
            name = ingredient["title"] or ingredient["label"]
            yield "made from", ", ".join([name, ingredient["verdict"], *ingredient["failures"][:1]])
    yield from _judged(report["marking"], report["confidence"])
    if report["ledger"]:
        yield "ledger", f"{report['ledger']['entry']} (public)"


def _judged(marking: dict[str, Any], confidence: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """What it says of AI, and how sure that is."""
    if marking["disclosure"]:
        yield "AI", f"{marking['disclosure']['text']} ({marking['mark']})"
    yield from sureness(confidence)


def sureness(confidence: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """The score, if one was asked for, what weighed in it, and each mismatch."""
    if confidence is None:
        return
    yield "confidence", f"{confidence['score']} of 100, {confidence['band']} ({confidence['policy']})"
    yield "", f"{confidence['base']:+d}  to begin with"
    for reason in confidence["reasons"]:
        if reason["points"] or reason["cap"] is not None:
            most = "" if reason["cap"] is None else f" It leaves at most {reason['cap']}."
            yield "", f"{reason['points']:+d}  {reason['sentence']}{most}"
    yield from (("mismatch", mismatch["sentence"]) for mismatch in confidence["mismatches"])


def _recovered(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a file without a manifest may be a copy of."""
    if found := report["recovered"]:
        if not found["candidates"]:
            yield "looks like", found["sentence"]
        for origin in found["candidates"]:
            yield "looks like", origin["sentence"]
            yield "", f"{_ALIKE[origin['match']].format_map(origin)}, {origin['score']} of 100 alike"
            yield from (("", text) for text in _said_of(origin))
            yield "", f"manifest {origin['manifest_id']}, itself {origin['manifest_verdict']}"
            yield "", f"ledger entry {origin['ledger']['entry']}"
        if len(found["candidates"]) > 1:
            yield "", found["sentence"].removeprefix(found["candidates"][0]["sentence"]).strip()
        if found["candidates"]:
            yield from (("", one["sentence"]) for one in found["not_asked"])


def _said_of(origin: dict[str, Any]) -> Iterator[str]:
    """What the manifest of something alike states of how that was made."""
    if origin["generators"]:
        yield f"made with {', '.join(map(_named, origin['generators']))}"
    if model := origin["model"]:
        yield f"model {_named(model)} by {model['provider'] or 'an unnamed provider'}"
    if origin["source_types"]:
        yield f"source {', '.join(kind.rsplit('/', 1)[-1] for kind in origin['source_types'])}"


def _stamped(stamp: dict[str, Any]) -> str:
    doubt = _DOUBTS.get(stamp["standing"], "")
    return f"{stamp['time'] or 'no time'} by {stamp['authority'] or 'an unnamed authority'}{doubt}"


def _named(thing: dict[str, Any]) -> str:
    known = thing["version"] not in {None, "unspecified"}
    return f"{thing['name']} {thing['version']}" if known else str(thing["name"])


def _people(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if report["author"]:
        yield "author", f"{report['author']['name']}: {report['author']['statement']}"
    if report["creator_signature"]:
        creator = report["creator_signature"]
        standing, certified = creator["standing"], f"certified as {creator['subject']}"
        vouched = f"an account that {standing['by']} knows ({standing['level']})" if standing else ""
        why = f": {creator['reason']}" if creator["reason"] else "" if standing else f", {certified}"
        who = vouched or creator["name"] or "nobody named"
        yield "creator", f"{who} signed it{' with a passkey' if standing else ''} ({creator['verdict']}{why})"
