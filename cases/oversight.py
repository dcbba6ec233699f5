"""What a regulator may: search, and have payloads opened, for a reason that goes on record with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from cases.access import Caller, require_alive
from ledger.ids import EntryId
from ledger.opening.disclosure import Asker, Disclosures, Opening
from ledger.opening.payload_search import Findings, search_payloads
from ledger.publishing.search import Cursor, Query


@dataclass(frozen=True)
class Oversight:
    """Openings for callers, each within its tenant. A key that was revoked meanwhile opens nothing."""

    disclosures: Disclosures

    def disclose(self, caller: Caller, entries: Sequence[EntryId], reason: str) -> Opening:
        """Open the payloads of these entries. Raises as `Disclosures.disclose`, UnknownKeyError."""
        return self.disclosures.disclose(_asker(caller, reason), entries)

    def search(
        self, caller: Caller, reason: str, query: Query, wanted: Mapping[str, str], cursor: Cursor | None
    ) -> Findings:
        """Search payloads by what they hold. Raises as `search_payloads`, UnknownKeyError."""
        return search_payloads(self.disclosures, _asker(caller, reason), query, wanted, cursor)


def _asker(caller: Caller, reason: str) -> Asker:
    return Asker(caller.tenant, caller.principal, reason, partial(require_alive, caller=caller))
