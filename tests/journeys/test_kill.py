"""Kill -9 during uploads: what was acknowledged is whole, in the ledger, its media present; nothing is half-written."""

from __future__ import annotations

import hashlib
import io
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from api.parts.key_store import open_keys
from api.running.home import Home
from api.settings import Settings
from cases.asset import AssetRow, AssetState
from cases.decisions import KINDS
from cases.idempotency import IdempotencyRow
from keys.clock import system_clock, system_entropy
from ledger.log import Ledger
from ledger.storage.database import Database
from ledger.storage.tables import Blob, Entry, Payload, SubjectKey
from ledger.storage.tenancy import SystemSession
from tests.api.wire import PATIENCE, acts_on
from tests.databases import KIND, POSTGRESQL, SQLITE, settings_of, url_of
from tests.journeys.uploader import TOGETHER, Server, Uploader
from tests.ledger.world import settle

ROUNDS = 17
"""With those on PostgreSQL twenty; each costs a server's start; `make soak` has many more."""

ROUNDS_MORE = 3
"""On PostgreSQL, where that is not what the suite runs on."""

CLIENTS = 3


# httpcore leaves its socket open when a connection to a Unix socket is refused: here, to a server just killed.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("kind", "rounds"), {POSTGRESQL: ROUNDS_MORE, KIND: ROUNDS}.items())
def test_kill_during_uploads(tmp_path: Path, kind: str, rounds: int) -> None:
    with Server(tmp_path / "home", kind) as server:
        kill_rounds(server, tmp_path, rounds, seed=1)


def kill_rounds(server: Server, folder: Path, rounds: int, seed: int) -> int:
    """The life of a server is ended so many times with SIGKILL in the middle of uploads; how many were acknowledged."""
    chance = random.Random(seed)
    promised: list[dict[str, str]] = []
    for round_number in range(rounds):
        uploaders = [Uploader(server, folder, round_number * CLIENTS + n) for n in range(CLIENTS)]
        for uploader in uploaders:
            uploader.start()
        _until_one_is_acknowledged(uploaders)
        time.sleep(chance.uniform(0.0, 0.3))
        server.kill()
        for uploader in uploaders:
            uploader.stopping.set()
            uploader.join()
            promised += uploader.acknowledged
        _check_rows(server.home, server.kind)
        server.start()
    assert len(promised) >= rounds
    _check_promises(server, promised)
    assert server.stop() == 0
    check_at_rest(server.home, server.kind)
    return len(promised)


def _until_one_is_acknowledged(uploaders: list[Uploader]) -> None:
    """However slow the machine is, every round proves something."""
    deadline = time.monotonic() + PATIENCE
    while not any(uploader.acknowledged for uploader in uploaders):
        assert time.monotonic() < deadline, "nothing is acknowledged"
        time.sleep(0.01)


def _check_promises(server: Server, promised: list[dict[str, str]]) -> None:
    """Every acknowledged asset is there, whole, and its entry known to the ledger."""
    with server.client() as sigillo:
        for promise in promised:
            content = io.BytesIO()
            sigillo.content(promise["id"], content)
            assert hashlib.sha256(content.getvalue()).hexdigest() == promise["sha256"]
            acts = acts_on(sigillo.custody(promise["id"]), promise["id"])
            assert [act["kind"] for act in acts] == ["asset.signed"]


def _check_rows(home: Path, kind: str) -> None:
    """Right after a kill, before anything recovers: rows, keys and entries agree, and every referenced blob exists."""
    database = Database(url_of(home / "sigillo.db", kind))
    settle(database)
    with database.read(SystemSession.FSCK) as connection:
        assets = set(connection.execute(select(AssetRow.id, AssetRow.entry_id, AssetRow.blob_id, AssetRow.state)))
        entries = set(connection.execute(select(Entry.id)).scalars())
        sealed = set(connection.execute(select(Payload.subject_id, Payload.entry_id)))
        subjects = set(connection.execute(select(SubjectKey.id)).scalars())
        blobs = set(connection.execute(select(Blob.id)).scalars())
        batches = connection.execute(select(IdempotencyRow.batch_id).where(IdempotencyRow.batch_id.is_not(None)))
        kept = Counter(batches.scalars())
    database.close()
    assert set(kept.values()) <= {TOGETHER}, "files of one request are kept together"
    assert {(asset.id, asset.entry_id) for asset in assets} <= sealed
    assert {asset.entry_id for asset in assets} <= entries
    alive = {asset.id for asset in assets if asset.state != AssetState.ERASED}
    assert alive == {subject for subject in subjects if subject.startswith("ast_")}
    assert {asset.blob_id for asset in assets if asset.blob_id} == blobs
    assert blobs <= {path.name for path in (home / "blobs").iterdir()}


def check_at_rest(home: Path, kind: str = KIND) -> None:
    """After the last start's sweep: no stray file, and the whole ledger holds."""
    _check_rows(home, kind)
    database = Database(url_of(home / "sigillo.db", kind))
    with database.read(SystemSession.FSCK) as connection:
        blobs = set(connection.execute(select(Blob.id)).scalars())
    if kind == SQLITE:  # elsewhere another process could be between a file and its row: strays wait an hour
        assert {path.name for path in (home / "blobs").iterdir()} == blobs
    keys = open_keys(Settings(home=home), Home(home), system_clock, system_entropy)
    report = Ledger(database, keys, KINDS).verify()
    database.close()
    assert report.sound, report.fault
    assert report.entries == report.proven
    checked = subprocess.run(
        [sys.executable, "-m", "api.cli", "ledger", "verify", "--json"],
        env={"SIGILLO_HOME": str(home), "PATH": "", **settings_of(home, kind)},
        check=False,
    )
    assert checked.returncode == 0
