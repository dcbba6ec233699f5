"""Kinds that move, sound or have pages, in the reader that shares no code with c2pa-rs; manifests beside files, too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import encypher_c2pa
import pytest

from detection.kinds import MAGIC_BYTES, sniff
from provenance.manifest import SIDECAR_TYPES
from tests.detection.documents import pdf
from tests.detection.pictures import SAMPLES
from tests.detection.recordings import RECORDINGS
from tests.provenance.house import House

UNREAD = "video/webm"
"""The reader does not know it by name; docs/verifying.md says so."""

PICTURES = {name: file for name, file in SAMPLES.items() if "moving" in name or name.split()[-1] in {"tiff", "avif"}}
FILES = PICTURES | RECORDINGS | {"pdf": pdf()}


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
