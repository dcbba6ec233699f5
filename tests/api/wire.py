"""What tests send and look at: uploads as a browser would send them, rows and files as a thief would read them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql

from detection.generations.decisions import INDEX_COMMITTED
from tests.databases import KIND, POSTGRESQL, url_of
from tests.deployment import Running, picture

PATIENCE = 120.0
"""Seconds before a test calls a service stuck; never a measurement."""


def upload(
    http: httpx.Client,
    content: bytes | None = None,
    claim: object = None,
    *,
    mime: str = "image/jpeg",
    name: str = "upload",
    path: str = "/v1/assets",
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Post one file; `claim` is JSON, or text to be sent as it is."""
    parts: dict[str, Any] = {"file": (name, picture() if content is None else content, mime)}
    if claim is not None:
        text = claim if isinstance(claim, str) else json.dumps(claim)
        parts["claim"] = (None, text, "application/json")
    return http.post(path, files=parts, headers=dict(headers or {}))


def signed(
    http: httpx.Client, content: bytes | None = None, claim: object = None, *, mime: str = "image/jpeg"
) -> tuple[dict[str, Any], bytes]:
    """An asset and its signed file."""
    asset = upload(http, content, claim, mime=mime)
    assert asset.status_code == 201, asset.text
    file = http.get(asset.json()["links"]["content"])
    assert file.status_code == 200
    return asset.json(), file.content


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem document, which must be that one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document["type"]) == (status, f"urn:sigillo:problem:{slug}"), document
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


IN_THE_LOG = 'ORDER BY (SELECT "index" FROM entry WHERE id = entry_id)'
"""Payloads in the order of their entries: an erasure moves their rows on PostgreSQL."""


def rows(up: Running, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows as they lie in the database, once no entry waits for its place in the log."""
    if KIND == POSTGRESQL:
        with psycopg.connect(url_of(database(up)), autocommit=True) as shared:
            deadline = time.monotonic() + PATIENCE
            while shared.execute("SELECT 1 FROM pending LIMIT 1").fetchone():
                assert time.monotonic() < deadline, "entries never got their place"
            asked = statement.replace("?", "%s").replace(" rowid", " ctid")  # in the order of writing, on either
            return shared.execute(sql.SQL(asked), values or None).fetchall()
    with closing(sqlite3.connect(f"file:{database(up)}?mode=ro", uri=True)) as connection:
        return connection.execute(statement, values).fetchall()


def count(up: Running, table: str) -> int:
    """How many rows a table has."""
    return int(rows(up, f"SELECT count(*) FROM {table}")[0][0])


def counts(up: Running) -> dict[str, int]:
    """What an upload would have left behind. Not what the service commits to by itself, seconds after a test before
    this one registered somebody.
    """
    tables = {name: count(up, name) for name in ("asset", "blob", "subject_key", "idempotency")}
    for name, entry in (("entry", "id"), ("payload", "entry_id")):
        itself = "SELECT entry_id FROM payload WHERE kind = ?"
        found = rows(up, f"SELECT count(*) FROM {name} WHERE {entry} NOT IN ({itself})", INDEX_COMMITTED.name)
        tables[name] = int(found[0][0])
    return {**tables, "files": len(blobs(up))}


def database(up: Running) -> Path:
    return up.home.folder / "sigillo.db"


def assets_in(custody: dict[str, Any]) -> list[str]:
    """The assets of a custody graph, the newest first."""
    return [node["asset"] for node in custody["nodes"] if node.get("asset")]


def acts_on(custody: dict[str, Any], asset: str) -> list[dict[str, Any]]:
    """What was done with one of them, as far as the ledger has it."""
    nodes = {node["id"]: node for node in custody["nodes"]}
    (file,) = (node["id"] for node in custody["nodes"] if node.get("asset") == asset)
    acts = [nodes[edge["source"]] for edge in custody["edges"] if edge["target"] == file]
    return [act for act in acts if act.get("entry") and act["type"] != "verification"]


def kinds_on(http: httpx.Client, asset: dict[str, Any]) -> list[str]:
    """The kinds of these, by the asset's own custody."""
    answer = http.get(asset["links"]["custody"])
    assert answer.status_code == 200, answer.text
    return [act["kind"] for act in acts_on(answer.json(), asset["id"])]


def change(up: Running, statement: str, *values: object) -> None:
    """Change rows as who owns the database can."""
    if KIND == POSTGRESQL:
        with psycopg.connect(url_of(database(up))) as shared:
            shared.execute(sql.SQL(statement.replace("?", "%s")), values or None)
        return
    with closing(sqlite3.connect(database(up))) as connection, connection:
        connection.execute(statement, values)


def stored(up: Running) -> bytes:
    """Every byte of the database file and its write-ahead log; of PostgreSQL, whose files are its own, all that rows
    hold.
    """
    if KIND == POSTGRESQL:
        tables = rows(up, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        cells = [cell for (table,) in tables for row in rows(up, f"SELECT * FROM {table}") for cell in row]
        return b"\0".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)
    files = [database(up), database(up).with_name("sigillo.db-wal")]
    return b"".join(file.read_bytes() for file in files if file.exists())


def everything(up: Running) -> bytes:
    """Every byte of the home folder but the keys, which are sealed on their own."""
    files = [file for file in up.home.folder.rglob("*") if file.is_file() and up.home.keys not in file.parents]
    return b"".join(file.read_bytes() for file in files if file.name != "server.json")


def blobs(up: Running) -> set[str]:
    """The sealed files."""
    return {file.name for file in up.home.blobs.iterdir()}


def proven(up: Running, entry: str) -> str:
    """The receipt of an entry, once there is one."""
    deadline = time.monotonic() + PATIENCE
    while not (receipt := up.operator.receipt(entry)):
        assert time.monotonic() < deadline, "no checkpoint came"
        time.sleep(0.05)
    return receipt
