"""The credential endpoint: an access token and proofs of keys for credentials (OpenID4VCI 1.0, section 8).

Rules
- The token says what may be had; the request names it again, and asks for nothing else.
- Before anything is issued the token is known, the proofs hold, and their nonce is spent. The offer is taken in the
  unit of work that issues: two requests at once issue once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from sqlalchemy import Connection

from identity.encoding.strict_json import read_object
from identity.errors import CredentialRefusedError, OfferGoneError, TokenUnreadableError, WalletRefusedError
from identity.jose.jwk import PublicKey
from identity.openid4vci.configuration import Configuration
from identity.openid4vci.faults import Fault
from identity.openid4vci.key_proof import Expected, proven_keys
from identity.openid4vci.nonce import Nonces
from identity.openid4vci.offers import Maker, Offer, Offers, Stage
from keys.clock import Clock

ENCRYPTION: Final = ("credential_response_encryption", "credential_response_encryption_alg")


@dataclass(frozen=True)
class Order:
    """What is to be issued."""

    maker: Maker
    configuration: Configuration
    claims: Mapping[str, object] = field(repr=False)
    holders: Sequence[PublicKey]
    """One credential for each; where it binds to none, one for whoever has it."""


class Issuing(Protocol):
    """What makes credentials, and records that it did."""

    def check(self, maker: Maker, configuration: Configuration, claims: Mapping[str, object]) -> None:
        """Raises CredentialRefusedError for claims that could not be issued."""

    def issue(self, order: Order, within: Callable[[Connection], None]) -> Sequence[str | Mapping[str, object]]:
        """The credentials, in one unit of work that `within` is a part of: where it raises, nothing was issued.

        Raises what `within` raises, CredentialRefusedError, KeyStoreUnavailableError, DatabaseUnavailableError.
        """


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

    def issue(self, token: str, body: bytes) -> dict[str, object]:
        """The credential response. Raises WalletRefusedError, and what `permitted` and the issuing raise."""
        offer = self._granted(token)
        request = read_request(body)
        configuration = self.configurations.get(request.configuration)
        if configuration is None or configuration.id != offer.contents.configuration:
            raise WalletRefusedError(Fault.UNKNOWN_CONFIGURATION, "the token is for another credential configuration")
        order = Order(offer.maker, configuration, offer.contents.claims, self._holders(configuration, request, offer))

        def within(connection: Connection) -> None:
            self.permitted(connection, offer.maker)
            self.offers.take(connection, offer)

        try:
            issued = self.issuing.issue(order, within)
        except OfferGoneError as error:
            raise _unknown_token() from error
        except CredentialRefusedError as error:
            raise WalletRefusedError(Fault.DENIED, "it cannot be issued: ask whoever made the offer") from error
        return {"credentials": [{"credential": credential} for credential in issued]}

    def _granted(self, token: str) -> Offer:
        try:
            return self.offers.open(token, Stage.GRANTED)
        except OfferGoneError as error:
            raise _unknown_token() from error

    def _holders(self, configuration: Configuration, request: CredentialRequest, offer: Offer) -> Sequence[PublicKey]:
        if not configuration.bound:
            if request.proofs:
                raise WalletRefusedError(Fault.INVALID_PROOF, "this credential is bound to no key: send no proofs")
            return ()
        proven = proven_keys(request.proofs, Expected(self.issuer, offer.contents.client), self.clock())
        self.nonces.spend(proven.nonce)
        return proven.keys


def _unknown_token() -> WalletRefusedError:
    return WalletRefusedError(Fault.INVALID_TOKEN, "the access token was used, has ended, or is none of ours")
