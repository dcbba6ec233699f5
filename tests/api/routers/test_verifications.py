from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.receipt import verify_receipt
from provenance.manifest import MAX_MANIFEST_STORE_BYTES
from tests.api.wire import counts, problem, proven, signed, upload
from tests.deployment import Running, picture, running
from tests.provenance.carriers import CARRIERS, box

PATH = "/v1/verifications"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Another deployment, which this one does not know."""
    with running(tmp_path_factory.mktemp("foreign")) as up:
        yield up


def test_each_verdict(deployment: Running, foreign: Running) -> None:
    with deployment.http(deployment.key()) as http, foreign.http(foreign.key()) as away, deployment.http() as anyone:
        _, ours = signed(http)
        _, theirs = signed(away)
        tampered = bytearray(ours)
        tampered[-200] ^= 0xFF
        broken = ours.replace(b"jumb", b"jumx")
        files = {"trusted": ours, "untrusted": theirs, "absent": picture(), "invalid": bytes(tampered)}
        for verdict, file in files.items():
            report = upload(anyone, file, path=PATH).json()
            assert report["verdict"] == verdict
            assert report["sentence"]
            assert report["messages"]
        assert upload(anyone, broken, path=PATH).json()["verdict"] in {"unreadable", "invalid"}


def test_an_empty_file_is_named_as_such(deployment: Running) -> None:
    with deployment.http() as anyone:
        problem(upload(anyone, b"", path=PATH), 422, "media-empty")


def test_a_file_of_more_boxes_than_c2pa_reads_in_time_is_refused_before_it_does(deployment: Running) -> None:
    film = CARRIERS["video/mp4"] + box(b"free", b"") * 100_000
    with deployment.http() as anyone:
        said = problem(upload(anyone, film, path="/v1/verifications"), 413, "media-too-large")
    assert "boxes beside each other" in said["detail"]


def test_given_anchors_widen_the_trust_of_one_report(deployment: Running, foreign: Running) -> None:
    with foreign.http(foreign.key()) as away:
        _, theirs = signed(away)
    anchors = foreign.operator.anchors()
    with deployment.http() as anyone:
        parts: dict[str, Any] = {"file": ("upload", theirs, "image/jpeg"), "anchors": (None, anchors, "text/plain")}
        assert anyone.post(PATH, files=parts).json()["verdict"] == "trusted"
        assert upload(anyone, theirs, path=PATH).json()["verdict"] == "untrusted"


@pytest.mark.parametrize(
    ("field", "text"),
    [("anchors", "not PEM"), ("anchors", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
     ("trust_config", "not an OID")],
)  # fmt: skip
def test_unusable_trust_is_refused(deployment: Running, field: str, text: str) -> None:
    with deployment.http() as http:
        parts: dict[str, Any] = {"file": ("upload", picture(), "image/jpeg"), field: (None, text, "text/plain")}
        said = problem(http.post(PATH, files=parts), 422, "trust-policy")
    assert str(deployment.home.folder) not in said["detail"]


def test_public_assets_bring_their_receipt_and_others_do_not(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http, deployment.http() as anyone:
        for visibility in ("public", "unlisted", "private"):
            asset, file = signed(http, claim={"visibility": visibility})
            proven(deployment, asset["ledger"]["entry"])
            report = upload(anyone, file, path=PATH).json()
            assert report["verdict"] == "trusted"
            if visibility == "public":
                assert report["ledger"]["entry"] == asset["ledger"]["entry"]
                shown = verify_receipt(report["ledger"]["receipt"], deployment.operator.log_key())
                assert shown.entry.id == asset["ledger"]["entry"]
                tampered = file[:-200] + b"\0" + file[-199:]
                assert upload(anyone, tampered, path=PATH).json()["ledger"] is None
                http.delete(asset["links"]["self"])
                assert upload(anyone, file, path=PATH).json()["ledger"] is None
            else:
                assert report["ledger"] is None


def test_nothing_is_kept(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http, deployment.http() as anyone:
        _, file = signed(http)
        before = counts(deployment)
        for content in (file, picture(), b"", b"\0" * 4):
            upload(anyone, content, path=PATH)
        assert counts(deployment) == before


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"nothing known", b"\0" * 1000])
def test_files_without_a_format_are_answered(deployment: Running, content: bytes) -> None:
    with deployment.http() as http:
        answer = upload(http, content, path=PATH)
        assert answer.status_code in {200, 415, 422}
        if answer.status_code == 200:
            assert answer.json()["verdict"] in {"absent", "unreadable"}
        assert upload(http, picture(), path=PATH).json()["verdict"] == "absent"


def test_a_tampered_ancestor_is_named_under_a_sound_signature(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        _, file = signed(http)
        tampered = bytearray(file)
        tampered[-200] ^= 0xFF
        asset, child = signed(http, bytes(tampered))
        assert asset["parent"]["verdict"] == "invalid"
        report = upload(http, child, path=PATH).json()
    assert (report["verdict"], report["ancestry"]) == ("trusted", "invalid")
    assert asset["parent"]["codes"][0] in json.dumps(report)


def test_many_at_once(deployment: Running) -> None:
    verdicts: list[str] = []
    with deployment.http() as http:
        _, file = signed_by(deployment)

        def verify() -> None:
            verdicts.append(upload(http, file, path=PATH).json()["verdict"])

        threads = [threading.Thread(target=verify) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert verdicts == ["trusted"] * 8


def signed_by(up: Running) -> tuple[dict[str, object], bytes]:
    with up.http(up.key()) as http:
        return signed(http)


def test_operators_anchor_files_are_trusted(foreign: Running, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.pem"
    anchors.write_text(foreign.operator.anchors())
    _, theirs = signed_by(foreign)
    with running(tmp_path / "home", trust_anchors=anchors) as up, up.http() as http:
        assert upload(http, theirs, path=PATH).json()["verdict"] == "trusted"


def test_a_manifest_beside_the_file_is_read_instead_of_none(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http, deployment.http() as anyone:
        asset, file = signed(http, claim={"visibility": "public"})
        manifest = http.get(asset["links"]["manifest"]).content

        def verify(content: bytes, beside: bytes) -> dict[str, Any]:
            parts = {"file": ("upload", content, "image/jpeg"), "manifest": ("m", beside, "application/c2pa")}
            report: dict[str, Any] = anyone.post(PATH, files=parts).json()
            return report

        report = verify(file, manifest)
        assert (report["verdict"], report["ledger"]["entry"]) == ("trusted", asset["ledger"]["entry"])
        at = manifest.rindex(bytes(500))
        padded = manifest[:at] + b"\1" + manifest[at + 1 :]
        assert verify(file, padded)["verdict"] == "trusted", "the padding of a signature is not signed"
        assert verify(file, padded)["ledger"] is None, "but it is not what was handed out"
        assert verify(b"\x1aE\xdf\xa3" + bytes(100), manifest)["verdict"] == "invalid"
        assert verify(file, b"no manifest store")["verdict"] == "unreadable"


def test_a_manifest_has_its_limit(deployment: Running) -> None:
    with deployment.http() as anyone:
        parts = {
            "file": ("upload", picture(), "image/jpeg"),
            "manifest": ("m", bytes(MAX_MANIFEST_STORE_BYTES + 1), ""),
        }
        problem(anyone.post(PATH, files=parts), 400, "upload-malformed")
