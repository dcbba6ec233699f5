"""Registering a face, or a picture (`cases.pictures`): where photos, templates and the registry of those who refuse
meet.

Rules
- Photos are looked at once everything cheap has been asked, and are closed before the answer (`cases.photographed`).
- Whoever brought a held registration does not decide about it.
- How it is known that somebody agreed, `cases.agreement` says.
- With an Idempotency-Key the same request made twice makes one registration; the second answer has a recovery code of
  its own, in place of the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Connection

from cases.access import Caller, Scope
from cases.agreement import Agreements
from cases.assurance import actor
from cases.errors import OwnReviewError, PortraitRefusedError
from cases.idempotency import IdempotencyKey
from cases.likeness.retroactive import begin_rounds
from cases.photographed import MODEL, PhotographedFace
from cases.pictures import OwnPicture, Pictures
from detection.copies.fingerprint import PDQ, Fingerprint
from detection.memfd import Memfd
from detection.shares import Shares
from detection.templates.bank import Bank
from detection.templates.matcher import Matcher
from identity.assurance.errors import AccountNotFoundError
from identity.assurance.tier import EvidenceKind
from identity.issuing.issue import Issued
from identity.jose.jwk import PublicKey
from identity.passkeys.responses import Asserted
from identity.registration.errors import RegistrationNotFoundError
from identity.registration.holds import RegistrationHold, RegistrationHolds
from identity.registration.limits import NEEDED
from identity.registration.record import Registration
from identity.registration.refusal import Kind, Right
from identity.registration.registry import Protection, Registered, Registry
from identity.registration.request import RegistrationRequest
from ledger.ids import EntryId, SubjectId

MAX_PHOTOS: Final = 5
MAX_PHOTO_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True)
class Submission:
    """What a caller sends to register a face, or a picture."""

    account: SubjectId
    request: RegistrationRequest
    photos: Sequence[Memfd]
    """Sealed; the caller closes them. None where a picture is registered."""

    portrait: Memfd | None = None
    """Of an identity document of whoever registers themselves; sealed, and closed by the caller as the photos are."""

    picture: Fingerprint | None = None
    """Of the picture, where one is."""

    asserted: Asserted | None = None
    """The person's signature over what they agree to (`statement`), by passkey."""

    presentation: str = field(default="", repr=False)
    """The same by showing the credential of their account's assurance."""

    idempotency_key: str = ""
    body: bytes = b""
    """What identifies the request beside its photos."""


class _AlreadyRegisteredError(Exception):
    """The Idempotency-Key made a registration before."""

    def __init__(self, registration: SubjectId) -> None:
        self.registration = registration


@dataclass(frozen=True)
class FaceRegistrations:
    """Registrations for every tenant's callers. Safe to call from many threads."""

    registry: Registry
    holds: RegistrationHolds
    agreements: Agreements
    workers: Shares
    bank: Bank
    matcher: Matcher
    pictures: Pictures

    def register(self, by: Caller, sent: Submission) -> Registered:
        """Register somebody's face, or a picture.

        Raises ScopeMissingError, AccountNotFoundError, IdempotencyConflictError,
        PhotoNotTakenError, PhotosDifferError, PortraitRefusedError, FingerprintRefusedError, MatchUnknownError,
        SandboxError, and as `Agreements.of` and `Registry.register`.
        """
        by.require_for(sent.account, Scope.REGISTER)
        spent, accounts = self._spent(by, sent), self.registry.accounts

        def require_new(connection: Connection) -> None:
            made = spent.winner(connection, accounts.now()) if spent else None
            if made is not None:
                raise _AlreadyRegisteredError(SubjectId(made))

        def settle(connection: Connection, registration: SubjectId) -> None:
            require_new(connection)
            settle_signature(connection)
            if sent.picture is None:
                begin_rounds(connection, by.tenant, registration, accounts.now())
            if spent:
                spent.spend(connection, registration, accounts.now())

        protection = self._protection(by, sent)
        try:
            with accounts.database.read(by.tenant) as connection:
                require_new(connection)
            request, settle_signature = self._agreed(by, sent)
            return self.registry.register(actor(by), sent.account, request, protection, settle)
        except _AlreadyRegisteredError as before:
            return self.registry.repeat(actor(by), before.registration, sent.request)

    def statement(self, by: Caller, account: SubjectId, request: RegistrationRequest) -> bytes:
        """What is agreed to, to be signed. Raises ScopeMissingError, and as `RegistrationRequest.require_text`."""
        by.require_for(account, Scope.REGISTER)
        _, consent = request.require_text(self.registry.rulebook)
        return request.agreed(account, consent)

    def find(self, by: Caller, registration: SubjectId, scope: Scope = Scope.REGISTRATIONS_READ) -> Registration:
        """One that the caller may see. Raises ScopeMissingError, RegistrationNotFoundError."""
        by.require_self_or(scope)
        found = self.registry.registrations.find(by.tenant, registration)
        try:
            by.require_for(found.account, scope)
        except AccountNotFoundError as error:
            raise RegistrationNotFoundError from error
        return found

    def of_account(self, by: Caller, account: SubjectId) -> list[Registration]:
        """Those of an account, the newest first. Raises ScopeMissingError."""
        by.require_for(account, Scope.REGISTRATIONS_READ)
        return self.registry.registrations.of_account(by.tenant, account)

    def credential(self, by: Caller, registration: SubjectId, form: str, holder: PublicKey | None) -> Issued:
        """Its credential, once it protects. Raises as `find` and `Registry.credential`."""
        self.find(by, registration, Scope.REGISTER)
        return self.registry.credential(actor(by), registration, form, holder)

    def held(self, by: Caller, *, decided: bool, after: str) -> list[RegistrationHold]:
        """What a person has to look at. Raises ScopeMissingError, RegistrationHoldNotFoundError."""
        by.require(Scope.REVIEW)
        return self.holds.page(by.tenant, decided=decided, after=after)

    def alike(self, by: Caller, hold: RegistrationHold) -> list[Registration]:
        """The registrations that a held one looks like, those that ended as well. Raises ScopeMissingError."""
        by.require(Scope.REVIEW)
        others = sorted({one for doubt in hold.doubts for one in doubt.alike})
        return [self.registry.registrations.find(by.tenant, one) for one in others]

    def release(self, by: Caller, hold: str, reason: str) -> EntryId:
        """Let a held one protect. Raises OwnReviewError, and as `RegistrationHolds.release`."""
        self._require_another(by, hold)
        return self.holds.release(actor(by), hold, reason)

    def refuse(self, by: Caller, hold: str, reason: str) -> EntryId:
        """End a held one. Raises OwnReviewError, and as `RegistrationHolds.refuse`."""
        self._require_another(by, hold)
        return self.holds.refuse(actor(by), hold, reason)

    def _require_another(self, by: Caller, hold: str) -> None:
        """Whoever brought a registration, or has the account that it is of or one that it looks like, does not decide
        about it; above the operator, there is nobody.
        """
        by.require(Scope.REVIEW)
        found = self.holds.find(by.tenant, hold)
        alike = {one for doubt in found.doubts for one in doubt.alike}
        sides = {found.account, *self.registry.registrations.holders(by.tenant, alike).values()}
        if (found.brought_by == by.principal and by.key is not None) or by.behind in sides:
            raise OwnReviewError

    def _protection(self, by: Caller, sent: Submission) -> Protection:
        if sent.picture is not None:
            return OwnPicture(self.pictures, by.tenant, sent.account, sent.picture)
        workers, registrations = self.workers.of(by.principal), self.registry.registrations
        parts = (workers, self.matcher, self.bank, registrations)
        own, grants = sent.request.right is Right.SELF, self.registry.grants
        if sent.portrait and not own:
            raise PortraitRefusedError("another_right", "it shows who registers themselves: leave it out for another")
        needed = own and grants.rests_on(by.tenant, sent.account, EvidenceKind.PORTRAIT, NEEDED)
        return PhotographedFace(by.tenant, sent.account, sent.photos, *parts, sent.portrait, needed)

    def _agreed(self, by: Caller, sent: Submission) -> tuple[RegistrationRequest, Callable[[Connection], None]]:
        """The request with how the agreement is known, and what that settles in the unit of work."""
        request = replace(sent.request, model=described_by(sent.request.kind), given=given(sent))
        content = self.statement(by, sent.account, request)
        known = self.agreements.of(by, sent.account, content, sent.asserted, sent.presentation)
        return replace(request, proof=known.proof, signature=known.evidence), known.settle

    def _spent(self, by: Caller, sent: Submission) -> IdempotencyKey | None:
        if not sent.idempotency_key:
            return None
        sums = (*given(sent), *([_sha256(sent.portrait)] if sent.portrait else []))
        digests = b"".join(map(bytes.fromhex, sums))
        body = b"registration\0" + digests + sent.account.encode() + sent.body
        system = self.registry.accounts.ledger.subjects.system(by.tenant)
        return IdempotencyKey.of(system, by.principal, sent.idempotency_key, body)


def described_by(kind: Kind) -> str:
    """What faces, or pictures, are described by now: with its version and digest, where that is a model."""
    return MODEL if kind is Kind.FACE else PDQ


def given(sent: Submission) -> tuple[str, ...]:
    """What came to be protected by: SHA-256 of each photo, or of the picture's fingerprint, hex."""
    if sent.picture is not None:
        return (hashlib.sha256(sent.picture.to_bytes()).hexdigest(),)
    return tuple(_sha256(photo) for photo in sent.photos)


def _sha256(photo: Memfd) -> str:
    digest = hashlib.sha256()
    for chunk in photo.chunks():
        digest.update(chunk)
    return digest.hexdigest()
