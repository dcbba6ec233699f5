"""Kinds that move, sound or have pages, in the reader that shares no code with c2pa-rs; manifests beside files, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import encypher_c2pa
import pytest

from detection.kinds import MAGIC_BYTES, sniff
from detection.memfd import Memfd
from provenance.manifest import define
from provenance.request import Action
from provenance.sign import Parent, sign
from provenance.verdict import Verdict
from provenance.vocabulary import SIDECAR_TYPES
from tests.detection.documents import pdf
from tests.detection.pictures import SAMPLES
from tests.detection.recordings import RECORDINGS
from tests.provenance.house import GENERATOR, REQUEST, House, content

UNREAD = "video/webm"
"""The reader does not know it by name; docs/verifying.md says so."""

PICTURES = {name: file for name, file in SAMPLES.items() if name.split()[-1] in {"gif", "tiff", "avif", "heic"}}
MOVING = {name: file for name, file in SAMPLES.items() if "moving" in name}
FILES = PICTURES | MOVING | RECORDINGS | {"pdf": pdf()}


def judge(house: House, file: bytes, mime: str, beside: bytes = b"") -> Mapping[str, Any]:
    judged: Mapping[str, Any] = encypher_c2pa.verify(
        file,
        mime,
        manifest_store=beside or None,
        trust_pem=house.trust.anchors,
        no_default_trust=True,
        telemetry=False,
        online=False,
    )
    return judged


def signed(house: House, name: str) -> tuple[bytes, str, bytes]:
    """The signed file, its type, and its manifest where that is kept beside it."""
    mime = sniff(FILES[name][:MAGIC_BYTES]).mime
    asset = house.sign(FILES[name], mime=mime)
    with asset.content as file:
        return file.read(file.size), mime, asset.manifest_store if mime in SIDECAR_TYPES else b""


@pytest.mark.parametrize("name", sorted(name for name in FILES if "webm" not in name))
def test_it_is_trusted_and_a_change_is_found(house: House, folder: Path, name: str) -> None:
    file, mime, beside = signed(house, name)
    judged = judge(house, file, mime, beside)
    assert (judged["integrity"], judged["signature"], judged["hard_binding"]) == ("valid", "valid", "match")
    assert (judged["validation_state"], judged["validation_results"]["failure"]) == ("Trusted", [])
    changed = bytearray(file)
    changed[file.index(FILES[name][-400:-300])] ^= 1
    assert judge(house, bytes(changed), mime, beside)["validation_state"] == "Invalid"


def test_webm_holds_there_under_another_name_alone(house: House, folder: Path) -> None:
    file, mime, beside = signed(house, "webm")
    assert mime == UNREAD
    with pytest.raises(ValueError, match="unsupported MIME type"):
        judge(house, file, mime, beside)
    assert judge(house, file, "audio/ogg", beside)["validation_state"] == "Trusted"
    assert judge(house, file + b"\0", "audio/ogg", beside)["validation_state"] == "Invalid"


def test_what_was_made_from_a_file_with_its_manifest_beside_it_holds_there(house: House, folder: Path) -> None:
    original, mime, store = signed(house, "webm")
    request = replace(REQUEST, actions=(Action("c2pa.transcoded"),))
    with Memfd.of([original]) as file, Memfd.of([store]) as beside, Memfd.of([FILES["mp4"]]) as made:
        definition = define(request, content(FILES["mp4"], "video/mp4"), Verdict.TRUSTED, GENERATOR, mime)
        asset = sign(house.sandbox, house.signer, made, definition, house.trust, parent=Parent(file, beside))
    with asset.content as film:
        judged = judge(house, film.read(film.size), "video/mp4")
    assert (judged["validation_state"], judged["validation_results"]["failure"]) == ("Trusted", [])
