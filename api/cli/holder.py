"""`sigillo credential key`, `derive`, `present`: what a holder does, on their own machine, with nobody asked.

Keys lie in a wallet (`identity.holding.wallet`); credentials are files, kept wherever the holder likes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from api.cli.at_home import load_settings
from api.cli.credential import app
from api.cli.credential_files import FILE, OUT, contexts_of, give, read
from api.cli.output import JSON, Exit, fail, say, show, told
from identity.holding.deriving import derive_credential
from identity.holding.presenting import present_document, present_token
from identity.holding.wallet import Wallet
from identity.sd_jwt.disclosure import Path as ClaimPath
from identity.sd_jwt.key_binding import Binding
from identity.selective.pointers import parse_pointer

SUBJECT = "/credentialSubject/"
WALLET = typer.Option(
    Path.home() / ".sigillo-wallet", envvar="SIGILLO_WALLET", file_okay=False, help="Folder of the holder's keys."
)
SHOW = typer.Option([], "--show", help="A claim to show, such as age_over_18, or a JSON pointer; repeat for more.")
NONCE = typer.Option("", help="The number or word that the verifier gave you for this one showing.")


@app.command()
def key(wallet: Path = WALLET, as_json: bool = JSON) -> None:
    """Make a key for one credential; its DID is what an issuer binds the credential to."""
    with told():
        made = opened_wallet(wallet).new_key()
    if as_json:
        show({"did": made.did})
    else:
        say(made.did)


@app.command()
def derive(
    file: Path = FILE, shown: list[str] = SHOW, nonce: str = NONCE, out: Path = OUT, as_json: bool = JSON
) -> None:
    """Show a part of a credential by bbs-2023 or ecdsa-sd-2023, and nothing else of it.

    By bbs-2023 each derived credential is new: nobody can tell that two came from the same one.
    """
    with told():
        credential = read(file)
        if isinstance(credential, str):
            raise fail("a token is shown with `sigillo credential present`", Exit.USAGE)
        contexts = contexts_of(credential.get("issuer"))
        pointers = [_pointer(claim) for claim in shown]
        derived = derive_credential(credential, pointers, nonce.encode() or None, contexts=contexts)
        give(derived, out, _said(shown), as_json=as_json)


@app.command()
def present(
    file: Path = FILE,
    shown: list[str] = SHOW,
    audience: str = typer.Option("", help="Whom it is shown to: the verifier's name, as they gave it."),
    nonce: str = NONCE,
    wallet: Path = WALLET,
    out: Path = OUT,
    as_json: bool = JSON,
) -> None:
    """Show a credential to one verifier, with proof that it is yours: an SD-JWT, or a credential about your key."""
    with told():
        credential, keys, now = read(file), opened_wallet(wallet), datetime.now(UTC)
        asked = Binding(audience, nonce) if audience and nonce else None
        if isinstance(credential, str):
            token = present_token(credential, list(map(_path, shown)), keys, asked, now)
            give(token, out, _said(shown), as_json=as_json)
            return
        if shown:
            raise fail("a credential in JSON is shown in part with `sigillo credential derive`", Exit.USAGE)
        if asked is None:
            raise fail("give --audience and --nonce: without them it could be shown again by others", Exit.USAGE)
        contexts = contexts_of(credential.get("issuer"))
        presentation = present_document(credential, keys, nonce, audience, now, contexts)
        give(presentation, out, "shows all of it", as_json=as_json)


def opened_wallet(folder: Path) -> Wallet:
    """The holder's keys, sealed under the passphrase of the settings, if there is one. Raises as `Wallet`."""
    passphrase = load_settings().passphrase
    return Wallet(folder, passphrase.get_secret_value() if passphrase else None)


def _said(shown: list[str]) -> str:
    return f"shows {', '.join(shown)}" if shown else "shows what is always shown"


def _pointer(claim: str) -> str:
    """Of a claim about the subject by its name alone, too."""
    return claim if claim.startswith("/") else SUBJECT + claim.replace("~", "~0").replace("/", "~1")


def _path(claim: str) -> ClaimPath:
    """Where an SD-JWT has it. Raises SelectionError."""
    tokens = parse_pointer(claim) if claim.startswith("/") else (claim,)
    return tuple(int(token) if token.isascii() and token.isdigit() else token for token in tokens)
