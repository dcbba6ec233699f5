from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, update

from keys.errors import SealBrokenError
from ledger.errors import EntryNotFoundError, EpochClosedError, EpochInUseError, SubjectErasedError
from ledger.forgetting.epochs import DATA_KEY_LIFETIME
from ledger.forgetting.subjects import Subject
from ledger.ids import SubjectId, TenantId
from ledger.payload import Draft, OpenedPayload
from ledger.receipt import verify_receipt
from ledger.storage.tables import Payload, SubjectKey
from tests.ledger.world import ACTOR, FULL, LONG, POLICY, NoteWritten, World, running


def test_a_payload_opens_as_it_was_recorded(world: World, tenant: TenantId) -> None:
    entry_id = world.write_note(tenant, "naïve 🙂").entries[0]
    opened = world.ledger.payloads.open(tenant, entry_id)
    assert opened == OpenedPayload(
        "note.written",
        ACTOR,
        opened.subject,
        NoteWritten("naïve 🙂", 7, ("a", "b")),
        world.ledger.entry(entry_id).commit,
        world.ledger.entry(entry_id).actor,
    )


def test_actors_compare_inside_one_subject_only(world: World, tenant: TenantId) -> None:
    system = world.ledger.subjects.system(tenant)
    same = [world.ledger.entry(world.write_note(tenant, text, system).entries[0]).actor for text in "ab"]
    elsewhere = world.ledger.entry(world.write_note(tenant, "c").entries[0]).actor
    assert same[0] == same[1] != elsewhere


def test_another_tenant_does_not_find_it(world: World, tenant: TenantId) -> None:
    entry_id = world.write_note(tenant, "mine").entries[0]
    subject = world.subject_of(tenant, entry_id)
    other = world.ledger.create_tenant("second")
    with pytest.raises(EntryNotFoundError):
        world.ledger.payloads.open(other, entry_id)
    with pytest.raises(SubjectErasedError):
        world.ledger.subjects.open(other, subject)
    with pytest.raises(SubjectErasedError):
        world.erase(other, subject)
    world.ledger.payloads.open(tenant, entry_id)


def test_an_asset_may_be_its_own_subject(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.create(tenant, SubjectId("ast_chosen"))

    def work(connection: Connection) -> Sequence[Draft]:
        world.ledger.subjects.insert(connection, subject)
        return []

    world.ledger.record(work, tenant)
    assert world.ledger.subjects.open(tenant, SubjectId("ast_chosen")) == subject
    assert repr(subject.key) not in repr(subject)


@pytest.mark.sqlite("reads the database's file")
def test_erasure_removes_the_bytes_and_keeps_every_proof(world: World, tenant: TenantId) -> None:
    kept, gone = (world.write_note(tenant, text).entries[0] for text in ("kept", "gone"))
    assert world.ledger.wait_proven(gone, LONG)
    receipts = [world.ledger.receipt(entry_id) for entry_id in (kept, gone)]
    sealed, wrapped = _ciphertexts(world, tenant, world.subject_of(tenant, gone))
    assert sealed in world.path.read_bytes() + _wal(world.path)
    world.erase(tenant, world.subject_of(tenant, gone))
    assert world.database.truncate_wal()
    everything = world.path.read_bytes() + _wal(world.path)
    for secret in (sealed, sealed[12:60], wrapped, wrapped[12:]):
        assert secret not in everything
    with pytest.raises(SubjectErasedError):
        world.ledger.payloads.open(tenant, gone)
    world.ledger.payloads.open(tenant, kept)
    for receipt in [*receipts, world.ledger.receipt(gone)]:
        verify_receipt(receipt, world.ledger.vkey())
    report = world.ledger.verify()
    assert (report.sound, report.erased) == (True, 1)


def _ciphertexts(world: World, tenant: TenantId, subject: SubjectId) -> tuple[bytes, bytes]:
    with world.database.read(tenant) as connection:
        sealed = connection.execute(
            select(Payload.sealed).where(Payload.tenant_id == tenant, Payload.subject_id == subject)
        ).scalar_one()
        wrapped = connection.execute(
            select(SubjectKey.wrapped).where(SubjectKey.tenant_id == tenant, SubjectKey.id == subject)
        ).scalar_one()
    assert sealed is not None
    return sealed, wrapped


def _wal(path: Path) -> bytes:
    wal = path.with_name(path.name + "-wal")
    return wal.read_bytes() if wal.exists() else b""


@pytest.mark.sqlite("reads the database's file")
def test_truncation_says_when_a_reader_holds_it_up(impatient: None, tmp_path: Path) -> None:
    # The integrator rests, since it reads too.
    with running(tmp_path / "read.db", interval=LONG * 10) as world:
        tenant = world.ledger.create_tenant("first")
        reader = sqlite3.connect(world.path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entry").fetchone()
        world.write_note(tenant, "newer than the reader")
        assert not world.database.truncate_wal()
        reader.close()
        assert world.database.truncate_wal()


def test_nothing_is_recorded_about_an_erased_subject(world: World, tenant: TenantId) -> None:
    entry_id = world.write_note(tenant, "x").entries[0]
    subject = world.ledger.subjects.open(tenant, world.subject_of(tenant, entry_id))
    world.erase(tenant, subject.id)
    with pytest.raises(SubjectErasedError):
        world.write_note(tenant, "afterwards", subject)
    with pytest.raises(SubjectErasedError):
        world.erase(tenant, subject.id)
    assert world.note_ids(tenant) == {entry_id}


def test_an_epoch_that_closes_before_the_commit_asks_for_rewrapping(world: World, tenant: TenantId) -> None:
    subject = world.ledger.subjects.create(tenant)
    draft = world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten("x"))

    def work(inserted: Subject) -> None:
        def run(connection: Connection) -> Sequence[Draft]:
            world.ledger.subjects.insert(connection, inserted)
            return [draft]

        world.ledger.record(run, tenant)

    assert world.ledger.epochs.advance(tenant) == 2
    with pytest.raises(EpochClosedError):
        work(subject)
    again = world.ledger.subjects.rewrap(subject)
    assert (again.epoch, again.key) == (2, subject.key)
    work(again)
    assert world.ledger.subjects.open(tenant, subject.id) == again
    assert world.ledger.payloads.open(tenant, draft.id).payload == NoteWritten("x")


def test_epochs_are_destroyed_only_when_nobody_is_left_in_them(world: World, tenant: TenantId) -> None:
    entry_id = world.write_note(tenant, "old").entries[0]
    subject = world.subject_of(tenant, entry_id)
    with pytest.raises(EpochInUseError, match="still open"):
        world.ledger.epochs.destroy(tenant, before=2)
    world.ledger.epochs.advance(tenant)
    with pytest.raises(EpochInUseError) as refused:
        world.ledger.epochs.destroy(tenant, before=2)
    assert refused.value.survivors == 2
    backup = _rows(world, tenant)
    world.erase(tenant, subject)
    assert world.ledger.subjects.rewrap_batch(tenant, 10) == 1
    world.ledger.epochs.destroy(tenant, before=2)
    world.ledger.subjects.system(tenant)
    _restore(world, [row for row in backup if row["id"] == subject])
    with pytest.raises(SubjectErasedError, match="died with epoch"):
        world.ledger.subjects.open(tenant, subject)


def _rows(world: World, tenant: TenantId) -> list[dict[str, object]]:
    with world.database.read(tenant) as connection:
        rows = connection.execute(
            select(SubjectKey.tenant_id, SubjectKey.id, SubjectKey.epoch, SubjectKey.wrapped).where(
                SubjectKey.tenant_id == tenant
            )
        ).mappings()
        return [dict(row) for row in rows]


def _restore(world: World, rows: list[dict[str, object]]) -> None:
    world.database.write(lambda connection: connection.execute(insert(SubjectKey), rows))


def test_epoch_keys_stay_in_memory_for_an_hour_and_no_longer(world: World, tenant: TenantId) -> None:
    subjects = [world.ledger.subjects.create(tenant) for _ in range(3)]
    opened = world.keys.opened
    world.clock.move(DATA_KEY_LIFETIME - timedelta(seconds=1))
    world.ledger.subjects.create(tenant)
    assert world.keys.opened == opened
    world.clock.move(timedelta(seconds=1))
    world.ledger.subjects.rewrap(subjects[0])
    assert world.keys.opened == opened + 1


def test_an_epoch_key_that_nobody_asks_for_is_forgotten(world: World, tenant: TenantId) -> None:
    world.ledger.subjects.create(tenant)
    world.clock.move(DATA_KEY_LIFETIME - timedelta(seconds=1))
    world.ledger.epochs.forget()
    assert world.ledger.epochs._held
    world.clock.move(timedelta(seconds=1))
    world.ledger.epochs.forget()
    assert not world.ledger.epochs._held


def test_a_key_row_moved_to_another_subject_does_not_open(world: World, tenant: TenantId) -> None:
    first, second = (world.subject_of(tenant, world.write_note(tenant, text).entries[0]) for text in "ab")
    with world.database.writing(FULL) as connection:
        stolen = select(SubjectKey.wrapped).where(SubjectKey.id == first).scalar_subquery()
        connection.execute(update(SubjectKey).where(SubjectKey.id == second).values(wrapped=stolen))
    with pytest.raises(SealBrokenError):
        world.ledger.subjects.open(tenant, second)


def test_a_tenant_never_set_up_has_no_subjects(world: World) -> None:
    nobody = TenantId("tnt_nobody")
    for attempt in (world.ledger.subjects.create, world.ledger.subjects.system):
        with pytest.raises(SubjectErasedError):
            attempt(nobody)


def test_commitments_differ_by_salt_alone(world: World, tenant: TenantId) -> None:
    system = world.ledger.subjects.system(tenant)
    commits = {world.ledger.entry(world.write_note(tenant, "same", system).entries[0]).commit for _ in range(5)}
    assert len(commits) == 5


def test_a_payload_moved_to_another_entry_of_its_subject_does_not_open(world: World, tenant: TenantId) -> None:
    system = world.ledger.subjects.system(tenant)
    first, second = (world.write_note(tenant, text, system).entries[0] for text in "ab")
    with world.database.writing(FULL) as connection:
        stolen = select(Payload.sealed).where(Payload.entry_id == first).scalar_subquery()
        connection.execute(update(Payload).where(Payload.entry_id == second).values(sealed=stolen))
    with pytest.raises(SealBrokenError):
        world.ledger.payloads.open(tenant, second)
