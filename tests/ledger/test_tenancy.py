"""Attacks on invariant 11. Every refused statement here would have read or changed another tenant's rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Executable,
    MetaData,
    String,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    not_,
    or_,
    select,
    table,
    text,
    true,
    union,
    update,
)
from sqlalchemy import column as bare_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from ledger.errors import SessionRefusedError, TenantPredicateMissingError
from ledger.ids import TenantId
from ledger.storage.database import Database
from ledger.storage.tables import Base, Entry, Epoch, Principal, PrincipalKind, Tenant, Tile
from ledger.storage.tenancy import Access, Binding, SystemSession
from tests.databases import KIND, SQLITE, url_of
from tests.ledger.world import FULL

MINE, THEIRS = TenantId("tnt_mine"), TenantId("tnt_theirs")
_metadata = MetaData()
A = Table("a", _metadata, Column("tenant_id", String), Column("x", String), info={"tenant": True})
B = Table("b", _metadata, Column("tenant_id", String), Column("x", String), info={"tenant": True})
PUBLIC = Table("public", _metadata, Column("x", String))
C = Table("c", _metadata, Column("tenant_id", String), Column("x", String), info={"tenant": True})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(url_of(tmp_path / "tenants.db"))
    with opened.writing(FULL) as connection:
        _metadata.create_all(connection)
        Base.metadata.create_all(connection)
        for tenant in (MINE, THEIRS):
            for each in (A, B, C):
                connection.execute(insert(each), {"tenant_id": tenant, "x": f"{each.name} of {tenant}"})
            tenant_row = {"name": tenant, "system_subject": "s", "system_principal": "p", "created_at": 1}
            connection.execute(insert(Tenant), tenant_row | {"tenant_id": tenant})
            person = {"tenant_id": tenant, "id": "prn", "kind": PrincipalKind.PERSON, "created_at": 1}
            connection.execute(insert(Principal), person)
    yield opened
    opened.close()


@pytest.fixture
def mine(database: Database) -> Iterator[Connection]:
    with database.writing(Binding(MINE, Access.WORK)) as connection:
        yield connection


def confined(each: Table = A, tenant: str = MINE) -> Any:
    return each.c.tenant_id == tenant


ALIAS = A.alias("other_a")
SUBQUERY = select(A).subquery()
CTE = select(A.c.x).cte("everyone")

DIALECT = sqlite if KIND == SQLITE else postgresql

REFUSED: dict[str, Executable] = {
    "no predicate": select(A),
    "another tenant": select(A).where(confined(tenant=THEIRS)),
    "or": select(A).where(or_(confined(), true())),
    "or inside and": select(A).where(and_(A.c.x == "1", or_(confined(), A.c.x != ""))),
    "not": select(A).where(not_(confined())),
    "not equal": select(A).where(A.c.tenant_id != MINE),
    "in": select(A).where(A.c.tenant_id.in_([MINE, THEIRS])),
    "like": select(A).where(A.c.tenant_id.like("%")),
    "compared with itself": select(A).where(A.c.tenant_id == A.c.tenant_id),
    "compared with another column": select(A).where(A.c.tenant_id == A.c.x),
    "compared with a literal column": select(A).where(A.c.tenant_id == literal_column("tenant_id")),
    "compared with a function": select(A).where(A.c.tenant_id == func.coalesce(A.c.tenant_id, MINE)),
    "two tenants": select(A).where(confined(), confined(tenant=THEIRS)),
    "wrong column": select(A).where(A.c.x == MINE),
    "in having": select(A.c.tenant_id).group_by(A.c.tenant_id).having(confined()),
    "only the other table": select(A, B).where(confined(B), A.c.x == B.c.x),
    "only the table, not its alias": select(A.c.x, ALIAS.c.x).where(confined(), A.c.x == ALIAS.c.x),
    "only the alias": select(A.c.x, ALIAS.c.x).where(ALIAS.c.tenant_id == MINE, A.c.x == ALIAS.c.x),
    "join on true": select(B.c.x).select_from(A.join(B, true())).where(confined()),
    "join by another column": select(B.c.x).join_from(A, B, A.c.x == B.c.x).where(confined()),
    "outer join, right in where": select(A.c.x)
    .select_from(A.outerjoin(B, A.c.tenant_id == B.c.tenant_id))
    .where(confined(B)),
    "outer join, left only in on": select(A.c.x).select_from(A.outerjoin(B, confined() & confined(B))),
    "full join": select(A.c.x).select_from(A.join(B, confined() & confined(B), full=True)),
    "subquery in from": select(SUBQUERY.c.x),
    "subquery, predicate outside": select(SUBQUERY.c.x).where(SUBQUERY.c.tenant_id == MINE),
    "cte": select(CTE),
    "scalar subquery": select(select(func.max(B.c.x)).scalar_subquery()),
    "scalar subquery beside": select(A.c.x, select(func.max(B.c.x)).scalar_subquery()).where(confined()),
    "exists": select(A).where(confined(), exists(select(B.c.x))),
    "in subquery": select(A).where(confined(), A.c.x.in_(select(B.c.x))),
    "union": union(select(A.c.x).where(confined()), select(B.c.x)),
    "order by": select(PUBLIC.c.x).order_by(select(A.c.x).scalar_subquery()),
    "count": select(func.count()).select_from(A),
    "aggregate by column": select(func.count(A.c.x)),
    "public joined": select(PUBLIC.c.x).join_from(PUBLIC, C, PUBLIC.c.x == C.c.x),
    "tenants": select(Tenant.name),
    "orm entity": select(Principal),
    "orm another": select(Principal).where(Principal.tenant_id == THEIRS),
    "orm alias": select(aliased(Principal)),
    "update": update(A).values(x="gone"),
    "update another": update(A).where(confined(tenant=THEIRS)).values(x="gone"),
    "update from": update(A).where(confined(), A.c.x == B.c.x).values(x="gone"),
    "update by subquery": update(A).where(confined()).values(x=select(func.max(B.c.x)).scalar_subquery()),
    "update moves rows": update(A).where(confined()).values(tenant_id=THEIRS),
    "update moves rows by column": update(A).where(confined()).values(tenant_id=A.c.x),
    "update moves rows in order": update(A).where(confined()).ordered_values((A.c.tenant_id, THEIRS)),
    "delete": delete(A),
    "delete or": delete(A).where(or_(confined(), A.c.x == "x")),
    "delete another": delete(A).where(confined(tenant=THEIRS)),
    "delete by subquery": delete(A).where(confined(), A.c.x.in_(select(B.c.x))),
    "insert another": insert(A).values(tenant_id=THEIRS, x="planted"),
    "insert nobody": insert(A).values(x="planted"),
    "insert by expression": insert(A).values(tenant_id=func.lower(THEIRS), x="planted"),
    "insert from select": insert(A).from_select(["tenant_id", "x"], select(B.c.tenant_id, B.c.x)),
    "insert from literals": insert(A).from_select(["tenant_id", "x"], select(literal(THEIRS), literal("x"))),
    "insert many values": insert(A).values([{"tenant_id": THEIRS, "x": "1"}, {"tenant_id": THEIRS, "x": "2"}]),
    "insert a subquery": insert(A).values(tenant_id=MINE, x=select(func.max(B.c.x)).scalar_subquery()),
    "upsert": DIALECT.insert(A).values(tenant_id=MINE, x="1").on_conflict_do_nothing(),
    "text": text("SELECT * FROM a"),
    "text with the predicate": text("SELECT * FROM a WHERE tenant_id = 'tnt_mine'"),
    "text as columns": text("SELECT x FROM a").columns(A.c.x),
    "literal column in select": select(A.c.x, literal_column("(SELECT max(x) FROM b)")).where(confined()),
    "text in where": select(A).where(confined(), text("1=1) OR (1=1")),
    "text as column": select(text("x FROM a")),
    "text as from": select(bare_column("x")).select_from(text("a")),
    "literal column": select(literal_column("x")).select_from(table("a")),
    "a bare name for a table": select(table("a", bare_column("x"))),
    "custom operator": select(A).where(confined(), A.c.x.op("= 1 OR 1 =")(1)),
    "prefix": select(A.c.x).where(confined()).prefix_with("x FROM a UNION SELECT"),
    "suffix": select(A.c.x).where(confined()).suffix_with("OR 1 = 1"),
    "hint": select(A.c.x).where(confined()).with_statement_hint("UNION SELECT x FROM a"),
    "public table": insert(PUBLIC).values(x="defaced"),
    "delete from cte": delete(PUBLIC).where(PUBLIC.c.x == "x"),
    "the log": insert(Entry).values(index=0, id="ent", data=b""),
    "the tree": delete(Tile),
}


@pytest.mark.parametrize("name", REFUSED)
def test_attacks_are_refused(mine: Connection, name: str) -> None:
    with pytest.raises(SessionRefusedError):
        mine.execute(REFUSED[name])


PASSED: dict[str, Executable] = {
    "plain": select(A.c.x).where(confined()),
    "turned round": select(A.c.x).where(literal(MINE) == A.c.tenant_id),
    "nested and": select(A.c.x).where(and_(A.c.x != "", and_(confined(), or_(A.c.x != "1", A.c.x != "2")))),
    "join": select(A.c.x).join_from(A, B, A.c.tenant_id == B.c.tenant_id).where(confined()),
    "join through a chain": select(C.c.x)
    .select_from(A.join(B, A.c.tenant_id == B.c.tenant_id).join(C, C.c.tenant_id == B.c.tenant_id))
    .where(confined()),
    "outer join": select(A.c.x).select_from(A.outerjoin(B, confined(B))).where(confined()),
    "alias": select(ALIAS.c.x, A.c.x).where(confined(), ALIAS.c.tenant_id == A.c.tenant_id),
    "subquery": select(select(A.c.x).where(confined()).subquery().c.x),
    "cte": select(select(A.c.x).where(confined()).cte().c.x),
    "exists": select(A.c.x).where(confined(), exists(select(B.c.x).where(confined(B)))),
    "union": union(select(A.c.x).where(confined()), select(A.c.x).where(confined())),
    "orm": select(Principal.id).where(Principal.tenant_id == MINE),
    "case and count": select(func.count(A.c.x)).where(confined()),
}


@pytest.mark.parametrize("name", PASSED)
def test_confined_statements_pass_and_see_only_their_own(mine: Connection, name: str) -> None:
    rows = mine.execute(PASSED[name]).all()
    assert len(rows) == 1
    assert str(THEIRS) not in repr(rows)


def test_public_tables_are_read_freely(mine: Connection) -> None:
    assert mine.execute(select(func.count(PUBLIC.c.x))).scalar_one() == 0
    assert mine.execute(select(func.count(Entry.index))).scalar_one() == 0


def test_an_executemany_with_one_foreign_row_is_refused_whole(mine: Connection) -> None:
    rows = [{"tenant_id": MINE, "x": "1"}, {"tenant_id": THEIRS, "x": "2"}]
    with pytest.raises(TenantPredicateMissingError):
        mine.execute(insert(A), rows)
    assert mine.execute(select(func.count(A.c.x)).where(confined())).scalar_one() == 1


def test_an_executemany_update_checks_every_row(mine: Connection) -> None:
    statement = update(A).where(A.c.tenant_id == bindparam("whose")).values(x=bindparam("to"))
    mine.execute(statement, [{"whose": MINE, "to": "1"}, {"whose": MINE, "to": "2"}])
    with pytest.raises(TenantPredicateMissingError):
        mine.execute(statement, [{"whose": MINE, "to": "1"}, {"whose": THEIRS, "to": "2"}])


def test_a_parameter_that_moves_rows_is_refused(mine: Connection) -> None:
    with pytest.raises(TenantPredicateMissingError):
        mine.execute(update(A).where(confined()), {"tenant_id": THEIRS})


def test_a_cached_statement_is_checked_against_each_session(database: Database) -> None:
    def count(tenant: TenantId) -> Executable:
        return select(func.count(A.c.x)).where(A.c.tenant_id == tenant)

    for tenant in (MINE, THEIRS):
        with database.read(tenant) as connection:
            assert connection.execute(count(tenant)).scalar_one() == 1
    with database.read(MINE) as connection, pytest.raises(TenantPredicateMissingError) as refused:
        connection.execute(count(THEIRS))
    assert refused.value.table == "a"


def test_raw_driver_sql_is_refused(mine: Connection, database: Database) -> None:
    with pytest.raises(SessionRefusedError):
        mine.exec_driver_sql("SELECT * FROM a")
    with database.read(SystemSession.SWEEP) as connection, pytest.raises(SessionRefusedError):
        connection.exec_driver_sql("DELETE FROM a")
    with pytest.raises(SessionRefusedError):
        A.drop(mine)


def test_the_orm_is_held_to_the_same(mine: Connection) -> None:
    session = Session(bind=mine)
    person = session.scalars(select(Principal).where(Principal.tenant_id == MINE)).one()
    assert session.get(Principal, (MINE, "prn")) is person
    person.kind = PrincipalKind.ROLE
    session.add(Principal(tenant_id=MINE, id="prn_2", kind=PrincipalKind.KEY, created_at=2))
    session.flush()
    with pytest.raises(TenantPredicateMissingError):
        session.get(Principal, (THEIRS, "prn"))
    session.add(Principal(tenant_id=THEIRS, id="prn_3", kind=PrincipalKind.KEY, created_at=2))
    with pytest.raises(TenantPredicateMissingError):
        session.flush()
    session.close()


def test_a_reader_changes_nothing(database: Database) -> None:
    for session in (MINE, SystemSession.SWEEP):
        with database.read(session) as connection, pytest.raises(SessionRefusedError):
            connection.execute(delete(A).where(confined()))


def test_a_look_is_held_to_the_same(database: Database) -> None:
    wanted = select(A.c.tenant_id).where(A.c.tenant_id == bindparam("whose"))
    found = database.look(MINE, wanted, {"whose": MINE})
    assert found is not None
    assert dict(found) == {"tenant_id": MINE}
    assert database.look(SystemSession.SWEEP, wanted, {"whose": "nobody"}) is None
    with pytest.raises(TenantPredicateMissingError):
        database.look(MINE, wanted, {"whose": THEIRS})
    with pytest.raises(SessionRefusedError):
        database.look(MINE, delete(A).where(confined()), {})  # type: ignore[arg-type]  # no reading at all
    assert database.look(MINE, wanted, {"whose": MINE}) is not None


def test_a_named_system_session_reads_across_tenants(database: Database) -> None:
    with database.read(SystemSession.SWEEP) as connection:
        assert connection.execute(select(func.count(A.c.x))).scalar_one() == 2
        with pytest.raises(SessionRefusedError):
            connection.execute(text("SELECT 1"))


def test_bookkeeping_changes_listed_tables_only(database: Database) -> None:
    database.write(lambda connection: connection.execute(delete(Epoch)))
    for statement in (delete(A), delete(Entry), insert(PUBLIC).values(x="1")):
        with pytest.raises(SessionRefusedError):
            database.write(lambda connection, statement=statement: connection.execute(statement))  # type: ignore[misc]  # lambda default


def test_a_connection_bound_to_nobody_runs_nothing(database: Database) -> None:
    with pytest.raises(SessionRefusedError), database.backend.engine.connect() as connection:
        connection.execute(select(PUBLIC))
