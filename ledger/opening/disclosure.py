"""Openings: who is shown a payload is on record before it is opened.

Rules
- An opening is a payload shown to somebody, or searched for somebody. Its entry `payload.opened` is durable before a
  byte is opened. A crash in between leaves an entry of what nobody saw; the reverse cannot be.
- The entry belongs to the tenant's system subject, so that it outlives what was opened; it names entries by their
  random ids.
- What is opened in memory and shown to nobody is no opening: the check of commitments, which tells equal from
  different (`ledger.auditing.fsck`), and the service's reading of its own last word (`cases.claim_key`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select

from keys.errors import SealBrokenError
from ledger.decisions import PAYLOAD_OPENED, POLICY, PayloadOpened
from ledger.errors import EntryNotFoundError, PayloadErasedError, SubjectErasedError
from ledger.ids import EntryId, PrincipalId, TenantId
from ledger.log import Ledger
from ledger.payload import Disclosed, Draft
from ledger.storage.database import Database
from ledger.storage.tables import Payload

MAX_OPENED = 100
"""Payloads in one opening: opening so many costs no call to the key store (`docs/privacy.md`), and a list of their ids
stays readable.
"""


class Purpose(StrEnum):
    """What payloads are opened for."""

    DISCLOSURE = "disclosure"
    """To be shown."""

    SEARCH = "search"
    """To be looked through; those that match are shown."""


@dataclass(frozen=True)
class Asker:
    """For whom payloads are opened, and why."""

    tenant: TenantId
    principal: PrincipalId
    reason: str
    check: Callable[[Connection], None]
    """Raises, in the transaction that puts it on record, where the principal may not ask any more."""


@dataclass(frozen=True)
class Opening:
    """What was opened, and the entry that says so; `entry` is None where there was nothing to open."""

    entry: EntryId | None
    opened: tuple[Disclosed, ...] = ()
    erased: tuple[EntryId, ...] = ()
    damaged: tuple[EntryId, ...] = ()
    """There, and not to be opened: `ledger.auditing.fsck` says more."""


@dataclass(frozen=True)
class Disclosures:
    """Opens payloads of one log. Safe to call from many threads."""

    ledger: Ledger
    database: Database

    def disclose(self, asker: Asker, asked: Sequence[EntryId]) -> Opening:
        """Salt and payload of the tenant's entries that were asked for, `MAX_OPENED` at most.

        Raises EntryNotFoundError when one is not this tenant's, PayloadErasedError when all were erased, and nothing
        was opened; what `Asker.check` raises; KeyStoreUnavailableError, and as `Ledger.record`.
        """
        kept = self.kept(asker.tenant, asked)
        if strangers := [entry for entry in asked if entry not in kept]:
            raise EntryNotFoundError(f"no entry {strangers[0]} of this tenant: nothing was opened")
        if not any(kept.values()):
            raise PayloadErasedError("what these entries committed to was erased; the entries themselves still prove")
        return self.open(asker, kept, Purpose.DISCLOSURE)

    def kept(self, tenant: TenantId, entries: Sequence[EntryId]) -> dict[EntryId, bool]:
        """Which of these entries are the tenant's, in their order, and whether each payload is there."""
        mine = (Payload.tenant_id == tenant, Payload.entry_id.in_(entries))
        with self.database.read(tenant) as connection:
            rows = connection.execute(select(Payload.entry_id, Payload.sealed.is_not(None).label("there")).where(*mine))
            found = {row.entry_id: row.there for row in rows}
        return {entry: found[entry] for entry in entries if entry in found}

    def open(
        self,
        asker: Asker,
        kept: Mapping[EntryId, bool],
        purpose: Purpose,
        question: Mapping[str, str] | None = None,
    ) -> Opening:
        """Put it on record, then open what `kept` named, unless nothing of it is there. Raises as `disclose`."""
        if not any(kept.values()):
            return Opening(None, erased=tuple(kept))
        system = self.ledger.subjects.system(asker.tenant)
        said = PayloadOpened(tuple(kept), purpose, asker.reason, dict(question or {}))
        draft = self.ledger.draft(PAYLOAD_OPENED.name, POLICY, asker.principal, system, said)

        def work(connection: Connection) -> Sequence[Draft]:
            asker.check(connection)
            return [draft]

        self.ledger.record(work, asker.tenant)
        return self._opened(asker.tenant, kept, draft.id)

    def _opened(self, tenant: TenantId, entries: Iterable[EntryId], record: EntryId) -> Opening:
        opened: list[Disclosed] = []
        erased: list[EntryId] = []
        damaged: list[EntryId] = []
        for entry in entries:
            try:
                opened.append(self.ledger.payloads.disclose(tenant, entry))
            except SubjectErasedError:
                erased.append(entry)
            except SealBrokenError:
                damaged.append(entry)
        return Opening(record, tuple(opened), tuple(erased), tuple(damaged))
