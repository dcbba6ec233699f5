"""Where DID documents and status lists come from: our own from here, everybody else's from the open web.

Rules
- What lies under our own address is never fetched: it is looked up, as it is now. So a service knows what it issued
  and revoked without reaching itself, and a stranger's document cannot make it ask itself anything.
- What strangers have fetched takes turns and memory of its own: a crowd that names slow servers keeps no caller with a
  key from a status list.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from api.outside.fetched import DID_DOCUMENTS, STATUS_LISTS, Kept
from api.outside.fetching import OpenWeb
from api.parts.issuance import Issuance
from api.running.log import logger
from api.settings import Settings
from identity.did.web import document_url
from identity.errors import IdentityError
from keys.clock import Clock
from keys.errors import KeysError
from ledger.errors import LedgerError

Fetch = Callable[[str], bytes | None]
"""From a URL to what lies there; None where it cannot be had now."""


@dataclass(frozen=True)
class Source:
    """One kind of what others publish, and we do."""

    origin: str
    own: Fetch
    """Raises IdentityError, KeysError, LedgerError where it cannot say."""

    fetched: Kept

    def content(self, url: str) -> bytes | None:
        """What lies at a URL; None where it cannot be had now."""
        if not url.startswith(f"{self.origin}/"):
            return self.fetched.content(url)
        try:
            return self.own(url)
        except (IdentityError, KeysError, LedgerError) as error:
            logger("sources").info("our own cannot be had", reason=type(error).__name__)
            return None


@dataclass(frozen=True)
class Sources:
    """What credentials rest on."""

    did_documents: Source
    status_lists: Source
    issuers: frozenset[str]
    """DIDs of those believed here: whom the operator named, and ourselves."""


def sources_of(settings: Settings, issuance: Issuance, clock: Clock) -> Sources:
    """The sources that the settings let in."""
    web, log = OpenWeb(loopback=settings.fetch_loopback), logger("fetching")

    def own_document(url: str) -> bytes | None:
        record = issuance.record
        ours = record.did and url == document_url(record.did)
        return json.dumps(record.newest().document).encode() if ours else None

    def own_list(url: str) -> bytes | None:
        found = issuance.status.at(url)
        return found.content if found else None

    documents, lists = (
        Source(settings.origin, own, Kept(web.get, shelf, clock, lambda reason: log.info("not fetched", reason=reason)))
        for own, shelf in ((own_document, DID_DOCUMENTS), (own_list, STATUS_LISTS))
    )
    ours = {issuance.record.did} if issuance.record.did else set()
    return Sources(documents, lists, frozenset(settings.credential_issuers) | ours)
