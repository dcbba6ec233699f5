"""Invariant 11: an engine hook refuses every statement that could reach past its session's tenant.

Rules
- Every connection is bound to a tenant or to a named system session; an unbound one runs nothing.
- On a tenant's connection each SELECT, UPDATE and DELETE, however deeply nested, is confined for each
  tenant's table it names (`ledger.confinement` proves it); inserted rows carry the tenant; `tenant_id` is
  never updated.
- A session changes only what its access allows. Raw SQL and whatever the hook cannot read is refused, not
  guessed.
- A proof is worked out once per compiled statement; only the bound values are compared at each execution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExecutionContext
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.sql.compiler import SQLCompiler

from ledger.errors import SessionRefusedError, TenantPredicateMissingError
from ledger.ids import TenantId
from ledger.storage.confinement import Plan, plan

_OPTION = "ledger_binding"


class SystemSession(StrEnum):
    """Who may look across tenants, by name."""

    SETUP = "setup"
    AUTHENTICATION = "authentication"
    SEQUENCER = "sequencer"
    INTEGRATION = "integration"
    BOOKKEEPING = "bookkeeping"
    REWRAPPING = "rewrapping"
    PRESENTATION = "presentation"
    SWEEP = "sweep"
    VERIFICATION = "verification"
    REVOCATION = "revocation"
    TRUST = "trust"
    MATCHING = "matching"
    FSCK = "fsck"


class Access(StrEnum):
    """What a session may change."""

    READ = "read"
    LOOK = "look"
    """One statement that reads, which is a snapshot by itself: where that can be, no transaction begins for it."""

    WORK = "work"
    """A tenant's own rows."""

    BOOKKEEPING = "bookkeeping"
    """Tables with `info["bookkeeping"]`."""

    FULL = "full"
    """Everything, raw SQL too: the sequencer's own inserts and migrations."""


@dataclass(frozen=True)
class Binding:
    """Whom a connection acts for, and what it may change."""

    session: TenantId | SystemSession
    access: Access

    def bind(self, connection: Connection) -> Connection:
        """Bind the connection, in place."""
        return connection.execution_options(**{_OPTION: self})


def binding(connection: Connection) -> Binding:
    """Whom this connection acts for. Raises SessionRefusedError when it is nobody."""
    found = connection.get_execution_options().get(_OPTION)
    if not isinstance(found, Binding):
        raise SessionRefusedError("the connection is bound to nobody: use Database.read or Database.write")
    return found


def guard(engine: Engine) -> None:
    """Install the hook on every connection of the engine."""
    event.listen(engine, "before_cursor_execute", _before_cursor_execute)


_plans: WeakKeyDictionary[SQLCompiler, Plan] = WeakKeyDictionary()


def _before_cursor_execute(
    connection: Connection,
    _cursor: object,
    statement: str,
    _parameters: object,
    context: ExecutionContext,
    _executemany: bool,
) -> None:
    bound = binding(connection)
    if bound.access is Access.FULL:
        return
    assert isinstance(context, DefaultExecutionContext)
    compiled = context.compiled
    if not isinstance(compiled, SQLCompiler):
        raise SessionRefusedError(f"raw SQL and DDL are refused on {bound.session!r}: {statement[:60]!r}")
    found = _plans.get(compiled)
    if found is None:
        found = _plans[compiled] = plan(compiled)
    _check_write(bound, found)
    if not isinstance(bound.session, SystemSession):
        _check_tenant(bound.session, found, context.compiled_parameters)


def _check_write(bound: Binding, found: Plan) -> None:
    allowed = {Access.WORK: "tenant", Access.BOOKKEEPING: "bookkeeping"}.get(bound.access)
    if found.target is not None and not (allowed and found.target.info.get(allowed)):
        raise SessionRefusedError(f"{bound.access} access of {bound.session!r} may not change {found.target.name!r}")
    if found.target is not None and found.target.info.get("appended") and not found.adds:
        raise SessionRefusedError(f"rows of {found.target.name!r} are added, and never changed")


def _check_tenant(tenant: TenantId, found: Plan, executions: Iterable[Mapping[str, Any]]) -> None:
    if found.refusal is not None:
        raise TenantPredicateMissingError(*found.refusal)
    for parameters in executions:
        for name, table in found.tenant_parameters.items():
            if parameters.get(name) != tenant:
                raise TenantPredicateMissingError(table, "its tenant_id is not the session's tenant")
