"""Custody that comes from elsewhere: verified under our own trust, and recorded as the word of whoever's it is.

Rules
- Nothing of it is believed because it came: the log's key must be one that the operator knows, and the signers under
  roots that are trusted here; else the verdict says *untrusted*. What does not hold together is refused, not recorded.
- An import is an entry that says whose word was brought, by whom, and what it was found to be worth. The bundle itself
  is not kept; what was found is told, from then on, with the custody of that file, to whoever brought it.
- To look at a bundle without bringing it leaves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from cases.access import Caller, require_alive
from cases.custody.decisions import IMPORTED, POLICY, CustodyImported
from cases.custody.imported import Imported, opened, sealed
from cases.custody.tables import CustodyImportRow
from cases.idempotency import IdempotencyKey
from detection.memfd import Memfd
from detection.shares import Shares
from keys.clock import Clock, Entropy
from ledger.ids import EntryId, milliseconds
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database
from provenance.custody.imported import BundleReport
from provenance.trust import TrustPolicy
from provenance.validation import unbundle


@dataclass(frozen=True)
class Imports:
    """Looks at custody bundles, and records them. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    workers: Shares
    logs: Callable[[], Sequence[str]]
    """The verifier keys of the logs that are known here, our own among them."""

    clock: Clock
    entropy: Entropy

    def look(self, holder: str, bundle: Memfd, trust: TrustPolicy, logs: Sequence[str] = ()) -> BundleReport:
        """What a bundle is worth under this trust, and with these logs known besides; a worker of the holder's share
        looks. Raises as `provenance.validation.unbundle`.
        """
        return unbundle(self.workers.of(holder), bundle, trust, (*self.logs(), *logs))

    def take(self, by: Caller, bundle: Memfd, trust: TrustPolicy, key: str = "") -> tuple[Imported, BundleReport]:
        """Record what a bundle is worth under this deployment's trust; `key` is the caller's Idempotency-Key.

        Raises as `look`, IdempotencyConflictError.
        """
        report = self.look(by.principal, bundle, trust)
        system, now = self.ledger.subjects.system(by.tenant), milliseconds(self.clock())
        draft = self.ledger.draft(IMPORTED.name, POLICY, by.principal, system, _said(by, report, trust))
        found = _found(draft.id, report)
        spent = IdempotencyKey.of(system, by.principal, key, report.sha256.encode()) if key else None
        row = {
            "tenant_id": by.tenant,
            "entry_id": draft.id,
            "principal_id": by.principal,
            "manifest_label": report.custody.root,
            "imported_at": now,
            "found": sealed(system, found, self.entropy),
        }

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            if spent and spent.winner(connection, now):
                return []
            connection.execute(insert(CustodyImportRow), row)
            if spent:
                spent.spend(connection, draft.id, now)
            return [draft]

        if self.ledger.record(work, by.tenant).entries:
            return found, report
        return self._before(by, spent), report

    def _before(self, by: Caller, spent: IdempotencyKey | None) -> Imported:
        with self.database.read(by.tenant) as connection:
            winner = EntryId(spent.winner(connection, milliseconds(self.clock())) or "") if spent else EntryId("")
            mine = (CustodyImportRow.tenant_id == by.tenant, CustodyImportRow.entry_id == winner)
            row = connection.execute(select(CustodyImportRow.__table__).where(*mine)).mappings().one()
        return opened(self.ledger.subjects.system(by.tenant), row)


def _said(by: Caller, report: BundleReport, trust: TrustPolicy) -> CustodyImported:
    return CustodyImported(
        actor=by.principal,
        bundle_sha256=report.sha256,
        origin=report.origin,
        vkey=report.vkey,
        exported=report.exported,
        manifest=str(report.custody.root),
        verdict=report.verdict,
        log=report.log,
        file=report.report.verdict,
        ancestry=report.report.ancestry,
        trust=trust.digest,
        trust_lists=trust.lists,
    )


def _found(entry: EntryId, report: BundleReport) -> Imported:
    return Imported(
        entry=entry,
        bundle_sha256=report.sha256,
        origin=report.origin,
        verdict=report.verdict,
        log=report.log,
        file=report.report.verdict,
        ancestry=report.report.ancestry,
        sentence=report.sentence,
        manifest_sha256=next(file.manifest_sha256 for file in report.custody.files if file.id == report.custody.root),
    )
