"""Our side of OpenID4VCI, put together: what is offered, and what each endpoint answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from identity.errors import CredentialRefusedError, OfferGoneError
from identity.openid4vci.authorization import Authorizations
from identity.openid4vci.configuration import Configuration
from identity.openid4vci.credential import Credentials, order_of
from identity.openid4vci.metadata import issuer_metadata, server_metadata
from identity.openid4vci.offer_link import OfferLink, code_of, new_typed
from identity.openid4vci.offers import Contents, Maker, Offer, OfferId, Offers, Stage, new_secret
from identity.openid4vci.pushed import PushedRequests
from identity.openid4vci.token import Tokens

OFFER_LASTS: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class MadeOffer:
    """An offer at the one moment its secrets are known."""

    id: OfferId
    link: OfferLink
    expires_at: datetime


@dataclass(frozen=True)
class CredentialIssuer:
    """The credential issuer, and the authorisation server that it is for itself."""

    offers: Offers
    credentials: Credentials
    pushed: PushedRequests

    @property
    def url(self) -> str:
        """Our credential issuer identifier."""
        return self.credentials.issuer

    @property
    def configurations(self) -> Mapping[str, Configuration]:
        """What can be had, by id."""
        return self.credentials.configurations

    @cached_property
    def authorizations(self) -> Authorizations:
        """The authorisation endpoint."""
        return Authorizations(self.url, self.offers)

    @cached_property
    def tokens(self) -> Tokens:
        """The token endpoint."""
        return Tokens(self.offers)

    def metadata(self) -> dict[str, object]:
        """Of the credential issuer."""
        return issuer_metadata(self.url, self.configurations.values())

    def server_metadata(self) -> dict[str, object]:
        """Of the authorisation server."""
        return server_metadata(self.url, self.configurations.values())

    def offer(
        self,
        maker: Maker,
        configuration: str,
        claims: Mapping[str, object],
        stage: Stage,
        *,
        typed: bool,
        lasts: timedelta = OFFER_LASTS,
    ) -> MadeOffer:
        """Offer a credential with these claims; `typed` asks for a code that goes another way than the link.

        Raises CredentialRefusedError, DatabaseUnavailableError.
        """
        found = self.configurations.get(configuration)
        if found is None:
            raise CredentialRefusedError(
                f"there is no such configuration: take one of {', '.join(sorted(self.configurations))}"
            )
        order_of(found, claims).check()
        return self.offer_found(maker, configuration, claims, stage, typed=typed, lasts=lasts)

    def offer_found(
        self,
        maker: Maker,
        configuration: str,
        claims: Mapping[str, object],
        stage: Stage = Stage.OFFERED,
        *,
        typed: bool,
        lasts: timedelta = OFFER_LASTS,
    ) -> MadeOffer:
        """The same of what this service found out itself, where `claims` name that. Raises DatabaseUnavailableError."""
        code = new_typed(self.offers.entropy) if typed else ""
        contents = Contents(configuration, claims, code)
        link = OfferLink(self.url, new_secret(self.offers.entropy), stage, contents)
        ends = self.offers.clock() + lasts
        return MadeOffer(self.offers.begin(maker, stage, link.code, contents, lasts), link, ends)

    def name_of(self, offer: Offer) -> str:
        """What an offer is called, for people."""
        found = self.configurations.get(offer.contents.configuration)
        return found.name if found else offer.contents.configuration

    def offer_at(self, handle: str) -> dict[str, object]:
        """The offer at an address. Raises OfferGoneError."""
        for stage in (Stage.OFFERED, Stage.INVITED):
            try:
                offer = self.offers.open(code_of(handle), stage)
            except OfferGoneError:
                continue
            return OfferLink(self.url, handle, stage, offer.contents).document
        raise OfferGoneError
