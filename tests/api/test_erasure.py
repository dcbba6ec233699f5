"""After an erasure no live file holds what was erased, nor a key that opens it; and every proof still holds."""

from __future__ import annotations

import base64
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cases.access import Caller
from cases.asset import AssetId, subject_id
from keys.errors import EpochDestroyedError, KeyNotFoundError, KeysError
from keys.sealing import derive
from ledger.auditing import bundle_verifier
from ledger.auditing.bundle import write_bundle
from ledger.auditing.mirror import folder_fetch
from ledger.commitment import commitment
from ledger.ids import EntryId
from ledger.publishing.export import export_log
from ledger.receipt import verify_receipt
from tests.api.wire import problem, proven, rows, signed
from tests.databases import KIND, POSTGRESQL, ask, own_server
from tests.deployment import Running, picture, running
from tests.waiting import until

PIECE, EVERY = 48, 256
"""Bytes of a piece, and from one piece to the next: a page of the database may hold a part of anything."""

TABLES = ("asset", "manifest_store", "subject_key", "payload", "blob")
"""What of a tenant an erasure changes."""

TITLE, VERSION = "Nowhere else in the world", "9.9.9-erasable"
CLAIM = {"title": TITLE, "tool": {"name": "Unmistakable Brush", "version": VERSION}}


@dataclass(frozen=True)
class Erasable:
    """All there is of an asset, captured while it is kept."""

    clear: dict[str, bytes]
    """What no file may ever hold."""

    sealed: dict[str, bytes]
    """What files hold until it is erased."""


def captured(up: Running, caller: Caller, asset: AssetId, entry: EntryId, content: bytes) -> Erasable:
    subject = up.service.ledger.subjects.open(caller.tenant, subject_id(asset))
    opened = up.service.ledger.payloads.disclose(caller.tenant, entry)
    ((details, blob, label),) = rows(up, "SELECT details, blob_id, manifest_label FROM asset WHERE id = ?", asset)
    ((store,),) = rows(up, "SELECT sealed FROM manifest_store WHERE asset_id = ?", asset)
    (payload,) = rows(up, "SELECT sealed FROM payload WHERE entry_id = ?", entry)
    found = up.service.library.find(caller, asset)
    return Erasable(
        {
            "subject key": subject.key,
            "key of payloads": derive(subject.key, "ledger/v1/payload"),
            "key of actors": derive(subject.key, "ledger/v1/actor"),
            "salt": opened.salt,
            "payload": opened.payload,
            "media": content,
            "manifest store": up.service.library.manifest(found),
            "title": TITLE.encode(),
            "tool": VERSION.encode(),
        },
        {
            "wrapped key": subject.wrapped,
            "sealed payload": payload[0],
            "sealed details": details,
            "sealed manifest": store,
            "sealed media": (up.home.blobs / blob).read_bytes(),
            "manifest label": label.encode(),
        },
    )


def pieces(secret: bytes) -> list[bytes]:
    """Parts of it, and if it is short, whatever else it could be written as."""
    if len(secret) > PIECE:
        parts = [secret[at : at + PIECE] for at in range(0, len(secret) - PIECE + 1, EVERY)]
        return [part for part in parts if len(set(part)) > PIECE // 3]  # padding is everywhere
    based = base64.b64encode(secret), base64.urlsafe_b64encode(secret)
    return [secret, secret.hex().encode(), *(one.rstrip(b"=") for one in based)]


def holders(secrets: dict[str, bytes], *folders: Path) -> dict[str, set[str]]:
    """Which of these lies in which files: used and free pages, write-ahead log, media, keys, logs, exports."""
    files = {file: file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file()}
    return {
        name: found
        for name, secret in secrets.items()
        if (found := {file.name for file, data in files.items() if any(one in data for one in pieces(secret))})
    }


@pytest.mark.sqlite("searches the files that SQLite keeps")
def test_no_file_holds_what_was_erased(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, export, temporary = (tmp_path / name for name in ("home", "export", "temporary"))
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    everywhere = (home, export, temporary)
    with running(home) as up:
        token = up.key("Unmistakable Brush", scopes=["assets:sign", "assets:read", "assets:erase", "ledger:audit"])
        caller, database = up.service.access.authenticate(token), up.service.library.database
        with up.http(token) as http:
            others = [signed(http, picture(seed=seed))[0] for seed in range(2)]
            asset, content = signed(http, picture(seed=9), CLAIM)
            entry = asset["ledger"]["entry"]
            asked = {"entries": [entry], "reason": "case 1"}
            (shown,) = http.post("/v1/ledger/disclosures", json=asked).json()["disclosed"]
            proven(up, entry)
            searched = http.post("/v1/ledger/searches", json={"reason": "case 1", "outcome": "signed"}).json()
            entries = [one["ledger"]["entry"] for one in (*others, asset)] + [searched["opening"]["entry"]]
            before = [proven(up, one) for one in entries]
            erasable = captured(up, caller, AssetId(asset["id"]), EntryId(entry), content)
            export_log(database, export)
            assert holders(erasable.clear, *everywhere) == {}
            assert holders(erasable.sealed, *everywhere).keys() == erasable.sealed.keys(), (
                "else nothing would be proved"
            )

            erasure = http.delete(asset["links"]["self"]).json()["ledger"]["entry"]
            until(database.truncate_wal)
            proven(up, erasure)
            export_log(database, export)
            write_bundle_of(export, tmp_path / "bundle.zip")
            assert holders(erasable.clear | erasable.sealed, *everywhere) == {}
            problem(http.post("/v1/ledger/disclosures", json=asked), 410, "payload-erased")

        key = up.operator.log_key()
        for entry_id, receipt in zip(entries, before, strict=True):
            assert verify_receipt(receipt, key).entry == verify_receipt(up.operator.receipt(entry_id), key).entry
        public = verify_receipt(before[2], key).entry
        assert commitment(bytes.fromhex(shown["salt"]), shown["payload"].encode()) == public.commit
        assert verify_receipt(up.operator.receipt(erasure), key).entry.kind == "asset.erased"
        report = up.service.ledger.verify()
        assert (report.fault, report.erased) == (None, 1)
    assert holders(erasable.clear | erasable.sealed, *everywhere) == {}, "closing wrote it again"
    assert bundle_verifier.verify(str(tmp_path / "bundle.zip"), key)


@pytest.mark.parametrize("lost", [KeyNotFoundError, EpochDestroyedError], ids=["its keys", "the one of that epoch"])
def test_for_a_tenant_whose_wrapping_key_is_lost_nothing_is_erased_and_none_is_told_so(
    deployment: Running, monkeypatch: pytest.MonkeyPatch, lost: type[KeysError]
) -> None:
    """The entry that would say so is sealed under that key, too."""
    with deployment.http(deployment.key(new_tenant=True)) as http:
        asset, file = signed(http)
        proven(deployment, asset["ledger"]["entry"])
        (tenant,) = {row[0] for row in rows(deployment, "SELECT tenant_id FROM asset WHERE id = ?", asset["id"])}
        opens = type(deployment.service.keys).open_epoch

        def opened(keys: Any, whose: str, wrapped: bytes | None = None) -> Any:
            if whose == tenant:
                raise lost("there is no such key")
            return opens(keys, whose, wrapped)

        def kept() -> list[list[tuple[Any, ...]]]:
            return [rows(deployment, f"SELECT * FROM {table} WHERE tenant_id = ?", tenant) for table in TABLES]

        before = kept()
        assert all(before)
        with monkeypatch.context() as patched:
            patched.setattr(type(deployment.service.keys), "open_epoch", opened)
            deployment.service.ledger.epochs._held.clear()  # as an hour later
            said = problem(http.delete(asset["links"]["self"]), 503, "key-missing")
            assert "nothing was written" in said["detail"]
            assert "backup of the key store" in said["detail"]
            assert kept() == before
        assert http.get(asset["links"]["content"]).content == file
        assert http.delete(asset["links"]["self"]).status_code == 200, "once it is back"


def write_bundle_of(export: Path, file: Path) -> None:
    with file.open("wb") as out:
        write_bundle(folder_fetch(export), (export / "log.vkey").read_text(), out)


@pytest.mark.skipif(KIND != POSTGRESQL, reason="searches the files that PostgreSQL keeps")
def test_postgresql_holds_nothing_in_clear(tmp_path: Path) -> None:
    """It does not overwrite what it deletes: that must be sealed, wherever it lies, under a key that lies nowhere."""
    with own_server() as server, running(tmp_path) as up:
        token = up.key("Unmistakable Brush", scopes=["assets:sign", "assets:read", "assets:erase"])
        caller = up.service.access.authenticate(token)
        (oid,) = ask("SELECT max(oid) FROM pg_database")
        files = server.folder / "base" / str(oid), server.folder / "pg_wal"
        with up.http(token) as http:
            asset, content = signed(http, picture(seed=9), CLAIM)
            entry = asset["ledger"]["entry"]
            proven(up, entry)
            erasable = captured(up, caller, AssetId(asset["id"]), EntryId(entry), content)
            ask("CHECKPOINT")  # pages, too, and not the write-ahead log alone
            sealed = {name: erasable.sealed[name] for name in ("wrapped key", "sealed payload")}
            assert holders(sealed, *files).keys() == sealed.keys(), "else nothing would be proved"
            assert holders(erasable.clear, tmp_path, *files) == {}
            proven(up, http.delete(asset["links"]["self"]).json()["ledger"]["entry"])
        ask("CHECKPOINT")
        assert holders(erasable.clear, tmp_path, *files) == {}
