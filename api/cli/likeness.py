"""`sigillo likeness …`: ask before generating, object to a hold, read a registered person's log and answer to it."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import typer
from rich.progress import Progress

from api.cli.acting import CREDENTIAL, WALLET, act
from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, Exit, counted, err, quoted, say, show, told

app = typer.Typer(no_args_is_help=True, help="People who refuse to be imitated: ask, object, answer.")

REGISTRATION = typer.Argument(..., help="Id of a registration, reg_…")
SAID = {"confirmed": "you confirmed it", "objected": "you objected to it"}
REVIEWED = {"released": "a reviewer gave it out", "refused": "a reviewer decided that it stays held"}
CODES = {"allowed": Exit.OK, "refused": Exit.REFUSED, "ask_a_human": Exit.HELD}
UNSAID = "unsaid"
"""By most who upload; who asks before they make something has to say."""

NONCE_BYTES = 16
POLL_SECONDS = 1.0


@app.command()
def check(
    picture: Path = typer.Argument(..., exists=True, dir_okay=False, help="Who is to be imitated."),
    purpose: str = typer.Option(..., help="sexualised, political, commercial or other."),
    place: str = typer.Option("", help="Where whoever asks is, as FR or US-IL."),
    nonce: str = typer.Option("", help="Yours; it comes back in the token. Default: a random one."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Ask whether whoever a picture shows may be imitated. Ends with 1 if not, with 8 if a person has to decide."""
    asked = {"purpose": purpose, "nonce": nonce or secrets.token_urlsafe(NONCE_BYTES), "place": place}
    with told(), connected(server, token) as sigillo:
        answer = sigillo.check_likeness(picture, asked)
    if as_json:
        show(answer)
    else:
        say(f"[bold]{answer['answer'].replace('_', ' ')}[/]: {answer['sentence']}")
        if answer["skipped"]:
            say(f"  faces were not looked for: {', '.join(answer['skipped'])} does not allow it")
        say(
            f"  check {answer['id']}, ledger entry {answer['ledger']['entry']}; its token is good until "
            f"{answer['expires_at']}, with --json it is shown"
        )
    raise typer.Exit(CODES[answer["answer"]])


@app.command()
def appeal(
    asset: str = typer.Argument(..., help="Id of a held asset of yours, ast_…"),
    statement: str = typer.Option(..., help="Why it should be given out; a reviewer reads it."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Object to an asset being held."""
    with told(), connected(server, token) as sigillo:
        said = sigillo.appeal(asset, statement)
    if as_json:
        show(said)
    else:
        say(f"your objection is on record as {said['ledger']['entry']}; a person reads it")


@app.command()
def log(
    registration: str = REGISTRATION,
    cursor: str = typer.Option("", help="`next` of the page before."),
    credential: Path = CREDENTIAL,
    wallet: Path = WALLET,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Read a registered person's own log, the newest first."""
    with told(), connected(server, token) as sigillo:
        if credential:
            page = act(sigillo, registration, {"does": "read", "cursor": cursor}, credential, wallet)
        else:
            page = sigillo.matches(registration, cursor)
    if as_json:
        show(page)
        return
    for line in page["matches"]:
        answered = f", {SAID[line['response']]}" if line["response"] else ""
        purpose = "" if line["purpose"] == UNSAID else f", for {line['purpose']} use"
        say(f"[bold]{line['at']}[/]  {line['caller']}: {line['outcome']}{purpose}{quoted(answered)}")
        say(f"  {line['id']}, entry {line['entry']}")
        if review := line["review"]:
            say(f"  {REVIEWED[review['decision']]} on {review['at']}, entry {review['entry']}")
    if not page["matches"]:
        say("nothing more: that was all" if cursor else "nothing yet: nobody was met who looks like this")
    if page["next"]:
        say(f"more with --cursor {page['next']}")


@app.command()
def respond(
    registration: str = REGISTRATION,
    match: str = typer.Argument(..., help="Id of a line of its log, lkm_…"),
    response: str = typer.Argument(..., help="confirmed (it may be: what it holds is given out) or objected."),
    credential: Path = CREDENTIAL,
    wallet: Path = WALLET,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Answer to a line of a registered person's log. It is said once."""
    with told(), connected(server, token) as sigillo:
        if credential:
            answer = {"does": "answer", "match": match, "response": response}
            said = act(sigillo, registration, answer, credential, wallet)
        else:
            said = sigillo.respond(registration, match, response)
    if as_json:
        show(said)
    else:
        say(f"{quoted(response)}; entry {said['ledger']['entry']} says so")


@app.command()
def retroactive(
    registration: str = REGISTRATION,
    wait: bool = typer.Option(False, "--wait", help="Show how it goes on, until it is done."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Show how far the media that were kept before a registration have been looked at."""
    with told(), connected(server, token) as sigillo:
        state = sigillo.retroactive(registration)
        if wait:
            with Progress(console=err, transient=True, disable=as_json) as bar:
                task = bar.add_task("looking at what was kept", total=None)
                while state["stage"] in {"waiting", "running"}:
                    bar.update(task, total=state["media"] or None, completed=state["looked"] + state["unseen"])
                    time.sleep(POLL_SECONDS)
                    state = sigillo.retroactive(registration)
    if as_json:
        show(state)
        return
    if state["stage"] == "never":
        say("[bold]never[/]: copies of a picture are looked for among what is uploaded from its registration on")
        return
    say(f"[bold]{state['stage']}[/]: looked at {state['looked']} of {counted(state['media'], 'medium', 'media')}")
    say(f"  found in {state['found']}; those are lines of the log (sigillo likeness log)")
    if state["unseen"]:
        say(f"  {state['unseen']} could not be looked at")
