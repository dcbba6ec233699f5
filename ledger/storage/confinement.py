"""Proving from a compiled statement that it stays within one tenant.

Rules
- Each SELECT, UPDATE and DELETE proves for itself, nested ones too: for every tenant's table or alias it
  names there is a top-level AND conjunct `tenant_id = <bound value>`, or an equality of `tenant_id` with a
  table so proven. The ON of an outer join proves only its optional side; that of a full join proves
  nothing.
- An INSERT names `tenant_id` as a plain bound value of each row.
- Only known constructs are read. Text, literal columns, custom operators, upserts and whatever is new are
  refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from sqlalchemy import Select, Table
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Delete, Insert, Update, UpdateBase
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ClauseElement,
    ClauseList,
    ColumnClause,
    ColumnElement,
    TypeClause,
)
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import (
    CTE,
    Alias,
    CompoundSelect,
    FromClause,
    Join,
    SelectStatementGrouping,
    Subquery,
)

from ledger.errors import SessionRefusedError

COLUMN = "tenant_id"

_UNDERSTOOD = (
    *(Select, CompoundSelect, SelectStatementGrouping, Insert, Update, Delete),
    *(Table, Alias, Subquery, CTE, Join, FunctionElement),
    *(ColumnElement, ClauseList, TypeClause),
)
_TEXTS = ("_prefixes", "_suffixes", "_hints", "_statement_hints")
_Scope: TypeAlias = Select[*tuple[Any, ...]] | Update | Delete


@dataclass(frozen=True)
class Plan:
    """What a statement does to tenants' tables, worked out once per compilation."""

    target: Table | None
    """The table it changes, if any."""

    adds: bool = False
    """Whether it only adds rows to it."""

    tenant_parameters: dict[str, str] = field(default_factory=dict)
    """Names of the parameters that must equal the tenant, with the table each confines."""

    refusal: tuple[str, str] | None = None
    """The table that is not confined, and why."""


@dataclass(frozen=True)
class _Fact:
    """A condition that every row coming out of these leaves satisfies."""

    condition: ColumnElement[Any]
    leaves: frozenset[FromClause]


def plan(compiled: SQLCompiler) -> Plan:
    """Read a compiled statement. Raises SessionRefusedError for what cannot be read."""
    statement = compiled.statement
    elements = list(visitors.iterate(statement)) if statement is not None else []
    for element in elements:
        _check_understood(cast("ClauseElement", element))
        if isinstance(element, UpdateBase) and element is not statement:
            raise SessionRefusedError("a data-changing statement inside another is refused")
    target = statement.table if isinstance(statement, Insert | Update | Delete) else None
    if not (isinstance(target, Table) or target is None):
        raise SessionRefusedError(f"cannot tell which table {target!r} is")
    if isinstance(statement, Insert) and _is_tenants(statement.table):
        refusal = (statement.table.name, "insert plain rows, not a SELECT") if statement.select is not None else None
        confined = {COLUMN: statement.table.name}
    else:
        refusal, confined = _moves_rows(compiled), {}
    for scope in elements:
        if isinstance(scope, Select | Update | Delete):
            found, missing = _confine(scope, compiled)
            confined, refusal = confined | found, refusal or missing
    return Plan(target, isinstance(statement, Insert), confined, refusal)


def _check_understood(element: ClauseElement) -> None:
    literal = isinstance(element, ColumnClause) and element.is_literal
    custom = isinstance(getattr(element, "operator", None), operators.custom_op)
    # SQLAlchemy renders these texts but does not traverse them.
    texts = any(getattr(element, name, ()) for name in _TEXTS)
    if literal or custom or texts or not isinstance(element, _UNDERSTOOD):
        raise SessionRefusedError(f"{type(element).__name__} in a statement is refused: it cannot be checked")


def _moves_rows(compiled: SQLCompiler) -> tuple[str, str] | None:
    statement = compiled.statement
    if not isinstance(statement, Update):
        return None
    # No public name leads to the SET clause; the test of moved rows fails if this one goes.
    assigned: Mapping[Any, Any] = statement._values or {}  # noqa: SLF001
    names = {getattr(key, "name", key) for key in assigned} | set(compiled.column_keys or ())
    return (str(statement.table), "a row never changes its tenant") if COLUMN in names else None


def _confine(scope: _Scope, compiled: SQLCompiler) -> tuple[dict[str, str], tuple[str, str] | None]:
    """The parameters that confine this scope, and the first table that nothing confines."""
    leaves = frozenset(_leaves(scope))
    parameters: dict[str, str] = {}
    proven: set[FromClause] = set()
    pairs: list[tuple[FromClause, FromClause, frozenset[FromClause]]] = []
    for fact in _facts(scope, leaves):
        for left, right in _equalities(fact.condition):
            leaf, other = _tenant_column(left), _tenant_column(right)
            if leaf is not None and other is not None:
                pairs += [(leaf, other, fact.leaves), (other, leaf, fact.leaves)]
            elif leaf is not None and leaf in fact.leaves and _is_bound(right, compiled):
                parameters[compiled.bind_names[cast("BindParameter[Any]", right)]] = _name(leaf)
                proven.add(leaf)
    while gained := {to for source, to, bounds in pairs if source in proven and to in bounds} - proven:
        proven |= gained
    loose = sorted(_name(leaf) for leaf in leaves - proven if _is_tenants(_origin(leaf)))
    return parameters, (loose[0], "no predicate confines it to the session's tenant") if loose else None


def _facts(scope: _Scope, leaves: frozenset[FromClause]) -> Iterator[_Fact]:
    if scope.whereclause is not None:
        yield _Fact(scope.whereclause, leaves)
    for source in scope.get_final_froms() if isinstance(scope, Select) else ():
        yield from _join_facts(source)


def _join_facts(source: FromClause) -> Iterator[_Fact]:
    if not isinstance(source, Join):
        return
    if not source.full and source.onclause is not None:
        bounds = source.right if source.isouter else source
        yield _Fact(source.onclause, frozenset(_flatten(bounds)))
    yield from _join_facts(source.left)
    yield from _join_facts(source.right)


def _equalities(condition: ClauseElement) -> Iterator[tuple[ClauseElement, ClauseElement]]:
    """Both readings of each top-level `a = b`."""
    if isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for clause in condition.clauses:
            yield from _equalities(clause)
    elif isinstance(condition, BinaryExpression) and condition.operator is operators.eq:
        yield condition.left, condition.right
        yield condition.right, condition.left


def _is_bound(element: ClauseElement, compiled: SQLCompiler) -> bool:
    return isinstance(element, BindParameter) and element in compiled.bind_names


def _tenant_column(element: ClauseElement) -> FromClause | None:
    is_column = isinstance(element, ColumnClause) and element.name == COLUMN
    return cast("ColumnClause[object]", element).table if is_column else None


def _leaves(scope: _Scope) -> Iterator[FromClause]:
    """Every table, alias or subquery that this scope itself names, in FROM or through a column."""
    waiting: list[ClauseElement] = [*scope.get_children()]
    while waiting:
        element = waiting.pop()
        if isinstance(element, ColumnClause) and element.table is not None:
            yield element.table
        elif isinstance(element, FromClause) and not isinstance(element, FunctionElement):
            yield from _flatten(element)
        elif not isinstance(element, Select | CompoundSelect):
            waiting += cast("list[ClauseElement]", [*element.get_children()])


def _flatten(source: FromClause) -> Iterator[FromClause]:
    if isinstance(source, Join):
        yield from _flatten(source.left)
        yield from _flatten(source.right)
    else:
        yield source


def _origin(leaf: FromClause) -> FromClause:
    """The table behind an alias. A subquery or CTE is its own origin: its SELECT proves for itself."""
    while isinstance(leaf, Alias):
        leaf = cast("FromClause", leaf.element)
    return leaf


def _is_tenants(source: object) -> bool:
    return isinstance(source, Table) and bool(source.info.get("tenant"))


def _name(leaf: FromClause) -> str:
    return str(getattr(_origin(leaf), "name", leaf))
