"""Issuing credentials in one service, put together: the issuer's record, its status lists, and who may have what."""

from __future__ import annotations

from dataclasses import dataclass

from api.parts.contexts import contexts_of
from api.settings import Profile, Settings
from cases.credential_status import CredentialStanding
from cases.credentials import Credentials
from cases.deployment import Deployment
from identity.issuing.did_document import did_web
from identity.issuing.issue import Issuing
from identity.issuing.record import IssuerRecord
from identity.issuing.vocabulary import contexts_at
from identity.status.lists import StatusLists
from identity.status.publishing import StatusPublication
from keys.clock import Clock, Entropy
from keys.signer import KeyStore
from ledger.ids import TenantId
from ledger.log import Ledger
from ledger.storage.database import Database


@dataclass(frozen=True)
class Issuance:
    """What a service issues with."""

    record: IssuerRecord
    status: StatusPublication
    issuing: Issuing
    credentials: Credentials
    standing: CredentialStanding


def issuance_of(
    settings: Settings,
    ledger: Ledger,
    database: Database,
    keys: KeyStore,
    deployment: Deployment,
    clock: Clock,
    entropy: Entropy,
) -> Issuance:
    """Asks nobody yet. Where others reach a server, only its operator knows: without it nothing is issued.

    Raises OSError, StartError for the operator's contexts.
    """
    origin = settings.origin
    named = settings.public_url or settings.profile is Profile.EMBEDDED

    def home() -> TenantId:
        return deployment.operator().tenant

    did, published = did_web(origin) if named else "", contexts_at(origin)
    further = {url: text.encode() for url, text in contexts_of(settings).items() if url not in published}
    contexts = published.including(further)
    record = IssuerRecord(ledger, database, keys, home, did, clock, entropy, contexts)
    lists, status = StatusLists(database, entropy), StatusPublication(database, origin, record.issuer, clock)
    issuing = Issuing(ledger, database, record.issuer, lists, status, origin, clock, entropy)
    credentials, standing = Credentials(issuing, ledger, database, clock), CredentialStanding(ledger, database)
    return Issuance(record, status, issuing, credentials, standing)
