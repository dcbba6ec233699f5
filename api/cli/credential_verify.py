"""`sigillo credential verify FILE`: whether a credential or a presentation holds, and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import typer

from api.cli.at_home import load_settings
from api.cli.connect import SERVER, TOKEN, connected
from api.cli.credential import app
from api.cli.credential_files import FILE, read
from api.cli.credential_judging import Question, judged
from api.cli.credential_sources import Reach
from api.cli.output import JSON, Exit, complain, quoted, say, show, told
from api.outside.fetching import OpenWeb
from api.schemas.credentials import VERIFIED, CredentialVerificationView
from identity.did.web import document_url
from identity.issuing.did_document import PATH
from identity.outcome import Check, Outcome
from identity.report import Finding, Report
from identity.sd_jwt.credential import ALWAYS_SHOWN
from identity.vc_api.answer import Judged
from sigillo_client import Problem, Sigillo

CODES: Final = {
    Outcome.HOLDS: Exit.OK,
    Outcome.UNCHECKED: Exit.UNAVAILABLE,
    Outcome.UNTRUSTED: Exit.UNTRUSTED,
    Outcome.ABSENT: Exit.ABSENT,
    Outcome.UNREADABLE: Exit.UNREADABLE,
    Outcome.INVALID: Exit.INVALID,
}
COLOURS: Final = {Outcome.HOLDS: "green", Outcome.UNCHECKED: "yellow", Outcome.UNTRUSTED: "yellow"}
SENTENCES: Final = {
    Outcome.HOLDS: "It is sound, in force, and by an issuer you believe.",
    Outcome.UNCHECKED: "Something that decides could not be looked at now: try again, or decide without.",
    Outcome.UNTRUSTED: "Nobody you believe stands behind it: --issuer names whom you do.",
    Outcome.ABSENT: "There is no proof in it: anybody can have written it.",
    Outcome.UNREADABLE: "It is no credential that can be read here.",
    Outcome.INVALID: "Do not rely on it.",
}


@app.command()
def verify(
    file: Path = FILE,
    issuer: list[str] = typer.Option(
        [], help="DID of an issuer you believe; repeat for more. Default: the deployment's own, of --server or at home."
    ),
    vct: str = typer.Option("", "--type", help="The type (vct) that an SD-JWT must have. Default: any."),
    audience: str = typer.Option("", help="Your own name, as you gave it to the holder."),
    nonce: str = typer.Option("", help="The number or word that you gave the holder for this one showing."),
    offline: bool = typer.Option(False, help="Fetch nothing: no DID document, no status list."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Verify a credential or a presentation: its proof, its time, its status, and who stands behind it.

    What was not shown to you for this one occasion (--nonce) can be somebody else's, who showed it to another.
    """
    with told(), ExitStack() as stack:
        credential = read(file)
        web = None if offline else OpenWeb(loopback=load_settings().fetch_loopback)
        reach, believed = Reach(web), frozenset(issuer)
        if not issuer:
            own = stack.enter_context(connected(server, token, leave_no_trace=True))
            believed, reach = _own(own, web)
        question = Question(believed, audience, nonce, vct)
        report, claims = judged(credential, question, reach, datetime.now(UTC))
    shown = claims if all(map(_leaves_claims, _failed(report))) else []
    if as_json:
        view = VERIFIED.dump_python(CredentialVerificationView.of(Judged(report)), mode="json")
        show({**view, "sentence": SENTENCES[report.verdict], "claims": shown})
    else:
        _tell(file, report, shown)
        if report.verdict is Outcome.HOLDS and not nonce:
            say("  Whether it was shown to you, and now, was not checked: --nonce says what you gave the holder.")
    raise typer.Exit(CODES[report.verdict])


def _own(sigillo: Sigillo, web: OpenWeb | None) -> tuple[frozenset[str], Reach]:
    """The deployment's issuer, and how to reach what it publishes; nobody's where it issues nothing."""
    try:
        did = str(sigillo.did_document()["id"])
    except Problem as problem:
        complain(f"this deployment issues nothing ({problem.title}), so nobody is believed: name whom with --issuer")
        return frozenset(), Reach(web)
    return frozenset({did}), Reach(web, document_url(did).removesuffix(PATH), sigillo)


def _tell(file: Path, report: Report, claims: list[Mapping[str, Any]]) -> None:
    verdict = report.verdict
    say(f"{quoted(file)}: [bold {COLOURS.get(verdict, 'red')}]{verdict}[/]")
    say(f"  {SENTENCES[verdict]}")
    for finding in _failed(report):
        say(f"  {finding.check}: {finding.outcome}, {quoted(finding.detail)}")
    for one in claims:
        for name, value in one.items() if "vct" not in one else _of_subject(one):
            said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            say(f"  [bold]{quoted(name)}[/]: {quoted(said)}")


def _of_subject(claims: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Of an SD-JWT, without what is about the credential."""
    return ((name, value) for name, value in claims.items() if name not in ALWAYS_SHOWN)


def _leaves_claims(finding: Finding) -> bool:
    """Whether what was said is still what an issuer signed, though it may not count."""
    return finding.check in {Check.STATUS, Check.RESOURCES} and finding.outcome is Outcome.UNCHECKED


def _failed(report: Report) -> Iterator[Finding]:
    """Of a presentation, of what it holds too."""
    yield from report.failed
    for held in report.credentials:
        yield from _failed(held)
