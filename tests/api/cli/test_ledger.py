from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cases.access import ASSET_SCOPES, Scope
from ledger.tree.checkpoint import VerifierKey
from tests.api.cli.conftest import Run
from tests.api.cli.process import sigillo
from tests.api.wire import proven, signed
from tests.databases import KIND, POSTGRESQL
from tests.deployment import Running, running
from tests.ledger.test_checkpoint import KEY
from tests.simulators.witness import SimulatedWitness

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of a deployment that has stopped, with a few assets in its ledger."""
    folder = tmp_path_factory.mktemp("ended")
    with running(folder) as up, up.http(up.key()) as http:
        for _ in range(3):
            asset, _ = signed(http)
        http.delete(asset["links"]["self"])
        proven(up, asset["ledger"]["entry"])
    return folder


@pytest.fixture
def home(ended: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(ended, tmp_path / "home", ignore=shutil.ignore_patterns("socket")))


def change(home: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(home / "sigillo.db")) as connection, connection:
        lift_tripwires(connection)
        connection.execute(statement, values)


def lift_tripwires(connection: sqlite3.Connection) -> None:
    """Who owns the file can."""
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")


def test_sound_while_a_server_runs(deployment: Running, run: Run, ask: Ask) -> None:
    with deployment.http(deployment.key(scopes=[*ASSET_SCOPES, Scope.ASSURANCE_GRANT, Scope.ISSUE])) as http:
        signed(http)
        assert http.post("/v1/assurance/accounts", json={"account": "user-1"}).status_code == 200
        age = {"type": "AgeAttestation", "claims": {"age_over_18": True}}
        assert http.post("/v1/credentials", json=age).status_code == 201
    report = ask("ledger", "verify")
    assert report["sound"] is True, "whoever checks knows every kind that a service records"
    assert report["entries"] >= 3
    assert run("ledger", "verify").stdout.startswith("sound")


@pytest.mark.sqlite("damages a copy of the file")
def test_sound_at_rest(run: Run, home: Path) -> None:
    done = run("ledger", "verify", "--json", SIGILLO_HOME=str(home))
    assert (done.exit_code, json.loads(done.stdout)["fault"]) == (0, None)


def rewritten(old: str, new: str) -> str:
    """Part of an entry's bytes; they stay bytes."""
    changed = f"CAST(replace(CAST(data AS TEXT), '{old}', '{new}') AS BLOB)"
    return f'UPDATE entry SET data = {changed} WHERE "index" = 3'


WITNESS = SimulatedWitness("witness.example/home")
ELSEWHERE = WITNESS.line("another text\n\n")
NEWEST = "(SELECT max(size) FROM checkpoint)"
FORGED = {
    "leaf": (rewritten('"policy":"', '"policy":"x'), "index 3, tile: tile/0/000 hash 3 is not what"),
    "leaf that is text": (
        "UPDATE entry SET data = replace(data, '\"v\":1', '\"v\":2')",
        "index 0, entry: .* version 1",
    ),
    "leaf lost": ('DELETE FROM entry WHERE "index" = 2', "index 2, gap: entry 2 is missing"),
    "prev": (rewritten('"prev":"', '"prev":"0'), "index 3, entry: the entry's 'prev' is malformed"),
    "tile": ("UPDATE tile SET hashes = zeroblob(length(hashes))", "index 0, tile: tile/0/000 hash 0 is not what"),
    "size": (
        f"UPDATE checkpoint SET note = replace(note, char(10) || size, char(10) || (size + 1)) WHERE size = {NEWEST}",
        "checkpoint: the log's signature does not verify",
    ),
    "key id": ("UPDATE checkpoint SET note = replace(note, '— ', '— other/')", "checkpoint: no signature by sigillo"),
    "payload": (
        "UPDATE payload SET sealed = zeroblob(length(sealed)) WHERE kind = 'asset.signed' AND sealed IS NOT NULL",
        "payload: its payload does not open",
    ),
    "cosignature": (
        f"INSERT INTO cosignature VALUES ({NEWEST}, '{WITNESS.vkey}', '{ELSEWHERE}')",
        "cosignature: the cosignature by witness.example/home does not verify",
    ),
    "stamp": (f"INSERT INTO stamp VALUES ({NEWEST}, x'00', 0)", "stamp: the stamp of .* entries: .* can be read"),
}
"""Each part of the database, and how the answer names it; more of them are in `tests.ledger.test_fsck`."""


@pytest.mark.sqlite("damages a copy of the file")
@pytest.mark.parametrize("part", FORGED)
def test_what_was_tampered_with_is_named(run: Run, home: Path, part: str) -> None:
    statement, named = FORGED[part]
    change(home, statement)
    done = run("ledger", "verify", "--witness", WITNESS.vkey, "--quorum", 0, SIGILLO_HOME=str(home))
    assert done.exit_code == 5
    assert re.search(named, done.stdout), done.stdout


@pytest.mark.sqlite("damages a copy of the file")
def test_for_programs_the_index_is_a_member(run: Run, home: Path) -> None:
    change(home, FORGED["leaf"][0])
    report = run("ledger", "verify", "--json", SIGILLO_HOME=str(home))
    assert (report.exit_code, json.loads(report.stdout)["fault"]["index"]) == (5, 3)


def test_a_folder_that_holds_anything_is_refused_in_words(run: Run, tmp_path: Path) -> None:
    (tmp_path / "checkpoint").touch()
    assert "has no log.vkey" in run("ledger", "verify", tmp_path).output
    for key in (b"\xff", str(KEY).encode()):
        (tmp_path / "log.vkey").write_bytes(key)
        assert isinstance((done := run("ledger", "verify", tmp_path)).exception, SystemExit), done.output
    os.truncate(tmp_path / "checkpoint", 2**40)
    done = run("ledger", "verify", tmp_path)
    assert (done.exit_code, "no log's" in done.output) == (1, True)


@pytest.mark.sqlite("damages a copy of the file")
def test_export_is_checked_without_the_service(run: Run, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    done = run("ledger", "export", folder, "--json", SIGILLO_HOME=str(home))
    assert done.exit_code == 0
    head = json.loads(done.stdout)
    assert head["size"] > 3
    assert (folder / "checkpoint").exists()
    assert (folder / "log.vkey").exists()
    assert list((folder / "tile" / "entries").rglob("*"))
    assert list((folder / "tile" / "0").rglob("*"))
    report = run("ledger", "verify", folder, "--json", SIGILLO_HOME=str(tmp_path / "no-home"))
    assert report.exit_code == 0
    assert json.loads(report.stdout)["entries"] == head["size"]
    assert run("ledger", "verify", folder, "--key", folder / "log.vkey").exit_code == 0
    bundle = next(file for file in (folder / "tile" / "entries").rglob("*") if file.is_file())
    damaged = bundle.read_bytes().replace(b"asset.signed", b"asset.faked_", 1)
    bundle.write_bytes(damaged)
    broken = run("ledger", "verify", folder)
    assert broken.exit_code == 5
    assert "index " in broken.stdout


@pytest.mark.sqlite("damages a copy of the file")
def test_export_signed_by_another_log_is_refused(deployment: Running, run: Run, home: Path, tmp_path: Path) -> None:
    run("ledger", "export", tmp_path / "export", SIGILLO_HOME=str(home))
    other = tmp_path / "other.vkey"
    other.write_text(deployment.operator.log_key())
    done = run("ledger", "verify", tmp_path / "export", "--key", other)
    assert done.exit_code != 0
    assert "Traceback" not in done.output


def test_nothing_to_check_is_a_usage_error_and_makes_nothing(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    for arguments in (("ledger", "verify"), ("ledger", "export", tmp_path / "export")):
        done = run(*arguments, SIGILLO_HOME=str(empty))
        assert done.exit_code == 2
        assert ("SIGILLO_DATABASE" if KIND == POSTGRESQL else "SIGILLO_HOME") in done.stderr
    assert list(tmp_path.iterdir()) == []
    done = run("ledger", "verify", tmp_path / "no-export")
    assert done.exit_code == 2
    assert "no-export" in done.stderr
    assert "Errno" not in done.output


@pytest.mark.sqlite("damages a copy of the file")
def test_output_into_a_pipe_is_the_answer_alone(home: Path, tmp_path: Path) -> None:
    for arguments in (("verify",), ("export", tmp_path / "export")):
        done = sigillo(home, "ledger", *arguments)
        assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    (tmp_path / "file").write_text("in the way")
    refused = sigillo(home, "ledger", "export", tmp_path / "file")
    assert refused.returncode == 1
    assert "file" in refused.stderr
    assert "Errno" not in refused.stderr


@pytest.mark.sqlite("damages a copy of the file")
def test_a_log_under_a_strangers_key_is_not_sound(run: Run, home: Path, tmp_path: Path) -> None:
    """Who can write the database can write another verifier key into it: the key store's own word counts."""
    stranger = Ed25519PrivateKey.generate()
    with closing(sqlite3.connect(home / "sigillo.db")) as raw, raw:
        ((origin, vkey),) = raw.execute("SELECT origin, vkey FROM log_identity").fetchall()
        theirs = str(VerifierKey(origin, stranger.public_key().public_bytes_raw()))
        raw.execute("UPDATE log_identity SET vkey = ?", (theirs,))
    done = run("ledger", "verify", SIGILLO_HOME=str(home))
    assert done.exit_code == 0, "the true log still verifies under the true key"
    key = tmp_path / "theirs.vkey"
    key.write_text(theirs)
    assert run("ledger", "verify", "--key", key, SIGILLO_HOME=str(home)).exit_code == 5
    with closing(sqlite3.connect(home / "sigillo.db")) as raw, raw:
        lift_tripwires(raw)
        for size, note in raw.execute("SELECT size, note FROM checkpoint").fetchall():
            text = note.partition("\n\n")[0] + "\n"
            mine = VerifierKey.parse(theirs).id + stranger.sign(text.encode())
            forged = f"{text}\n\u2014 {origin} {b64encode(mine).decode()}\n"
            raw.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (forged, size))
    done = run("ledger", "verify", SIGILLO_HOME=str(home))
    assert done.exit_code == 5
    assert "checkpoint" in done.stdout
    assert vkey != theirs
