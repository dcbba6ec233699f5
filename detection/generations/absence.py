"""The proof that a registration is not in the index, as a file (`absence_verifier` checks it).

Rules
- Everything but the receipt is fixed when the generation is: the file is given out to whoever knows the random id, and
  needs neither a key nor the index. The receipt follows the log's checkpoints.
- A proof is kept for KEPT, and then forgotten with the id: whoever wants it for longer has it by then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from detection.errors import AbsencePendingError, AbsenceUnknownError
from detection.generations.absence_verifier import FORMAT, SAYS
from detection.generations.decisions import IndexCommitted
from detection.generations.prefix_tree import PrefixTree
from detection.generations.tables import AbsenceRow
from ledger.errors import NotProvenError
from ledger.ids import EntryId, SubjectId, TenantId, may_be_stored
from ledger.log import Ledger
from ledger.payload import Draft, committed
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession

KEPT: Final = timedelta(days=400)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Absences:
    """Proofs, for whoever knows the id. Safe to use from many threads."""

    ledger: Ledger
    database: Database

    def proof(self, registration: SubjectId) -> bytes:
        """The file: UTF-8 JSON. Raises AbsenceUnknownError, AbsencePendingError."""
        entry, proof = self._find(registration)
        try:
            receipt = self.ledger.receipt(entry)
        except NotProvenError as error:
            raise AbsencePendingError from error
        return json.dumps({**json.loads(proof), "receipt": receipt}, indent=1).encode()

    def _find(self, registration: SubjectId) -> tuple[EntryId, bytes]:
        mine = select(AbsenceRow.entry_id, AbsenceRow.proof).where(AbsenceRow.id == registration)
        with self.database.read(SystemSession.PRESENTATION) as connection:
            row = connection.execute(mine).one_or_none() if may_be_stored(registration) else None
        if row is None:
            raise AbsenceUnknownError
        if row.entry_id is None or row.proof is None:
            raise AbsencePendingError
        return row.entry_id, row.proof


def leave(connection: Connection, tenant: TenantId, registration: SubjectId, now: int) -> None:
    """In the unit of work that takes it out of what is searched: the next generation proves that it is absent."""
    row = {"tenant_id": tenant, "id": registration, "left_at": now, "entry_id": None, "proof": None}
    connection.execute(insert(AbsenceRow), row)


def forget_absences(connection: Connection, now: int) -> None:
    """Drop proofs that have had their time; bookkeeping."""
    connection.execute(delete(AbsenceRow).where(AbsenceRow.left_at <= now - KEPT // _MILLISECOND))


def place_of(salt: bytes, registration: str) -> bytes:
    """Where a registration would be in the tree of a generation with this salt."""
    return sha256(salt + registration.encode()).digest()


def unreceipted(tree: PrefixTree, registration: str, draft: Draft) -> bytes:
    """All of the proof but its receipt, of the generation that a draft commits to. Raises InIndexError."""
    assert isinstance(draft.payload, IndexCommitted)
    gap = tree.gap(place_of(bytes.fromhex(draft.payload.salt), registration))
    members = {
        "format": FORMAT,
        "says": SAYS,
        "registration": registration,
        "other": gap.other.hex() if gap.other else None,
        "siblings": [one.hex() for one in gap.siblings],
        "opened": committed(draft).decode(),
        "salt": draft.salt.hex(),
    }
    return json.dumps(members).encode()
