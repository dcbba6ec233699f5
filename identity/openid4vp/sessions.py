"""The requests that wallets are sent, while they wait and for minutes after: rows that say nothing to who reads them.

Rules
- What a session holds is sealed under a key of its own: until the answer what was asked and how, afterwards the verdict
  and nothing else. Both are deleted minutes later, the key with them, and copies die as any erased one does.
- One answer: of two that come at once one is taken.
- They are bookkeeping, without an entry in the ledger: a verdict decides nothing here (docs/adr/0018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, Index, delete, insert, select, tuple_, update
from sqlalchemy.orm import Mapped, mapped_column

from identity.errors import RequestNotFoundError
from identity.openid4vp.session import Answered, Asked, Session
from keys.clock import Clock, Entropy
from keys.sealing import derive, seal, unseal
from ledger.errors import EpochClosedError, SubjectErasedError
from ledger.forgetting.subjects import Subject, Subjects
from ledger.ids import PrincipalId, SubjectId, TenantId, may_be_stored, milliseconds, new_id
from ledger.storage.database import Database
from ledger.storage.tables import BOOKKEEPING, TENANT, Base, SubjectKey
from ledger.storage.tenancy import SystemSession

WAITS: Final = timedelta(minutes=10)
"""For an answer: time to find the phone, and to think about it."""

KEPT: Final = timedelta(minutes=5)
"""A verdict, for whoever asked."""

ATTEMPTS: Final = 3
"""At wrapping a key under an epoch that ends meanwhile."""


class WalletRequest(Base):
    """A request to a wallet. Its id is its subject's, too."""

    __tablename__ = "wallet_request"
    __table_args__ = (
        Index(None, "id", unique=True),
        Index(None, "expires_at"),
        {"info": TENANT | BOOKKEEPING},
    )
    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    principal_id: Mapped[PrincipalId]
    answered: Mapped[bool]
    sealed: Mapped[bytes]
    expires_at: Mapped[int]


_READER: Final[TypeAdapter[Asked | Answered]] = TypeAdapter(Asked | Answered)


def new_session_id(entropy: Entropy) -> str:
    """Of a session that is about to begin."""
    return new_id("wrq", entropy)


@dataclass(frozen=True)
class Sessions:
    """The sessions of every tenant. Safe to call from many threads."""

    database: Database
    subjects: Subjects
    clock: Clock
    entropy: Entropy

    def begin(self, tenant: TenantId, principal: PrincipalId, session: str, asked: Asked) -> Session:
        """Let it wait. Raises KeyStoreUnavailableError, DatabaseUnavailableError."""
        subject = self.subjects.create(tenant, SubjectId(session))
        begun = Session(tenant, session, self._in(WAITS), asked)
        row = {
            "tenant_id": tenant,
            "id": session,
            "principal_id": principal,
            "answered": False,
            "sealed": self._seal(subject, asked),
            "expires_at": begun.expires_at,
        }
        for _ in range(ATTEMPTS):
            try:
                self.database.write(_inserting(self.subjects, subject, row))
            except EpochClosedError:
                subject = self.subjects.rewrap(subject)
            else:
                return begun
        raise EpochClosedError("epochs end faster than a session can be wrapped")

    def find(self, session: str) -> Session:
        """By its id alone, as wallets know it. Raises RequestNotFoundError, KeyStoreUnavailableError."""
        _check_id(session)
        with self.database.read(SystemSession.PRESENTATION) as connection:
            row = connection.execute(
                select(WalletRequest.tenant_id, WalletRequest.expires_at, WalletRequest.sealed).where(
                    WalletRequest.id == session, WalletRequest.expires_at > self._now()
                )
            ).one_or_none()
        if row is None:
            raise _not_found()
        subject = self._subject(row.tenant_id, session)
        state = _READER.validate_json(unseal(_key(subject), row.sealed, _associated(subject)))
        return Session(row.tenant_id, session, row.expires_at, state)

    def answered(self, tenant: TenantId, principal: PrincipalId, session: str) -> bool:
        """Whether there is a verdict, for who asked. Raises RequestNotFoundError."""
        _check_id(session)
        with self.database.read(tenant) as connection:
            answered = connection.execute(
                select(WalletRequest.answered).where(
                    WalletRequest.tenant_id == tenant,
                    WalletRequest.id == session,
                    WalletRequest.principal_id == principal,
                    WalletRequest.expires_at > self._now(),
                )
            ).scalar()
        if answered is None:
            raise _not_found()
        return answered

    def conclude(self, session: Session, answered: Answered) -> None:
        """Keep the verdict in place of what was asked. Raises RequestNotFoundError where another answer was quicker."""
        sealed = self._seal(self._subject(session.tenant, session.id), answered)
        waiting = (
            WalletRequest.tenant_id == session.tenant,
            WalletRequest.id == session.id,
            WalletRequest.answered.is_(False),
            WalletRequest.expires_at > self._now(),
        )
        kept = {"answered": True, "sealed": sealed, "expires_at": self._in(KEPT)}

        def work(connection: Connection) -> int:
            return connection.execute(update(WalletRequest).where(*waiting).values(kept)).rowcount

        if not self.database.write(work):
            raise _not_found()

    def _subject(self, tenant: TenantId, session: str) -> Subject:
        """Whose key the session is sealed under. Raises RequestNotFoundError."""
        try:
            return self.subjects.open(tenant, SubjectId(session))
        except SubjectErasedError as error:
            raise _not_found() from error

    def _seal(self, subject: Subject, state: Asked | Answered) -> bytes:
        return seal(_key(subject), _READER.dump_json(state), _associated(subject), self.entropy)

    def _now(self) -> int:
        return milliseconds(self.clock())

    def _in(self, span: timedelta) -> int:
        return milliseconds(self.clock() + span)


def forget_requests(connection: Connection, now: int) -> None:
    """Drop what is over, and its keys; bookkeeping."""
    over = WalletRequest.expires_at <= now
    gone = select(WalletRequest.tenant_id, WalletRequest.id).where(over)
    connection.execute(delete(SubjectKey).where(tuple_(SubjectKey.tenant_id, SubjectKey.id).in_(gone)))
    connection.execute(delete(WalletRequest).where(over))


def _inserting(subjects: Subjects, subject: Subject, row: dict[str, object]) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        subjects.insert(connection, subject)
        connection.execute(insert(WalletRequest).values(row))

    return work


def _check_id(session: str) -> None:
    if not may_be_stored(session):
        raise _not_found()


def _not_found() -> RequestNotFoundError:
    return RequestNotFoundError("there is no such request, or it is over: begin another")


def _key(subject: Subject) -> bytes:
    return derive(subject.key, "wallet-request/v1")


def _associated(subject: Subject) -> bytes:
    return f"wallet-request/v1\0{subject.tenant}\0{subject.id}".encode()
