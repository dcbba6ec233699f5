"""The benchmark runs and prints the figures that docs/performance.md quotes; what they are is not judged here."""

from __future__ import annotations

import json
import sys

import pytest

from benchmarks import signing


@pytest.mark.openbao
def test_one_json_object_with_every_figure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    brief = signing.Plan(rounds=1, warm_up=0.0, one_megapixel=1.0, twelve_megapixels=3.0, verification=0.5)
    monkeypatch.setattr(signing, "QUICK", brief)
    monkeypatch.setattr(sys, "argv", ["signing.py", "--quick", "--json"])
    signing.main()
    figures = json.loads(capsys.readouterr().out)
    assert {"ratio_upload_1mp", "ratio_upload_12mp", "vault_over_embedded", "ratio_verify"} <= set(figures)
    assert all(figure > 0 for figure in figures.values())
