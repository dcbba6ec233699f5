"""The credential endpoint: an access token and proofs of keys for credentials (OpenID4VCI 1.0, section 8).

Rules
- The token says what may be had; the request names it again, and asks for nothing else.
- Before anything is issued the token is known, the proofs hold, and their nonce is spent. The offer is taken in the
  unit of work that issues: two requests at once issue once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from sqlalchemy import Connection

from identity.encoding.strict_json import read_object
from identity.errors import CredentialRefusedError, OfferGoneError, TokenUnreadableError, WalletRefusedError
from identity.issuing.issue import Issued
from identity.issuing.issued import CredentialId
from identity.issuing.orders import Order, TypedOrder
from identity.jose.jwk import PublicKey
from identity.openid4vci.configuration import Configuration
from identity.openid4vci.faults import Fault
from identity.openid4vci.key_proof import Expected, proven_keys
from identity.openid4vci.nonce import Nonces
from identity.openid4vci.offers import Maker, Offer, Offers, Stage
from keys.clock import Clock
from ledger.ids import PrincipalId, TenantId

Within: TypeAlias = Callable[[Connection, Sequence[CredentialId]], None]
"""What is done in the unit of work that issues."""

Found: TypeAlias = Callable[[Maker, Mapping[str, object], PublicKey, Callable[[Connection], None]], Issued]
"""Issues what this service found out itself, named by an offer, for a key; the last is called in its unit of work.
Raises CredentialRefusedError.
"""

ENCRYPTION: Final = ("credential_response_encryption", "credential_response_encryption_alg")


class Issuing(Protocol):
    """What makes credentials, and records that it did: `identity.issuing.issue.Issuing`."""

    def issue(
        self, tenant: TenantId, principal: PrincipalId, orders: Sequence[Order], within: Within
    ) -> Sequence[Issued]: ...


def order_of(configuration: Configuration, claims: Mapping[str, object], holder: PublicKey | None = None) -> Order:
    """What is ordered to be issued, to that key where it is bound to one."""
    return TypedOrder(configuration.of, claims, configuration.signed, holder)


@dataclass(frozen=True)
class CredentialRequest:
    """A request in good form."""

    configuration: str
    proofs: tuple[str, ...]


def read_request(body: bytes) -> CredentialRequest:
    """Raises WalletRefusedError. Members that we do not know are passed over."""
    try:
        members = read_object(body, "the request")
    except TokenUnreadableError as error:
        raise WalletRefusedError(Fault.INVALID_CREDENTIAL_REQUEST, str(error)) from error
    if any(name in members for name in ENCRYPTION):
        raise WalletRefusedError(Fault.INVALID_ENCRYPTION, "credentials are not encrypted beyond TLS here")
    if "credential_identifier" in members:
        raise WalletRefusedError(
            Fault.UNKNOWN_IDENTIFIER, "no credential_identifier was given out: send the credential_configuration_id"
        )
    configuration = members.get("credential_configuration_id")
    if not isinstance(configuration, str):
        raise WalletRefusedError(Fault.INVALID_CREDENTIAL_REQUEST, "credential_configuration_id is missing")
    if "proof" in members:
        raise WalletRefusedError(Fault.INVALID_PROOF, "proof is of a draft: send proofs, an object with jwt")
    return CredentialRequest(configuration, _proofs(members.get("proofs", {"jwt": []})))


def _proofs(proofs: object) -> tuple[str, ...]:
    tokens = proofs.get("jwt") if isinstance(proofs, dict) and len(proofs) == 1 else None
    if not (isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)):
        raise WalletRefusedError(Fault.INVALID_PROOF, "proofs is an object with jwt, an array of tokens, and no other")
    return tuple(tokens)


@dataclass(frozen=True)
class Credentials:
    """The credential endpoint."""

    issuer: str
    configurations: Mapping[str, Configuration]
    offers: Offers
    nonces: Nonces
    issuing: Issuing
    permitted: Callable[[Connection, Maker], None]
    """Inside the unit of work: whether the maker still may. Raises what the caller of `issue` makes of it."""

    clock: Clock
    found: Mapping[str, Found] = field(default_factory=dict)
    """By type of credential, of those whose subject no caller writes."""

    def issue(self, token: str, body: bytes) -> dict[str, object]:
        """The credential response. Raises WalletRefusedError, and what `permitted` and the issuing raise."""
        offer = self._granted(token)
        request = read_request(body)
        configuration = self.configurations.get(request.configuration)
        if configuration is None or configuration.id != offer.contents.configuration:
            raise WalletRefusedError(Fault.UNKNOWN_CONFIGURATION, "the token is for another credential configuration")
        holders = self._holders(configuration, request, offer)
        try:
            issued = self._issued(configuration, offer, holders)
        except OfferGoneError as error:
            raise _unknown_token() from error
        except CredentialRefusedError as error:
            raise WalletRefusedError(Fault.DENIED, "it cannot be issued: ask whoever made the offer") from error
        return {"credentials": [{"credential": one.credential} for one in issued]}

    def _issued(
        self, configuration: Configuration, offer: Offer, holders: Sequence[PublicKey | None]
    ) -> Sequence[Issued]:
        maker, claims = offer.maker, offer.contents.claims

        def within(connection: Connection, _ids: Sequence[CredentialId] = ()) -> None:
            self.permitted(connection, maker)
            self.offers.take(connection, offer)

        if (found := self.found.get(configuration.of.name)) is None:
            orders = [order_of(configuration, claims, holder) for holder in holders]
            return self.issuing.issue(maker.tenant, maker.principal, orders, within)
        (holder, *others) = holders
        if holder is None or others:
            raise WalletRefusedError(Fault.INVALID_PROOF, "this credential is bound to one key: send one proof")
        return [found(maker, claims, holder, within)]

    def _granted(self, token: str) -> Offer:
        try:
            return self.offers.open(token, Stage.GRANTED)
        except OfferGoneError as error:
            raise _unknown_token() from error

    def _holders(
        self, configuration: Configuration, request: CredentialRequest, offer: Offer
    ) -> Sequence[PublicKey | None]:
        if not configuration.bound:
            if request.proofs:
                raise WalletRefusedError(Fault.INVALID_PROOF, "this credential is bound to no key: send no proofs")
            return (None,)
        proven = proven_keys(request.proofs, Expected(self.issuer, offer.contents.client), self.clock())
        self.nonces.spend(proven.nonce)
        return proven.keys


def _unknown_token() -> WalletRefusedError:
    return WalletRefusedError(Fault.INVALID_TOKEN, "the access token was used, has ended, or is none of ours")
