"""Registering: what was agreed to, what is matched, a credential and the entry, in one unit of work.

Rules
- Everything slow comes first: the tier of the account, the text agreed to, who looks alike, sealing, signing. What a
  registration is compared with may change meanwhile; then nothing is kept, and it is compared again.
- Where somebody else is registered who looks alike, or where somebody acts for another, a person decides
  (`identity.registration.holds`). Until then it protects nobody, and whoever registered learns that much and no more.
- The recovery code is shown once. The same request again (`repeat`) makes another in its place, and signs anew.
- What is matched (a face's template, a picture's fingerprint) is the caller's to prepare and to store (`Protection`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, Protocol, TypeAlias

from sqlalchemy import Connection, func, insert, select

from identity.assurance.account import Accounts, Actor, require_account
from identity.assurance.evidence import evidence_of, standing
from identity.assurance.grants import Grants
from identity.assurance.tier import Tier
from identity.issuing.credential_types import DO_NOT_GENERATE
from identity.issuing.issue import Issued, Issuing
from identity.issuing.issued import CredentialId
from identity.issuing.orders import TypedOrder
from identity.jose.jwk import PublicKey
from identity.registration import limits
from identity.registration.decisions import MADE, POLICY, REPEATED, RegistrationRepeated
from identity.registration.errors import OvertakenError, RegistrationEndedError, RegistryBusyError, TierTooLowError
from identity.registration.holds import Doubt, HoldReason, held
from identity.registration.lookup import Registrations
from identity.registration.notices import insert_reminders
from identity.registration.receipt import TYPE as RECEIPT
from identity.registration.receipt import receipt_claims
from identity.registration.record import (
    KEPT,
    PROTECTING,
    Details,
    Registration,
    State,
    become,
    find_row,
    holder_mark,
    seal_details,
)
from identity.registration.recovery import RecoveryCode
from identity.registration.refusal import Kind, Right
from identity.registration.request import RegistrationRequest, refused
from identity.registration.rules import Rulebook
from identity.registration.tables import RegistrationRow
from ledger.errors import EpochClosedError
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId, TenantId, new_id
from ledger.payload import Draft

TRIES: Final = 5
WHILE: Final = timedelta(hours=1)
"""Longer than making a registration takes."""

Store: TypeAlias = Callable[[Connection], None]
"""In the unit of work, once the subject is there. Raises OvertakenError where what was prepared no longer fits."""


class Protection(Protocol):
    """What is to be matched, and against what it was compared."""

    def doubts(self) -> Sequence[Doubt]:
        """Whom it resembles, now."""

    def prepared(self, subject: Subject) -> Store:
        """Sealed under the registration's key, and ready to be stored."""


@dataclass(frozen=True)
class Registered:
    """A registration at the one moment its recovery code is known."""

    registration: Registration
    receipt: str = field(repr=False)
    code: RecoveryCode
    credential: Issued | None
    """None while a person looks at it."""


@dataclass(frozen=True)
class _Making:
    """One that is being made: all that is fixed before the unit of work."""

    registration: Registration
    subject: Subject
    holder: Subject
    """The account."""

    request: RegistrationRequest
    draft: Draft
    code: RecoveryCode
    recovery: str = field(repr=False)


@dataclass(frozen=True)
class Registry:
    """The registrations of every tenant. Safe to call from many threads."""

    accounts: Accounts
    grants: Grants
    issuing: Issuing
    rulebook: Rulebook
    registrations: Registrations

    def register(
        self,
        by: Actor,
        account: SubjectId,
        request: RegistrationRequest,
        protection: Protection,
        settle: Callable[[Connection, SubjectId], None] = lambda _connection, _made: None,
    ) -> Registered:
        """Register somebody; `settle` is called first in the unit of work, with the registration's id.

        Raises RegisteringNotAllowedError, ConsentTextUnknownError, ConsentOutdatedError, AccountNotFoundError,
        TierTooLowError, TooManyRegistrationsError, RegisteredAlreadyError, RegistryBusyError, what `protection` and
        `settle` raise, and as `Issuing.issue`.
        """
        making = self._making(by, account, request)
        for _ in range(TRIES):
            seen = self._counted(by.tenant, making)
            right = [Doubt(HoldReason.RIGHT)] if request.right is not Right.SELF else []
            doubts = (*protection.doubts(), *right)
            try:
                return self._record(by, making, doubts, protection.prepared(making.subject), seen, settle)
            except EpochClosedError:
                making = replace(making, subject=self.accounts.ledger.subjects.rewrap(making.subject))
            except OvertakenError:
                continue
        raise RegistryBusyError

    def repeat(self, by: Actor, registration: SubjectId, request: RegistrationRequest) -> Registered:
        """The same request once more: another recovery code in place of the first, receipt and credential signed anew.

        Raises RegistrationNotFoundError, RegistrationEndedError, and as `Issuing.again`.
        """
        found, subject = self.registrations.kept(by.tenant, registration)
        code, entropy = RecoveryCode.new(self.accounts.entropy), self.accounts.entropy
        recovery = code.hashed(entropy)
        bound = _bound(subject, request.holder) if found.credential else {}
        draft = self.accounts.draft(REPEATED, POLICY, by.principal, subject, RegistrationRepeated(registration))

        def within(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            _require(connection, by.tenant, registration, KEPT)
            become(connection, by.tenant, registration, recovery=recovery, **bound)
            return [draft]

        credential: Issued | None = None
        if found.credential:
            order, before = self._order(found, request.form, request.holder), CredentialId(found.credential)
            credential = self.issuing.again(by.tenant, by.principal, order, before, within)
        else:
            self.accounts.ledger.record(within, by.tenant)
        return Registered(found, self._receipt(by.tenant, found), code, credential)

    def credential(self, by: Actor, registration: SubjectId, form: str, holder: PublicKey | None = None) -> Issued:
        """The credential of a registration that protects: its first, or the same signed anew. Signed for another key,
        it counts no more under the one before (`record.require_holder`).

        Raises RegistrationNotFoundError, RegistrationEndedError, and as `Issuing.issue`.
        """
        found, subject = self.registrations.kept(by.tenant, registration, PROTECTING)
        bound = _bound(subject, holder)
        order = self._order(found, form, holder)

        def alive(connection: Connection) -> None:
            by.alive(connection)
            _require(connection, by.tenant, registration, PROTECTING)
            if bound:
                become(connection, by.tenant, registration, **bound)

        def first(connection: Connection, made: Sequence[CredentialId]) -> None:
            alive(connection)
            if find_row(connection, by.tenant, registration)["credential_id"] is not None:
                raise OvertakenError
            become(connection, by.tenant, registration, credential_id=made[0])

        if found.credential:
            return self.issuing.again(by.tenant, by.principal, order, CredentialId(found.credential), alive)
        (issued,) = self.issuing.issue(by.tenant, by.principal, [order], first)
        return issued

    def _making(self, by: Actor, account: SubjectId, request: RegistrationRequest) -> _Making:
        rules, consent = request.require_text(self.rulebook)
        holder = self.accounts.subject(by.tenant, account)
        tier = self._require_tier(self.grants.standing(by.tenant, account).tier)
        now, entropy = self.accounts.now(), self.accounts.entropy
        subject = self.accounts.ledger.subjects.create(by.tenant, SubjectId(new_id("reg", entropy)))
        details = Details(
            place=request.place,
            rules=rules.rules,
            rules_sha256=rules.digest,
            purposes=tuple(sorted(request.purposes)),
            right=request.right,
            stated=request.stated,
            consent=consent,
            statement_sha256=request.agreed_sha256(account, consent),
            tier=tier,
            assurance_policy=self.grants.policy.name,
            model=request.model,
            given=request.given,
            contact=request.contact,
        )
        draft = self.accounts.draft(MADE, POLICY, by.principal, subject, None)
        ends = now + int(rules.lasts.total_seconds() * 1000)
        made = Registration(
            subject.id, account, request.kind, State.ACTIVE, details, None, now, ends, leaving_at=None, entry=draft.id
        )
        code = RecoveryCode.new(entropy)
        filled = replace(draft, payload=made.said())
        return _Making(made, subject, holder, request, filled, code, code.hashed(entropy))

    def _record(
        self,
        by: Actor,
        making: _Making,
        doubts: Sequence[Doubt],
        store: Store,
        seen: int,
        settle: Callable[[Connection, SubjectId], None],
    ) -> Registered:
        made = replace(making.registration, state=State.HELD if doubts else State.ACTIVE)
        receipt, now = self._receipt(by.tenant, made), making.registration.created_at
        hold = held(self.accounts, by, making.subject, doubts, now)
        row = self._row(by, making, made)

        def within(connection: Connection, credentials: Sequence[CredentialId]) -> Sequence[Draft]:
            by.alive(connection)
            settle(connection, made.id)
            self._check(connection, by, making, seen)
            self.accounts.ledger.subjects.insert(connection, making.subject)
            bound = _bound(making.subject, making.request.holder) if credentials else {}
            credential = {"credential_id": credentials[0] if credentials else None, **bound}
            connection.execute(insert(RegistrationRow).values(row | credential))
            insert_reminders(connection, by.tenant, made.id, made.expires_at)
            store(connection)
            return [making.draft, *hold(connection)]

        issued: Issued | None = None
        if doubts:
            self.accounts.ledger.record(lambda connection: within(connection, ()), by.tenant)
        else:
            order = self._order(made, making.request.form, making.request.holder)
            (issued,) = self.issuing.issue(by.tenant, by.principal, [order], within)
        return Registered(replace(made, credential=issued.id if issued else None), receipt, making.code, issued)

    def _check(self, connection: Connection, by: Actor, making: _Making, seen: int) -> None:
        """That it may be made, now, and that nobody else was registered since it was compared."""
        account, now = making.registration.account, self.accounts.now()
        require_account(connection, by.tenant, account)
        found = standing(evidence_of(connection, making.holder), self.grants.policy, now)
        limits.check_account(connection, by.tenant, account, self._require_tier(found.tier), now)
        limits.check_caller(connection, by.tenant, by.principal, now)
        if making.request.kind is Kind.FACE and making.request.right is Right.SELF:
            limits.check_own(connection, by.tenant, account)
        if _count(connection, by.tenant, making) != seen:
            raise OvertakenError

    def _row(self, by: Actor, making: _Making, made: Registration) -> dict[str, object]:
        assert made.details is not None
        return {
            "tenant_id": by.tenant,
            "id": made.id,
            "account_id": made.account,
            "principal_id": by.principal,
            "kind": made.kind,
            "state": made.state,
            "own": int(made.details.right is Right.SELF),
            "sealed": seal_details(making.subject, made.details, self.accounts.entropy),
            "recovery": making.recovery,
            "created_at": made.created_at,
            "expires_at": made.expires_at,
            "leaving_at": None,
            "entry_id": made.entry,
        }

    def _order(self, made: Registration, form: str, holder: PublicKey | None) -> TypedOrder:
        assert made.details is not None
        refuses = [one.value for one in refused(made.kind, made.details.purposes)]
        region = {"region": made.details.place} if made.details.place else {}
        claims = {"registered": True, "registration": str(made.id), "covers": [made.kind.value], "refuses": refuses}
        return TypedOrder(DO_NOT_GENERATE, claims | region, form, holder, found_here=True)

    def _receipt(self, tenant: TenantId, made: Registration) -> str:
        issuer = self.issuing.issuer()
        claims = receipt_claims(tenant, made.said(), made.entry, made.created_at)
        return issuer.token(RECEIPT, {"iss": issuer.did, **claims})

    def _require_tier(self, tier: Tier) -> Tier:
        if not tier.reaches(limits.NEEDED):
            raise TierTooLowError(tier, limits.NEEDED)
        return tier

    def _counted(self, tenant: TenantId, making: _Making) -> int:
        with self.accounts.database.read(tenant) as connection:
            return _count(connection, tenant, making)


def _bound(subject: Subject, holder: PublicKey | None) -> dict[str, str]:
    """What the row keeps of the key that a credential is bound to."""
    return {"holder": holder_mark(subject, holder)} if holder else {}


def _count(connection: Connection, tenant: TenantId, making: _Making) -> int:
    """Of all that may have been made while this one is being made; what ended keeps its row."""
    since = making.registration.created_at - WHILE // timedelta(milliseconds=1)
    others = (RegistrationRow.tenant_id == tenant, RegistrationRow.created_at > since)
    return connection.execute(select(func.count(RegistrationRow.id)).where(*others)).scalar_one()


def _require(connection: Connection, tenant: TenantId, registration: SubjectId, states: Sequence[State]) -> None:
    state = find_row(connection, tenant, registration)["state"]
    if state not in states:
        raise RegistrationEndedError(state)
