"""Registered pictures: what somebody's fingerprint has to be, whose pictures an upload may be a near copy of, and which
ones everybody has.

Rules
- The picture stays with its owner; what comes here is a fingerprint, as whoever sent it says. That they have the
  picture, and that it is theirs, is their word; where another account registered a near copy a person decides.
- A match never acts alone: it is a line in its owner's log. Nothing is held, refused or shown to anybody for it.
- A picture that everybody has protects nobody: it is refused, and matches nobody from when it is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from cases.access import Caller, Scope, require_alive
from cases.errors import CommonPictureNotFoundError
from detection.copies.bank import PictureBank
from detection.copies.common import Added, CommonPictures, insert_common, remove_common
from detection.copies.decisions import ADDED, POLICY, REMOVED, CommonPictureAdded, CommonPictureRemoved
from detection.copies.fingerprint import LEAST_QUALITY, Fingerprint, from_hex
from detection.copies.index import PictureIndex
from detection.examination import FrameHash
from identity.registration.holds import Doubt, HoldReason
from identity.registration.lookup import Registrations
from identity.registration.registry import Store
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, SubjectId, TenantId
from ledger.log import Ledger
from ledger.payload import Draft


@dataclass(frozen=True)
class Pictures:
    """The pictures of every tenant. Safe to call from many threads."""

    ledger: Ledger
    bank: PictureBank
    index: PictureIndex
    common: CommonPictures
    registrations: Registrations

    def copied(self, tenant: TenantId, frames: Sequence[FrameHash]) -> list[SubjectId]:
        """Whose registered pictures these frames may be near copies of; not all of them protect.

        Raises MatchUnknownError, DatabaseUnavailableError.
        """
        if not self.bank.counted(tenant):
            return []
        probes = from_hex([frame.pdq for frame in frames if frame.quality >= LEAST_QUALITY])
        return self.index.match(tenant, self.common.without(tenant, probes))

    def add_common(self, by: Caller, fingerprint: Fingerprint, reason: str) -> EntryId | None:
        """Say that many people have a picture; None where that is known already.

        Raises ScopeMissingError, FingerprintRefusedError, DatabaseUnavailableError.
        """
        by.require(Scope.REVIEW)
        fingerprint.require_distinct()
        said = CommonPictureAdded(fingerprint.forms[0], reason)
        system = self.ledger.subjects.system(by.tenant)
        draft = self.ledger.draft(ADDED.name, POLICY, by.principal, system, said)

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            return [draft] if insert_common(connection, by.tenant, fingerprint, draft.id) else []

        return draft.id if self.ledger.record(work, by.tenant).entries else None

    def common_page(self, by: Caller, after: str = "") -> list[Added]:
        """What was added, a page of it. Raises ScopeMissingError, DatabaseUnavailableError."""
        by.require(Scope.REVIEW)
        return self.common.page(by.tenant, after)

    def remove_common(self, by: Caller, added: EntryId, reason: str) -> EntryId:
        """Say that it is not common after all; what ships cannot be removed.

        Raises ScopeMissingError, CommonPictureNotFoundError, DatabaseUnavailableError.
        """
        by.require(Scope.REVIEW)
        said = CommonPictureRemoved(added, tuple(self.common.hashes(by.tenant, added)), reason)
        system = self.ledger.subjects.system(by.tenant)
        draft = self.ledger.draft(REMOVED.name, POLICY, by.principal, system, said)

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            if not remove_common(connection, by.tenant, added):
                raise CommonPictureNotFoundError
            return [draft]

        self.ledger.record(work, by.tenant)
        return draft.id


@dataclass(frozen=True)
class OwnPicture:
    """A picture that somebody registers (`identity.registration.registry.Protection`)."""

    pictures: Pictures
    tenant: TenantId
    account: SubjectId
    fingerprint: Fingerprint

    def doubts(self) -> list[Doubt]:
        """Whether another account registered it. Raises FingerprintRefusedError, MatchUnknownError."""
        self.fingerprint.require_distinct()
        self.pictures.common.require_own(self.tenant, self.fingerprint)
        # All of them: that they are of one picture is what whoever sent them says.
        alike = self.pictures.index.match(self.tenant, from_hex(list(self.fingerprint.forms)))
        holders = self.pictures.registrations.holders(self.tenant, alike)
        others = tuple(one for one in alike if holders.get(one, self.account) != self.account)
        return [Doubt(HoldReason.CONFLICT, others)] if others else []

    def prepared(self, subject: Subject) -> Store:
        """Its fingerprint, sealed."""
        prepared = self.pictures.bank.prepared(subject, self.fingerprint)
        return lambda connection: self.pictures.bank.insert(connection, prepared)
