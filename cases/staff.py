"""Staff: people who act for a tenant in a browser, each by a role that somebody gave them.

Rules
- A role is a set of scopes, as an API key has; nobody gives one that has more than they hold themselves.
- It is given by a link, good once and for a day, to whoever comes with it: an account (`identity.passkeys`), which has
  one role at most. The link's secret is kept as its SHA-256.
- A link is as good as whoever made it: once they are removed, or their last key is revoked, nobody joins by it.
- Who signs in is the account's affair; what they may do is looked up at each request, so removing takes effect at once,
  and in each unit of work again.
- Invitations, joining, signing in and removing are entries. They hold random ids, and no name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from cases.access import NO_TOOL, Caller, keyless, principal_row, require_alive
from cases.decisions import (
    STAFF_INVITED,
    STAFF_JOINED,
    STAFF_POLICY,
    STAFF_REMOVED,
    STAFF_SIGNED_IN,
    StaffInvited,
    StaffJoined,
    StaffRemoved,
    StaffSignedIn,
)
from cases.errors import (
    GrantTooWideError,
    InvitationGoneError,
    StaffAlreadyError,
    StaffNotFoundError,
    StaffRemovedError,
)
from cases.staff_member import ROLES, Invitation, Role, StaffId, StaffMember, StaffRow, member_of, staff_row
from keys.clock import Clock, Entropy
from ledger.ids import EntryId, PrincipalId, SubjectId, TenantId, milliseconds, new_id
from ledger.log import Ledger
from ledger.payload import Draft, Kind
from ledger.storage.database import Database
from ledger.storage.tables import Principal, PrincipalKind
from ledger.storage.tenancy import SystemSession
from provenance.request import Grant

INVITED_FOR: Final = timedelta(days=1)
_SECRET_BYTES: Final = 32

_OF: Final = select(StaffRow.__table__).where(StaffRow.account_id == bindparam("account"))
_INVITED: Final = select(StaffRow.__table__).where(StaffRow.digest == bindparam("digest"))


@dataclass(frozen=True)
class Staff:
    """The staff of every tenant. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    clock: Clock
    entropy: Entropy
    sign_out: Callable[[SubjectId], None]
    """Ends every session of an account."""

    def invite(self, by: Caller, role: Role) -> Invitation:
        """A link to that role in the caller's tenant. Raises GrantTooWideError, KeyStoreUnavailableError."""
        if wider := ROLES[role] - by.scopes:
            raise GrantTooWideError(sorted(wider))
        now, secret = self._now(), self.entropy(_SECRET_BYTES).hex()
        staff, who = StaffId(new_id("stf", self.entropy)), PrincipalId(new_id("prn", self.entropy))
        ends = milliseconds(self.clock() + INVITED_FOR)
        member = StaffMember(by.tenant, staff, who, role, now, ends, None)
        draft = self._draft(by.tenant, by.principal, STAFF_INVITED, StaffInvited(staff, who, role))

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            connection.execute(insert(Principal).values(principal_row(by.tenant, who, now, PrincipalKind.PERSON)))
            connection.execute(insert(StaffRow).values(staff_row(member, by.principal, _digest(secret))))
            return [draft]

        self.ledger.record(work, by.tenant)
        return Invitation(member, secret, draft.id)

    def invited(self, secret: str) -> StaffMember:
        """The invitation behind a link. Raises InvitationGoneError."""
        row = self.database.look(SystemSession.AUTHENTICATION, _INVITED, {"digest": _digest(secret)})
        if row is None or row["expires_at"] <= self._now():
            raise InvitationGoneError
        with self.database.read(row["tenant_id"]) as connection:
            _require_inviter(connection, row["tenant_id"], row["id"])
        return member_of(row)

    def join(self, secret: str, account: SubjectId) -> EntryId:
        """Give the role to this account. Raises InvitationGoneError, StaffAlreadyError."""
        invited = self.invited(secret)
        if self.of(account) is not None:
            raise StaffAlreadyError
        tenant, now = invited.tenant, self._now()
        draft = self._draft(tenant, invited.principal, STAFF_JOINED, StaffJoined(invited.id, invited.principal))
        mine = (StaffRow.tenant_id == tenant, StaffRow.id == invited.id, StaffRow.digest == _digest(secret))
        joined = update(StaffRow).where(*mine).values(account_id=account, joined_at=now, digest=None)

        def work(connection: Connection) -> Sequence[Draft]:
            _require_inviter(connection, tenant, invited.id)
            if not connection.execute(joined).rowcount:
                raise InvitationGoneError
            return [draft]

        try:
            self.ledger.record(work, tenant)
        except IntegrityError as error:  # another invitation, of whichever tenant, was faster
            raise StaffAlreadyError from error
        return draft.id

    def of(self, account: SubjectId) -> Caller | None:
        """Whoever is signed in to this account, as one of the staff; None for who is not."""
        row = self.database.look(SystemSession.AUTHENTICATION, _OF, {"account": account})
        return _caller(member_of(row), account) if row is not None else None

    def signed_in(self, account: SubjectId, way: str) -> None:
        """Record that somebody of the staff signed in, before they are given the session; nothing for others.

        The service says so, not they: who reads the log learns that somebody works, and not who works when.
        """
        row = self.database.look(SystemSession.AUTHENTICATION, _OF, {"account": account})
        if row is None:
            return
        member = member_of(row)
        said = StaffSignedIn(member.id, member.principal, way)
        actor = self.ledger.system_principal(member.tenant)
        draft = self._draft(member.tenant, actor, STAFF_SIGNED_IN, said)

        def work(connection: Connection) -> Sequence[Draft]:
            _require_standing(connection, member.tenant, member.id)
            return [draft]

        self.ledger.record(work, member.tenant)

    def all(self, by: Caller) -> list[StaffMember]:
        """The tenant's, and the invitations that nobody came with, oldest first."""
        mine = select(StaffRow.__table__).where(StaffRow.tenant_id == by.tenant)
        with self.database.read(by.tenant) as connection:
            rows = connection.execute(mine.order_by(StaffRow.invited_at, StaffRow.id)).mappings().all()
        return [member_of(row) for row in rows]

    def remove(self, by: Caller, staff: StaffId) -> EntryId:
        """Take the role back, or the invitation, and end every session of whoever had it. Raises StaffNotFoundError."""
        mine = (StaffRow.tenant_id == by.tenant, StaffRow.id == staff)
        with self.database.read(by.tenant) as connection:
            row = connection.execute(select(StaffRow.__table__).where(*mine)).mappings().one_or_none()
        if row is None:
            raise StaffNotFoundError
        draft = self._draft(by.tenant, by.principal, STAFF_REMOVED, StaffRemoved(staff, row["principal_id"]))
        held: list[SubjectId | None] = []

        def work(connection: Connection) -> Sequence[Draft]:
            require_alive(connection, by)
            held[:] = connection.execute(select(StaffRow.account_id).where(*mine)).scalars().all()
            if not connection.execute(delete(StaffRow).where(*mine)).rowcount:
                raise StaffNotFoundError
            return [draft]

        self.ledger.record(work, by.tenant)
        for account in filter(None, held):
            self.sign_out(account)
        return draft.id

    def _draft(self, tenant: TenantId, who: PrincipalId, kind: Kind, payload: object) -> Draft:
        return self.ledger.draft(kind.name, STAFF_POLICY, who, self.ledger.subjects.system(tenant), payload)

    def _now(self) -> int:
        return milliseconds(self.clock())


def _require_standing(connection: Connection, tenant: TenantId, staff: StaffId) -> None:
    """Inside a unit of work: who was removed meanwhile changes nothing. Raises StaffRemovedError."""
    mine = (StaffRow.tenant_id == tenant, StaffRow.id == staff, StaffRow.joined_at.is_not(None))
    if connection.execute(select(StaffRow.id).where(*mine)).scalar() is None:
        raise StaffRemovedError


def _require_inviter(connection: Connection, tenant: TenantId, staff: StaffId) -> None:
    """Raises InvitationGoneError where whoever invited could not, any more."""
    theirs = and_(Principal.tenant_id == StaffRow.tenant_id, Principal.id == StaffRow.invited_by)
    asked = select(Principal.id, Principal.kind).join(StaffRow, theirs)
    inviter = connection.execute(asked.where(StaffRow.tenant_id == tenant, StaffRow.id == staff)).one_or_none()
    if inviter is None:
        return
    joined = select(StaffRow.id).where(StaffRow.tenant_id == tenant, StaffRow.principal_id == inviter.id)
    removed = inviter.kind == PrincipalKind.PERSON and connection.execute(joined).scalar() is None
    if removed or keyless(connection, tenant, inviter.id):
        raise InvitationGoneError


def _caller(member: StaffMember, account: SubjectId) -> Caller:
    """They speak for no tool."""
    grant, standing = Grant(NO_TOOL, frozenset()), partial(_require_standing, tenant=member.tenant, staff=member.id)
    return Caller(member.tenant, member.principal, ROLES[member.role], grant, standing=standing, behind=account)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
