"""A registry over a real ledger, for tests: what is matched is said by each test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from identity.assurance.account import Actor
from identity.assurance.tier import EvidenceKind
from identity.issuing.issue import Issuing
from identity.registration.decisions import KINDS
from identity.registration.holds import Doubt, RegistrationHolds
from identity.registration.lookup import Registrations
from identity.registration.refusal import Kind
from identity.registration.registry import Registered, Registry, Store
from identity.registration.request import RegistrationRequest
from identity.registration.rules import Rulebook, default_rulebook
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


@dataclass(frozen=True)
class RegistryDesk:
    """One deployment's registry, over one deployment's assurance."""

    house: House
    rulebook: Rulebook = field(default_factory=default_rulebook)

    @cached_property
    def registrations(self) -> Registrations:
        return Registrations(self.house.accounts)

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.house.accounts, self.house.grants, self.issuing, self.rulebook, self.registrations)

    @cached_property
    def holds(self) -> RegistrationHolds:
        return RegistrationHolds(self.house.accounts)

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
    with assurance(path, KINDS) as house:
        yield RegistryDesk(house)
