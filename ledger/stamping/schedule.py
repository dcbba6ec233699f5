"""When checkpoints are time-stamped (`ledger.stamping.stamper`)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

STAMP_EVERY: Final = timedelta(hours=1)
"""Between two stamps while the log grows."""

RESTED: Final = timedelta(minutes=5)
"""A log without a new checkpoint for so long has stopped growing."""
