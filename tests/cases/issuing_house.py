"""What issues, with a ledger and a key store and nothing else: no workers, no HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from api.parts.issuance import Issuance, issuance_of
from api.settings import Settings
from cases.access import Access, Caller
from cases.credentials import IssueRequest
from cases.decisions import KINDS
from cases.deployment import Deployment
from identity.issuing.credential_types import AGE_ATTESTATION, VERIFIED_CREATOR
from identity.issuing.issued import CredentialRow
from identity.issuing.orders import TypedOrder
from identity.status.lists import StatusPlaceRow
from keys.clock import system_entropy
from keys.issuer_keys import IssuerKey, IssuerKeys, rotate
from keys.signer import KeyRef, KeyStore
from keys.vault_issuers import SETTLING_TIME
from keys.vault_store import METADATA_LIFE
from ledger.log import Ledger
from ledger.storage.database import Database
from ledger.storage.tables import Payload
from tests.databases import url_of
from tests.ledger.world import HeldClock

ORIGIN = "https://issuer.example"
AGE = TypedOrder(AGE_ATTESTATION, {"age_over_18": True})
CREATOR = TypedOrder(VERIFIED_CREATOR, {"name": "Ada", "profile": "https://creators.example/ada"}, "eddsa-rdfc-2022")


@dataclass
class House:
    ledger: Ledger
    database: Database
    deployment: Deployment
    issuance: Issuance
    issuer_keys: IssuerKeys
    """In an operator's hands."""

    clock: HeldClock

    @property
    def operator(self) -> Caller:
        return self.deployment.operator()

    @property
    def access(self) -> Access:
        return Access(self.ledger, self.database, self.clock, system_entropy)

    def turn(self, key: IssuerKey) -> KeyRef:
        """Rotate, and let the service notice."""
        made = rotate(self.issuer_keys, key).ref
        self.noticed()
        return made

    def noticed(self) -> None:
        self.clock.move(METADATA_LIFE + SETTLING_TIME + timedelta(seconds=2))
        self.issuance.record.observe()

    def issue(self, order: TypedOrder = CREATOR, by: Caller | None = None, key: str = "") -> Any:
        """The credential."""
        request = IssueRequest(order, key, repr(order).encode())
        return self.issuance.credentials.issue(by or self.operator, request).credential

    def rows(self) -> tuple[int, int, int]:
        """Credentials, places taken, entries."""
        tenant = self.operator.tenant
        counted = (
            (CredentialRow, CredentialRow.id),
            (StatusPlaceRow, StatusPlaceRow.place),
            (Payload, Payload.entry_id),
        )
        with self.database.read(tenant) as connection:
            credentials, places, entries = (
                connection.execute(select(func.count(column)).where(table.tenant_id == tenant)).scalar_one()
                for table, column in counted
            )
        return credentials, places, entries


@contextmanager
def house(folder: Path, keys: KeyStore, issuer_keys: IssuerKeys, clock: HeldClock, **chosen: Any) -> Iterator[House]:
    """Opening the same folder again finds it as it was left."""
    settings = Settings(home=folder, **{"public_url": ORIGIN, **chosen})
    with closing(Database(url_of(folder / "log.db"))) as database:
        ledger = Ledger(database, keys, KINDS, origin="log.example/issuing", clock=clock, checkpoint_interval=0.05)
        ledger.start()
        with closing(ledger):
            deployment = Deployment(ledger, database, clock, system_entropy)
            issuance = issuance_of(settings, ledger, database, keys, deployment, clock, system_entropy)
            yield House(ledger, database, deployment, issuance, issuer_keys, clock)
