"""WebM and Ogg from end to end: the file stays as it is, and its manifest holds for it and for nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.wire import counts, problem, signed, upload
from tests.deployment import Running, running
from tests.detection.films import Film, sound, tone, write
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

WEBM = write(Film("webm", "libvpx", "libopus"))
FILES = {"video/webm": WEBM, "audio/ogg": sound("ogg", "libopus", tone(1))}
CROP = {"actions": [{"name": "c2pa.cropped"}]}


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


def test_no_transformation_is_made_of_it(deployment: Running) -> None:
    """Its manifest could not go along as the parent's."""
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http, WEBM, mime="video/webm")
        before = counts(deployment)
        problem(upload(http, claim=CROP, path=f"{asset['links']['self']}/transformations"), 422, "sidecar-parent")
        assert counts(deployment) == before


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
