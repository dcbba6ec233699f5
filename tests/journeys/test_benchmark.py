"""The benchmark runs and prints the figures that docs/performance.md quotes; what they are is not judged here."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import benchmarks.ledger
from benchmarks import credentials, deployment, edits, embedding, growth, recovery, signing
from benchmarks.measurements import MEASUREMENTS
from benchmarks.window import Done, Window, percentile
from tests.detection.embedding import encoders

WANTED = ("ratio_upload_1mp", "ratio_upload_12mp", "vault_over_embedded", "ratio_verify")


@pytest.mark.openbao
def test_one_json_object_with_the_figures_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    brief = signing.Plan(warm_up=0.1, quick=True, quick_rounds=1)
    monkeypatch.setattr(signing, "QUICK", brief)
    # However short the window is, what lies in it in part counts; here nobody looks at how exact it is.
    short = tuple(replace(line, quick=line.quick and 0.2, clients=2) for line in MEASUREMENTS)
    monkeypatch.setattr(signing, "MEASUREMENTS", short)
    monkeypatch.setattr(deployment, "SETTINGS", {**deployment.SETTINGS, "SIGILLO_WORKERS": "1"})
    monkeypatch.setattr(sys, "argv", ["signing.py", "--quick", "--json", *WANTED])
    signing.main()
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) >= {*WANTED}
    assert all(figure > 0 for figure in figures.values())
    for ratio in WANTED:
        assert {f"{ratio}_{side}_p{percent}_ms" for side in ("ours", "other") for percent in (50, 95, 99)} <= set(
            figures
        )


LEDGER = (
    "sqlite_units_2_5ms_per_s",
    "sqlite_appends_2_5ms_p99_ms",
    "sqlite_appends_2_5ms_per_fsync",
    "proven_p99_s_at_5k",
    "verify_entries_per_s",
    "receipt_ms_1k",
    "bytes_per_entry",
    "append_us_at_100",
)


def test_the_ledgers_figures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(benchmarks.ledger, "QUICK", benchmarks.ledger.Plan(0.1, 0.1, 0.2, (100, 1_000)))
    monkeypatch.setattr(growth, "MEASURED", 256)
    monkeypatch.setattr(growth, "RECEIPTS", 20)
    monkeypatch.setattr(benchmarks.ledger, "CALLERS", {"sqlite": (2,)})
    monkeypatch.setattr(benchmarks.ledger, "DELAYS", (5,))
    monkeypatch.setattr(sys, "argv", ["ledger.py", "--quick", "--json"])
    benchmarks.ledger.main()
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) >= {*LEDGER}
    assert all(figure > 0 for figure in figures.values())


CREDENTIALS = (
    "eddsa_rdfc_2022_verify_ratio_digitalbazaar",
    "sd_jwt_verify_ratio_sd_jwt",
    "sd_jwt_issue_ratio_sd_jwt_js",
)


@pytest.mark.node
def test_credentials_against_peers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(credentials, "QUICK", credentials.Plan(0.01, 0.01, 1, 0.1))
    monkeypatch.setattr(sys, "argv", ["credentials.py", "--quick", "--json", *CREDENTIALS])
    credentials.main()
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) >= {*CREDENTIALS, "sd_jwt_verify_per_s", "sd_jwt_verify_per_s_sd_jwt"}
    assert {name.replace("_ratio_", "_processor_ratio_") for name in CREDENTIALS} <= set(figures)
    assert all(figure > 0 for figure in figures.values())


def test_percentiles_are_by_nearest_rank() -> None:
    values = [float(n) for n in range(1, 201)]
    assert [percentile(values[::-1], percent) for percent in (50, 95, 99, 100)] == [100, 190, 198, 200]
    assert percentile([7.0], 99) == 7


def test_what_lies_inside_a_window_counts() -> None:
    done = Done.within(Window(10, 20), [(0, 5), (8, 12), (12, 13), (19, 23), (25, 26), (5, 25)])
    assert done.per_second == pytest.approx((2 / 4 + 1 + 1 / 4 + 10 / 20) / 10)
    assert done.milliseconds == [4000, 1000, 4000, 20_000]


def test_what_edits_leave_of_fingerprints(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the packages that it compares with: of our photograph alone."""
    monkeypatch.setattr(edits, "SHIPPED", {"api.cli": ("astronaut.jpg",)})
    monkeypatch.setattr(recovery, "EDITS", {"mirror": edits.EDITS["mirror"], "crop_20": edits.EDITS["crop_20"]})
    monkeypatch.setattr(recovery, "find_spec", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["recovery.py", "--json", "--hashes", "2000", "--others", "3"])
    recovery.main()
    figures = json.loads(capsys.readouterr().out)
    assert figures["recall_31"] == 1.0
    assert (figures["recovered_mirror"], figures["recovered_crop_20"]) == (1.0, 0.0)


def test_what_edits_leave_of_embeddings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By an encoder of random weights (`tests.detection.embedding.encoders`): it sees a small picture and no more."""
    monkeypatch.setattr(edits, "SHIPPED", {"api.cli": ("astronaut.jpg",)})
    monkeypatch.setattr(embedding, "EDITS", {name: edits.EDITS[name] for name in ("half_size", "mirror")})
    monkeypatch.setattr(recovery, "race", lambda *_: {})
    monkeypatch.setattr(recovery, "edited", lambda _count, _shown: {})
    card = encoders.put(tmp_path, encoders.random_encoder(), threshold=0.99)
    monkeypatch.setattr(sys, "argv", ["recovery.py", "--json", "--others", "3", "--encoder", str(card)])
    recovery.main()
    figures = json.loads(capsys.readouterr().out)
    assert (figures["recovered_half_size_embedding"], figures["recovered_mirror_embedding"]) == (1.0, 0.0)
    assert figures["blends_half_size_embedding"] == 0
    assert figures["cosine_half_size_embedding"] > 0.99 > figures["cosine_mirror_embedding"]
