"""How long a withdrawal by the recovery code waits (`identity.registration.withdrawing`)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

DELAY: Final = timedelta(days=7)
"""From when the person was told."""

UNTOLD: Final = timedelta(days=30)
"""From when it was asked for, where nobody could be told."""
