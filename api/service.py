"""One running service, as the edge sees it. What it is made of, and how, is `api.composition`'s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import nan
from typing import Annotated

from fastapi import Depends, Request

from api.edge.throttle import Throttle
from api.edge.turns import Turns
from api.outside.sources import Sources
from api.parts.assurance import Assurance
from api.parts.credential_desk import CredentialDesk
from api.parts.custody import CustodyDesk
from api.parts.issuance import Issuance
from api.parts.pools import Desk
from api.parts.registry import RegistryDesk
from api.parts.stamps import Stamps
from api.parts.trust import Trust
from api.running.housekeeping import Housekeeping
from api.running.readiness import Part, Readiness
from api.running.telemetry import Metrics
from api.settings import Settings
from cases.access import Access
from cases.batches import Batches
from cases.claims import Claims
from cases.deployment import Deployment
from cases.holds import Holds
from cases.intake import Intake
from cases.library import Library
from cases.oversight import Oversight
from cases.recovery.origins import Recovery
from cases.revocation import Revocations
from cases.staff import Staff
from cases.trust_lists import TrustLists
from identity.openid4vci.credential_issuer import CredentialIssuer
from identity.openid4vp.presentations import Presentations
from keys.signer import KeyStore
from ledger.forgetting.rewrapping import Rewrapping
from ledger.log import Ledger


@dataclass(frozen=True)
class Service:
    """Everything the edge needs. Handlers get it as `ServiceDep`."""

    settings: Settings
    operator_token: str = field(repr=False)
    keys: KeyStore
    trust: Trust
    trust_lists: TrustLists
    ledger: Ledger
    deployment: Deployment
    access: Access
    staff: Staff
    assurance: Assurance
    registry: RegistryDesk
    intake: Intake
    claims: Claims
    library: Library
    recovery: Recovery
    custody: CustodyDesk
    batches: Batches
    holds: Holds
    oversight: Oversight
    issuance: Issuance
    callers: Desk
    strangers: Desk
    credential_callers: CredentialDesk
    credential_strangers: CredentialDesk
    throttle: Throttle
    signing: Turns
    metrics: Metrics
    rewrapping: Rewrapping
    revocations: Revocations
    housekeeping: Housekeeping
    strangers_sources: Sources
    presentations: Presentations
    wallets: CredentialIssuer
    stamps: Stamps | None
    """None where no time-stamp authority is set."""

    readiness: Readiness

    def measure(self, parts: Mapping[str, Part]) -> None:
        """Bring the gauges up to date."""
        for part, state in parts.items():
            self.metrics.ready.labels(part).set(state["ready"])
        status = self.ledger.status()
        self.metrics.log_size.labels("durable").set(status.committed)
        self.metrics.log_size.labels("proven").set(status.proven)
        self.metrics.log_size.labels("pending").set(status.pending)
        self.metrics.leads.set(status.leads)
        ends = self.readiness.certificate_ends
        self.metrics.certificate_seconds.set((ends - self.housekeeping.clock()).total_seconds() if ends else nan)
        self.metrics.subjects_to_rewrap.set(self.rewrapping.status.waiting)
        self.metrics.oldest_epoch.set(self.rewrapping.age().total_seconds())
        self.metrics.revocation.set(self.revocations.left_seconds())
        if self.stamps is not None:
            self.stamps.measure(self.metrics)
        self.metrics.measure_witnesses(self.ledger.witnesses)


async def service_of(request: Request) -> Service:
    """The service behind a request; a coroutine, because FastAPI sends every other dependency to a thread."""
    found: Service = request.app.state.service
    return found


ServiceDep = Annotated[Service, Depends(service_of)]
