"""Issuing credentials, for whoever may: what `identity.issuing` does, in the name of a caller.

Rules
- A key that was revoked while its request was under way issues nothing.
- With an Idempotency-Key the same request made twice makes one credential. We keep none: the second time it is signed
  anew, with its id, dates and place in the status list, and with an entry of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from cases.access import Caller, require_alive
from cases.idempotency import IdempotencyKey
from identity.issuing.issue import Issued, Issuing
from identity.issuing.issued import CredentialId
from identity.issuing.orders import Order
from keys.clock import Clock
from ledger.ids import milliseconds
from ledger.log import Ledger
from ledger.storage.database import Database


@dataclass(frozen=True)
class IssueRequest:
    """What a caller asks for, once."""

    order: Order
    idempotency_key: str = ""
    body: bytes = b""
    """What identifies the request."""


class _AlreadyIssuedError(Exception):
    """The Idempotency-Key made a credential before."""

    def __init__(self, credential: CredentialId) -> None:
        self.credential = credential


@dataclass(frozen=True)
class Credentials:
    """Credentials for every tenant's callers. Safe to call from many threads."""

    issuing: Issuing
    ledger: Ledger
    database: Database
    clock: Clock

    def issue(self, by: Caller, request: IssueRequest) -> Issued:
        """One credential. Raises UnknownKeyError, IdempotencyConflictError, and as `Issuing.issue`."""
        spent = self._spent(by, request)
        now = milliseconds(self.clock())

        def require_new(connection: Connection) -> None:
            made = spent.winner(connection, now) if spent else None
            if made is not None:
                raise _AlreadyIssuedError(CredentialId(made))

        def within(connection: Connection, made: Sequence[CredentialId]) -> None:
            require_alive(connection, by)
            require_new(connection)
            if spent:
                spent.spend(connection, made[0], now)

        try:
            if spent:
                with self.database.read(by.tenant) as connection:
                    require_new(connection)
            return self.issuing.issue(by.tenant, by.principal, [request.order], within)[0]
        except _AlreadyIssuedError as found:
            return self.issuing.again(
                by.tenant, by.principal, request.order, found.credential, partial(require_alive, caller=by)
            )

    def _spent(self, by: Caller, request: IssueRequest) -> IdempotencyKey | None:
        if not request.idempotency_key:
            return None
        system = self.ledger.subjects.system(by.tenant)
        return IdempotencyKey.of(system, by.principal, request.idempotency_key, b"credential\0" + request.body)
