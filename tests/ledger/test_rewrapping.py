from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update

import ledger.forgetting.rewrapping
from keys.errors import EpochDestroyedError, KeyStoreDownError, SealBrokenError
from keys.signer import EpochKey
from ledger.decisions import EpochDestroyed
from ledger.errors import EpochClosedError, EpochInUseError, SubjectErasedError
from ledger.forgetting.epochs import DATA_KEY_LIFETIME
from ledger.forgetting.rewrapping import Rewrapping
from ledger.forgetting.schedule import BACKUP_TIME, DANGER, EPOCH_LIFETIME, PROMISE
from ledger.forgetting.subjects import Subject
from ledger.ids import EntryId, SubjectId, TenantId
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database
from ledger.storage.tables import Epoch, EpochState, Payload, SubjectKey
from ledger.storage.tenancy import SystemSession
from tests.ledger.world import ACTOR, FULL, LONG, POLICY, NoteWritten, World

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def never() -> bool:
    return False


def rewrapping_of(world: World, lifetime: timedelta = EPOCH_LIFETIME) -> Rewrapping:
    return Rewrapping(world.ledger, world.database, world.clock, lifetime, lambda event, **facts: None)


@pytest.fixture
def rewrapping(world: World) -> Rewrapping:
    return rewrapping_of(world)


def epochs(world: World, tenant: TenantId) -> list[tuple[int, str]]:
    with world.database.read(tenant) as connection:
        mine = select(Epoch.number, Epoch.state).where(Epoch.tenant_id == tenant).order_by(Epoch.number)
        return [(number, str(state)) for number, state in connection.execute(mine)]


def wrapped_under(world: World, tenant: TenantId) -> dict[SubjectId, int]:
    with world.database.read(tenant) as connection:
        mine = select(SubjectKey.id, SubjectKey.epoch).where(SubjectKey.tenant_id == tenant)
        return {row.id: row.epoch for row in connection.execute(mine)}


def subjects_of(world: World, tenant: TenantId, count: int) -> list[Subject]:
    """Subjects that are stored, without entries."""
    made = [world.ledger.subjects.create(tenant) for _ in range(count)]
    rows = [{"tenant_id": tenant, "id": s.id, "epoch": s.epoch, "wrapped": s.wrapped} for s in made]
    world.database.write(lambda connection: connection.execute(insert(SubjectKey), rows))
    return made


def keys_of(world: World, tenant: TenantId, subjects: Sequence[Subject]) -> list[bytes]:
    return [world.ledger.subjects.open(tenant, subject.id).key for subject in subjects]


def erase(world: World, tenant: TenantId, subject: Subject) -> None:
    world.erase(tenant, subject.id)


def opens_from(backup: Path, world: World, tenant: TenantId, subject: SubjectId) -> bool:
    """Whether a copy of the database, with the live key store, opens the subject's key."""
    database = Database(f"sqlite:///{backup}")
    try:
        Ledger(database, world.keys, (), clock=world.clock).subjects.open(tenant, subject)
    except SubjectErasedError:
        return False
    finally:
        database.close()
    return True


@pytest.mark.sqlite("copies the file of a live database")
def test_an_epoch_ends_by_schedule(world: World, rewrapping: Rewrapping, tmp_path: Path) -> None:
    tenants = [world.ledger.create_tenant(name) for name in ("first", "second")]
    notes = {tenant: world.write_note(tenant, "kept").entries[0] for tenant in tenants}
    gone = {tenant: world.subject_of(tenant, world.write_note(tenant, "gone").entries[0]) for tenant in tenants}
    backup = tmp_path / "backup.db"
    assert world.database.truncate_wal()
    backup.write_bytes(world.path.read_bytes())
    for tenant in tenants:
        world.erase(tenant, gone[tenant])
    world.clock.move(EPOCH_LIFETIME - HOUR)
    rewrapping.round(never)
    assert [epochs(world, tenant) for tenant in tenants] == [[(1, "open")]] * 2
    world.clock.move(HOUR)
    rewrapping.round(never)
    for tenant in tenants:
        assert epochs(world, tenant) == [(1, "closed"), (2, "open")]
        assert set(wrapped_under(world, tenant).values()) == {2}
    world.clock.move(BACKUP_TIME - HOUR)
    rewrapping.round(never)
    assert [opens_from(backup, world, tenant, gone[tenant]) for tenant in tenants] == [True, True]
    world.clock.move(HOUR)
    rewrapping.round(never)
    assert world.clock.now <= world.clock.__class__().now + PROMISE
    for tenant in tenants:
        assert epochs(world, tenant) == [(1, "destroyed"), (2, "open")]
        assert not opens_from(backup, world, tenant, gone[tenant])
        assert world.ledger.payloads.open(tenant, notes[tenant]).payload == NoteWritten("kept", 7, ("a", "b"))
    assert world.ledger.verify().sound


def test_what_was_destroyed_is_in_the_ledger_once(world: World, rewrapping: Rewrapping, tenant: TenantId) -> None:
    for _ in range(2):
        world.clock.move(EPOCH_LIFETIME + BACKUP_TIME)
        for _ in range(2):
            rewrapping.round(never)
            world.clock.move(DATA_KEY_LIFETIME)
        rewrapping.round(never)
        rewrapping.round(never)
    with world.database.read(tenant) as connection:
        mine = (Payload.tenant_id == tenant, Payload.kind == "epoch.destroyed")
        entries = connection.execute(select(Payload.entry_id).where(*mine)).scalars().all()
    opened = [world.ledger.payloads.open(tenant, entry) for entry in entries]
    assert sorted(each.payload.before for each in opened) == [2, 3]
    assert all(isinstance(each.payload, EpochDestroyed) for each in opened)
    assert {each.subject for each in opened} == {world.ledger.subjects.system(tenant).id}
    assert {each.actor for each in opened} == {world.ledger.system_principal(tenant)}


def test_every_survivor_keeps_its_key(world: World, rewrapping: Rewrapping, tenant: TenantId) -> None:
    made = subjects_of(world, tenant, 3 * ledger.forgetting.rewrapping.BATCH + 7)
    world.clock.move(EPOCH_LIFETIME)
    rewrapping.round(never)
    assert set(wrapped_under(world, tenant).values()) == {2}
    assert keys_of(world, tenant, made) == [subject.key for subject in made]


def test_a_stop_is_answered_after_one_batch(
    world: World, rewrapping: Rewrapping, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger.forgetting.rewrapping, "BATCH", 4)
    made = subjects_of(world, tenant, 11)
    world.clock.move(EPOCH_LIFETIME + BACKUP_TIME)
    left = []
    for _ in range(6):
        rewrapping.round(lambda: True)
        left.append(rewrapping.status.waiting)
    assert left == [12, 8, 4, 0, 0, 0]
    assert keys_of(world, tenant, made) == [subject.key for subject in made]


def test_progress_is_told(world: World, tenant: TenantId, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.forgetting.rewrapping, "BATCH", 4)
    subjects_of(world, tenant, 9)
    told: list[tuple[str, dict[str, int]]] = []

    def tell(event: str, **facts: int) -> None:
        told.append((event, facts))

    seen: list[int] = []
    rewrapping = Rewrapping(world.ledger, world.database, world.clock, EPOCH_LIFETIME, tell)

    def look() -> bool:
        seen.append(rewrapping.status.waiting)
        return False

    world.clock.move(EPOCH_LIFETIME)
    rewrapping.round(look)
    assert rewrapping.age() // HOUR == EPOCH_LIFETIME // HOUR
    world.clock.move(BACKUP_TIME)
    rewrapping.round(never)
    assert told == [
        ("re-wrapping begins", {"subjects": 10}),
        ("re-wrapping ends", {"subjects": 10}),
        ("epoch destroyed", {}),
    ]
    assert seen == [0, 6, 2, 0, 0]
    assert rewrapping.age() // HOUR == BACKUP_TIME // HOUR, "the next epoch is the oldest now"


@pytest.mark.sqlite("copies the file of a live database")
def test_old_wraps_are_overwritten(world: World, rewrapping: Rewrapping, tenant: TenantId) -> None:
    wraps = [subject.wrapped for subject in subjects_of(world, tenant, 40)]
    wal = world.path.with_name(world.path.name + "-wal")
    before = world.path.read_bytes() + wal.read_bytes()
    assert all(wrapped in before for wrapped in wraps)
    world.clock.move(EPOCH_LIFETIME)
    rewrapping.round(never)
    after = world.path.read_bytes() + wal.read_bytes()
    assert not [wrapped for wrapped in wraps if wrapped in after or wrapped[12:] in after]


def test_what_is_erased_meanwhile_stays_erased(
    world: World, rewrapping: Rewrapping, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = subjects_of(world, tenant, 3)
    world.clock.move(EPOCH_LIFETIME)
    rewrapping._ledger.epochs.advance(tenant)
    write = world.database.write

    def overtaken(fn: Callable[[Connection], Any]) -> Any:
        if threading.current_thread() is not threading.main_thread():  # the integrator writes as well
            return write(fn)
        monkeypatch.setattr(world.database, "write", write)
        erase(world, tenant, second)
        return write(fn)

    monkeypatch.setattr(world.database, "write", overtaken)
    rewrapping.round(never)
    with pytest.raises(SubjectErasedError):
        world.ledger.subjects.open(tenant, second.id)
    assert keys_of(world, tenant, [first, third]) == [first.key, third.key]
    assert second.id not in wrapped_under(world, tenant)


def test_a_late_commit_under_the_old_epoch_is_refused(world: World, rewrapping: Rewrapping, tenant: TenantId) -> None:
    late = world.ledger.subjects.create(tenant)
    world.clock.move(EPOCH_LIFETIME)
    rewrapping.round(never)
    with pytest.raises(EpochClosedError):
        commit(world, tenant, late)
    again = world.ledger.subjects.rewrap(late)
    commit(world, tenant, again)
    assert world.ledger.subjects.open(tenant, late.id).key == late.key


def commit(world: World, tenant: TenantId, subject: Subject) -> EntryId:
    draft = world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten("x"))

    def work(connection: Connection) -> Sequence[Draft]:
        world.ledger.subjects.insert(connection, subject)
        return [draft]

    return world.ledger.record(work, tenant).entries[0]


def test_commits_race_the_end_of_epochs(world: World, tenant: TenantId, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers never stop while epochs end one after another; nothing is lost, and every epoch but the last dies."""
    monkeypatch.setattr(ledger.forgetting.rewrapping, "BATCH", 16)
    stop, refused = Event(), list[SubjectId]()

    def write_on() -> list[tuple[Subject, EntryId]]:
        written = []
        while not stop.is_set():
            subject = world.ledger.subjects.create(tenant)
            while True:
                try:
                    written.append((subject, commit(world, tenant, subject)))
                    break
                except EpochClosedError:
                    refused.append(subject.id)
                    subject = world.ledger.subjects.rewrap(subject)
        return written

    rewrapping = rewrapping_of(world, DAY)
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write_on) for _ in range(4)]
        try:
            for _ in range(14):
                for step in (DAY - HOUR, HOUR):
                    world.clock.move(step)
                    rewrapping.round(never)
        finally:
            stop.set()
        written = [each for writer in writers for each in writer.result(LONG)]
    assert len(written) > 14
    assert keys_of(world, tenant, [subject for subject, _ in written]) == [subject.key for subject, _ in written]
    for _, entry in written:
        world.ledger.payloads.open(tenant, entry)
    states = dict(epochs(world, tenant))
    assert states.pop(15) == EpochState.OPEN
    assert {number for number, state in states.items() if state == EpochState.DESTROYED} == set(range(1, 7))
    assert world.ledger.verify().sound


def test_an_open_overtaken_by_the_end_of_its_epoch_finds_the_new_wrap(
    world: World, rewrapping: Rewrapping, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    (subject,) = subjects_of(world, tenant, 1)
    world.clock.move(EPOCH_LIFETIME + BACKUP_TIME)
    rewrapping._ledger.epochs.advance(tenant)
    world.clock.move(2 * DATA_KEY_LIFETIME)
    opened = world.keys.open_epoch

    def overtaken(who: str, wrapped: bytes | None = None) -> EpochKey:
        monkeypatch.setattr(world.keys, "open_epoch", opened)
        rewrapping.round(never)
        assert epochs(world, tenant)[0] == (1, "destroyed")
        return opened(who, wrapped)

    monkeypatch.setattr(world.keys, "open_epoch", overtaken)
    assert world.ledger.subjects.open(tenant, subject.id).key == subject.key


def test_nothing_is_destroyed_over_a_survivor(
    world: World, rewrapping: Rewrapping, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    (subject,) = subjects_of(world, tenant, 1)
    world.clock.move(EPOCH_LIFETIME)
    world.ledger.epochs.advance(tenant)
    world.clock.move(BACKUP_TIME)
    with monkeypatch.context() as patched:
        patched.setattr(world.ledger.subjects, "rewrap_batch", lambda *_: 0)
        with pytest.raises(EpochInUseError):
            rewrapping.round(never)
    assert keys_of(world, tenant, [subject]) == [subject.key]
    rewrapping.round(never)
    assert epochs(world, tenant)[0] == (1, "destroyed")


def test_one_tenants_damage_does_not_hold_up_the_others(world: World, rewrapping: Rewrapping) -> None:
    broken, sound = sorted(world.ledger.create_tenant(name) for name in ("first", "second"))
    subjects_of(world, broken, 1)
    with world.database.writing(FULL) as connection:
        connection.execute(update(SubjectKey).where(SubjectKey.tenant_id == broken).values(wrapped=b"damaged" * 9))
    world.clock.move(EPOCH_LIFETIME)
    with pytest.raises(SealBrokenError):
        rewrapping.round(never)
    world.clock.move(BACKUP_TIME)
    with pytest.raises(SealBrokenError):
        rewrapping.round(never)
    assert epochs(world, sound) == [(1, "destroyed"), (2, "open")]
    assert epochs(world, broken) == [(1, "closed"), (2, "open")]


def test_a_key_store_that_is_down_is_said_before_the_promise_breaks(
    world: World, rewrapping: Rewrapping, tenant: TenantId
) -> None:
    (subject,) = subjects_of(world, tenant, 1)
    world.keys.go_down()
    world.clock.move(EPOCH_LIFETIME)
    with pytest.raises(KeyStoreDownError):
        rewrapping.round(never)
    assert rewrapping.danger() == ""
    world.clock.move(DANGER - EPOCH_LIFETIME)
    assert "28 days ago" in rewrapping.danger()
    with pytest.raises(KeyStoreDownError):
        rewrapping.round(never)
    world.keys.recover()
    rewrapping.round(never)
    assert rewrapping.danger()
    world.clock.move(DATA_KEY_LIFETIME)
    rewrapping.round(never)
    assert rewrapping.danger() == ""
    assert epochs(world, tenant) == [(1, "destroyed"), (2, "open")]
    assert keys_of(world, tenant, [subject]) == [subject.key]


def test_danger_is_known_at_a_start_without_the_key_store(world: World, tenant: TenantId) -> None:
    world.clock.move(DANGER)
    world.keys.go_down()
    started = rewrapping_of(world)
    with pytest.raises(KeyStoreDownError):
        started.round(never)
    assert started.danger()


def test_an_old_backup_put_in_place_says_what_it_is(world: World, rewrapping: Rewrapping, tenant: TenantId) -> None:
    subjects_of(world, tenant, 1)
    world.keys.advance_epoch(tenant)
    world.keys.destroy_epochs(tenant, before=2)
    world.clock.move(EPOCH_LIFETIME)
    with pytest.raises(EpochDestroyedError):
        rewrapping.round(never)
    assert rewrapping.status.waiting == 2


def test_thousands_move_in_the_memory_of_one_batch(world: World, rewrapping: Rewrapping, tenant: TenantId) -> None:
    subjects_of(world, tenant, 6_000)
    world.clock.move(EPOCH_LIFETIME)
    tracemalloc.start()
    try:
        rewrapping.round(never)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert set(wrapped_under(world, tenant).values()) == {2}
    assert peak < 2 * 1024 * 1024, "all at once they take more than five"


class CrashError(Exception):
    """The process ends here, as far as its work is concerned."""


class Crashing:
    """Ends the process at the nth of the steps that leave something behind, before it or after it."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.left, self.after = at, after

    def wrap(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def crashing(*arguments: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.after:
                raise CrashError
            result = step(*arguments)
            if self.left == 0:
                raise CrashError
            return result

        return crashing


@pytest.fixture
def restarted(tmp_path: Path) -> Iterator[Callable[[World | None], World]]:
    """A world anew over the same files, the same key store and the same clock."""
    worlds: list[World] = []

    def restart(before: World | None = None) -> World:
        if before is None:
            worlds.append(World(tmp_path / f"crash{len(worlds)}.db", interval=LONG * 10))
        else:
            before.close()
            worlds.append(World(before.path, before.keys, before.clock, before.interval))
        worlds[-1].start()
        return worlds[-1]

    yield restart
    worlds[-1].close()


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_step_it_goes_on(
    restarted: Callable[[World | None], World], monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setattr(ledger.forgetting.rewrapping, "BATCH", 2)
    world = restarted(None)
    tenant = world.ledger.create_tenant("first")
    kept = subjects_of(world, tenant, 5)
    at, crashed = 0, True
    while crashed:
        at += 1
        (gone,) = subjects_of(world, tenant, 1)
        backup = {gone.id: (gone.epoch, gone.wrapped)}
        ending = gone.epoch
        erase(world, tenant, gone)
        crash = Crashing(at, after=after)
        world.clock.move(EPOCH_LIFETIME)
        crashed = _end_epoch(world, crash, monkeypatch)
        world = restarted(world)
        rewrapping_of(world).round(never)
        world.clock.move(BACKUP_TIME)
        rewrapping_of(world).round(never)
        assert keys_of(world, tenant, kept) == [subject.key for subject in kept]
        assert dict(epochs(world, tenant))[ending] == "destroyed"
        assert gone.id not in wrapped_under(world, tenant)
        _restore(world, tenant, backup)
        with pytest.raises(SubjectErasedError):
            world.ledger.subjects.open(tenant, gone.id)
        world.database.write(lambda connection, who=gone.id: _forget(connection, tenant, who))  # type: ignore[misc]  # lambda default
    assert at > 12, "it did not crash at every step"
    assert world.ledger.verify().sound


def _end_epoch(world: World, crash: Crashing, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether it was cut short on its way to the epoch's destruction."""
    rewrapping = rewrapping_of(world)
    with monkeypatch.context() as patched:
        for owner, names in (
            (world.keys, ("open_epoch", "advance_epoch", "destroy_epochs")),
            (world.database, ("write", "truncate_wal")),
            (world.ledger, ("record",)),
        ):
            for name in names:
                patched.setattr(owner, name, crash.wrap(getattr(owner, name)))
        with suppress(CrashError):
            rewrapping.round(never)
            world.clock.move(BACKUP_TIME)
            rewrapping.round(never)
            return False
    return True


def _restore(world: World, tenant: TenantId, backup: dict[SubjectId, tuple[int, bytes]]) -> None:
    rows = [
        {"tenant_id": tenant, "id": subject, "epoch": epoch, "wrapped": wrapped}
        for subject, (epoch, wrapped) in backup.items()
    ]
    world.database.write(lambda connection: connection.execute(insert(SubjectKey), rows))


def _forget(connection: Connection, tenant: TenantId, subject: SubjectId) -> None:
    connection.execute(delete(SubjectKey).where(SubjectKey.tenant_id == tenant, SubjectKey.id == subject))


def test_attempts_cut_short_leave_one_epoch_ahead_not_many(
    world: World, rewrapping: Rewrapping, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.clock.move(EPOCH_LIFETIME)
    with monkeypatch.context() as patched:
        crash = Crashing(1, after=True)
        patched.setattr(world.keys, "advance_epoch", crash.wrap(world.keys.advance_epoch))
        for _ in range(5):
            with suppress(CrashError):
                rewrapping.round(never)
    rewrapping.round(never)
    assert epochs(world, tenant) == [(1, "closed"), (2, "open")]
    assert world.keys.open_epoch(tenant).number == 2


def test_the_named_session_only_reads(world: World) -> None:
    with world.database.read(SystemSession.REWRAPPING) as connection:
        assert connection.execute(select(Epoch.number)).all() == []
