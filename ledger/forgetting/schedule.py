"""How long an epoch lives, so that the promise of `docs/privacy.md` is kept.

A key is erased, at worst, just after its epoch began: EPOCH_LIFETIME + BACKUP_TIME + what re-wrapping takes must stay
within PROMISE. Three days are left for a key store that is down.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

PROMISE: Final = timedelta(days=30)
"""Every copy of an erased key is dead so long after the erasure."""

EPOCH_LIFETIME: Final = timedelta(days=20)
"""How long an epoch is open: the longest, and what is used unless the operator wants it shorter."""

MIN_EPOCH_LIFETIME: Final = timedelta(days=1)

BACKUP_TIME: Final = timedelta(days=7)
"""How long an ended epoch still opens: time for a backup that no longer needs it."""

DANGER: Final = timedelta(days=28)
"""An epoch this old is overdue, and the promise in danger."""
