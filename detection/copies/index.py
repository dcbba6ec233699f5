"""Each tenant's fingerprints in memory, as the rows are when somebody asks; searched exactly, by Hamming distance.

Rules
- Whoever searches sees the database's own count first; an index that is behind it follows before it is searched, and
  one that cannot is unknown (MatchUnknownError), never *no match*.
- What was removed is wiped as it is followed, at the next search or call of `follow`.
- The memory and the search are those of faces' templates (`detection.near.generation`).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from detection.copies.bank import PictureBank
from detection.copies.fingerprint import FORMS, HASH_BYTES, REACH, Bits
from detection.errors import MatchUnknownError, Unknown
from detection.near.generation import Generation
from keys.errors import KeysError, SealBrokenError
from ledger.errors import DatabaseUnavailableError, SubjectErasedError
from ledger.ids import SubjectId, TenantId

PATIENCE: Final = 2.0
"""Seconds a search waits for another thread that follows."""

MAX_PROBES: Final = 4096
"""Hashes of one call: more frames than a film has."""


@dataclass
class _Tenant:
    lock: threading.Lock = field(default_factory=threading.Lock)
    known: int = 0
    owners: dict[int, SubjectId] = field(default_factory=dict)
    """By row. Replaced whole, so that whoever reads it is not disturbed."""

    forms: Generation = field(default_factory=lambda: Generation(HASH_BYTES, HASH_BYTES // 2))


class PictureIndex:
    """The indexes of every tenant in this process. Safe to call from many threads."""

    def __init__(self, bank: PictureBank) -> None:
        self._bank, self._guard = bank, threading.Lock()
        self._tenants: dict[TenantId, _Tenant] = {}
        """Guarded by `_guard`."""

    def match(self, tenant: TenantId, probes: Bits) -> list[SubjectId]:
        """Whose pictures these are near copies of, in order. Raises MatchUnknownError."""
        if len(probes) > MAX_PROBES:
            raise ValueError(f"{len(probes)} hashes at once, at most {MAX_PROBES}")
        index = self.follow(tenant)
        near, _ = index.forms.near(probes, REACH)
        rows = set((near // FORMS).tolist())
        owners = index.owners
        return sorted({owners[row] for row in rows if row in owners})

    def follow(self, tenant: TenantId) -> _Tenant:
        """Bring the tenant's index up to its database. Raises MatchUnknownError."""
        with self._guard:
            index = self._tenants.setdefault(tenant, _Tenant())
        try:
            if self._bank.counted(tenant) != index.known:
                self._follow(tenant, index)
        except SealBrokenError as error:
            raise MatchUnknownError(Unknown.DAMAGED, "a stored fingerprint is not what was stored") from error
        except (KeysError, SubjectErasedError) as error:
            raise MatchUnknownError(Unknown.KEYS, f"the keys of registered pictures cannot be had: {error}") from error
        except DatabaseUnavailableError as error:
            raise MatchUnknownError(Unknown.DATABASE, str(error)) from error
        return index

    def _follow(self, tenant: TenantId, index: _Tenant) -> None:
        if not index.lock.acquire(timeout=PATIENCE):
            raise MatchUnknownError(Unknown.INDEX, "the index of pictures is catching up: ask again in a moment")
        try:
            counted, owners = self._bank.rows(tenant)
            gone = [row for row in index.owners if row not in owners]
            index.forms.drop(_places(gone))
            new = self._bank.opened(tenant, owners.keys() - index.owners.keys())
            index.owners = {row: owner for row, owner in owners.items() if row in index.owners}
            if new:
                index.forms.put(
                    _places([one.row for one in new]).tolist(), [bytes(form) for one in new for form in one.forms]
                )
            index.owners = index.owners | {one.row: one.owner for one in new}
            index.known = counted
        finally:
            index.lock.release()


def _places(rows: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Of each row's forms in the index."""
    return (np.asarray(rows, dtype=np.int64)[:, None] * FORMS + np.arange(FORMS)).ravel()
