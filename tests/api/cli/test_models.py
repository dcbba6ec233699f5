"""`sigillo models`, over an encoder of random weights (`tests.detection.embedding.encoders`)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.output import Exit
from detection.embedding.card import read_card
from detection.embedding.embed import Encoder
from tests.commands import app
from tests.detection.embedding import encoders

SAID = ["--name", "random", "--version", "1", "--licence", "MIT", "--side", str(encoders.SIDE), "--threshold", "0.8"]
SAID += ["--measured", "not at all", "--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "random.onnx"
    made.write_bytes(encoders.random_encoder())
    return made


def test_an_encoder_is_tried_and_has_a_card_that_the_service_opens(file: Path) -> None:
    result = CliRunner().invoke(app, ["models", "describe", str(file), *SAID])
    assert result.exit_code == Exit.OK, result.output
    card = read_card(file.with_suffix(".json"))
    assert (str(card), card.dimensions, card.form, card.reach) == ("random@1", 64, encoders.FORM, 200)
    Encoder.open(file.with_suffix(".json")).file.close()
    cosines = {line.split("  ")[2]: float(line.split()[1]) for line in result.output.splitlines() if "cosine" in line}
    assert cosines["at half its size"] > 0.99 > cosines["without a tenth"] > cosines["noise, which is another picture"]
    assert f"SIGILLO_ENCODER={file.with_suffix('.json')}" in result.output


@pytest.mark.parametrize(
    ("given", "exit_code", "why"),
    [
        (["--std", "1,1,0"], Exit.USAGE, "--std"),
        (["--mean", "grey"], Exit.USAGE, "three numbers"),
        (["--fit", "stretch"], Exit.USAGE, "--fit"),
        (["--threshold", "1.5"], Exit.REFUSED, "threshold"),
        (["--side", "64"], Exit.REFUSED, "the encoder cannot be used"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_card(file: Path, given: list[str], exit_code: Exit, why: str) -> None:
    result = CliRunner().invoke(app, ["models", "describe", str(file), *SAID, *given, "--json"])
    assert result.exit_code == exit_code
    assert why in json.loads(result.stdout)["problem"]["detail"]
    assert not file.with_suffix(".json").exists()
