"""What becomes of the claim key, in the ledger.

Keys are changed by operators' commands in the key store itself (ADR 0010), so the service records what it sees, within
seconds of taking it up.

Rules
- An entry is made whenever what signs, or what signs no more, is not what the last entry says. The entry is all the
  state there is: nothing beside it can contradict it.
- Entries belong to the home tenant's system subject. A key store without a current version changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select

from cases.decisions import CLAIM_KEY_CHANGED, CLAIM_KEY_POLICY, ClaimKeyChanged
from cases.deployment import Deployment
from keys.chain import rfc3339
from keys.signer import KeyStore
from keys.versions import current, expiry_warning
from ledger.ids import TenantId
from ledger.log import Ledger
from ledger.storage.database import Database
from ledger.storage.tables import Entry, Payload


@dataclass
class ClaimKeyRecord:
    """The record of one deployment. Called by one thread at a time."""

    ledger: Ledger
    database: Database
    keys: KeyStore
    deployment: Deployment
    _last: ClaimKeyChanged | None = field(default=None, init=False)

    def observe(self) -> ClaimKeyChanged | None:
        """Record what is not as it was recorded last; what was recorded.

        Raises KeyStoreUnavailableError, LogBusyError, LogClosedError, DatabaseUnavailableError.
        """
        seen = self._seen()
        if seen is None or seen == self._last:
            return None
        tenant = self.deployment.operator().tenant
        before, changed = self._recorded(tenant), None
        if before is None or replace(before, reasons=()) != seen:
            changed = replace(seen, reasons=_reasons(before, seen))
            self._record(tenant, changed)
        self._last = seen
        return changed

    def warning(self, now: datetime) -> str:
        """What to say of a certificate that ends soon; empty for another. Raises as `observe`."""
        signs = current(self.keys.versions())
        return expiry_warning(signs.period, now) if signs and signs.period else ""

    def _seen(self) -> ClaimKeyChanged | None:
        versions = self.keys.versions()
        signs = current(versions)
        if signs is None or signs.period is None:
            return None
        retired = tuple(sorted(str(version.ref) for version in versions if version.retired))
        return ClaimKeyChanged(
            str(signs.ref), signs.algorithm, signs.certificate, rfc3339(signs.period.ends), retired, reasons=()
        )

    def _recorded(self, tenant: TenantId) -> ClaimKeyChanged | None:
        """What the newest such entry says."""
        newest = (
            select(Payload.entry_id)
            .outerjoin(Entry, Entry.id == Payload.entry_id)
            .where(Payload.tenant_id == tenant, Payload.kind == CLAIM_KEY_CHANGED.name)
            .order_by(Entry.index.desc().nulls_first())  # one without a place yet is newer than all that have theirs
            .limit(1)
        )
        with self.database.read(tenant) as connection:
            entry = connection.execute(newest).scalar()
        if entry is None:
            return None
        recorded: ClaimKeyChanged = self.ledger.payloads.open(tenant, entry).payload
        return recorded

    def _record(self, tenant: TenantId, changed: ClaimKeyChanged) -> None:
        actor, subject = self.ledger.system_principal(tenant), self.ledger.subjects.system(tenant)
        draft = self.ledger.draft(CLAIM_KEY_CHANGED.name, CLAIM_KEY_POLICY, actor, subject, changed)
        self.ledger.record(lambda _: [draft], tenant)


def _reasons(before: ClaimKeyChanged | None, seen: ClaimKeyChanged) -> tuple[str, ...]:
    if before is None:
        return ("key.first",)
    found = {
        "key.rotated": seen.key != before.key,
        "certificate.renewed": seen.key == before.key and seen.certificate_sha256 != before.certificate_sha256,
        "key.retired": not set(seen.retired) <= set(before.retired),
        "key.restored": not set(before.retired) <= set(seen.retired),
    }
    return tuple(reason for reason, holds in found.items() if holds)
