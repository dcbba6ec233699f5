"""WebM and Ogg from end to end: the file stays as it is, and its manifest holds for it and for nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.wire import signed, upload
from tests.deployment import Running, running
from tests.detection.films import Film, sound, tone, write
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

WEBM = write(Film("webm", "libvpx", "libopus"))
FILES = {"video/webm": WEBM, "audio/ogg": sound("ogg", "libopus", tone(1))}
SHORTER = write(Film("webm", "libvpx", "libopus", pictures=5))
TRIM = {"actions": [{"name": "c2pa.trimmed"}]}


def verified(http: httpx.Client, file: bytes, manifest: bytes) -> dict[str, Any]:
    parts = {"file": ("film", file, "video/webm"), "manifest": ("film.c2pa", manifest, "application/c2pa")}
    report: dict[str, Any] = http.post("/v1/verifications", files=parts).json()
    return report


def failures(report: dict[str, Any]) -> list[str]:
    return [status["code"] for status in report["statuses"]["failure"]]


@pytest.mark.parametrize("mime", FILES)
def test_a_file_holds_with_its_manifest_beside_it(deployment: Running, mime: str) -> None:
    with deployment.http(deployment.key()) as http, deployment.http() as anyone:
        asset, file = signed(http, FILES[mime], {"visibility": "public"}, mime=mime)
        manifest = http.get(asset["links"]["manifest"]).content
        assert (asset["mime"], file) == (mime, FILES[mime])
        report = verified(anyone, file, manifest)
        assert (report["verdict"], report["ledger"]["entry"]) == ("trusted", asset["ledger"]["entry"])
        flipped = bytearray(file)
        flipped[len(file) // 2] ^= 1
        report = verified(anyone, bytes(flipped), manifest)
        assert (report["verdict"], failures(report)) == ("invalid", ["assertion.dataHash.mismatch"])
        alone = upload(anyone, file, path="/v1/verifications").json()
        assert alone["verdict"] == "absent"
        assert "kept beside it" in alone["sentence"]


@pytest.mark.parametrize("made", [SHORTER, write(Film(pictures=5))], ids=["manifest beside", "manifest within"])
def test_a_transformation_of_it_has_its_manifest_as_the_parents(deployment: Running, made: bytes) -> None:
    with deployment.http(deployment.key()) as http:
        first, _ = signed(http, WEBM, mime="video/webm")
        answer = upload(http, made, TRIM, mime="", path=f"{first['links']['self']}/transformations")
        assert answer.status_code == 201, answer.text
        asset = answer.json()
        assert (asset["parent"]["asset"], asset["parent"]["verdict"]) == (first["id"], "trusted")
        report = verified(
            http, http.get(asset["links"]["content"]).content, http.get(asset["links"]["manifest"]).content
        )
    assert (report["verdict"], report["ancestry"]) == ("trusted", "trusted")
    parent, *_ = report["ingredients"]
    assert (parent["label"], parent["relationship"], parent["format"]) == (first["manifest"], "parentOf", "video/webm")
    assert (parent["verdict"], parent["failures"]) == ("trusted", [])


@pytest.mark.parametrize(
    "film", [Film(), Film("webm", "libvpx", "libopus")], ids=["manifest within", "manifest beside"]
)
def test_a_film_is_time_stamped(tmp_path: Path, film: Film) -> None:
    roots, file = tmp_path / "tsa.pem", write(film)
    with serving(TimeStampAuthority()) as authority:
        roots.write_text(authority.anchors)
        with running(tmp_path / "home", tsa_urls=(authority.url,), tsa_anchors=roots) as up, up.http(up.key()) as http:
            asset, made = signed(http, file, mime=f"video/{film.container}")
            manifest = http.get(asset["links"]["manifest"]).content
            beside = film.container == "webm"
            report = verified(http, made, manifest) if beside else upload(http, made, path="/v1/verifications").json()
            assert (made == file) is beside
            changed = made[:-9] + bytes([made[-9] ^ 1]) + made[-8:]
            spoilt = verified(http, changed, manifest)
    assert report["verdict"] == "trusted"
    assert [stamp["trusted"] for stamp in report["time_stamps"]] == [True]
    assert spoilt["verdict"] == "invalid"
