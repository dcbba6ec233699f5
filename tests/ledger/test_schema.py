from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from ledger.errors import SchemaTooNewError
from ledger.storage.database import Database
from ledger.storage.schema import MIGRATIONS, head, migrate
from ledger.storage.tables import Base
from tests.ledger.world import FULL


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'schema.db'}")


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    migrate(database)

    def registered(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name in Base.metadata.tables

    with database.writing(FULL) as connection:
        context = MigrationContext.configure(connection, opts={"include_name": registered})
        assert compare_metadata(context, Base.metadata) == []
    database.close()


def test_the_head_is_the_highest_number() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [head()]


def test_migrating_twice_is_migrating_once_and_needs_no_alembic(database: Database) -> None:
    migrate(database)
    program = (
        "import sys; from ledger.storage.database import Database; from ledger.storage.schema import migrate;"
        "migrate(Database(sys.argv[1])); sys.exit('alembic' in sys.modules)"
    )
    url = database.backend.engine.url.render_as_string()
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", program, url], cwd=root, check=False).returncode == 0
    database.close()


def test_a_newer_database_is_refused(database: Database) -> None:
    migrate(database)
    with database.writing(FULL) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNewError, match="9999"):
        migrate(database)
    database.close()


def test_a_failed_migration_leaves_nothing(database: Database) -> None:
    with database.writing(FULL) as connection:
        connection.execute(text("CREATE TABLE tile (x)"))
    with pytest.raises(Exception, match="already exists"):
        migrate(database)
    with database.writing(FULL) as connection:
        assert inspect(connection).get_table_names() == ["tile"]
    database.close()


def test_every_table_says_whose_it_is() -> None:
    for table in Base.metadata.tables.values():
        assert bool(table.info.get("tenant")) == ("tenant_id" in table.columns), table.name


def test_revocations_of_an_earlier_version_stay_and_know_no_issuers_key(database: Database) -> None:
    with database.writing(FULL) as connection:
        _to(connection, "0003")
        row = "INSERT INTO revocation VALUES ('ten_a', 'Sigillo intermediate', '2a', 7, 5, 'superseded')"
        connection.execute(text(row))
    migrate(database)
    with database.writing(FULL) as connection:
        found = connection.execute(text("SELECT * FROM revocation")).mappings().one()
    assert (found["serial"], found["since"], found["issuer_key"]) == ("2a", 5, "")
    database.close()


def test_entries_of_an_earlier_version_can_be_searched(database: Database) -> None:
    with database.writing(FULL) as connection:
        _to(connection, "0004")
        rows = [
            {
                "i": i,
                "id": f"ent_{i}",
                "data": b'{"id":"x","kind":"note.written","policy":"notes@%d","prev":"0"}' % (i // 300),
            }
            for i in range(600)
        ]
        connection.execute(text('INSERT INTO entry ("index", id, data) VALUES (:i, :id, :data)'), rows)
    migrate(database)
    with database.writing(FULL) as connection:
        found = connection.execute(text("SELECT kind, policy, n FROM kind_tile ORDER BY policy, n")).all()
    policies = [("notes@0", 0), ("notes@0", 1), ("notes@1", 1), ("notes@1", 2)]
    assert [(*row,) for row in found] == [("note.written", *one) for one in policies]
    database.close()


def test_manifest_stores_of_an_earlier_version_stay(database: Database) -> None:
    with database.writing(FULL) as connection:
        _to(connection, "0034")
        connection.execute(text("INSERT INTO tenant VALUES ('ten_a', 'A', 'sub_a', 'sys_a', 1)"))
        connection.execute(text("INSERT INTO principal VALUES ('ten_a', 'key_a', 'key', 1)"))
        columns = "tenant_id, id, principal_id, state, visibility, created_at, expires_at, entry_id, manifest_store"
        asset = f"INSERT INTO asset ({columns}) VALUES ('ten_a', :id, 'key_a', :state, 'public', 1, 2, :id, :store)"
        for id_, state, store in (("ast_kept", "signed", b"a store"), ("ast_erased", "erased", None)):
            connection.execute(text(asset), {"id": id_, "state": state, "store": store})
    migrate(database)
    with database.writing(FULL) as connection:
        found = connection.execute(text("SELECT tenant_id, asset_id, sealed FROM manifest_store")).all()
        left = connection.execute(text("SELECT id FROM asset ORDER BY id")).scalars().all()
        assert "manifest_store" not in {column["name"] for column in inspect(connection).get_columns("asset")}
    assert ([(*row,) for row in found], left) == ([("ten_a", "ast_kept", b"a store")], ["ast_erased", "ast_kept"])
    database.close()


def _to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
