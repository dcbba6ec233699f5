from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from identity.did.methods import VerificationMethod, did_key, method_of, resolve
from identity.openid4vp.presentations import Order, Presentations
from identity.openid4vp.session import Session
from identity.openid4vp.sessions import Sessions
from keys.clock import system_entropy
from keys.signer import Algorithm
from ledger.ids import PrincipalId, TenantId
from tests.identity.openid4vp.people import BELIEVED
from tests.identity.parties import NOW, Party, party
from tests.ledger.world import HeldClock, World, running

SIGNER = party()
DID = did_key(SIGNER.key)
SERVICE = PrincipalId("prn_service")


@dataclass(frozen=True)
class DidKey:
    """A key of a DID that signs requests."""

    holder: Party
    method: VerificationMethod
    algorithm: Algorithm = Algorithm.ES256

    def sign(self, message: bytes) -> bytes:
        return self.holder.signer.sign(message)


@dataclass(frozen=True)
class Verifier:
    """A verifier over a ledger of its own."""

    presentations: Presentations
    tenant: TenantId
    clock: HeldClock
    world: World

    def ask(self, *documents: str, years: int = 18, encrypted: bool = False, signed: bool = False) -> Session:
        order = Order(years, documents, signed=signed, encrypted=encrypted)
        return self.presentations.begin(self.tenant, SERVICE, order)


@pytest.fixture(scope="package")
def _started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, TenantId]]:
    with running(tmp_path_factory.mktemp("openid4vp") / "ledger.db") as world:
        world.clock.now = NOW
        yield world, world.ledger.create_tenant("home")


@pytest.fixture
def verifier(_started: tuple[World, TenantId]) -> Verifier:
    world, tenant = _started
    world.clock.now = NOW
    sessions = Sessions(world.database, world.ledger.subjects, world.clock, system_entropy)
    signer = DidKey(SIGNER, resolve(method_of(DID)))
    presentations = Presentations(
        sessions, lambda: BELIEVED, "https://verifier.example", world.clock, system_entropy, lambda: signer
    )
    return Verifier(presentations, tenant, world.clock, world)
