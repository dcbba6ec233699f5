"""Copies that no fingerprint leads to the original of, found by an encoder; and that it is said where none was asked.

The encoder is of random weights (`tests.detection.embedding.encoders`): that shows the way from an upload to what a
verification answers, and nothing of how well a trained one tells copies from other pictures.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from api.running.home import StartError
from detection.embedding.embed import Embedder
from detection.errors import SandboxBusyError
from detection.memfd import Memfd
from tests.api.fixtures import to_the_log
from tests.api.fixtures import undisturbed as deployment
from tests.api.wire import proven, signed, upload
from tests.deployment import Running, running
from tests.detection.embedding import encoders
from tests.detection.films import sound, tone
from tests.recovering import clouds, saved

__all__ = ["deployment", "to_the_log"]


def opened(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file))


def cropped(file: bytes) -> bytes:
    """Without a twentieth on every side: a tenth of it across and down."""
    image = opened(file)
    width, height = image.size
    return saved(image.crop((width // 20, height // 20, width - width // 20, height - height // 20)))


def turned(file: bytes) -> bytes:
    return saved(opened(file).rotate(5, Image.Resampling.BICUBIC))


def put(up: Running, key: httpx.Client, file: bytes, title: str) -> str:
    asset, _ = signed(key, file, {"title": title, "visibility": "public"})
    proven(up, asset["ledger"]["entry"])
    return str(asset["id"])


def recovered(up: Running, file: bytes) -> Any:
    with up.http() as anyone:
        return upload(anyone, file, path="/v1/verifications").json()["recovered"]


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoders.put(tmp_path_factory.mktemp("encoder"), encoders.random_encoder(), threshold=0.6)


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory, card: Path) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("seeing"), encoder=card) as up:
        yield up


@pytest.fixture(scope="module")
def key(seeing: Running) -> Iterator[httpx.Client]:
    with seeing.http(seeing.key()) as client:
        yield client


@pytest.mark.parametrize("edit", [cropped, turned])
def test_a_crop_and_a_turn_lead_to_the_original_by_an_embedding(seeing: Running, key: httpx.Client, edit: Any) -> None:
    file = clouds(40 + len(edit.__name__))
    put(seeing, key, clouds(49), "ANOTHER")
    put(seeing, key, file, edit.__name__)
    found = recovered(seeing, edit(file))
    (origin,) = found["candidates"]
    assert (origin["title"], origin["match"], origin["encoder"]) == (edit.__name__, "embedding", "test@1")
    assert 0 < origin["score"] < 100
    assert origin["sentence"].startswith("As test@1 sees it, this is like something")
    assert found["not_asked"] == []
    with seeing.http() as anyone:
        by_content = anyone.post("/matches/byContent", content=edit(file)).json()["matches"]
        assert [one["manifestId"] for one in by_content] == [origin["manifest_id"]]
        alone = anyone.post("/matches/byContent?alg=io.iscc.v0", content=edit(file)).json()["matches"]
        assert alone == [], "by that algorithm alone"


def test_where_no_encoder_is_set_a_verification_says_that_none_was_asked(deployment: Running) -> None:
    with deployment.http(deployment.key()) as key:
        put(deployment, key, clouds(60), "UNSEEN")
    found = recovered(deployment, turned(clouds(60)))
    assert (found["looked"], found["candidates"]) == ("nothing", [])
    (left_out,) = found["not_asked"]
    assert (left_out["match"], left_out["reason"]) == ("embedding", "no-encoder")
    assert found["sentence"].endswith(left_out["sentence"])


def test_what_is_no_picture_is_said_not_to_have_been_asked(seeing: Running, key: httpx.Client) -> None:
    put(seeing, key, clouds(61), "A PICTURE")
    for file, why in (
        (sound("wav", "pcm_s16le", tone(0.5)), "no-picture"),
        (saved(Image.new("RGB", (300, 200), "red")), "faint"),
    ):
        assert [one["reason"] for one in recovered(seeing, file)["not_asked"]] == [why]


def test_workers_that_are_busy_are_no_answer_and_hide_nothing_else(
    seeing: Running, key: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(seeing, key, clouds(62), "STILL FOUND")

    def busy(_self: Embedder, _holder: str, _file: Memfd, **_how: bool) -> None:
        raise SandboxBusyError

    with monkeypatch.context() as patch:
        patch.setattr(Embedder, "embed", busy)
        found = recovered(seeing, saved(opened(clouds(62)), quality=60))
        refused = upload(key, clouds(63), {"title": "UNSEEN", "visibility": "public"})
    assert found["candidates"][0]["title"] == "STILL FOUND"
    assert [one["reason"] for one in found["not_asked"]] == ["unavailable"]
    assert refused.status_code == 503, "signed without, it could never be found so"


def test_an_erased_picture_is_found_by_nothing(seeing: Running, key: httpx.Client) -> None:
    asset = put(seeing, key, clouds(64), "GONE")
    assert recovered(seeing, turned(clouds(64)))["candidates"][0]["title"] == "GONE"
    assert key.delete(f"/v1/assets/{asset}").status_code < 300
    assert all(one["title"] != "GONE" for one in recovered(seeing, turned(clouds(64)))["candidates"])


def test_another_encoder_compares_nothing_of_the_first_and_a_changed_one_starts_nothing(
    tmp_path: Path, card: Path
) -> None:
    with running(tmp_path / "home", encoder=card) as up, up.http(up.key()) as key:
        put(up, key, clouds(70), "OLD MODEL")
        assert recovered(up, turned(clouds(70)))["candidates"][0]["encoder"] == "test@1"
    # The same weights, and another description in the file: only the digest tells.
    described = encoders.random_encoder() + b"\x32\x03abc"
    other = encoders.put(tmp_path, described, threshold=0.6, name="other")
    with running(tmp_path / "home", encoder=other) as up, up.http(up.key()) as key:
        found = recovered(up, turned(clouds(70)))
        assert (found["looked"], found["not_asked"]) == ("nothing", []), "asked, and of another model"
        put(up, key, clouds(71), "NEW MODEL")
        assert recovered(up, turned(clouds(71)))["candidates"][0]["encoder"] == "other@1"
    (tmp_path / "other.onnx").write_bytes(encoders.random_encoder(5))
    with (
        pytest.raises(StartError, match=r"SIGILLO_ENCODER: other\.onnx is another file"),
        running(tmp_path / "home", encoder=other),
    ):
        pass
