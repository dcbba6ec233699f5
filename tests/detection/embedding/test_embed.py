"""Encoders in real workers under their isolation; see `encoders` for what that shows and what not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detection.embedding.card import Fit, Form, read_card
from detection.embedding.embed import JOBS, Encoder, embed
from detection.embedding.embedding import Embedding
from detection.embedding.network import put
from detection.errors import (
    EncoderUnusableError,
    ModelCardError,
    TruncatedMediaError,
    UnsupportedMediaError,
    WorkerProtocolError,
)
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from tests.detection import documents
from tests.detection.embedding import encoders
from tests.recovering import clouds, overlaid, photo, posted, saved
from tests.workers import lend

Embedded = Callable[[bytes], Embedding]


@pytest.fixture(scope="module")
def workers() -> Iterator[Sandbox]:
    with lend(JOBS, size=1, wait_seconds=60) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def embedded(workers: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """What the encoder of random weights makes of a file."""
    encoder = Encoder.open(encoders.put(tmp_path_factory.mktemp("encoder"), encoders.random_encoder()))

    def of(file: bytes) -> Embedding:
        with Memfd.of([file]) as memfd:
            return embed(workers, encoder, memfd)

    yield of
    encoder.file.close()


def cosine(one: Embedding, other: Embedding) -> float:
    return float(one.direction @ other.direction)


def test_a_worker_embeds_as_numpy_does(embedded: Embedded) -> None:
    picture = photo()
    seen = put(picture, encoders.FORM)[0]
    patches = seen.reshape(3, 8, 4, 8, 4).mean(axis=(2, 4)).ravel()
    projection = np.random.default_rng(0).normal(size=(192, encoders.DIMENSIONS))
    expected = patches @ projection
    expected /= np.linalg.norm(expected)
    found = embedded(saved(picture, "PNG"))
    assert found.direction == pytest.approx(expected, abs=1e-3)
    assert np.linalg.norm(found.direction) == pytest.approx(1, abs=1e-6)
    assert found.model == "test@1"


def test_a_network_that_takes_bytes_gets_them(workers: Sandbox, embedded: Embedded, tmp_path: Path) -> None:
    file = saved(photo(), "PNG")
    plain = Form(encoders.SIDE)
    encoder = Encoder.open(encoders.put(tmp_path, encoders.random_encoder(by_bytes=True), plain))
    with Memfd.of([file]) as memfd:
        assert cosine(embed(workers, encoder, memfd), embedded(file)) > 0.9999
    encoder.file.close()
    scaled = Encoder.open(encoders.put(tmp_path, encoders.random_encoder(by_bytes=True), encoders.FORM))
    with Memfd.of([file]) as memfd, pytest.raises(EncoderUnusableError, match="it takes bytes"):
        embed(workers, scaled, memfd)
    scaled.file.close()


def test_copies_are_nearer_than_other_pictures(embedded: Embedded) -> None:
    ours = embedded(saved(photo()))
    for copy in (posted(photo()), overlaid(photo()), saved(photo().rotate(2))):
        assert cosine(ours, embedded(copy)) > 0.97
    assert cosine(ours, embedded(clouds(1))) < 0.9


def test_it_works_in_full_isolation_with_one_thread(workers: Sandbox) -> None:
    report = workers.isolation_report()
    assert set(report.in_force) >= {"single thread", "capabilities", "seccomp"}


def test_a_real_network_runs_too(workers: Sandbox, tmp_path: Path) -> None:
    card = encoders.put(tmp_path, encoders.sface(), encoders.SFACE_FORM, encoders.SFACE_DIMENSIONS)
    encoder = Encoder.open(card)
    face = photo().crop((160, 50, 300, 190))  # the astronaut's
    made = []
    for file in (saved(face), posted(face), clouds(2)):
        with Memfd.of([file]) as memfd:
            made.append(embed(workers, encoder, memfd))
    encoder.file.close()
    ours, copy, other = made
    assert cosine(ours, copy) > 0.9
    assert cosine(ours, other) < 0.5
    assert ours.digest == encoder.card.digest != read_card(encoders.put(tmp_path, encoders.random_encoder())).digest


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (documents.pdf(), UnsupportedMediaError),
        (saved(photo())[:2000] + bytes(2000), TruncatedMediaError),
    ],
    ids=["document", "damaged"],
)
def test_what_is_no_single_picture_is_refused(embedded: Embedded, file: bytes, why: type[Exception]) -> None:
    with pytest.raises(why):
        embedded(file)


def test_a_transparent_and_a_narrow_picture_have_directions(embedded: Embedded) -> None:
    for picture in (Image.new("RGBA", (50, 40), (9, 9, 9, 90)), Image.effect_noise((4000, 3), 90).convert("RGB")):
        file = io.BytesIO()
        picture.save(file, "PNG")
        assert len(embedded(file.getvalue()).direction) == encoders.DIMENSIONS


def test_a_square_is_cut_or_squashed() -> None:
    wide = Image.new("RGB", (96, 32), "black")
    wide.paste("white", (0, 0, 16, 32))
    assert put(wide, Form(8)).max() == 0, "what is left of the middle is cut off"
    assert put(wide, Form(9, Fit.SQUASH))[0, 0, 0, 0] == 1


@pytest.mark.parametrize(
    ("file", "dimensions", "why"),
    [
        (b"no model at all", 64, EncoderUnusableError),
        (encoders.random_encoder(outputs="flat"), 64, WorkerProtocolError),
        (encoders.random_encoder(outputs="seen"), 64, EncoderUnusableError),
        (encoders.random_encoder(beside=float("nan")), 64, EncoderUnusableError),
        (encoders.random_encoder(beside=float("inf")), 64, EncoderUnusableError),
    ],
    ids=["garbage", "other dimensions", "no direction", "no numbers", "no end"],
)
def test_a_file_that_is_no_such_encoder_is_refused(
    workers: Sandbox, tmp_path: Path, file: bytes, dimensions: int, why: type[Exception]
) -> None:
    encoder = Encoder.open(encoders.put(tmp_path, file, dimensions=dimensions))
    with Memfd.of([saved(photo())]) as memfd, pytest.raises(why):
        embed(workers, encoder, memfd)
    encoder.file.close()


HOSTILE = {
    "a file by its path": encoders.elsewhere("/etc/passwd"),
    "a file above": encoders.elsewhere("../../../../../etc/passwd"),
    "its own environment": encoders.elsewhere("../../../../proc/self/environ"),
    "memory by an address": encoders.elsewhere("*/_ORT_MEM_ADDR_/*"),
    "an operator of its own": encoders.operator_of_its_own(),
    "more numbers than any direction has": encoders.numbers(2**25),
    "more than there is memory": encoders.numbers(2**31),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_encoder_reaches_nothing_and_is_refused(
    workers: Sandbox, embedded: Embedded, tmp_path: Path, what: str
) -> None:
    encoder = Encoder.open(encoders.put(tmp_path, HOSTILE[what]))
    with Memfd.of([saved(photo())]) as memfd, pytest.raises(EncoderUnusableError):
        embed(workers, encoder, memfd)
    encoder.file.close()
    assert len(embedded(saved(photo())).direction) == encoders.DIMENSIONS, "the worker goes on"


def test_a_changed_file_is_another_model(tmp_path: Path) -> None:
    card = encoders.put(tmp_path, encoders.random_encoder())
    (tmp_path / "test.onnx").write_bytes(encoders.random_encoder(1))
    with pytest.raises(ModelCardError, match="another file"):
        Encoder.open(card)
    (tmp_path / "test.onnx").unlink()
    with pytest.raises(ModelCardError, match=r"test\.onnx: No such file"):
        Encoder.open(card)


@pytest.mark.parametrize("made", [Path.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_what_is_no_file_is_refused_unread(tmp_path: Path, made: Callable[[Path], None]) -> None:
    card = encoders.put(tmp_path, encoders.random_encoder())
    (tmp_path / "test.onnx").unlink()
    made(tmp_path / "test.onnx")
    with pytest.raises(ModelCardError, match=r"test\.onnx is no file: an encoder's ONNX file belongs there"):
        Encoder.open(card)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("threshold", 1.0),
        ("digest", "abc"),
        ("file", "../other.onnx"),
        ("file", "."),
        ("file", ".."),
        ("dimensions", 0),
        ("measured", ""),
        ("more", 1),
    ],
)
def test_a_card_that_says_too_little_or_too_much_is_none(tmp_path: Path, field: str, value: object) -> None:
    card = encoders.put(tmp_path, encoders.random_encoder())
    card.write_text(json.dumps(json.loads(card.read_text()) | {field: value}))
    with pytest.raises(ModelCardError, match=field):
        read_card(card)


def test_without_its_runtime_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detection.embedding.embed.find_spec", lambda _name: None)
    with pytest.raises(ModelCardError, match=r"pip install 'sigillo\[encoder\]'"):
        Encoder.open(encoders.put(tmp_path, encoders.random_encoder()))
