"""Garbage is not looked for while modules are loaded, and never among them."""

from __future__ import annotations

import gc
import sys
from types import ModuleType

import pytest

from api.cli.loading import uncollected


def test_what_is_loaded_is_never_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = gc.get_freeze_count()
    with uncollected():
        assert not gc.isenabled()
        monkeypatch.setitem(sys.modules, "api.cli.just_loaded", ModuleType("just_loaded"))
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen


def test_where_all_was_loaded_already_garbage_is_found_as_ever() -> None:
    frozen = gc.get_freeze_count()
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() <= frozen  # fewer where one that was frozen before has gone meanwhile
