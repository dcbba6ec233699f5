"""How OpenID4VCI is wired: what it issues with, and whose offers still count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from sqlalchemy import Connection

from cases.access import ApiKeyId, require_key_alive
from cases.deployment import Deployment
from cases.errors import UnknownKeyError
from identity.assurance.account import Actor
from identity.errors import CredentialRefusedError
from identity.issuing.credential_types import DO_NOT_GENERATE
from identity.issuing.issue import Issued
from identity.jose.jwk import PublicKey
from identity.openid4vci.configuration import configurations
from identity.openid4vci.credential import Credentials, Issuing
from identity.openid4vci.credential_issuer import CredentialIssuer
from identity.openid4vci.nonce import Nonces
from identity.openid4vci.offers import Maker, Offers
from identity.openid4vci.pushed import PushedRequests
from identity.registration.errors import RegistrationError
from identity.registration.registry import Registry
from identity.sd_jwt.credential import TYPE as SD_JWT
from keys.sealing import derive
from ledger.ids import SubjectId
from ledger.storage.database import Database


def wallets_of(
    url: str,
    database: Database,
    deployment: Deployment,
    issuing: Issuing,
    registry: Registry,
) -> CredentialIssuer:
    """The credential issuer of a deployment, at its public address."""
    clock, entropy = deployment.clock, deployment.entropy
    offers = Offers(database, clock, entropy)
    nonces = Nonces(database, partial(_own_key, deployment, "nonces"), clock, entropy)
    pushed = PushedRequests(partial(_own_key, deployment, "pushed"), clock, entropy)
    found = {DO_NOT_GENERATE.name: partial(_registration, registry)}
    credentials = Credentials(url, configurations(url), offers, nonces, issuing, _require_permitted, clock, found)
    return CredentialIssuer(offers, credentials, pushed)


def _own_key(deployment: Deployment, purpose: str) -> bytes:
    """Of the home tenant's own subject: every process has it, and no table. Raises KeyStoreUnavailableError."""
    system = deployment.ledger.subjects.system(deployment.operator().tenant)
    return derive(system.key, f"openid4vci/v1/{purpose}")


def _registration(
    registry: Registry,
    maker: Maker,
    claims: Mapping[str, object],
    holder: PublicKey,
    within: Callable[[Connection], None],
) -> Issued:
    """A registration's own credential, bound to the wallet's key. Raises CredentialRefusedError."""
    by, registration = Actor(maker.tenant, maker.principal, within), SubjectId(str(claims["registration"]))
    try:
        return registry.credential(by, registration, SD_JWT, holder)
    except RegistrationError as error:
        raise CredentialRefusedError(str(error)) from error


def _require_permitted(connection: Connection, maker: Maker) -> None:
    if maker.api_key is None:
        return
    try:
        require_key_alive(connection, maker.tenant, ApiKeyId(maker.api_key))
    except UnknownKeyError as error:
        raise CredentialRefusedError("the API key that made the offer was revoked since") from error
