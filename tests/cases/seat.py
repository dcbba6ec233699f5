"""Looking back (`cases.likeness.retroactive`) is begun by tests alone: deployments are shared, and what one test
uploaded would appear in the log of whoever registers in the next. DBOS, too, is one in a process.
"""

from __future__ import annotations

import pytest

from cases import durable
from cases.likeness.retroactive import Retroactive

DUE = Retroactive.due
"""As it is outside of tests."""


def nobody_looks_back() -> None:
    """From now on, no deployment of this process begins anything by itself."""
    Retroactive.due = lambda self: []  # type: ignore[method-assign]


def make_room(patch: pytest.MonkeyPatch, but: Retroactive | None = None) -> None:
    """Whoever runs workflows stops; `but` one may begin some."""
    patch.setattr(Retroactive, "due", lambda self: DUE(but) if but is not None and self is but else [])
    if (holder := durable._SEAT.holder) is not None:
        holder.pause()
