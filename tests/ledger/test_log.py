from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

import ledger.log
from keys.errors import KeyStoreDownError
from ledger.decisions import TenantCreated
from ledger.entry import FIRST_PREV, format_time
from ledger.errors import (
    CheckpointError,
    DraftRefusedError,
    EntryNotFoundError,
    LogBusyError,
    LogClosedError,
    NotProvenError,
)
from ledger.ids import EntryId, TenantId, milliseconds
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.receipt import verify_receipt
from ledger.storage.database import Database
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.tree.merkle import leaf_hash
from tests.databases import url_of
from tests.ledger.world import ACTOR, KINDS, LONG, NOTES, POLICY, NoteWritten, World, running
from tests.simulators.key_store import SimulatedKeyStore


def test_a_recorded_entry_is_durable_then_proven(world: World, tenant: TenantId) -> None:
    entry_id = world.write_note(tenant, "hello").entries[0]
    assert world.note_ids(tenant) == {entry_id}
    assert world.ledger.wait_proven(entry_id, LONG)
    proven = verify_receipt(world.ledger.receipt(entry_id), world.ledger.vkey())
    assert proven.entry == world.ledger.entry(entry_id)
    assert (proven.index, proven.origin) == (1, "log.example/test")
    assert world.ledger.is_proven(entry_id)
    assert world.ledger.status().ready


def test_the_public_entry_says_what_privacy_lists_and_nothing_else(world: World, tenant: TenantId) -> None:
    entry_id = world.write_note(tenant, "secret words").entries[0]
    data = world.ledger.entry(entry_id).encode()
    members = json.loads(data)
    assert list(members) == ["actor", "commit", "id", "kind", "policy", "prev", "time", "v"]
    assert members["kind"] == "note.written"
    assert members["time"] == format_time(milliseconds(world.clock()))
    for private in (b"secret", tenant.encode(), ACTOR.encode()):
        assert private not in data


def test_the_chain_starts_at_zeros_and_binds_each_entry_to_the_one_before(world: World, tenant: TenantId) -> None:
    ids = [world.write_note(tenant, text).entries[0] for text in "abc"]
    entries = [world.ledger.entry(entry_id) for entry_id in ids]
    assert verify_first_prev(world) == FIRST_PREV
    for before, after in pairwise(entries):
        assert after.prev == leaf_hash(before.encode()).hex()


def verify_first_prev(world: World) -> str:
    assert world.ledger.wait_proven(_any_entry(world), LONG)
    return world.ledger.entry(_any_entry(world)).prev


def _any_entry(world: World) -> EntryId:
    from sqlalchemy import select

    from ledger.storage.tables import Entry
    from ledger.storage.tenancy import SystemSession

    with world.database.read(SystemSession.VERIFICATION) as connection:
        return connection.execute(select(Entry.id).where(Entry.index == 0)).scalar_one()


def test_time_never_decreases_even_when_the_clock_does(world: World, tenant: TenantId) -> None:
    before = world.write_note(tenant, "before").entries[0]
    world.clock.move(timedelta(hours=-3))
    after = world.write_note(tenant, "after").entries[0]
    assert world.ledger.entry(after).time == world.ledger.entry(before).time


def test_thirty_two_writers_make_one_whole_chain(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.system(tenant)
    with ThreadPoolExecutor(32) as pool:
        done = list(pool.map(lambda n: world.write_note(tenant, f"note {n}", subject), range(320)))
    assert world.note_ids(tenant) == {entry for recorded in done for entry in recorded.entries}
    report = world.ledger.verify()
    assert report.sound
    assert (report.entries, report.payloads) == (321, 321)


def test_one_raising_work_harms_nobody_else(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.system(tenant)

    class Surprise(Exception):  # noqa: N818 - stands for any caller's own exception
        pass

    def attempt(n: int) -> bool:
        if n % 8:
            world.write_note(tenant, f"note {n}", subject)
            return True

        def work(connection: Connection) -> Sequence[Draft]:
            connection.execute(insert(NOTES), {"tenant_id": tenant, "id": f"bad {n}", "text": "half"})
            raise Surprise

        with pytest.raises(Surprise):
            world.ledger.record(work, tenant)
        return False

    with ThreadPoolExecutor(32) as pool:
        kept = sum(pool.map(attempt, range(128)))
    assert len(world.note_ids(tenant)) == kept == 112
    assert world.ledger.verify().sound


def test_a_second_use_of_an_entry_id_fails_alone(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.system(tenant)
    draft = world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten("once"))
    world.ledger.record(lambda _: [draft], tenant)
    with pytest.raises(Exception, match=r"(?i)unique"):
        world.ledger.record(lambda _: [draft], tenant)
    world.write_note(tenant, "the log goes on")
    assert world.ledger.verify().sound


def test_a_draft_of_an_unknown_kind_or_another_type_is_refused(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.system(tenant)
    other = world.ledger.create_tenant("second")
    foreign = world.ledger.subjects.system(other)
    refused = [
        world.ledger.draft("note.burned", POLICY, ACTOR, subject, NoteWritten("x")),
        world.ledger.draft("note.written", POLICY, ACTOR, subject, {"text": "x"}),
        world.ledger.draft("note.written", "no version", ACTOR, subject, NoteWritten("x")),
        world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten("\ud800")),
        world.ledger.draft("note.written", POLICY, ACTOR, foreign, NoteWritten("x")),
    ]
    for draft in refused:
        with pytest.raises(DraftRefusedError):
            world.ledger.record(lambda _, draft=draft: [draft], tenant)  # type: ignore[misc]  # lambda default
    assert world.ledger.status().committed == 2


def test_an_unknown_entry_is_not_found_and_an_unproven_one_says_so(tmp_path: Path) -> None:
    with running(tmp_path / "slow.db", interval=LONG) as world:
        tenant = world.ledger.create_tenant("first")
        with pytest.raises(EntryNotFoundError):
            world.ledger.receipt(EntryId("ent_" + "a" * 26))
        entry_id = world.write_note(tenant, "fresh").entries[0]
        assert not world.ledger.is_proven(entry_id)
        with pytest.raises(NotProvenError):
            world.ledger.receipt(entry_id)
        with pytest.raises(NotProvenError):
            world.ledger.checkpoint()


def test_checkpoints_pause_while_the_key_store_is_down_and_recover(world: World, tenant: TenantId) -> None:
    first = world.write_note(tenant, "before").entries[0]
    assert world.ledger.wait_proven(first, LONG)
    subject = world.ledger.subjects.system(tenant)
    world.keys.go_down()
    second = world.write_note(tenant, "meanwhile", subject).entries[0]
    _until(world, "the simulated key store is down")
    assert not world.ledger.is_proven(second)
    assert world.ledger.entry(second).kind == "note.written"
    world.keys.recover()
    assert world.ledger.wait_proven(second, LONG)
    _until(world, "")
    assert world.ledger.status().ready


def _until(world: World, reason: str) -> None:
    waited = threading.Event()
    for _ in range(int(LONG / 0.01)):
        if world.ledger.status().reason.split(":")[0] == reason:
            return
        waited.wait(0.01)
    pytest.fail(f"status never said {reason!r}: {world.ledger.status()}")


def test_the_ledger_starts_without_its_keys_and_gets_its_tenant_later(tmp_path: Path) -> None:
    world = World(tmp_path / "late.db")
    world.keys.seal()
    world.start()
    try:
        with pytest.raises(Exception, match="sealed"):
            world.ledger.create_tenant("too early")
        world.keys.recover()
        tenant = world.ledger.create_tenant("in time")
        entry_id = world.write_note(tenant, "first").entries[0]
        assert world.ledger.wait_proven(entry_id, LONG)
    finally:
        world.close()


def test_creating_a_tenant_records_it_under_its_system_subject(world: World, tenant: TenantId) -> None:
    opened = world.ledger.payloads.open(tenant, _any_entry(world))
    assert opened.kind == "tenant.created"
    assert opened.payload == TenantCreated("first")
    assert opened.subject == world.ledger.subjects.system(tenant).id


def test_the_log_continues_after_a_restart(tmp_path: Path) -> None:
    keys = SimulatedKeyStore()
    first = World(tmp_path / "again.db", keys)
    first.start()
    tenant = first.ledger.create_tenant("first")
    early = first.write_note(tenant, "early").entries[0]
    first.close()
    second = World(tmp_path / "again.db", keys)
    second.start()
    try:
        late = second.write_note(tenant, "late").entries[0]
        assert second.ledger.wait_proven(late, LONG)
        for entry_id in (early, late):
            verify_receipt(second.ledger.receipt(entry_id), second.ledger.vkey())
        assert second.ledger.verify().sound
    finally:
        second.close()


def test_closing_proves_what_is_durable_and_refuses_what_comes_after(tmp_path: Path) -> None:
    world = World(tmp_path / "closing.db", interval=LONG)
    world.start()
    tenant = world.ledger.create_tenant("first")
    entry_id = world.write_note(tenant, "last").entries[0]
    subject = world.ledger.subjects.system(tenant)
    world.ledger.close()
    assert world.ledger.is_proven(entry_id)
    assert not world.ledger.status().ready
    with pytest.raises(LogClosedError):
        world.write_note(tenant, "too late", subject)
    world.database.close()


def test_the_origin_is_fixed_at_the_first_start(world: World, tmp_path: Path) -> None:
    database = Database(url_of(world.path))
    with pytest.raises(CheckpointError, match="for ever"):
        Ledger(database, world.keys, KINDS, origin="log.example/renamed").start()
    unnamed = Database(url_of(tmp_path / "unnamed.db"))
    log = Ledger(unnamed, world.keys, KINDS)
    log.start()
    log.close()
    assert log.vkey().startswith("sigillo.local/log_")
    database.close()
    unnamed.close()


def test_the_checkpoint_is_signed_by_the_verifier_key(world: World, tenant: TenantId) -> None:
    entry_id = world.write_note(tenant, "x").entries[0]
    assert world.ledger.wait_proven(entry_id, LONG)
    head = verify_checkpoint(world.ledger.checkpoint(), VerifierKey.parse(world.ledger.vkey()))
    assert (head.origin, head.size) == ("log.example/test", 2)


def test_too_many_entries_without_a_tree_push_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.log, "MAX_UNINTEGRATED", 1)
    with running(tmp_path / "busy.db", interval=LONG) as world:
        tenant = world.ledger.create_tenant("first")
        subject = world.ledger.subjects.system(tenant)
        world.write_note(tenant, "one", subject)
        with pytest.raises(LogBusyError):
            world.write_note(tenant, "two", subject)


def test_a_key_store_down_at_the_vkey_is_its_own_error(tmp_path: Path) -> None:
    world = World(tmp_path / "novkey.db", interval=LONG)
    world.keys.go_down()
    world.start()
    with pytest.raises(KeyStoreDownError):
        world.ledger.vkey()
    world.keys.recover()
    known = world.ledger.vkey()
    world.keys.go_down()
    assert world.ledger.vkey() == known
    world.close()
