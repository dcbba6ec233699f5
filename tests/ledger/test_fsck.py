"""One change to what is stored, of every class: the check names the first bad index and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Executable, Text, cast, delete, insert, select, update

from ledger.auditing.faults import Fault, FaultKind
from ledger.auditing.fsck import verify_log
from ledger.entry import Entry, parse_entry
from ledger.errors import CheckpointError
from ledger.payload import Payloads
from ledger.storage.tables import Checkpoint, Payload, SubjectKey, Tile, stored_bytes
from ledger.storage.tables import Entry as EntryRow
from ledger.tree.checkpoint import TreeHead, sign_checkpoint
from ledger.tree.integrator import Integrator
from ledger.tree.log_key import LogKey
from ledger.tree.merkle import leaf_hash
from tests.databases import KIND, SQLITE
from tests.ledger.world import LONG, World, running, tampering

NOTES_COUNT = 8


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Nine entries with checkpoints of sizes 5 and 9; nothing signs while the test tampers."""
    with running(tmp_path / "fsck.db", interval=LONG * 10) as started:
        tenant = started.ledger.create_tenant("first")
        for n in range(NOTES_COUNT):
            started.write_note(tenant, f"note {n}")
            if n in (3, NOTES_COUNT - 1):
                Integrator(started.database, LogKey(started.database, started.keys)).step()
        yield started


def entry_at(connection: Connection, index: int) -> Entry:
    return parse_entry(
        connection.execute(select(stored_bytes(EntryRow.data)).where(EntryRow.index == index)).scalar_one()
    )


def put(connection: Connection, index: int, data: bytes) -> None:
    connection.execute(update(EntryRow).where(EntryRow.index == index).values(data=data))


def forge(index: int, **changes: str) -> Callable[[Connection], None]:
    """Replace an entry by another well-formed one."""

    def tamper(connection: Connection) -> None:
        entry = entry_at(connection, index)
        put(connection, index, replace(entry, **changes).encode())  # type: ignore[arg-type]  # fields are strings

    return tamper


def flip(index: int, at: int) -> Callable[[Connection], None]:
    def tamper(connection: Connection) -> None:
        data = bytearray(entry_at(connection, index).encode())
        data[at] ^= 1
        put(connection, index, bytes(data))

    return tamper


def forge_last(**changes: str) -> Callable[[Connection], None]:
    """Replace the last entry and every hash of it, as someone who owns the database would."""

    def tamper(connection: Connection) -> None:
        forge(NOTES_COUNT, **changes)(connection)
        leaf = leaf_hash(entry_at(connection, NOTES_COUNT).encode())
        hashes = connection.execute(select(Tile.hashes)).scalar_one()
        connection.execute(update(Tile).values(hashes=hashes[:-32] + leaf))

    return tamper


def tile(change: Callable[[bytes], bytes]) -> Callable[[Connection], None]:
    def tamper(connection: Connection) -> None:
        hashes = connection.execute(select(Tile.hashes)).scalar_one()
        connection.execute(update(Tile).values(hashes=change(hashes)))

    return tamper


def note(size: int, old: str, new: str) -> Callable[[Connection], None]:
    def tamper(connection: Connection) -> None:
        row = Checkpoint.size == size
        text = connection.execute(select(Checkpoint.note).where(row)).scalar_one()
        assert old in text
        connection.execute(update(Checkpoint).where(row).values(note=text.replace(old, new, 1)))

    return tamper


def payload_of(index: int, **values: object) -> Callable[[Connection], None]:
    def tamper(connection: Connection) -> None:
        row = Payload.entry_id == entry_at(connection, index).id
        connection.execute(update(Payload).where(row).values(**values))

    return tamper


def flip_payload(index: int) -> Callable[[Connection], None]:
    def tamper(connection: Connection) -> None:
        row = Payload.entry_id == entry_at(connection, index).id
        sealed = connection.execute(select(Payload.sealed).where(row)).scalar_one()
        assert sealed is not None
        connection.execute(update(Payload).where(row).values(sealed=sealed[:-1] + bytes([sealed[-1] ^ 1])))

    return tamper


def swap_payloads(connection: Connection) -> None:
    row = Payload.entry_id == entry_at(connection, 4).id
    other = select(Payload.sealed).where(Payload.entry_id == entry_at(connection, 5).id).scalar_subquery()
    connection.execute(update(Payload).where(row).values(sealed=other))


def lose_payload(connection: Connection) -> None:
    connection.execute(delete(Payload).where(Payload.entry_id == entry_at(connection, 4).id))


def run(*statements: Executable) -> Callable[[Connection], None]:
    def tamper(connection: Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    return tamper


LAST = NOTES_COUNT

TAMPERED: dict[str, tuple[Callable[[Connection], None], int, FaultKind]] = {
    "a byte of the JSON": (flip(4, 1), 4, FaultKind.ENTRY),
    "the last byte": (flip(4, -1), 4, FaultKind.ENTRY),
    "the first entry": (forge(0, policy="other@1"), 0, FaultKind.TILE),
    "kind": (forge(4, kind="note.forged"), 4, FaultKind.TILE),
    "policy": (forge(4, policy="other@1"), 4, FaultKind.TILE),
    "commit": (forge(4, commit="0" * 64), 4, FaultKind.TILE),
    "actor": (forge(4, actor="0" * 64), 4, FaultKind.TILE),
    "prev": (forge(4, prev="0" * 64), 4, FaultKind.PREV),
    "time back": (forge(4, time="2020-01-01T00:00:00.000Z"), 4, FaultKind.TIME),
    "time forward": (forge(4, time="2027-01-01T00:00:00.000Z"), 4, FaultKind.TILE),
    "id": (forge(4, id="ent_" + "a" * 26), 4, FaultKind.ID),
    "last entry with its tile": (forge_last(policy="other@1"), 5, FaultKind.CHECKPOINT),
    "not an entry": (lambda connection: put(connection, 4, b"{}"), 4, FaultKind.ENTRY),
    "an entry lost": (
        run(delete(EntryRow).where(EntryRow.index == 4)),
        4,
        FaultKind.GAP,
    ),
    "an index moved": (
        run(update(EntryRow).where(EntryRow.index == LAST).values(index=LAST + 1)),
        LAST,
        FaultKind.GAP,
    ),
    "the tail lost": (run(delete(EntryRow).where(EntryRow.index >= 7)), 7, FaultKind.CHECKPOINT),
    "the tail and its checkpoint lost": (
        run(delete(EntryRow).where(EntryRow.index >= 7), delete(Checkpoint).where(Checkpoint.size > 7)),
        7,
        FaultKind.TILE,
    ),
    "a tile's first hash": (tile(lambda hashes: bytes(32) + hashes[32:]), 0, FaultKind.TILE),
    "a tile's hash": (tile(lambda hashes: hashes[:128] + bytes(32) + hashes[160:]), 4, FaultKind.TILE),
    "a tile cut short": (tile(lambda hashes: hashes[: 6 * 32]), 6, FaultKind.TILE),
    "a tile cut inside a hash": (tile(lambda hashes: hashes[:-1]), LAST, FaultKind.TILE),
    "a tile too long": (tile(lambda hashes: hashes + bytes(32)), LAST + 1, FaultKind.TILE),
    "a tile lost": (run(delete(Tile)), 0, FaultKind.TILE),
    "an early checkpoint's size": (note(5, "\n5\n", "\n4\n"), 4, FaultKind.CHECKPOINT),
    "a late checkpoint's origin": (note(9, "log.example", "log.another"), 8, FaultKind.CHECKPOINT),
    "a checkpoint's signature": (note(9, "— log.example/test ", "— log.example/test A"), 8, FaultKind.CHECKPOINT),
    "a checkpoint's row": (
        run(update(Checkpoint).where(Checkpoint.size == 5).values(size=6)),
        5,
        FaultKind.CHECKPOINT,
    ),
    "a payload's ciphertext": (flip_payload(4), 4, FaultKind.PAYLOAD),
    "a payload cut short": (payload_of(4, sealed=b"x"), 4, FaultKind.PAYLOAD),
    "another entry's payload": (swap_payloads, 4, FaultKind.PAYLOAD),
    "a payload's row lost": (lose_payload, 4, FaultKind.PAYLOAD),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_is_found_where_it_is(world: World, name: str) -> None:
    tamper, index, kind = TAMPERED[name]
    with tampering(world.database) as connection:
        tamper(connection)
    fault = world.ledger.verify().fault
    assert isinstance(fault, Fault)
    assert (fault.index, fault.kind) == (index, kind), fault.reason
    assert fault.reason


@pytest.mark.skipif(KIND != SQLITE, reason="PostgreSQL keeps no text in a column of bytes")
def test_what_was_made_text_is_told_like_any_change(world: World) -> None:
    """What `UPDATE payload SET sealed = sealed || x'00'` leaves."""
    before = world.ledger.published("tile/entries/000.p/9")
    with tampering(world.database) as connection:
        connection.execute(update(EntryRow).values(data=cast(EntryRow.data, Text)))
        entry = entry_at(connection, 4).id
        connection.execute(update(Payload).where(Payload.entry_id == entry).values(sealed=b"\xff" * 80))
        connection.execute(update(Payload).values(sealed=cast(Payload.sealed, Text)))
    assert world.ledger.published("tile/entries/000.p/9") == before
    assert world.ledger.receipt(entry)
    fault = world.ledger.verify().fault
    assert fault is not None
    assert (fault.index, fault.kind) == (4, FaultKind.PAYLOAD)


def test_an_untouched_log_is_sound(world: World) -> None:
    seen: list[tuple[int, int]] = []
    report = world.ledger.verify(lambda done, total: seen.append((done, total)))
    assert report.sound
    assert (report.entries, report.proven, report.checkpoints) == (9, 9, 2)
    assert (report.payloads, report.erased) == (9, 0)
    assert seen[-1] == (9, 9)


def test_a_tree_signed_over_other_entries_is_found(world: World) -> None:
    key, signer = LogKey(world.database, world.keys).signer()
    lie = sign_checkpoint(TreeHead(key.origin, 7, bytes(32)), key, signer)
    with tampering(world.database) as connection:
        connection.execute(insert(Checkpoint), {"size": 7, "note": lie})
    fault = world.ledger.verify().fault
    assert fault is not None
    assert (fault.index, fault.kind) == (5, FaultKind.CHECKPOINT)


def test_a_payload_sealed_again_with_the_right_key_is_still_not_the_one_committed(world: World) -> None:
    def tamper(connection: Connection) -> None:
        entry = entry_at(connection, 4)
        row = connection.execute(
            select(Payload.tenant_id, Payload.subject_id).where(Payload.entry_id == entry.id)
        ).one()
        subject = world.ledger.subjects.open(row.tenant_id, row.subject_id)
        opened = world.ledger.payloads.open(row.tenant_id, entry.id)
        draft = world.ledger.draft(entry.kind, entry.policy, opened.actor, subject, opened.payload)
        sealed = world.ledger.payloads.seal(replace(draft, id=entry.id)).sealed
        connection.execute(update(Payload).where(Payload.entry_id == entry.id).values(sealed=sealed))

    with tampering(world.database) as connection:
        tamper(connection)
    fault = world.ledger.verify().fault
    assert fault == Fault(4, FaultKind.PAYLOAD, "its payload is not what the entry committed to")


def test_a_lost_subject_key_is_an_erasure_not_a_fault(world: World) -> None:
    with tampering(world.database) as connection:
        subject = select(Payload.subject_id).where(Payload.entry_id == entry_at(connection, 4).id)
        connection.execute(delete(SubjectKey).where(SubjectKey.id == subject.scalar_subquery()))
    report = world.ledger.verify()
    assert (report.sound, report.payloads, report.erased) == (True, 8, 1)


def test_a_stranger_brings_the_key_and_checks_without_payloads(world: World) -> None:
    assert verify_log(world.database, world.ledger.vkey()).payloads == 0
    other = world.ledger.vkey().replace("log.example", "log.another")
    with pytest.raises(CheckpointError):
        verify_log(world.database, other)


def test_a_log_never_signed_is_sound_without_a_key(tmp_path: Path) -> None:
    with running(tmp_path / "unsigned.db", interval=LONG * 10) as world:
        world.ledger.create_tenant("first")
        report = verify_log(world.database)
        assert (report.sound, report.entries, report.proven) == (True, 1, 0)
        Integrator(world.database, LogKey(world.database, world.keys)).step()
        assert verify_log(world.database).proven == 1


def test_kinds_unknown_here_are_named(world: World) -> None:
    bare = Payloads(world.database, world.ledger.subjects, (), bytes)
    report = verify_log(world.database, payloads=(bare, world.ledger.subjects))
    assert report.fault is not None
    assert "not registered" in report.fault.reason
