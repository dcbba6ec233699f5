"""`sigillo matching rotate-key`, `status`: the key that face templates are made by, for operators."""

from __future__ import annotations

import time
from typing import Any, Final

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.matching import app
from api.cli.output import JSON, say, show, told
from sigillo_client import Sigillo

LOOK_SECONDS: Final = 1.0
WAIT = typer.Option(True, help="Return when every template is under the new key. The service goes on without you.")


@app.command("rotate-key")
def rotate_key(server: str = SERVER, token: str = TOKEN, wait: bool = WAIT, as_json: bool = JSON) -> None:
    """Renew the rotation key: every template is made anew from its sealed embedding, without the photos."""
    with told(), connected(server, token) as sigillo:
        begun = sigillo.renew_face_rotation()
        status = _watched(sigillo, begun, quiet=as_json) if wait else begun
    if as_json:
        show({**begun, **status})
    else:
        say(f"{_stands(status)}; entry {begun['ledger']['entry']} says who began it")


@app.command()
def status(server: str = SERVER, token: str = TOKEN, as_json: bool = JSON) -> None:
    """Say which rotation key is in force, and how many templates are still under an older one."""
    with told(), connected(server, token) as sigillo:
        found = sigillo.face_rotation()
    if as_json:
        show(found)
    else:
        say(_stands(found))


def _watched(sigillo: Sigillo, status: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Until it is done, saying now and then how far it is."""
    said = -1
    while status["under_way"]:
        if status["waiting"] != said and not quiet:
            said = status["waiting"]
            say(f"{said} templates to go")
        time.sleep(LOOK_SECONDS)
        status = sigillo.face_rotation()
    return status


def _stands(status: dict[str, Any]) -> str:
    if not status["version"]:
        return "nobody has registered yet: there is no rotation key"
    if status["under_way"]:
        return f"rotation key {status['version']} is new: {status['waiting']} templates are still under an older one"
    return f"rotation key {status['version']} is in force; every template is under it, and no older key is left"
