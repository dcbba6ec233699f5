"""CLIP's encoder out of a file of weights: seeded random ones of the smallest architecture, which shows that the three
forms of a network agree, and not how well CLIP tells copies from other pictures.

Torch is no part of a default installation: where `sigillo[clip]` is not installed, what needs it is one loud skip.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli import exporting
from api.cli.output import Exit
from detection.embedding import export
from detection.embedding.embed import JOBS, Encoder, embed
from detection.embedding.network import Network
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from tests.commands import app
from tests.detection.embedding import encoders
from tests.recovering import photo, posted, saved

SMALLEST = "ViT-S-32-alt"

with_clip = pytest.mark.skipif(
    any(find_spec(module) is None for module in exporting.PARTS),
    reason="NOT TESTED HERE: exporting CLIP, which needs torch: pip install 'sigillo[clip]'",
)


def exported(weights: Path, out: Path, *more: str) -> Any:
    given = [
        "models",
        "export-clip",
        "--weights",
        str(weights),
        "--licence",
        "none",
        "--out",
        str(out),
        *more,
        "--json",
    ]
    return CliRunner().invoke(app, given)


@with_clip
def test_weights_become_encoders_that_agree_with_torch_and_others_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "seeded.pt"
    make = (
        "import sys, torch; from detection.embedding.export import _torchvision; kept = _torchvision(torch); "
        "import open_clip; torch.manual_seed(3); "
        f"torch.save(open_clip.create_model({SMALLEST!r}).state_dict(), sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", make, str(weights)], check=True, cwd=Path(__file__).parents[3])
    result = exported(weights, tmp_path / "out", "--architecture", SMALLEST)
    assert result.exit_code == Exit.OK, result.output
    made = json.loads(result.stdout)
    assert made["onnx"]["least_cosine"] > 0.9999
    assert made["int8"]["least_cosine"] > 0.99
    assert made["int8"]["bytes"] < made["onnx"]["bytes"] / 2
    encoder = Encoder.open(tmp_path / "out" / "clip-vit-s-32-alt.int8.json")
    files = Memfd.of([saved(photo())]), Memfd.of([posted(photo())])
    with Sandbox(JOBS, size=1, wait_seconds=60) as workers:
        ours, copy = (embed(workers, encoder, file) for file in files)
    for file in (*files, encoder.file):
        file.close()
    assert float(ours.direction @ copy.direction) > 0.9

    marker = tmp_path / "ran"
    evil = tmp_path / "evil.pt"
    evil.write_bytes(pickle.dumps(_Runs(marker)))
    for wrong, architecture in ((evil, SMALLEST), (weights, "RN50"), (weights, "no-such")):
        refused = exported(wrong, tmp_path / "none", "--architecture", architecture)
        assert refused.exit_code == Exit.REFUSED
        assert "the export failed: ValueError: " in json.loads(refused.stdout)["problem"]["detail"]
    assert not marker.exists()


class _Runs:
    """Unpickled, it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.touch, (self.marker,)


def test_matrices_in_eight_bits_give_nearly_the_same_directions(tmp_path: Path) -> None:
    full, small = tmp_path / "full.onnx", tmp_path / "small.onnx"
    full.write_bytes(encoders.random_encoder())
    export._quantise(full, small)
    one, other = (Network.load(file.read_bytes()).embed(photo(), encoders.FORM) for file in (full, small))
    assert small.stat().st_size < full.stat().st_size
    assert 0.999 < float(one @ other) < 1


@pytest.mark.parametrize(
    "ask",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
    ],
)
def test_its_process_reaches_nobody_and_starts_nothing(ask: str) -> None:
    program = f"import sys; from detection.embedding import export; sys.addaudithook(export._refuse); {ask}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "exporting fetches and starts nothing" in done.stderr


def test_without_torch_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name == "torch" else object())
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"any")
    result = exported(weights, tmp_path / "out")
    assert result.exit_code == Exit.REFUSED
    assert "torch is missing" in json.loads(result.stdout)["problem"]["detail"]
    assert "sigillo[clip]" in result.stdout
    assert not (tmp_path / "out").exists()
