"""How long an answer about our own certificates is good for after its end (`cases.revocation`)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

GRACE: Final = timedelta(days=3)
"""How long after its end the last good answer still lets us sign: a weekend for whoever mends the responder."""
