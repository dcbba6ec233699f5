"""`sigillo registration …`: what its owner can do about a registration, and check."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import typer

from api.cli.acting import CREDENTIAL, WALLET, act, whose_rules
from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, UNAVAILABLE_STATUS, Exit, fail, quoted, say, show, told
from sigillo_client import Problem, Sigillo
from sigillo_client.answers import ConsentText

app = typer.Typer(no_args_is_help=True, help="Registrations of people who refuse to be imitated.")

WAIT_SECONDS = 60
ASK_SECONDS = 2.0
REGISTRATION = typer.Argument(..., help="The registration's id, reg_…")
YES = typer.Option(False, "--yes", help="Do not ask.")
ENDS = (
    "what ends:   the registration, its key, templates, credential and log; files that it holds and nobody decided on",
    "             are given out, as far as nobody else holds them",
    "what stays:  files that its owner objected to, or a reviewer refused: held until a reviewer releases them or they",
    "             are gone, and name this registration no more",
)


@app.command()
def absence(
    registration: str = REGISTRATION,
    out: Path = typer.Option(None, "-o", "--out", dir_okay=False, help="Default: REGISTRATION.absence.json"),
    wait: int = typer.Option(WAIT_SECONDS, min=0, help="Seconds to wait until there is a proof."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Fetch the proof that a registration which ended is not in the index any more."""
    with told(), connected(server, token) as sigillo:
        proof = _awaited(sigillo, registration, wait)
    target = out or Path(f"{registration}.absence.json")
    with told():
        target.write_bytes(proof)
    if as_json:
        show({"registration": registration, "written": str(target)})
    else:
        say(f"[bold]{quoted(str(target))}[/]")
        say(f"  anybody checks it: sigillo registration check-proof {quoted(str(target))} --key log.vkey")
        say("  that key is at /ledger/log.vkey of the server; better have it from where you trust it")


@app.command()
def withdraw(
    registration: str = REGISTRATION,
    recovery_code: bool = typer.Option(
        False,
        "--recovery-code",
        help="With the recovery code, which is asked for: after days in which its owner can stop it.",
    ),
    credential: Path = CREDENTIAL,
    wallet: Path = WALLET,
    yes: bool = YES,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """End a registration: now, or by its recovery code after some days in which its owner can stop that."""
    if recovery_code and credential:
        raise fail("with the credential it ends at once: leave --recovery-code out", Exit.USAGE)
    _confirm_end(registration, yes=yes, quiet=as_json)
    code = typer.prompt("The twelve words", hide_input=True, err=True) if recovery_code else ""
    with told(), connected(server, token) as sigillo:
        if credential:
            done = act(sigillo, registration, {"does": "withdraw"}, credential, wallet)
        else:
            done = sigillo.recover(registration, code) if recovery_code else sigillo.withdraw(registration)
    if as_json:
        show(done)
    elif recovery_code:
        say(f"{quoted(registration)} ends by {done['leaving_at']}; sooner, once its owner was told")
        say(f"  they stop it: sigillo registration keep {quoted(registration)}")
    else:
        say(f"{quoted(registration)} has ended; entry {done['ledger']['entry']} says so")
        say(f"  within a minute there is proof: sigillo registration absence {quoted(registration)}")


def _confirm_end(registration: str, *, yes: bool, quiet: bool) -> None:
    """Say what ends and what stays, and ask. A program says --yes: nobody reads its screen."""
    if quiet and not yes:
        raise fail("with --json nobody can be asked: add --yes", Exit.USAGE)
    if quiet:
        return
    for line in ENDS:
        say(line)
    if not yes and not typer.confirm(f"End {registration}?"):
        raise fail("nothing was changed")


@app.command()
def keep(
    registration: str = REGISTRATION,
    credential: Path = CREDENTIAL,
    wallet: Path = WALLET,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Stop a withdrawal that somebody asked for with the recovery code."""
    with told(), connected(server, token) as sigillo:
        by_credential = credential and act(sigillo, registration, {"does": "keep"}, credential, wallet)
        kept = by_credential or sigillo.keep(registration)
    if as_json:
        show(kept)
    else:
        say(f"{quoted(registration)} goes on; entry {kept['ledger']['entry']} says so")


@app.command()
def renew(
    registration: str = REGISTRATION,
    language: str = typer.Option("en", help="Of the text to be agreed to."),
    agreed: str = typer.Option(
        "", metavar="SHA256", help="That its owner agreed to the text of this SHA-256. Default: shows it, and asks."
    ),
    credential: Path = CREDENTIAL,
    wallet: Path = WALLET,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Let a registration last for another term, under the text that is in force."""
    with told(), connected(server, token) as sigillo:
        if credential:
            text = sigillo.registration_rules(*whose_rules(credential, language))["consent"]
            said = {"does": "renew", "language": language, "sha256": agreed or _agreed(text)}
            renewed = act(sigillo, registration, said, credential, wallet)
        else:
            sha256 = agreed or _agreed(sigillo.renewal(registration, language))
            renewed = sigillo.renew(registration, language, sha256)
    if as_json:
        show(renewed)
    else:
        say(f"{quoted(registration)} lasts until {renewed['expires_at']}; entry {renewed['ledger']['entry']} says so")


@app.command("check-proof")
def check_proof(
    file: Path = typer.Argument(..., exists=True, dir_okay=False, help="A proof of absence."),
    key: Path = typer.Option(
        ..., "--key", "--vkey", exists=True, dir_okay=False, help="The log's verifier key, from a place you trust."
    ),
    witness: list[str] = typer.Option([], metavar="VKEY", help="Key of a witness you believe; again for another."),
    quorum: int = typer.Option(None, min=0, help="How many of them must have signed. Default: all."),
    as_json: bool = JSON,
) -> None:
    """Check a proof of absence; asks no server."""
    from detection.generations.absence_verifier import UnsoundError, check, described

    with told():
        data, text = file.read_bytes(), key.read_text(errors="replace")
    try:
        found = check(data, text, witness, quorum)
    except UnsoundError as error:
        if as_json:
            show({"absent": False, "fault": str(error)})
        else:
            say(f"[bold red]not proved[/]: {quoted(str(error))}")
        raise typer.Exit(Exit.INVALID) from error
    if as_json:
        show({"absent": True, **asdict(found)})
        return
    for line in described(found):
        say(quoted(line))
    say("[bold green]absent[/]")


def _agreed(renewal: Mapping[str, str] | ConsentText) -> str:
    """The digest of the text, once its owner agreed to it."""
    typer.echo(renewal["text"], err=True)
    typer.confirm("Does the person agree to this text?", abort=True, err=True)
    return renewal["sha256"]


def _awaited(sigillo: Sigillo, registration: str, seconds: int) -> bytes:
    """Raises Problem, UnreachableError."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return sigillo.absence(registration)
        except Problem as problem:
            if problem.status != UNAVAILABLE_STATUS or time.monotonic() >= deadline:
                raise
        time.sleep(ASK_SECONDS)
