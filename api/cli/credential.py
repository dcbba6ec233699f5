"""`sigillo credential issue` and `status`: what an issuer does, over HTTP as every client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.credential_files import OUT, give
from api.cli.output import JSON, Exit, fail, quoted, say, show, told
from identity.did.methods import BlsKey, method_of, resolve
from identity.enveloping.issuing import ENVELOPES
from identity.errors import DidError
from identity.issuing.credential_types import TYPES
from identity.jose.jwk import write_jwk
from identity.sd_jwt.credential import TYPE as SD_JWT

app = typer.Typer(no_args_is_help=True, help="Issue credentials, show parts of them, verify them.")

COLOURS: Final = {"valid": "green", "suspended": "yellow", "revoked": "red"}
SENTENCES: Final = {
    "valid": "It holds.",
    "suspended": "It does not hold for now: --reinstate makes it hold again.",
    "revoked": "It holds no more, for ever.",
}


@app.command()
def issue(
    kind: str = typer.Argument(..., metavar="TYPE", help="AgeAttestation or VerifiedCreator."),
    claim: list[str] = typer.Option(..., help="What it says, as in age_over_18=true; repeat for more."),
    form: str = typer.Option(
        "bbs-2023", "--format", help=f"A cryptosuite of W3C Data Integrity, {', '.join(ENVELOPES)}, or {SD_JWT}."
    ),
    holder: str = typer.Option("", help="DID of the holder's key (`sigillo credential key`): only they can show it."),
    out: Path = OUT,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Issue a credential. It is written here and kept nowhere else."""
    claims = dict(map(claim_of, claim))
    request: dict[str, Any] = {"type": kind, "format": form, "claims": claims}
    if holder and form == SD_JWT:
        request["holder"] = _jwk(holder)
    elif holder and kind in TYPES and not TYPES[kind].revocable:
        raise fail(
            f"an {kind} by {form} is bound to nobody, so that nobody can tell who shows it: leave --holder out, or "
            f"take --format {SD_JWT}",
            Exit.USAGE,
        )
    elif holder:
        claims["id"] = holder
    with told():
        with connected(server, token) as sigillo:
            issued = sigillo.issue_credential(request)
        said, entry = f"{kind} {issued['id']}, for its holder alone", issued["ledger"]
        give(issued["credential"], out, said, as_json=as_json, id=issued["id"], ledger=entry)


@app.command()
def status(
    credential: str = typer.Argument(..., help="Its id, crd_…"),
    revoke: bool = typer.Option(False, "--revoke", help="It holds no more, for ever."),
    suspend: bool = typer.Option(False, "--suspend", help="It does not hold until it is reinstated."),
    reinstate: bool = typer.Option(False, "--reinstate", help="End a suspension."),
    reason: str = typer.Option("", help="Why, and by what authority; goes on record. Name a case, not a person."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """How a credential stands; or revoke it, suspend it, reinstate it. Verifiers see it within a second."""
    if revoke + suspend + reinstate > 1:
        raise fail("--revoke, --suspend or --reinstate: one of them", Exit.USAGE)
    if (revoke or suspend or reinstate) and not reason:
        raise fail("say why with --reason: it goes on record", Exit.USAGE)
    with told(), connected(server, token) as sigillo:
        if revoke or suspend or reinstate:
            purpose = "revocation" if revoke else "suspension"
            stands = sigillo.change_credential(credential, purpose, reason, holds=reinstate)
        else:
            stands = sigillo.credential_status(credential)
    if as_json:
        show(stands)
        return
    word = stands["status"]
    say(f"{quoted(credential)}: [bold {COLOURS[word]}]{word}[/]")
    say(f"  {SENTENCES[word]}")
    if stands["ledger"]:
        say(f"  recorded as {stands['ledger']['entry']}")


def claim_of(text: str) -> tuple[str, Any]:
    """What `--claim name=value` says; a value that is JSON is taken as such, any other as text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise fail(f"write a claim as name=value, such as age_over_18=true, not {text!r}", Exit.USAGE)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _jwk(did: str) -> dict[str, str]:
    try:
        key = resolve(method_of(did)).key
    except DidError as error:
        raise fail(f"--holder is the DID of a key, did:key:… or did:jwk:… ({error})", Exit.USAGE) from error
    if isinstance(key, BlsKey):
        raise fail("--holder: a holder signs with P-256 or Ed25519, not with BLS12-381", Exit.USAGE)
    return write_jwk(key)
