"""`sigillo register-image`: that one picture is somebody's. The picture is read here and stays here."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, show, told
from api.cli.register import asked, saved_papers, tell
from detection.copies.fingerprint import JOBS, fingerprint
from detection.isolation import Isolation
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from identity.registration.refusal import Kind, Purpose, Right


def register_image(
    picture: Path = typer.Argument(..., exists=True, dir_okay=False, help="The picture; it stays on this machine."),
    account: str = typer.Option(..., help="Whose registration it is: the account's id here, acc_…"),
    region: str = typer.Option("", help="Where the person is, such as FR or US-IL: whose rules hold."),
    refuses: list[Purpose] = typer.Option([], help="A purpose that is refused; again for others. Default: all."),
    right: Right = typer.Option(Right.SELF, help="By which right, where somebody acts for the person."),
    stated: str = typer.Option("", help="That right in words, such as: mother."),
    language: str = typer.Option("en", help="Of the text to be agreed to."),
    agreed: str = typer.Option(
        "", metavar="SHA256", help="That the person agreed to the text of this SHA-256. Default: shows it, and asks."
    ),
    contact: str = typer.Option("", help="Where notices go, such as an e-mail address."),
    form: str = typer.Option("dc+sd-jwt", help="Of the credential: dc+sd-jwt, or a cryptosuite."),
    out: Path = typer.Option(Path(), "-o", "--out", file_okay=False, help="Folder for credential and receipt."),
    once: str = typer.Option("", "--idempotency-key", help="The same key again makes no second registration."),
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
                "refuses": list(refuses),
                "right": right,
                "stated": stated,
                "consent": {"language": language, "sha256": agreed or asked(rules, as_json=as_json)},
                "contact": contact,
                "form": form,
                "fingerprint": made_here,
            }
            made = sigillo.register_image(body, once)
            saved = [str(file) for file in saved_papers(made, out)]
    if as_json:
        show({**made, "saved": saved})
    else:
        tell(made, saved)


def taken(picture: Path) -> dict[str, Any]:
    """The picture's fingerprint, made by a worker of this machine.

    Raises MediaError, FingerprintRefusedError, SandboxError, OSError.
    """
    with (
        Memfd.of([picture.read_bytes()]) as file,
        Sandbox(JOBS, size=1, isolation=Isolation.WARN) as worker,
    ):
        found = fingerprint(worker, file)
    found.require_distinct()
    return asdict(found)
