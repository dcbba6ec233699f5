"""The benchmark runs and prints the figures that docs/performance.md quotes; what they are is not judged here."""

from __future__ import annotations

import json
import sys

import pytest

from benchmarks import signing
from benchmarks.window import Done, Window, percentile

WANTED = ("ratio_upload_1mp", "ratio_upload_12mp", "vault_over_embedded", "ratio_verify")


@pytest.mark.openbao
def test_one_json_object_with_the_figures_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    brief = signing.Plan(warm_up=0.5, quick=True, quick_rounds=1)
    monkeypatch.setattr(signing, "QUICK", brief)
    monkeypatch.setattr(sys, "argv", ["signing.py", "--quick", "--json", *WANTED])
    signing.main()
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) >= {*WANTED}
    assert all(figure > 0 for figure in figures.values())
    for ratio in WANTED:
        assert {f"{ratio}_{side}_p{percent}_ms" for side in ("ours", "other") for percent in (50, 95, 99)} <= set(
            figures
        )


def test_percentiles_are_by_nearest_rank() -> None:
    values = [float(n) for n in range(1, 201)]
    assert [percentile(values[::-1], percent) for percent in (50, 95, 99, 100)] == [100, 190, 198, 200]
    assert percentile([7.0], 99) == 7


def test_what_lies_inside_a_window_counts() -> None:
    done = Done.within(Window(10, 20), [(0, 5), (8, 12), (12, 13), (19, 23), (25, 26), (5, 25)])
    assert done.per_second == pytest.approx((2 / 4 + 1 + 1 / 4 + 10 / 20) / 10)
    assert done.milliseconds == [4000, 1000, 4000, 20_000]
