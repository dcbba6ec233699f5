"""The fixtures of `tests.provenance.fixtures`, and a home for the other reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provenance.fixtures import house, sandbox, stranger

__all__ = ["folder", "house", "sandbox", "stranger"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is also home: the reader keeps its telemetry choice, which is no, in a file there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path
