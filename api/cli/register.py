"""`sigillo register`: that a face is not to be generated."""

from __future__ import annotations

from pathlib import Path

import typer

from api.cli.acting import BIND, WALLET, bound_to
from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, say, told
from api.cli.registering import (
    ACCOUNT,
    AGREED,
    CONTACT,
    FORM,
    LANGUAGE,
    ONCE,
    OUT,
    REFUSES,
    REGION,
    RIGHT,
    STATED,
    agreed_to,
    finish,
)
from identity.registration.refusal import Purpose, Right


def register(
    photos: list[Path] = typer.Argument(..., exists=True, dir_okay=False, help="One to five photos of one person."),
    account: str = ACCOUNT,
    portrait: Path = typer.Option(
        None,
        exists=True,
        dir_okay=False,
        help="The portrait in an identity document of yours: compared with the photos, and not kept. For an account "
        "that is known by a portrait alone; without it a person has to look first.",
    ),
    region: str = REGION,
    refuses: list[Purpose] = REFUSES,
    right: Right = RIGHT,
    stated: str = STATED,
    language: str = LANGUAGE,
    agreed: str = AGREED,
    contact: str = CONTACT,
    form: str = FORM,
    bind: bool = BIND,
    wallet: Path = WALLET,
    out: Path = OUT,
    once: str = ONCE,
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Register a face as not to be generated. Credential and receipt are saved, the recovery code is shown once."""
    with told(), connected(server, token) as sigillo:
        rules = sigillo.registration_rules(region, language)
        body = {
            "account": account,
            "region": region,
            "refuses": list(refuses),
            "right": right,
            "stated": stated,
            "consent": agreed_to(rules, language, agreed, as_json=as_json),
            "contact": contact,
            "form": form,
            **bound_to(bind, wallet),
        }
        made = sigillo.register(photos, body, once, portrait)
        finish(made, out, as_json=as_json)
    if made["state"] == "held" and not portrait and not as_json:
        say("\nNo --portrait came with the photos: where the account is known by a portrait alone, it waits for that.")
        say(f"Sooner: sigillo registration withdraw {made['id']}, and register again with --portrait FILE")
