"""Accounts and their evidence over a real ledger, for tests; the keys alone are simulated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from identity.assurance.account import Accounts, Actor
from identity.assurance.codes import Codes
from identity.assurance.credentials import AccountCredentials
from identity.assurance.decisions import KINDS
from identity.assurance.evidence import Found
from identity.assurance.grants import Grants
from identity.assurance.kyc import Kyc
from identity.assurance.policy import DEFAULT_FILE, Policy, default_policy, read_policy
from identity.assurance.portrait import Portraits
from identity.assurance.requests import Requests, forget_asked
from identity.assurance.review import Review
from identity.assurance.senders import Message
from identity.assurance.statements import Statements
from identity.assurance.tier import EvidenceKind, Tier
from identity.assurance.webhook import Secret
from identity.issuing.decisions import KINDS as ISSUING_KINDS
from identity.issuing.issue import Issuing
from identity.issuing.issuer import Issuer
from identity.issuing.vocabulary import contexts_at
from identity.passkeys.challenges import Challenges
from identity.passkeys.decisions import KINDS as PASSKEY_KINDS
from identity.passkeys.passkeys import Passkeys
from identity.passkeys.people import People
from identity.passkeys.signing import Signing
from identity.passkeys.tokens import Tokens
from identity.status.decisions import KINDS as STATUS_KINDS
from identity.status.lists import StatusLists
from identity.status.publishing import StatusPublication
from keys.clock import system_entropy
from ledger.ids import PrincipalId, SubjectId
from ledger.log import Ledger
from ledger.payload import Kind
from ledger.storage.database import Database
from ledger.storage.tables import Principal, PrincipalKind
from tests.databases import url_of
from tests.identity.issuing.ours import our_issuer
from tests.ledger.world import FULL, HeldClock, until_all_placed
from tests.simulators.key_store import SimulatedKeyStore

ORIGIN = "https://issuer.example"
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
    def portraits(self) -> Portraits:
        return Portraits(self.accounts, self.requests, self.grants)

    @cached_property
    def kyc(self) -> Kyc:
        return Kyc(self.accounts, self.requests, self.grants, {HOUSE: [SECRET], "other": [SECRET]})

    @cached_property
    def lists(self) -> StatusPublication:
        return StatusPublication(self.accounts.database, ORIGIN, issuer, self.clock)

    @cached_property
    def credentials(self) -> AccountCredentials:
        accounts, lists = self.accounts, StatusLists(self.accounts.database, system_entropy)
        parts = (accounts.ledger, accounts.database, issuer, lists, self.lists, ORIGIN, self.clock)
        return AccountCredentials(accounts, self.grants, Issuing(*parts, system_entropy))

    @cached_property
    def statements(self) -> Statements:
        return Statements(self.accounts, self.grants, issuer)

    @cached_property
    def people(self) -> People:
        """Who reach the deployment at `localhost`, in a tenant of their own."""
        accounts, home = self.accounts, self.accounts.ledger.create_tenant("home")
        challenges = Challenges(accounts.database, self.clock, system_entropy)
        tokens = Tokens(accounts.database, self.clock)
        return People(Passkeys(accounts, challenges, "http://127.0.0.1:8080"), tokens, lambda: home)

    @cached_property
    def signing(self) -> Signing:
        return Signing(self.people.passkeys)

    @cached_property
    def review(self) -> Review:
        return Review(self.accounts, self.grants, self.credentials)

    def tidy(self) -> None:
        """What housekeeping does."""
        self.accounts.database.write(lambda connection: forget_asked(connection, self.accounts.now()))
        while self.review.round():
            pass

    def under(self, policy: Policy) -> House:
        """The same accounts under other rules."""
        return replace(self, policy=policy)

    def platform(self) -> Actor:
        """Of a tenant of its own."""
        tenant, who = self.accounts.ledger.create_tenant("platform"), PrincipalId("prn_platform")
        row = {"tenant_id": tenant, "id": who, "kind": PrincipalKind.KEY, "created_at": 0}
        with self.accounts.database.writing(FULL) as connection:
            connection.execute(insert(Principal).values(row))
        return Actor(tenant, who)

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


@cache
def issuer() -> Issuer:
    """One for all: lists are signed anew when it is another."""
    return replace(our_issuer(), contexts=contexts_at(ORIGIN))


def policy(**changes: Any) -> Policy:
    """The default one, changed."""
    return read_policy(json.dumps({**json.loads(DEFAULT_FILE.read_bytes()), **changes}).encode())


@contextmanager
def running(path: Path, further: Iterable[Kind] = ()) -> Iterator[House]:
    database, clock = Database(url_of(path)), HeldClock()
    kinds = (*KINDS, *ISSUING_KINDS, *STATUS_KINDS, *PASSKEY_KINDS, *further)
    ledger = Ledger(database, SimulatedKeyStore(), kinds, origin="log.example/test", clock=clock)
    ledger.start()
    try:
        yield House(Accounts(ledger, database, clock, system_entropy), clock, default_policy())
    finally:
        ledger.close()
        database.close()
