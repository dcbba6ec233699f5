"""SQLite's sequencer: decisions are committed with their entries in their place, by the one writer there is."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert

from keys.clock import Clock
from ledger.ids import TenantId, milliseconds
from ledger.payload import SealedDraft
from ledger.sequencing.chain import Head, chained, read_head
from ledger.sequencing.sequencer import SEQUENCER, SealedWork, insert_payloads
from ledger.sequencing.writer import Unit, Writer, run
from ledger.storage.database import Database
from ledger.storage.tables import Entry as EntryRow
from ledger.storage.tenancy import SystemSession


class SingleWriter:
    """Implements `ledger.sequencing.sequencer.Sequencer` over a database that is this process's alone."""

    leads = True
    pending = 0

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._writer = Writer(self._transaction)
        self._head: Head | None = None
        """The last committed entry; None when it must be read again. The writer's, as is `size`."""

        self.size = 0

    def start(self) -> None:
        """As `Sequencer.start`."""
        with self._database.read(SystemSession.SEQUENCER) as connection:
            self.size = read_head(connection).size
        self._writer.start()

    def close(self) -> None:
        """As `Sequencer.close`."""
        self._writer.close()

    def reason(self) -> str:
        """As `Sequencer.reason`."""
        return "" if self._writer.running else "the log is not running"

    def submit(self, tenant: TenantId, work: SealedWork) -> None:
        """As `Sequencer.submit`."""
        self._writer.submit(tenant, work)

    def _transaction(self, units: Sequence[Unit]) -> None:
        head, self._head = self._head, None
        with self._database.writing(SEQUENCER) as connection:
            drafts = run(units, connection)
            if drafts:
                head = self._append(connection, head or read_head(connection), drafts)
        self._head = head
        self.size = head.size if head else self.size

    def _append(self, connection: Connection, head: Head, drafts: Sequence[SealedDraft]) -> Head:
        head, rows = chained(head, drafts, milliseconds(self._clock()))
        connection.execute(insert(EntryRow), [{"index": index, "id": id_, "data": data} for index, id_, data in rows])
        insert_payloads(connection, drafts)
        return head
