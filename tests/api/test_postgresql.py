"""The service on PostgreSQL: one deployment end to end, two processes on one database, roles, and what refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

import ledger.storage.postgresql
from api.running.home import StartError
from api.settings import Settings
from keys.openbao import OpenBao
from ledger.errors import DatabaseUnavailableError
from ledger.receipt import verify_receipt
from tests.api.wire import kinds_on, problem, proven, signed, upload
from tests.databases import POSTGRESQL, ask, new_database, server_url, url_of
from tests.deployment import Running, running

ROLE, PASSWORD = "sigillo_service", "s3cret"


@contextmanager
def on_postgresql(folder: Path, **chosen: Any) -> Iterator[Running]:
    with running(folder, **{"database": url_of(folder / "sigillo.db", POSTGRESQL), **chosen}) as up:
        yield up


def test_one_asset_from_its_upload_to_its_erasure(tmp_path: Path) -> None:
    with on_postgresql(tmp_path) as up, up.http(up.key()) as http, up.http() as stranger:
        asset, file = signed(http)
        again = upload(http, headers={"Idempotency-Key": "once"}).json()["id"]
        assert upload(http, headers={"Idempotency-Key": "once"}).json()["id"] == again
        assert upload(stranger, file, path="/v1/verifications").json()["verdict"] == "trusted"
        receipt = proven(up, asset["ledger"]["entry"])
        assert verify_receipt(receipt, up.service.ledger.vkey()).entry.kind == "asset.signed"
        assert http.delete(asset["links"]["self"]).status_code == 200
        problem(http.get(asset["links"]["content"]), 410, "asset-gone")
        assert kinds_on(http, asset) == ["asset.signed", "asset.erased"]
        assert verify_receipt(receipt, up.service.ledger.vkey())
        said = stranger.get("/metrics").text
        assert "sigillo_leader 1.0" in said
        assert 'sigillo_log_entries{state="pending"} 0.0' in said
        assert stranger.get("/readyz").json()["parts"]["ledger"]["ready"]
        assert up.service.ledger.verify().sound
        with up.http(up.service.operator_token) as operator:
            problem(operator.delete("/v1/credentials/offers/%00"), 404, "offer-not-found")
        assert stranger.get("/audit", params={"kind": "\0"}).status_code == 422, "no row can hold a NUL"
        parts: dict[str, Any] = {"file": ("a.jpg", file, "image/jpeg"), "batch": (None, "\0")}
        problem(http.post("/v1/assets", files=parts, headers={"Idempotency-Key": "of it"}), 404, "batch-not-found")


def test_two_services_on_one_database(tmp_path: Path, openbao: OpenBao, service_token: str) -> None:
    """Requests may hit either; when the one that leads ends, the other goes on."""
    shared: dict[str, Any] = {
        "database": url_of(tmp_path / "shared.db", POSTGRESQL),
        "blobs": tmp_path / "blobs",
        "keys": "vault",
        "vault_url": openbao.url,
        "vault_token": service_token,
        "log_origin": f"log.example/{tmp_path.name}",
    }
    with ExitStack() as stack, running(tmp_path / "two", **shared) as two:
        with running(tmp_path / "one", **shared) as one:
            assert (two.service.ledger.leads, one.service.ledger.leads) == (True, False)
            token = one.key()
            here, there = (stack.enter_context(up.http(token)) for up in (one, two))
            asset, file = signed(here)
            assert there.get(asset["links"]["content"]).content == file
            child, _ = signed(there, file, {"title": "edited", "actions": [{"name": "c2pa.opened"}]})
            assert verify_receipt(proven(one, child["ledger"]["entry"]), two.service.ledger.vkey())
            assert there.delete(asset["links"]["self"]).status_code == 200
            problem(here.get(asset["links"]["content"]), 410, "asset-gone")
            one.service.housekeeping.round()
            two.service.housekeeping.round()
            assert one.service.ledger.status().ready
        asset, _ = signed(there)
        assert proven(two, asset["ledger"]["entry"])
        assert two.service.ledger.verify().sound


@pytest.fixture(scope="module")
def roles() -> None:
    ask(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")


def test_the_service_may_only_add_to_what_was_published(tmp_path: Path, roles: None) -> None:
    owner = new_database(tmp_path / "owned")
    url = owner.replace("postgres@", f"{ROLE}:{PASSWORD}@")
    with running(tmp_path / "home", database=url, database_owner=owner) as up, up.http(up.key()) as http:
        asset, _ = signed(http)
        assert proven(up, asset["ledger"]["entry"])
        assert http.delete(asset["links"]["self"]).status_code == 200
        up.service.housekeeping.round()
        assert up.service.ledger.verify().sound
        for statement in (
            "UPDATE entry SET data = ''",
            "DELETE FROM entry",
            "TRUNCATE entry",
            "DELETE FROM checkpoint",
            "UPDATE tile SET hashes = ''",
            "DROP TABLE entry",
            "ALTER TABLE entry DISABLE TRIGGER ALL",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ask(statement, url=url)


def test_a_folder_begun_with_another_database_is_refused(tmp_path: Path) -> None:
    with on_postgresql(tmp_path / "home"):
        pass
    empty = new_database(tmp_path / "empty")
    with pytest.raises(StartError, match="nothing was begun"), on_postgresql(tmp_path / "home", database=empty):
        raise AssertionError("began a second log")


@pytest.mark.parametrize(
    ("database", "said"),
    [
        ("postgresql://nobody:s3cret@127.0.0.1:1/none", "cannot be reached.*SIGILLO_DATABASE"),
        ("no role", "cannot be reached.*SIGILLO_DATABASE"),
    ],
)
def test_a_database_that_cannot_be_used_says_what_to_do(tmp_path: Path, database: str, said: str) -> None:
    url = server_url("none", "stranger", PASSWORD) if database == "no role" else database
    with pytest.raises(DatabaseUnavailableError, match=said) as raised, running(tmp_path, database=url):
        raise AssertionError("started")
    assert PASSWORD not in str(raised.value)
    assert PASSWORD not in repr(Settings(database=url))


def test_an_old_server_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.storage.postgresql, "OLDEST_VERSION", 99)
    with pytest.raises(DatabaseUnavailableError, match="upgrade the server"), on_postgresql(tmp_path):
        raise AssertionError("started")
