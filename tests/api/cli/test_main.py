"""`sigillo` itself, whatever its command is."""

from __future__ import annotations

import sys

import pytest

from api.cli import main
from api.cli.output import Exit


@pytest.mark.parametrize(
    ("command", "missing"),
    [("trust", "api.cli.trust"), pytest.param("serve", "api.running.server", id="what loads late")],
)
def test_what_cannot_be_loaded_is_told(
    command: str, missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setattr(sys, "argv", ["sigillo", command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == Exit.UNAVAILABLE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sigillo: ")
    assert missing in line
    assert line.endswith("install it again, with what it depends on")
