"""SOAK_REQUESTS requests to every route, three times, and whether each answer is one that is described."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from tests.api.test_app import ROUTES
from tests.api.test_contract import check_contract

REQUESTS = int(os.environ.get("SOAK_REQUESTS", "100"))

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("turn", range(3))
def test_every_answer_is_one_that_is_described(turn: int, tmp_path: Path) -> None:
    seed = secrets.randbelow(2**32)
    said = check_contract(tmp_path / "home", "--phases=fuzzing", f"--max-examples={REQUESTS}", f"--seed={seed}")
    print(said)
    assert f"Tested: {len(ROUTES)}\n" in said
