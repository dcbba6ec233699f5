"""How a registration ends, and how it goes on: withdrawing, stopping that, renewing."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from api.edge.auth import EitherDep, EitherRecentDep, GuesserDep
from api.schemas import words
from api.schemas.assets import LedgerView, Strict
from api.schemas.passkeys import UsedPasskey
from api.service import ServiceDep
from identity.registration.recovery import MAX_TEXT
from identity.registration.renewing import Renewal, Renewed, Statement
from identity.registration.withdrawing import Asked
from ledger.ids import EntryId, SubjectId, moment

router = APIRouter(prefix="/v1/registrations")

KEYED = "registering"

RegistrationPath = Annotated[SubjectId, Path(pattern=words.REGISTRATION)]


class WordsRequest(Strict):
    """A recovery code, as its twelve words."""

    code: Annotated[str, Field(max_length=MAX_TEXT)]


class RenewalRequest(Strict):
    """That the text in force was agreed to once more: its SHA-256 is in `/v1/registrations/rules`."""

    language: Annotated[str, Field(pattern=words.LANGUAGE)] = "en"
    sha256: Annotated[str, Field(pattern=words.SHA256)]
    passkey: UsedPasskey | None = Field(default=None, repr=False)
    """The person's signature over the statement; without it, who holds the API key attests that they agreed."""


class WithdrawnView(BaseModel):
    """It has ended: nothing is matched, its key is destroyed, its credential revoked."""

    registration: str
    absence: str
    """Where the proof is, within a minute, that the index does not have it."""

    ledger: LedgerView

    @classmethod
    def of(cls, registration: SubjectId, entry: EntryId) -> Self:
        """The view of it."""
        absence = f"/v1/registrations/{registration}/absence"
        return cls(registration=registration, absence=absence, ledger=LedgerView.of(entry, proven=False))


class AskedView(BaseModel):
    """It will end, unless that is stopped."""

    registration: str
    leaving_at: datetime
    """At the latest; sooner, once the person was told, where they left an address."""

    ledger: LedgerView | None
    """None where it had been asked for before."""

    @classmethod
    def of(cls, asked: Asked) -> Self:
        """The view of it."""
        ledger = LedgerView.of(asked.entry, proven=False) if asked.entry else None
        return cls(registration=asked.registration, leaving_at=moment(asked.leaving_at), ledger=ledger)


class StoppedView(BaseModel):
    """It goes on."""

    registration: str
    ledger: LedgerView


class RenewalView(BaseModel):
    """What is agreed to by renewing."""

    language: str
    text: str
    sha256: str
    """Of the text's UTF-8."""

    statement: str
    statement_sha256: str
    """What a passkey signs."""

    @classmethod
    def of(cls, found: Statement) -> Self:
        """The view of it."""
        said, text = found.content, found.text
        digest = hashlib.sha256(said).hexdigest()
        words_of = {"language": text.language, "text": text.text, "sha256": text.digest}
        return cls(**words_of, statement=said.decode(), statement_sha256=digest)


class RenewedView(BaseModel):
    """It goes on for another term."""

    registration: str
    expires_at: datetime
    ledger: LedgerView

    @classmethod
    def of(cls, renewed: Renewed) -> Self:
        """The view of it."""
        ledger = LedgerView.of(renewed.entry, proven=False)
        return cls(registration=renewed.registration, expires_at=moment(renewed.expires_at), ledger=ledger)


@router.post("/{registration}/withdrawal", tags=[KEYED])
def withdraw(service: ServiceDep, caller: EitherRecentDep, registration: RegistrationPath) -> WithdrawnView:
    """End a registration now: the person of its account, signed in, or their platform. Files that it holds and nobody
    decided on are given out; those that its person objected to, or a reviewer refused, stay held.
    """
    return WithdrawnView.of(registration, service.registry.leaving.withdraw(caller, registration))


@router.post("/{registration}/recovery", tags=["registrations"], status_code=202, dependencies=[GuesserDep])
def ask(service: ServiceDep, registration: RegistrationPath, request: WordsRequest) -> AskedView:
    """Ask with the recovery code that a registration end, without a key. The person is told, and can stop it for seven
    days; where nobody can be told, for thirty.
    """
    return AskedView.of(service.registry.leaving.ask(registration, request.code))


@router.delete("/{registration}/recovery", tags=[KEYED])
def stop(service: ServiceDep, caller: EitherDep, registration: RegistrationPath) -> StoppedView:
    """Stop what somebody asked for with the recovery code."""
    entry = service.registry.leaving.stop(caller, registration)
    return StoppedView(registration=registration, ledger=LedgerView.of(entry, proven=False))


@router.get("/{registration}/renewal", tags=[KEYED])
def state_renewal(
    service: ServiceDep,
    caller: EitherDep,
    registration: RegistrationPath,
    language: Annotated[str, Query(pattern=words.LANGUAGE)] = "en",
) -> RenewalView:
    """What whoever renews agrees to: the text in force, and what a passkey signs the SHA-256 of
    (`/v1/people/me/signatures`, purpose `consent`).
    """
    return RenewalView.of(service.registry.leaving.statement(caller, registration, language))


@router.post("/{registration}/renewal", tags=[KEYED])
def renew(
    service: ServiceDep, caller: EitherDep, registration: RegistrationPath, request: RenewalRequest
) -> RenewedView:
    """Let a registration last for another term, under the text that is in force."""
    renewal = Renewal(request.language, request.sha256)
    asserted = request.passkey.asserted() if request.passkey else None
    return RenewedView.of(service.registry.leaving.renew(caller, registration, renewal, asserted))
