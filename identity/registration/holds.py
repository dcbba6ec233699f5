"""Registrations that a person has to look at: why, and what they decided. Not to be confused with legal holds, which
keep things from being erased (`ledger.forgetting.holds`).

Rules
- A held registration protects nobody, and is kept, templates and all, until somebody decides: released it protects,
  refused its key is destroyed. Both need a reason, and are entries.
- Whoever decides sees which registrations look alike, by random ids; neither side sees the other, and whoever
  registered learns only that a person looks at it.
- Nothing here is decided by a machine: how alike two faces are opens a hold and never closes one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, RowMapping, and_, insert, or_, select, update

from identity.assurance.account import Accounts, Actor
from identity.registration.decisions import (
    HELD,
    POLICY,
    REFUSED,
    RELEASED,
    RegistrationHeld,
    RegistrationRefused,
    RegistrationReleased,
)
from identity.registration.ending import Ending
from identity.registration.errors import HoldDecidedError, RegistrationHoldNotFoundError
from identity.registration.record import Details, State, become, find_row, opened
from identity.registration.tables import HoldRow
from keys.sealing import seal, unseal
from ledger.errors import SubjectErasedError
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId, may_be_stored, new_id
from ledger.payload import Draft

PAGE: Final = 100


class HoldReason(StrEnum):
    """Why a person has to look."""

    CONFLICT = "conflict"
    """Somebody else registered a face that is likely, or certainly, the same."""

    LOOK_ALIKE = "look_alike"
    """Somebody else registered a face that is possibly the same: a relative, a twin, or chance."""

    RIGHT = "right"
    """Somebody acts for the person."""

    PORTRAIT = "portrait"
    """The photos are not surely of whoever is in the portrait that came with them."""

    UNCOMPARED = "uncompared"
    """The account is known by a portrait alone, and none came with the photos."""


class HoldState(StrEnum):
    """Of a hold."""

    OPEN = "open"
    RELEASED = "released"
    REFUSED = "refused"


@dataclass(frozen=True)
class Doubt:
    """One reason, and which registrations of others it is about."""

    reason: HoldReason
    alike: tuple[SubjectId, ...] = ()


@dataclass(frozen=True)
class _Why:
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True)
class RegistrationHold:
    """A hold as whoever decides sees it."""

    id: str
    registration: SubjectId
    account: SubjectId
    brought_by: PrincipalId
    kind: str
    state: HoldState
    doubts: tuple[Doubt, ...]
    """Empty once it is refused."""

    details: Details | None
    """Of the registration; None once it has ended."""

    placed_at: int
    decided_at: int | None
    entry: EntryId


_WHY = TypeAdapter(_Why)


def held(
    accounts: Accounts, by: Actor, subject: Subject, doubts: Sequence[Doubt], now: int
) -> Callable[[Connection], Sequence[Draft]]:
    """What placing a hold adds to the unit of work that makes the registration; nothing, where there is no doubt."""
    if not doubts:
        return lambda _connection: ()
    hold = new_id("hld", accounts.entropy)
    alike = tuple(sorted({one for doubt in doubts for one in doubt.alike}))
    said = RegistrationHeld(subject.id, hold, tuple(doubt.reason for doubt in doubts), alike)
    draft = accounts.draft(HELD, POLICY, by.principal, subject, said)
    why = seal(subject.key, _WHY.dump_json(_Why(tuple(doubts))), _bound(subject, hold), accounts.entropy)
    row: dict[str, object] = {
        "tenant_id": subject.tenant,
        "id": hold,
        "registration_id": subject.id,
        "state": HoldState.OPEN,
    }
    row |= {"placed_at": now, "decided_at": None, "sealed": why, "entry_id": draft.id}

    def place(connection: Connection) -> Sequence[Draft]:
        connection.execute(insert(HoldRow).values(row))
        return [draft]

    return place


@dataclass(frozen=True)
class RegistrationHolds:
    """The held registrations of every tenant. Safe to call from many threads."""

    accounts: Accounts

    def page(self, tenant: TenantId, *, decided: bool = False, after: str = "") -> list[RegistrationHold]:
        """PAGE of them at most, oldest first: those that wait, or those that somebody decided; `after` the id of one.

        Raises RegistrationHoldNotFoundError, KeyStoreUnavailableError, SealBrokenError.
        """
        wanted = HoldRow.state != HoldState.OPEN if decided else HoldRow.state == HoldState.OPEN
        order = (HoldRow.placed_at, HoldRow.id)
        rows = select(HoldRow.id).where(HoldRow.tenant_id == tenant, wanted).order_by(*order).limit(PAGE)
        with self.accounts.database.read(tenant) as connection:
            if after:
                last = _find(connection, tenant, after)
                later = and_(HoldRow.placed_at == last["placed_at"], HoldRow.id > last["id"])
                rows = rows.where(or_(HoldRow.placed_at > last["placed_at"], later))
            found = connection.execute(rows).scalars().all()
        return [self.find(tenant, one) for one in found]

    def find(self, tenant: TenantId, hold: str) -> RegistrationHold:
        """Raises RegistrationHoldNotFoundError, KeyStoreUnavailableError, SealBrokenError."""
        with self.accounts.database.read(tenant) as connection:
            row = _find(connection, tenant, hold)
            registration = find_row(connection, tenant, row["registration_id"])
        doubts: tuple[Doubt, ...] = ()
        details = None
        if row["sealed"] is not None and registration["sealed"] is not None:
            with suppress(SubjectErasedError):  # between the two
                subject = self.accounts.ledger.subjects.open(tenant, registration["id"])
                doubts = _WHY.validate_json(unseal(subject.key, row["sealed"], _bound(subject, hold))).doubts
                details = opened(subject, registration).details
        who = (registration["id"], registration["account_id"], registration["principal_id"], registration["kind"])
        when = (row["placed_at"], row["decided_at"], row["entry_id"])
        return RegistrationHold(hold, *who, HoldState(row["state"]), doubts, details, *when)

    def release(self, by: Actor, hold: str, reason: str) -> EntryId:
        """Let it protect. Raises RegistrationHoldNotFoundError, HoldDecidedError, KeyStoreUnavailableError."""
        held, ledger = self.find(by.tenant, hold), self.accounts.ledger
        try:
            subject = ledger.subjects.open(by.tenant, held.registration)
        except SubjectErasedError as error:  # refused; or withdrawn, while somebody looked at it
            raise HoldDecidedError(State.WITHDRAWN if held.state is HoldState.OPEN else held.state) from error
        said = RegistrationReleased(held.registration, hold, reason)
        draft = self.accounts.draft(RELEASED, POLICY, by.principal, subject, said)

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            self._decide(connection, by.tenant, hold, HoldState.RELEASED, draft.id)
            _require_held(connection, by.tenant, held.registration)
            become(connection, by.tenant, held.registration, state=State.ACTIVE)
            return [draft]

        ledger.record(work, by.tenant)
        return draft.id

    def refuse(self, by: Actor, hold: str, reason: str) -> EntryId:
        """End it, and destroy its key. Raises as `release`, and SubjectHeldError."""
        held, ledger = self.find(by.tenant, hold), self.accounts.ledger
        said = RegistrationRefused(held.registration, hold, reason)
        draft = self.accounts.draft(REFUSED, POLICY, by.principal, ledger.subjects.system(by.tenant), said)
        ending = Ending.of(self.accounts, by.tenant, held.registration, by.principal)

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            self._decide(connection, by.tenant, hold, HoldState.REFUSED, draft.id)
            _require_held(connection, by.tenant, held.registration)
            return [draft, *ending.end(connection, State.REFUSED)]

        ledger.record(work, by.tenant)
        ending.settled()
        return draft.id

    def _decide(self, connection: Connection, tenant: TenantId, hold: str, state: HoldState, entry: EntryId) -> None:
        before = _find(connection, tenant, hold)["state"]
        if before != HoldState.OPEN:
            raise HoldDecidedError(before)
        mine = (HoldRow.tenant_id == tenant, HoldRow.id == hold)
        decided = {"state": state, "decided_at": self.accounts.now(), "entry_id": entry}
        connection.execute(update(HoldRow).where(*mine).values(decided))


def _require_held(connection: Connection, tenant: TenantId, registration: SubjectId) -> None:
    state = find_row(connection, tenant, registration)["state"]
    if state != State.HELD:
        raise HoldDecidedError(state)


def _find(connection: Connection, tenant: TenantId, hold: str) -> RowMapping:
    mine = select(HoldRow.__table__).where(HoldRow.tenant_id == tenant, HoldRow.id == hold)
    row = connection.execute(mine).mappings().one_or_none() if may_be_stored(hold) else None
    if row is None:
        raise RegistrationHoldNotFoundError
    return row


def _bound(subject: Subject, hold: str) -> bytes:
    return f"registration/v1/{subject.tenant}/{subject.id}/hold/{hold}".encode()
