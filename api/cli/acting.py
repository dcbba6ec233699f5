"""Acting by a registration's credential: what `--credential` of several commands does, and `--bind` prepares."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from api.cli.holder import WALLET, opened_wallet
from api.cli.output import fail
from identity.encoding import base64url
from identity.holder_signing import nonce_of
from identity.holding.presenting import present_token
from identity.issuing.did_document import did_web
from identity.jose.jwk import write_jwk
from identity.jose.jws import read_jws
from identity.sd_jwt.credential import TYPE
from identity.sd_jwt.disclosure import reveal
from identity.sd_jwt.key_binding import Binding
from ledger.canonical import canonical
from sigillo_client import Sigillo

CREDENTIAL = typer.Option(
    None,
    "--credential",
    exists=True,
    dir_okay=False,
    help="Act by the registration's credential (SD-JWT), bound to a key of your wallet: no API key is needed.",
)
BIND = typer.Option(
    False, "--bind", help="Bind the credential to a new key of your wallet, to act by it later (--credential)."
)

__all__ = ["BIND", "CREDENTIAL", "WALLET", "act", "bound_to", "whose_rules"]


def bound_to(bind: bool, wallet: Path) -> dict[str, Any]:
    """The member `holder` of a request for a credential; none where it is to be bound to no key."""
    return {"holder": write_jwk(opened_wallet(wallet).new_key().key)} if bind else {}


def act(sigillo: Sigillo, registration: str, said: dict[str, str], credential: Path, wallet: Path) -> dict[str, Any]:
    """Have an act done that the credential's holder signs. What is signed is reckoned here, and not believed.

    Raises Problem, UnreachableError, TokenError's kinds, CredentialRefusedError, HolderKeyUnknownError, OSError.
    """
    text, asked = credential.read_text().strip(), sigillo.begin_act(registration, said)
    statement = canonical({"sigillo": "act/v1", "registration": registration, **said})
    issuer = read_jws(text.partition("~")[0], TYPE).payload.get("iss")
    if asked["nonce"] != nonce_of(registration, base64url.decode(asked["random"], "random"), statement):
        raise fail("nothing was signed: the server asks for a signature over something else")
    if did_web(asked["audience"]) != issuer:
        raise fail(f"nothing was signed: {asked['audience']} is not who issued this credential ({issuer})")
    binding = Binding(asked["audience"], asked["nonce"])
    shown = present_token(text, [(asked["show"],)], opened_wallet(wallet), binding, datetime.now(UTC))
    return sigillo.act(registration, said, shown)


def whose_rules(credential: Path, language: str) -> tuple[str, str, str]:
    """Region, language and kind of the text that its registration is renewed under. Raises TokenError's kinds."""
    token, *disclosures, _ = credential.read_text().strip().split("~")
    said = reveal(read_jws(token, TYPE).payload, disclosures).claims
    covers = said.get("covers")
    kind = covers[0] if isinstance(covers, list) and covers else "face"
    return str(said.get("region", "")), language, str(kind)
