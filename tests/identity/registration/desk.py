"""A registry over a real ledger, for tests: what is matched is said by each test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from detection.generations.decisions import KINDS as INDEX_KINDS
from identity.assurance.account import Actor
from identity.assurance.errors import CodeNotSentError
from identity.assurance.tier import EvidenceKind
from identity.issuing.issue import Issuing
from identity.registration.decisions import KINDS
from identity.registration.delays import DELAY
from identity.registration.guesses import Guesses
from identity.registration.holds import Doubt, RegistrationHolds
from identity.registration.lookup import Registrations
from identity.registration.notices import Notices
from identity.registration.refusal import Kind
from identity.registration.registry import Registered, Registry, Store
from identity.registration.renewing import Terms
from identity.registration.request import RegistrationRequest
from identity.registration.rules import Rulebook, default_rulebook
from identity.registration.withdrawing import Withdrawals
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId
from tests.identity.assurance.house import House
from tests.identity.assurance.house import running as assurance


@dataclass
class Said:
    """A protection that resembles whom it is told, and counts what was stored."""

    doubts_said: Sequence[Doubt] = ()
    fault: list[Exception] = field(default_factory=list)
    """Raised by the stores made next, one each."""

    stored: list[SubjectId] = field(default_factory=list)
    looked: int = 0

    def doubts(self) -> Sequence[Doubt]:
        self.looked += 1
        return self.doubts_said

    def prepared(self, subject: Subject) -> Store:
        fault = self.fault.pop(0) if self.fault else None

        def store(_connection: Connection) -> None:
            if fault:
                raise fault
            self.stored.append(subject.id)

        return store


@dataclass
class Post:
    """A carrier that keeps what it was given, or fails."""

    sent: list[Mapping[str, object]] = field(default_factory=list)
    broken: bool = False

    def deliver(self, _name: str, content: Mapping[str, object]) -> None:
        if self.broken:
            raise CodeNotSentError("the gateway does not answer")
        self.sent.append(content)


@dataclass(frozen=True)
class RegistryDesk:
    """One deployment's registry, over one deployment's assurance."""

    house: House
    rulebook: Rulebook = field(default_factory=default_rulebook)
    carrier: Post = field(default_factory=Post)

    @cached_property
    def registrations(self) -> Registrations:
        return Registrations(self.house.accounts)

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.house.accounts, self.house.grants, self.issuing, self.rulebook, self.registrations)

    @cached_property
    def holds(self) -> RegistrationHolds:
        return RegistrationHolds(self.house.accounts)

    @cached_property
    def withdrawals(self) -> Withdrawals:
        return Withdrawals(self.house.accounts, self.registrations, Guesses(self.house.accounts.entropy))

    @cached_property
    def terms(self) -> Terms:
        return Terms(self.house.accounts, self.registrations, self.rulebook)

    def notify(self) -> None:
        """What housekeeping sends."""
        while Notices(self.house.accounts, self.registrations, self.carrier, DELAY).round():
            pass

    def end(self) -> None:
        """What housekeeping ends."""
        while self.terms.round():
            pass

    def told(self, registration: SubjectId) -> list[Mapping[str, object]]:
        return [one for one in self.carrier.sent if one["registration"] == registration]

    @property
    def issuing(self) -> Issuing:
        return self.house.credentials.issuing

    def account(self, by: Actor, name: str, kind: EvidenceKind = EvidenceKind.LOGIN) -> SubjectId:
        """One of which something is known; of tier medium."""
        account = self.house.accounts.named(by, name)
        self.house.shown(by, account, kind)
        return account

    def request(self, **changes: Any) -> RegistrationRequest:
        """One that is good, changed."""
        kind, place = changes.get("kind", Kind.FACE), changes.get("place", "FR")
        digest = self.rulebook.consent(place, kind, "en").digest
        return replace(RegistrationRequest(kind, place, "en", digest), **changes)

    def register(self, by: Actor, account: SubjectId, protection: Said | None = None, **changes: Any) -> Registered:
        return self.registry.register(by, account, self.request(**changes), protection or Said())


@contextmanager
def running(path: Path) -> Iterator[RegistryDesk]:
    with assurance(path, (*KINDS, *INDEX_KINDS)) as house:
        yield RegistryDesk(house)
