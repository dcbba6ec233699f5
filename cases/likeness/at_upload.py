"""The upload's question to the registry: does this show somebody who refuses, and what of it?

Where nobody is registered it costs one indexed read. An upload waits for its answer and never fails for want of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cases.access import Caller
from cases.errors import LikenessUnknownError
from cases.likeness.consequences import Arrival, Consequences, Following
from cases.likeness.copies import Copies
from cases.likeness.findings import Circumstances, Finding
from cases.likeness.limits import person_waits
from cases.likeness.lines import asker_of
from cases.likeness.matching import Matching, Sighted
from detection.errors import MediaError
from detection.examination import Examination
from detection.memfd import Memfd
from keys.clock import Clock
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, TenantId, milliseconds
from ledger.log import Ledger
from ledger.storage.database import Database


@dataclass(frozen=True)
class AtUpload:
    """Asks, and works out what follows. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    matching: Matching
    copies: Copies
    following: Following
    clock: Clock
    tell: Callable[[str], object]
    """Told why an upload was not compared with registered pictures: nothing waits for that signal, and nobody asks
    again.
    """

    def anyone(self, tenant: TenantId) -> bool:
        """Whether anybody is registered; where nobody is, nothing is looked at."""
        return self.matching.anyone(tenant)

    def find(self, caller: Caller, file: Memfd, found: Examination, circumstances: Circumstances) -> Finding:
        """What is found of an upload that was examined. Raises KeyStoreUnavailableError, DatabaseUnavailableError."""
        if self._met_too_often(caller):
            return Finding(circumstances, None)
        finding = self.look(caller.principal, caller.tenant, file, found.mime, circumstances)
        return replace(finding, copies=self._copies(caller.tenant, found, circumstances))

    def _copies(self, tenant: TenantId, found: Examination, circumstances: Circumstances) -> tuple[Sighted, ...]:
        try:
            return self.copies.of(tenant, found.content.frames, circumstances.use)
        except LikenessUnknownError as error:
            self.tell(str(error))
            return ()

    def look(self, holder: str, tenant: TenantId, file: Memfd, mime: str, circumstances: Circumstances) -> Finding:
        """The same, whoever is registered; a worker of the holder's share looks."""
        try:
            looked = self.matching.look(holder, tenant, file, mime, circumstances.use, circumstances.place)
        except LikenessUnknownError as error:
            return Finding(circumstances, None, error.reason)
        except MediaError as error:
            return Finding(circumstances, None, error.code)
        return Finding(circumstances, looked)

    def consequences(self, caller: Caller, finding: Finding, asset: Subject, decided: EntryId) -> Consequences:
        """What follows for an asset that is being signed."""
        asker = asker_of(self.ledger.subjects.system(caller.tenant), caller.principal)
        arrival = Arrival(asset, decided, asker, caller.principal)
        return self.following.of(finding, arrival, milliseconds(self.clock()))

    def _met_too_often(self, caller: Caller) -> bool:
        asker = asker_of(self.ledger.subjects.system(caller.tenant), caller.principal)
        with self.database.read(caller.tenant) as connection:
            return bool(person_waits(connection, caller.tenant, asker, milliseconds(self.clock())))
