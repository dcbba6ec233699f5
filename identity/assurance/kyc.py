"""Houses that know their customers: the platform sends a person there, and the house tells us how it went, signed.

Rules
- A request is begun here, and its id goes with the person; the house's webhook names it. No personal data comes back:
  a message with a member that is not known is refused.
- A message that comes again is acknowledged and changes nothing; one that contradicts an earlier one is refused.
- A house may take its word back, for as long as the evidence counts; before it gave it, too, as messages overtake each
  other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select

from identity.assurance.account import Accounts, Actor
from identity.assurance.errors import (
    EvidenceNotFoundError,
    EvidenceUnaskedError,
    ProviderUnknownError,
    RequestEndedError,
    WebhookMalformedError,
)
from identity.assurance.evidence import Found
from identity.assurance.grants import Grants, Withdrawal
from identity.assurance.requests import Request, Requests, State, Wanted
from identity.assurance.tables import EvidenceRow
from identity.assurance.tier import EvidenceKind
from identity.assurance.webhook import Secret, check
from ledger.ids import SubjectId, TenantId
from ledger.storage.tenancy import SystemSession

LASTS: Final = timedelta(days=7)
"""How long a person may take over it."""


class Result(StrEnum):
    """What a house says."""

    APPROVED = "approved"
    DECLINED = "declined"
    """The request is spent; what it looked at proves nothing, and the account stays as it is."""

    WITHDRAWN = "withdrawn"
    """It takes back that it approved."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    request: Annotated[str, Field(pattern="^arq_[a-z2-7]{26}$")]
    result: Result


@dataclass(frozen=True)
class Event:
    """A message that was found to be a house's."""

    provider: str
    request: str
    result: Result


@dataclass(frozen=True)
class Kyc:
    """The adapter. Safe to call from many threads."""

    accounts: Accounts
    requests: Requests
    grants: Grants
    houses: Mapping[str, Sequence[Secret]]
    """By name."""

    def begin(self, by: Actor, account: SubjectId, provider: str, country: str) -> Request:
        """Begin a request whose id the house is given. Raises ProviderUnknownError, and as `Requests.begin`."""
        self._require(provider)
        subject = self.accounts.subject(by.tenant, account)
        wanted = Wanted(EvidenceKind.KYC, self.requests.policy.region_of(country), provider)
        return self.requests.begin(by, subject, wanted, LASTS)

    def read(self, provider: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Event:
        """A house's message, whose signature and time hold.

        Raises ProviderUnknownError, WebhookRefusedError, WebhookMalformedError.
        """
        self._require(provider)
        check(self.houses[provider], headers, body, now)
        try:
            said = _Body.model_validate_json(body)
        except ValidationError as error:
            raise WebhookMalformedError from error
        return Event(provider, said.request, said.result)

    def take(self, event: Event) -> None:
        """Do what a message says; again it changes nothing.

        Raises EvidenceUnaskedError, RequestEndedError for what contradicts how the request ended, ProviderUnknownError.
        """
        if event.result is Result.WITHDRAWN:
            self._withdraw(event)
            return
        tenant, found = self._find(event)
        try:
            self._end(self._system(tenant), found, event)
        except RequestEndedError as error:
            if error.reason != _ENDS[event.result]:
                raise

    def _end(self, by: Actor, found: Request, event: Event) -> None:
        if event.result is Result.DECLINED:
            self.requests.decline(by, found)
            return
        wanted = found.wanted
        shown = Found(wanted.kind, event.provider, wanted.region, None, found.id)
        self.grants.grant(by, found.account, shown, partial(self.requests.complete, request=found))

    def _withdraw(self, event: Event) -> None:
        """The evidence outlives its request, which is looked for where there is no evidence."""
        with suppress(EvidenceUnaskedError, RequestEndedError):  # it ended before, perhaps with evidence
            asked_by, asked = self._find(event)
            self.requests.decline(self._system(asked_by), asked)
            return
        whose = select(EvidenceRow.tenant_id, EvidenceRow.account_id, EvidenceRow.id)
        with self.accounts.database.read(SystemSession.AUTHENTICATION) as connection:
            row = connection.execute(whose.where(EvidenceRow.request_id == event.request)).one_or_none()
        if row is None:
            self.requests.locate(event.request)
            return
        tenant, account, evidence = row
        found = self.grants.find(tenant, account, evidence)
        _require_same(found.detail.method, event.provider)
        with suppress(EvidenceNotFoundError):  # somebody else was quicker
            self.grants.withdraw(self._system(tenant), account, evidence, Withdrawal.PROVIDER)

    def _find(self, event: Event) -> tuple[TenantId, Request]:
        tenant, account = self.requests.locate(event.request)
        found = self.requests.find(tenant, account, event.request, EvidenceKind.KYC)
        _require_same(found.wanted.provider, event.provider)
        return tenant, found

    def _system(self, tenant: TenantId) -> Actor:
        return Actor(tenant, self.accounts.ledger.system_principal(tenant))

    def _require(self, provider: str) -> None:
        if provider not in self.houses:
            raise ProviderUnknownError(
                f"there is no KYC provider {provider!r} here; GET /v1/assurance/policy names all"
            )


def _require_same(asked: str, answers: str) -> None:
    if asked != answers:
        raise ProviderUnknownError("this request for evidence is another provider's")


_ENDS: Final = {Result.APPROVED: State.SPENT, Result.DECLINED: State.DECLINED}
"""How each leaves a request."""
