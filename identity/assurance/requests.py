"""Evidence that was asked for and has not come yet: begun, completed once, or ended.

Rules
- Beginning is an entry, durable before anything leaves the house: a message, a visit to another service.
- What completes it (the HMAC of a code, a nonce, a verifier) is sealed under the account's key.
- A wrong attempt is counted in the same unit of work that compares, so that no number of callers at once has more
  attempts than one.
- How much is begun is bounded, for each account and each address or number that messages go to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from identity.assurance.account import Accounts, Actor, require_account
from identity.assurance.decisions import DECLINED, REQUESTED, AssuranceDeclined, AssuranceRequested
from identity.assurance.errors import (
    AssuranceError,
    EvidenceUnaskedError,
    RequestEndedError,
    TooManyRequestsError,
    WrongCodeError,
)
from identity.assurance.policy import Policy
from identity.assurance.tables import RequestRow, StatedRow
from identity.assurance.tier import EvidenceKind
from keys.sealing import seal, unseal
from ledger.entry import format_time
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, SubjectId, TenantId, may_be_stored, new_id
from ledger.payload import Draft
from ledger.storage.tenancy import SystemSession

WINDOW: Final = timedelta(hours=1)
MAX_PER_ACCOUNT: Final = 20
"""Begun in a window."""

MAX_PER_TARGET: Final = 5
"""Messages to one address or number in a window, from all accounts of a tenant."""

MAX_ATTEMPTS: Final = 5

_MILLISECOND: Final = timedelta(milliseconds=1)


class State(StrEnum):
    """Of a request."""

    OPEN = "open"
    SPENT = "spent"
    FAILED = "failed"
    """Too many wrong attempts."""

    DECLINED = "declined"


@dataclass(frozen=True)
class Wanted:
    """What is sealed of a request: what was asked for, and what completes it."""

    kind: EvidenceKind
    region: str
    provider: str = ""
    mark: str | None = None
    code: str = field(default="", repr=False)
    """HMAC of the code, hex."""

    nonce: str = field(default="", repr=False)
    verifier: str = field(default="", repr=False)


@dataclass(frozen=True)
class Request:
    """A request, opened."""

    id: str
    account: Subject
    wanted: Wanted
    expires_at: int
    entry: EntryId | None = None
    """Where it was just begun."""


_WANTED = TypeAdapter(Wanted)


@dataclass(frozen=True)
class Requests:
    """What was begun, for every adapter. Safe to call from many threads."""

    accounts: Accounts
    policy: Policy

    def begin(
        self, by: Actor, account: Subject, wanted: Wanted, lasts: timedelta, name: str = "", target: str | None = None
    ) -> Request:
        """Record that evidence is asked for. `name` is a fresh id where the caller needed it before.

        Raises EvidenceUnknownError, TooManyRequestsError, AccountNotFoundError.
        """
        self.policy.rule(wanted.kind, wanted.region)
        request, now = name or self.new_id(), self.accounts.now()
        expires = now + lasts // _MILLISECOND
        said = AssuranceRequested(
            account.id, request, wanted.kind, wanted.region, wanted.provider, format_time(expires)
        )
        draft = self.accounts.draft(REQUESTED, self.policy.name, by.principal, account, said)
        row = {
            "tenant_id": account.tenant,
            "id": request,
            "account_id": account.id,
            "target": target,
            "state": State.OPEN,
            "attempts": 0,
            "begun_at": now,
            "expires_at": expires,
            "sealed": seal(account.key, _WANTED.dump_json(wanted), _bound(account, request), self.accounts.entropy),
        }

        def work(connection: Connection) -> Sequence[Draft]:
            by.alive(connection)
            require_account(connection, account.tenant, account.id)
            _check_rate(connection, account.tenant, RequestRow.account_id == account.id, MAX_PER_ACCOUNT, now)
            if target is not None:
                _check_rate(connection, account.tenant, RequestRow.target == target, MAX_PER_TARGET, now)
            connection.execute(insert(RequestRow).values(row))
            return [draft]

        self.accounts.ledger.record(work, account.tenant)
        return Request(request, account, wanted, expires, draft.id)

    def new_id(self) -> str:
        """A fresh random id."""
        return new_id("arq", self.accounts.entropy)

    def find(self, tenant: TenantId, account: SubjectId, request: str, *kinds: EvidenceKind) -> Request:
        """A request of this account for one of these kinds of evidence, whatever its state.

        Raises AccountNotFoundError, EvidenceUnaskedError.
        """
        subject = self.accounts.subject(tenant, account)
        columns = select(RequestRow.sealed, RequestRow.expires_at)
        mine = (RequestRow.tenant_id == tenant, RequestRow.id == request, RequestRow.account_id == account)
        with self.accounts.database.read(tenant) as connection:
            row = connection.execute(columns.where(*mine)).one_or_none() if may_be_stored(request) else None
        if row is None:
            raise EvidenceUnaskedError
        wanted = _WANTED.validate_json(unseal(subject.key, row.sealed, _bound(subject, request)))
        if wanted.kind not in kinds:
            raise EvidenceUnaskedError
        return Request(request, subject, wanted, row.expires_at)

    def locate(self, request: str) -> tuple[TenantId, SubjectId]:
        """Whose a request is, for who knows its id and was authenticated otherwise. Raises EvidenceUnaskedError."""
        whose = select(RequestRow.tenant_id, RequestRow.account_id).where(RequestRow.id == request)
        with self.accounts.database.read(SystemSession.AUTHENTICATION) as connection:
            row = connection.execute(whose).one_or_none() if may_be_stored(request) else None
        if row is None:
            raise EvidenceUnaskedError
        return row.tenant_id, row.account_id

    def require_open(self, request: Request) -> None:
        """Raises RequestEndedError."""
        with self.accounts.database.read(request.account.tenant) as connection:
            _attempts(connection, request, self.accounts.now())

    def complete(self, connection: Connection, request: Request, state: State = State.SPENT) -> None:
        """End an open request in a unit of work. Raises RequestEndedError, whose reason is how it ended before."""
        attempts = _attempts(connection, request, self.accounts.now())
        _change(connection, request, state, attempts)

    def attempt(self, connection: Connection, request: Request, *, good: bool) -> AssuranceError | None:
        """Spend an open request, or count a wrong attempt, of which the error is returned. Raises RequestEndedError."""
        attempts = _attempts(connection, request, self.accounts.now()) + 1
        left = MAX_ATTEMPTS - attempts
        _change(connection, request, State.SPENT if good else State.OPEN if left > 0 else State.FAILED, attempts)
        return None if good else WrongCodeError(left)

    def decline(self, by: Actor, request: Request) -> EntryId:
        """Record that whoever was asked finds nothing good. Raises RequestEndedError, AccountNotFoundError."""
        account, wanted = request.account, request.wanted
        said = AssuranceDeclined(account.id, request.id, wanted.kind, wanted.provider)
        draft = self.accounts.draft(DECLINED, self.policy.name, by.principal, account, said)

        def work(connection: Connection) -> Sequence[Draft]:
            require_account(connection, account.tenant, account.id)
            self.complete(connection, request, State.DECLINED)
            return [draft]

        self.accounts.ledger.record(work, account.tenant)
        return draft.id


def forget_asked(connection: Connection, now: int) -> None:
    """Drop requests that neither complete anything nor count any more, and credentials that ended; bookkeeping."""
    window = now - WINDOW // _MILLISECOND
    connection.execute(delete(RequestRow).where(RequestRow.begun_at <= window, RequestRow.expires_at <= now))
    connection.execute(delete(StatedRow).where(StatedRow.expires_at <= now))


def _change(connection: Connection, request: Request, state: State, attempts: int) -> None:
    mine = (RequestRow.tenant_id == request.account.tenant, RequestRow.id == request.id)
    connection.execute(update(RequestRow).where(*mine).values(state=state, attempts=attempts))


def _attempts(connection: Connection, request: Request, now: int) -> int:
    """Made so far. Raises RequestEndedError unless it is open."""
    columns = select(RequestRow.state, RequestRow.attempts, RequestRow.expires_at)
    mine = (RequestRow.tenant_id == request.account.tenant, RequestRow.id == request.id)
    row = connection.execute(columns.where(*mine)).one_or_none()
    if row is None or row.expires_at <= now:
        raise RequestEndedError("expired")
    if row.state != State.OPEN:
        raise RequestEndedError(row.state)
    attempts: int = row.attempts
    return attempts


def _check_rate(connection: Connection, tenant: TenantId, whose: ColumnElement[bool], most: int, now: int) -> None:
    window = WINDOW // _MILLISECOND
    recent = (RequestRow.tenant_id == tenant, whose, RequestRow.begun_at > now - window)
    newest = select(RequestRow.begun_at).where(*recent).order_by(RequestRow.begun_at.desc()).limit(most)
    begun = connection.execute(newest).scalars().all()
    if len(begun) >= most:
        raise TooManyRequestsError((begun[-1] + window - now) // 1000 + 1)


def _bound(account: Subject, request: str) -> bytes:
    return f"assurance/v1/{account.tenant}/{account.id}/request/{request}".encode()
