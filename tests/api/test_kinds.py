"""Each kind of file, as a creation tool sends it and a stranger verifies it: signed, given back, trusted."""

from __future__ import annotations

from typing import Final

import pytest

from detection.kinds import Kind, sniff
from provenance.vocabulary import SIDECAR_TYPES
from tests.api.wire import signed
from tests.deployment import Running
from tests.detection.documents import pdf
from tests.detection.pictures import SAMPLES
from tests.detection.recordings import RECORDINGS

FILES: Final = {
    **{name: SAMPLES[name] for name in ("jpeg", "png", "webp", "gif", "tiff", "avif", "heic")},
    **{name: RECORDINGS[name] for name in ("mp4", "mov", "m4a", "wav", "mp3", "flac", "webm", "opus")},
    "pdf": pdf(),
}


def test_every_kind_is_here() -> None:
    assert {sniff(file[:64]) for file in FILES.values()} == set(Kind)


@pytest.mark.parametrize("name", FILES)
def test_each_kind_is_signed_and_given_back(deployment: Running, name: str) -> None:
    file, mime = FILES[name], sniff(FILES[name][:64]).mime
    with deployment.http(deployment.key()) as http, deployment.http() as anyone:
        asset, given = signed(http, file, {"title": name}, mime=mime)
        assert asset["mime"] == mime
        parts = {"file": ("file", given, mime)}
        if mime in SIDECAR_TYPES:
            parts["manifest"] = ("m.c2pa", http.get(asset["links"]["manifest"]).content, "application/c2pa")
        report = anyone.post("/v1/verifications", files=parts).json()
        assert (report["verdict"], report["title"]) == ("trusted", name)
        absent = anyone.post("/v1/verifications", files={"file": ("file", file, mime)}).json()
        assert absent["verdict"] == "absent"
