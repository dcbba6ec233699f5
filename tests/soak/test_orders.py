"""`SOAK_ORDERS` orders of appending, crashing, restarting, exporting and verifying a log, on each database."""

from __future__ import annotations

import os

import pytest

from tests.databases import BOTH
from tests.ledger.test_stateful import run_on

ORDERS = int(os.environ.get("SOAK_ORDERS", "100"))
STEPS = 40

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("kind", BOTH)
def test_orders(kind: str) -> None:
    run_on(kind, ORDERS, STEPS)
