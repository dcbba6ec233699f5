"""`sigillo demo`: the whole story in one minute, over real HTTP, with files left to look at.

It runs what anyone could run: a server process of its own, and the Python client. Nothing here reaches around them.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer

from api.cli.output import JSON, Exit, fail, quoted, say, show, told
from api.cli.stage import PlotError, Teller, camera_key, clean, openbao, run, server
from api.cli.verify import COLOURS
from sigillo_client import Problem, Sigillo
from sigillo_client.answers import Asset

PROOF_SECONDS = 15


@dataclass(frozen=True)
class Stage:
    """Where the story plays."""

    teller: Teller
    folder: Path
    camera: Sigillo
    """A creation tool with an API key of its own."""

    def scene(self, title: str) -> None:
        """What happens next."""
        self.teller.scene(title)

    def tell(self, what: str, text: str, colour: str = "") -> None:
        """One thing that was seen."""
        self.teller.tell(what, text, colour)


def demo(
    keys: str = typer.Option("embedded", help="embedded, or openbao for a real OpenBao server."),
    out: Path = typer.Option(Path("demo-out"), help="Folder for the files; what an earlier demo left is replaced."),
    as_json: bool = JSON,
) -> None:
    """Sign a photo, verify it, tamper with it, strip it, edit it, prove it, erase it."""
    if keys not in {"embedded", "openbao"}:
        raise fail("--keys is embedded or openbao", Exit.USAGE)
    started = time.monotonic()
    home, teller = clean(out), Teller(quiet=as_json)
    with told(), ExitStack() as stack:
        environment = stack.enter_context(openbao(out, teller)) if keys == "openbao" else {}
        url = stack.enter_context(server(home, environment))
        camera = stack.enter_context(Sigillo(url, camera_key(home, environment)))
        try:
            _story(Stage(teller, out, camera))
            _audit(teller, home, environment)
        except PlotError as error:
            raise fail(f"the demo found something broken: {error}") from error
    seconds = round(time.monotonic() - started)
    if as_json:
        show({"story": teller.scenes, "seconds": seconds, "folder": str(out)})
    else:
        say(f"\n[bold green]Done[/] in {seconds} s. The files are in [bold]{quoted(out)}[/].")


def _story(stage: Stage) -> None:
    original, signed = _capture(stage)
    _attack(stage, signed)
    _edit(stage, original, signed)
    receipt = _prove(stage, original)
    _erase(stage, original, receipt)


def _capture(stage: Stage) -> tuple[Asset, Path]:
    stage.scene("A camera app uploads a photo. It comes back signed; the key never left the key store.")
    photo = stage.folder / "1-photo.jpg"
    photo.write_bytes((files("api.cli") / "astronaut.jpg").read_bytes())
    claim = {
        "title": "Portrait in orange",
        "actions": [{"name": "c2pa.created", "source_type": "digitalCapture"}],
        "visibility": "public",
    }
    asset, signed = _sign(stage, photo, claim, "2-signed.jpg")
    stage.tell("ledger entry", asset["ledger"]["entry"])
    _wait_for_proof(stage, asset["ledger"]["entry"])
    _verify(stage, signed, "trusted")
    return asset, signed


def _attack(stage: Stage, signed: Path) -> None:
    stage.scene("Somebody changes the picture by a single byte and keeps the manifest.")
    _verify(stage, _tampered(stage, signed), "invalid")
    stage.scene("Somebody strips the manifest: every trace of it is gone from the file.")
    _verify(stage, _stripped(stage, signed), "absent")


def _edit(stage: Stage, original: Mapping[str, Any], signed: Path) -> None:
    stage.scene("An editor retitles the signed photo and uploads it again: the original becomes its parent.")
    edits = {"title": "Astronaut in orange", "actions": [{"name": "c2pa.edited.metadata"}]}
    edited, final = _sign(stage, signed, edits, "5-edited.jpg")
    _verify(stage, final, "trusted")
    custody = stage.camera.custody(edited["id"])
    files = [node for node in custody["nodes"] if node.get("asset")]
    _expect([file["asset"] for file in files] == [edited["id"], original["id"]], "custody does not name both")
    acts = {node["id"]: node for node in custody["nodes"]}
    for file in files:
        done = (acts[edge["source"]].get("kind") for edge in custody["edges"] if edge["target"] == file["id"])
        stage.tell("custody", f"{file['title']}: {', '.join(kind for kind in done if kind)}")


def _prove(stage: Stage, original: Mapping[str, Any]) -> Path:
    stage.scene("The receipt proves the signing to anyone who has the log's key, without asking us.")
    receipt = _receipt(stage, original["ledger"]["entry"])
    _check_receipt(stage, receipt, original["ledger"]["entry"])
    return receipt


def _erase(stage: Stage, original: Mapping[str, Any], receipt: Path) -> None:
    stage.scene("The photo is erased: its key is destroyed. The receipt still verifies, and says nothing about it.")
    stage.camera.erase(original["id"])
    try:
        stage.camera.content(original["id"], io.BytesIO())
    except Problem as problem:
        stage.tell("content", problem.title)
    else:
        raise PlotError("an erased asset can still be read")
    _check_receipt(stage, receipt, original["ledger"]["entry"])


def _sign(stage: Stage, photo: Path, claim: Mapping[str, Any], name: str) -> tuple[Asset, Path]:
    asset = stage.camera.sign(photo, claim)
    target = stage.folder / name
    with target.open("wb") as stream:
        stage.camera.content(asset["id"], stream)
    stage.tell("signed", f"{target.name}, {target.stat().st_size} bytes, key {asset['signed_with']}")
    return asset, target


def _verify(stage: Stage, file: Path, wanted: str) -> None:
    report = stage.camera.verify(file)
    stage.tell(file.name, f"{report['verdict']}: {report['sentence']}", COLOURS[report["verdict"]])
    for status in report["statuses"]["failure"][:1]:
        stage.tell("code", status["code"])
    _expect(report["verdict"] == wanted, f"{file.name} is {report['verdict']}, not {wanted}")


def _tampered(stage: Stage, signed: Path) -> Path:
    """The signed file with one byte of its picture changed, its manifest untouched."""
    data = bytearray(signed.read_bytes())
    data[len(data) * 3 // 4] ^= 0x01
    target = stage.folder / "3-tampered.jpg"
    target.write_bytes(data)
    return target


def _stripped(stage: Stage, signed: Path) -> Path:
    """The picture re-encoded, as platforms do: pixels stay, metadata go."""
    from PIL import Image

    target = stage.folder / "4-stripped.jpg"
    with Image.open(signed) as picture:
        picture.save(target, quality=90)
    return target


def _receipt(stage: Stage, entry: str) -> Path:
    target = stage.folder / "6-receipt.tlog-proof"
    target.write_text(stage.camera.receipt(entry))
    (stage.folder / "log.vkey").write_text(stage.camera.log_key())
    (stage.folder / "anchors.pem").write_text(stage.camera.anchors())
    return target


def _check_receipt(stage: Stage, receipt: Path, entry: str) -> None:
    from ledger.receipt import verify_receipt

    proven = verify_receipt(receipt.read_text(), (stage.folder / "log.vkey").read_text())
    _expect(proven.entry.id == entry, "the receipt is for another entry")
    stage.tell(
        "receipt", f"{proven.entry.kind} at {proven.entry.time}, index {proven.index}, verifies with log.vkey alone"
    )


def _wait_for_proof(stage: Stage, entry: str) -> None:
    deadline = time.monotonic() + PROOF_SECONDS
    while not stage.camera.receipt(entry):
        if time.monotonic() > deadline:
            raise PlotError("no checkpoint covers the entry")
        time.sleep(0.2)


def _audit(teller: Teller, home: Path, environment: Mapping[str, str]) -> None:
    teller.scene("The whole ledger is checked again: bytes, chain, tree, checkpoints, payloads.")
    found = run(home, environment, "ledger", "verify")
    teller.tell("ledger", found.strip())


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise PlotError(otherwise)
