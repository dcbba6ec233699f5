"""`sigillo register-image`: that one picture is somebody's. The picture is read here and stays here."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from api.cli.acting import BIND, WALLET, bound_to
from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, told
from api.cli.registering import (
    ACCOUNT,
    AGREED,
    CONTACT,
    FORM,
    LANGUAGE,
    ONCE,
    OUT,
    REGION,
    RIGHT,
    STATED,
    agreed_to,
    finish,
)
from detection.isolation import Isolation
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from identity.registration.refusal import Kind, Right


def register_image(
    picture: Path = typer.Argument(..., exists=True, dir_okay=False, help="The picture; it stays on this machine."),
    account: str = ACCOUNT,
    region: str = REGION,
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
    """Register one picture and its near copies, by a fingerprint made here: no face, and not the person as such."""
    with told():
        made_here = taken(picture)
        with connected(server, token) as sigillo:
            rules = sigillo.registration_rules(region, language, Kind.IMAGE)
            body = {
                "account": account,
                "region": region,
                "right": right,
                "stated": stated,
                "consent": agreed_to(rules, language, agreed, as_json=as_json),
                "contact": contact,
                "form": form,
                **bound_to(bind, wallet),
                "fingerprint": made_here,
            }
            made = sigillo.register_image(body, once)
            finish(made, out, as_json=as_json)


def taken(picture: Path) -> dict[str, Any]:
    """The picture's fingerprint, made by a worker of this machine.

    Raises MediaError, FingerprintRefusedError, SandboxError, OSError.
    """
    from detection.copies.fingerprint import JOBS, fingerprint  # late: NumPy, which hardly any command needs

    with (
        Memfd.of([picture.read_bytes()]) as file,
        Sandbox(JOBS, size=1, isolation=Isolation.WARN) as worker,
    ):
        found = fingerprint(worker, file)
    found.require_distinct()
    return asdict(found)
