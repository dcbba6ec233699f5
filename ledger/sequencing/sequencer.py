"""The sequencer: what commits decisions together with their entries, and gives entries their place in the log.

Rules
- A unit of work and its entries commit in one transaction or not at all (invariant 1).
- A caller is answered after the commit.
- Units that wait share a transaction, which one thread of the process commits (`ledger.sequencing.writer`).
- Index, `time` and `prev` are given by one at a time (`ledger.sequencing.chain`): on SQLite in the same transaction
  (`ledger.sequencing.single_writer`), on PostgreSQL by the leader, a moment later (`ledger.sequencing.elected`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from sqlalchemy import Connection, insert

from ledger.forgetting.subjects import check_alive
from ledger.ids import TenantId
from ledger.payload import SealedDraft
from ledger.storage.tables import Payload
from ledger.storage.tenancy import Access, Binding, SystemSession

SealedWork: TypeAlias = Callable[[Connection], Sequence[SealedDraft]]
SEQUENCER = Binding(SystemSession.SEQUENCER, Access.FULL)


class Sequencer(Protocol):
    """Either of the two."""

    @property
    def size(self) -> int:
        """Entries committed, placed or not, as far as this process knows."""

    @property
    def pending(self) -> int:
        """How many of them have no place yet."""

    @property
    def leads(self) -> bool:
        """Whether this process gives entries their place, and signs."""

    def start(self) -> None:
        """Begin to commit. Raises DatabaseUnavailableError when the log cannot be read."""

    def close(self) -> None:
        """Commit what is waiting, then stop."""

    def reason(self) -> str:
        """Why units are not committed or placed now; empty when all is well."""

    def submit(self, tenant: TenantId, work: SealedWork) -> None:
        """Run `work` and return once it and its entries are durable.

        Raises what `work` raised, LogBusyError, LogClosedError, DatabaseUnavailableError, NestedWriteError.
        """


def insert_payloads(connection: Connection, drafts: Sequence[SealedDraft]) -> None:
    """Store what these entries bind.

    Raises SubjectErasedError where a subject has no key: it was never inserted, or an erasure, perhaps of the same
    transaction, came before what was sealed here could be part of it.
    """
    check_alive(connection, ((draft.tenant, draft.subject) for draft in drafts))
    rows = [
        {
            "tenant_id": draft.tenant,
            "entry_id": draft.id,
            "subject_id": draft.subject,
            "kind": draft.kind,
            "sealed": draft.sealed,
        }
        for draft in drafts
    ]
    connection.execute(insert(Payload), rows)
