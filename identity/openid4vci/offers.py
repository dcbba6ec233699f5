"""Offers under way to a wallet: offered, perhaps authorised, granted; then taken, and gone.

Rules
- At each stage one random secret moves an offer on: the code that was offered, the code of an authorisation, the access
  token. It is replaced as it is used, so each works once.
- What is kept is the secret's SHA-256, and everything else, claims too, sealed under a key derived from the secret
  itself: not even this service can read them until the wallet comes back.
- Unknown, used, withdrawn, expired, and guessed at too often are alike to who asks.
- An offer lasts minutes and nothing hangs on it: its rows are bookkeeping, without entries. What issuing records, it
  records together with the taking.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final, NewType, NoReturn

from sqlalchemy import Connection, Index, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from identity.encoding import base64url
from identity.encoding.strict_json import write_json
from identity.errors import OfferGoneError
from keys.clock import Clock, Entropy
from keys.sealing import derive, seal, unseal
from ledger.ids import PrincipalId, TenantId, may_be_stored, milliseconds, new_id
from ledger.storage.database import Database
from ledger.storage.tables import BOOKKEEPING, TENANT, Base
from ledger.storage.tenancy import SystemSession

OfferId = NewType("OfferId", str)

SECRET_BYTES: Final = 32
MAX_TRIES: Final = 5
"""Wrong transaction codes, login codes or verifiers that one offer lives through; the next one may be right, and will
not do.
"""


class Stage(StrEnum):
    """What the next secret is."""

    OFFERED = "offered"
    """A pre-authorised code."""

    INVITED = "invited"
    """An issuer_state, for a person who is to authorise a wallet."""

    AUTHORISED = "authorised"
    """An authorisation code."""

    GRANTED = "granted"
    """An access token."""


class OfferRow(Base):
    """An offer under way."""

    __tablename__ = "credential_offer"
    __table_args__ = (Index(None, "digest", unique=True), Index(None, "expires_at"), {"info": TENANT | BOOKKEEPING})
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    principal_id: Mapped[PrincipalId]
    api_key_id: Mapped[str | None]
    stage: Mapped[str]
    digest: Mapped[str]
    sealed: Mapped[bytes]
    tries: Mapped[int]
    expires_at: Mapped[int]


@dataclass(frozen=True)
class Maker:
    """Who made an offer: the credential is issued in their name, while their key works."""

    tenant: TenantId
    principal: PrincipalId
    api_key: str | None
    """None for the operator."""


@dataclass(frozen=True)
class Contents:
    """What is sealed."""

    configuration: str
    claims: Mapping[str, object] = field(repr=False)
    typed: str = field(default="", repr=False)
    """What the person types: the transaction code, or the login code. Empty for nothing."""

    client: str = ""
    """The wallet's client_id; empty for one that named none."""

    redirect: str = ""
    challenge: str = ""
    """The authorisation request's, for the one who exchanges the code."""


@dataclass(frozen=True)
class Offer:
    """An offer, opened with its secret."""

    id: OfferId
    maker: Maker
    stage: Stage
    digest: str
    contents: Contents


def new_secret(entropy: Entropy) -> str:
    """A code, a state or a token: 256 random bits, base64url."""
    return base64url.encode(entropy(SECRET_BYTES))


@dataclass(frozen=True)
class Offers:
    """The offers of every tenant. Safe to call from many threads and processes."""

    database: Database
    clock: Clock
    entropy: Entropy

    def begin(self, maker: Maker, stage: Stage, secret: str, contents: Contents, lasts: timedelta) -> OfferId:
        """A new offer, whose wallet is given `secret`. Raises DatabaseUnavailableError."""
        offer = Offer(OfferId(new_id("ofr", self.entropy)), maker, stage, _digest(secret), contents)
        row = {
            "tenant_id": maker.tenant,
            "id": offer.id,
            "principal_id": maker.principal,
            "api_key_id": maker.api_key,
            **self._moved(offer, secret, lasts),
        }
        self.database.write(lambda connection: connection.execute(insert(OfferRow), row))
        return offer.id

    def open(self, secret: str, stage: Stage) -> Offer:
        """The offer that this secret moves on. Raises OfferGoneError."""
        with self.database.read(SystemSession.AUTHENTICATION) as connection:
            row = connection.execute(
                select(OfferRow.__table__).where(
                    OfferRow.digest == _digest(secret),
                    OfferRow.stage == stage,
                    OfferRow.tries < MAX_TRIES,
                    OfferRow.expires_at > milliseconds(self.clock()),
                )
            ).one_or_none()
        if row is None:
            raise OfferGoneError
        maker = Maker(TenantId(row.tenant_id), PrincipalId(row.principal_id), row.api_key_id)
        sealed = unseal(_key(secret, stage), row.sealed, _associated(maker.tenant, row.id))
        return Offer(OfferId(row.id), maker, stage, row.digest, Contents(**json.loads(sealed)))

    def miss(self, offer: Offer) -> NoReturn:
        """Count a wrong guess by somebody who has the offer's secret. Raises OfferGoneError."""
        mine = update(OfferRow).where(OfferRow.digest == offer.digest)
        self.database.write(lambda connection: connection.execute(mine.values(tries=OfferRow.tries + 1)))
        raise OfferGoneError

    def advance(self, offer: Offer, stage: Stage, contents: Contents, lasts: timedelta) -> str:
        """Move the offer on; its next secret. Raises OfferGoneError for the loser of a race, and after MAX_TRIES."""
        secret = new_secret(self.entropy)
        moved = self._moved(Offer(offer.id, offer.maker, stage, _digest(secret), contents), secret, lasts)
        there = update(OfferRow).where(OfferRow.digest == offer.digest, OfferRow.tries < MAX_TRIES)
        if not self.database.write(lambda connection: connection.execute(there.values(**moved)).rowcount):
            raise OfferGoneError
        return secret

    def take(self, connection: Connection, offer: Offer) -> None:
        """Inside the unit of work that issues: the offer ends with it. Raises OfferGoneError when it is taken."""
        mine = (OfferRow.tenant_id == offer.maker.tenant, OfferRow.digest == offer.digest)
        if not connection.execute(delete(OfferRow).where(*mine)).rowcount:
            raise OfferGoneError

    def withdraw(self, tenant: TenantId, offer: OfferId) -> None:
        """End one of the tenant's offers, whatever its stage. Raises OfferGoneError."""
        mine = delete(OfferRow).where(OfferRow.tenant_id == tenant, OfferRow.id == offer)
        if not (may_be_stored(offer) and self.database.write(lambda connection: connection.execute(mine).rowcount)):
            raise OfferGoneError

    def _moved(self, offer: Offer, secret: str, lasts: timedelta) -> dict[str, object]:
        plain = write_json(asdict(offer.contents))
        associated = _associated(offer.maker.tenant, offer.id)
        return {
            "stage": offer.stage,
            "digest": offer.digest,
            "sealed": seal(_key(secret, offer.stage), plain, associated, self.entropy),
            "tries": 0,
            "expires_at": milliseconds(self.clock() + lasts),
        }


def forget_offers(connection: Connection, now: int) -> None:
    """Drop what has expired; bookkeeping."""
    connection.execute(delete(OfferRow).where(OfferRow.expires_at <= now))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(secret: str, stage: Stage) -> bytes:
    return derive(secret.encode(), f"openid4vci/v1/{stage}")


def _associated(tenant: TenantId, offer: str) -> bytes:
    return f"offer/v1\0{tenant}\0{offer}".encode()
