"""`sigillo matching evaluate` over a small folder of real photos."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from api.cli.output import Exit
from api.cli.rate_plot import svg
from detection.faces.evaluation import measure
from tests.commands import app
from tests.detection.faces import photos
from tests.detection.faces.test_evaluation import people


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    files = {
        "eileen": {
            "plain.jpg": photos.PORTRAIT_FILE.read_bytes(),
            "mirrored.jpg": photos.jpeg(photos.mirrored()),
            "small.jpg": photos.jpeg(photos.sized(60)),
            "crowd.jpg": photos.jpeg(photos.crowd(4)),
            "notes.txt": b"who took these",
        },
        "drawn": {"drawn.jpg": photos.jpeg(photos.drawn())},
        "hills": {"hills.jpg": photos.jpeg(photos.landscape())},
    }
    for person, of_them in files.items():
        (folder / person).mkdir()
        for name, content in of_them.items():
            (folder / person / name).write_bytes(content)
    (folder / "groups.csv").write_text("eileen,people\ndrawn,drawings\n")
    return folder


def test_rates_are_counted_over_photos_of_one_face(labelled: Path, tmp_path: Path) -> None:
    plot = tmp_path / "roc.svg"
    result = CliRunner().invoke(app, ["matching", "evaluate", str(labelled), "--plot", str(plot), "--json"])
    assert result.exit_code == Exit.OK, result.output
    report = json.loads(result.output)
    assert report["thresholds"]["version"] == "sface@1"
    assert report["passed_over"] == {"several_faces": 1, "media-unrecognised": 1, "no_face": 1}
    assert report["not_fit_to_register"] == {"too_small": 1}
    everybody, drawings, some = report["groups"]
    assert [one["group"] for one in report["groups"]] == ["everybody", "drawings", "people"]
    assert (everybody["people"], everybody["photos"]) == (2, 4)
    possible = everybody["at"]["possible"]
    assert possible["false_matches"] == {"errors": 0, "comparisons": 3, "rate": 0.0}
    assert possible["false_non_matches"] == {"errors": 0, "comparisons": 3, "rate": 0.0}
    assert drawings["at"]["possible"]["false_matches"] == {"errors": 0, "comparisons": 0, "rate": None}
    assert some["at"]["possible"]["false_non_matches"]["comparisons"] == 3
    assert ET.parse(plot).getroot().tag.endswith("svg")


def test_one_person_alone_cannot_be_compared(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["matching", "evaluate", str(tmp_path)])
    assert result.exit_code == Exit.USAGE
    assert "two at least" in result.output


def test_groups_that_nobody_can_read_are_refused(labelled: Path, tmp_path: Path) -> None:
    groups = tmp_path / "groups.csv"
    groups.write_text("eileen;women\n")
    result = CliRunner().invoke(app, ["matching", "evaluate", str(labelled), "--groups", str(groups)])
    assert result.exit_code == Exit.USAGE
    assert "person,group" in result.output


def test_the_plot_names_groups_that_need_escaping() -> None:
    drawn = svg(measure(people(2, [("a", "<18 & >65", 3), ("b", "<18 & >65", 3)])), {"possible": 0.55})
    texts = [text.text for text in ET.fromstring(drawn).iter() if text.tag.endswith("text")]
    assert "<18 & >65" in texts
    assert "possible" in texts
