"""DBOS is one in a process, and so are these tests: whichever deployment runs its workflows makes room."""

from __future__ import annotations

import pytest

from cases import durable
from cases.likeness.retroactive import Retroactive


def make_room(patch: pytest.MonkeyPatch, but: Retroactive | None = None) -> None:
    """While the patch lasts, nobody begins workflows by themselves, `but` one."""
    due = Retroactive.due
    patch.setattr(Retroactive, "due", lambda self: due(but) if but is not None and self is but else [])
    if (holder := durable._SEAT.holder) is not None:
        holder.pause()
