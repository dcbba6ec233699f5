"""Accounts and their evidence over a real ledger, for tests; the keys alone are simulated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import text

from identity.assurance.account import Accounts, Actor
from identity.assurance.codes import Codes
from identity.assurance.decisions import KINDS
from identity.assurance.evidence import Found
from identity.assurance.grants import Grants
from identity.assurance.kyc import Kyc
from identity.assurance.policy import DEFAULT_FILE, Policy, default_policy, read_policy
from identity.assurance.requests import Requests
from identity.assurance.review import Review
from identity.assurance.senders import Message
from identity.assurance.tier import EvidenceKind, Tier
from identity.assurance.webhook import Secret
from keys.clock import system_entropy
from ledger.ids import PrincipalId, SubjectId
from ledger.log import Ledger
from ledger.storage.database import Database
from tests.databases import url_of
from tests.ledger.world import FULL, HeldClock, until_all_placed
from tests.simulators.key_store import SimulatedKeyStore

HOUSE = "acme"
SECRET = Secret(bytes(range(32)))


@dataclass
class Postbox:
    """A sender that keeps what it was given, or fails as it is told."""

    sent: list[Message] = field(default_factory=list)
    fault: Exception | None = None

    def require(self) -> None:
        return

    def send(self, message: Message) -> None:
        if self.fault:
            raise self.fault
        self.sent.append(message)

    @property
    def code(self) -> str:
        return self.sent[-1].code


@dataclass(frozen=True)
class House:
    """One deployment's assurance."""

    accounts: Accounts
    clock: HeldClock
    policy: Policy
    postbox: Postbox = field(default_factory=Postbox)

    @cached_property
    def grants(self) -> Grants:
        return Grants(self.accounts, self.policy)

    @cached_property
    def requests(self) -> Requests:
        return Requests(self.accounts, self.policy)

    @cached_property
    def codes(self) -> Codes:
        return Codes(self.accounts, self.requests, self.grants, self.postbox)

    @cached_property
    def kyc(self) -> Kyc:
        return Kyc(self.accounts, self.requests, self.grants, {HOUSE: [SECRET], "other": [SECRET]})

    @cached_property
    def review(self) -> Review:
        return Review(self.accounts, self.grants)

    def under(self, policy: Policy) -> House:
        """The same accounts under other rules."""
        return replace(self, policy=policy)

    def platform(self) -> Actor:
        """Of a tenant of its own."""
        return Actor(self.accounts.ledger.create_tenant("platform"), PrincipalId("prn_platform"))

    def shown(self, by: Actor, account: SubjectId, kind: EvidenceKind, **more: Any) -> Found:
        """Grant a kind of evidence, whatever adapter would find it."""
        found = Found(kind, more.pop("method", "test"), more.pop("region", ""), **more)
        self.grants.grant(by, self.accounts.subject(by.tenant, account), found)
        return found

    def tier(self, by: Actor, account: SubjectId) -> Tier:
        return self.grants.standing(by.tenant, account).tier

    def entries(self, by: Actor) -> list[tuple[str, Any]]:
        """Kinds and payloads of the tenant's entries about assurance, in the order they were written."""
        until_all_placed(self.accounts.database)
        with self.accounts.database.writing(FULL) as connection:
            rows = connection.execute(
                text("SELECT p.entry_id FROM payload p JOIN entry e ON e.id = p.entry_id WHERE p.tenant_id = :tenant "
                     "AND p.sealed IS NOT NULL AND p.kind <> 'tenant.created' ORDER BY e.\"index\""),
                {"tenant": by.tenant},
            ).scalars().all()  # fmt: skip
        opened = (self.accounts.ledger.payloads.open(by.tenant, entry) for entry in rows)
        return [(one.kind, one.payload) for one in opened]

    def rows(self, statement: str, **values: object) -> list[Any]:
        with self.accounts.database.writing(FULL) as connection:
            return list(connection.execute(text(statement), values))


def policy(**changes: Any) -> Policy:
    """The default one, changed."""
    return read_policy(json.dumps({**json.loads(DEFAULT_FILE.read_bytes()), **changes}).encode())


@contextmanager
def running(path: Path) -> Iterator[House]:
    database, clock = Database(url_of(path)), HeldClock()
    ledger = Ledger(database, SimulatedKeyStore(), KINDS, origin="log.example/test", clock=clock)
    ledger.start()
    try:
        yield House(Accounts(ledger, database, clock, system_entropy), clock, default_policy())
    finally:
        ledger.close()
        database.close()
