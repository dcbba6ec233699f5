"""Several processes on one PostgreSQL: who leads, what is pending, and what happens when connections die."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

import ledger.log
import ledger.sequencing.elected
from ledger.errors import (
    DatabaseUnavailableError,
    EntryNotFoundError,
    LogBusyError,
    NotProvenError,
    OutcomeUnknownError,
)
from ledger.ids import EntryId, TenantId
from ledger.payload import Draft
from ledger.receipt import verify_receipt
from ledger.sequencing.chain import Unplaced, chained, read_head
from ledger.sequencing.elected import LEADERSHIP, ElectedSequencer
from ledger.sequencing.sequencer import SEQUENCER
from ledger.storage.database import Database
from ledger.storage.postgresql import copy_rows, lock_key
from ledger.storage.tables import Entry, LogIdentity, Pending
from ledger.storage.tenancy import SystemSession
from ledger.tree.checkpoint import VerifierKey
from ledger.witnessing.policy import WitnessPolicy
from tests.databases import POSTGRESQL, ask, new_database, sessions_of, url_of
from tests.ledger.world import ACTOR, FULL, LONG, POLICY, HeldClock, NoteWritten, World, running, settle
from tests.simulators.key_store import SimulatedKeyStore
from tests.simulators.witness_server import WitnessServer


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(ledger.sequencing.elected, "CANDIDATE_SECONDS", 0.02)
    with running(tmp_path / "shared.db", kind=POSTGRESQL, waits=False) as started:
        eventually(lambda: started.ledger.leads)
        yield started


@pytest.fixture
def tenant(world: World) -> TenantId:
    made = world.ledger.create_tenant("first")
    assert world.ledger.wait_proven(note(world, made), LONG)
    return made


def eventually(holds: Callable[[], bool]) -> None:
    for _ in range(int(LONG / 0.005)):
        if holds():
            return
        time.sleep(0.005)
    pytest.fail("it never came")


@contextmanager
def second(world: World) -> Iterator[World]:
    """Another process, as far as the database can tell."""
    other = World(world.path, world.keys, world.clock, world.interval, kind=POSTGRESQL, waits=False)
    other.start()
    try:
        yield other
    finally:
        other.close()


@contextmanager
def nobody_leads(world: World) -> Iterator[None]:
    """A stranger holds the leader's lock: it stands in line for it, and the leader's session is ended."""
    url = url_of(world.path, POSTGRESQL)
    key = lock_key(LEADERSHIP)
    with psycopg.connect(url, autocommit=True) as stranger, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(stranger.execute, "SELECT pg_advisory_lock(%s)", [key])
        eventually(lambda: bool(ask("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", url=url)))
        ask("SELECT pg_terminate_backend(%s)", leader_of(url))
        waiting.result(LONG)
        eventually(lambda: not world.ledger.leads)
        yield


def leader_of(url: str) -> int:
    """The process id of the session that leads this database."""
    [pid] = leaders_of(url)
    return pid


def leaders_of(url: str) -> set[int]:
    """None where the one that led has just ended."""
    mine = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    asked = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND {mine} AND objid = %s"
    return {int(pid) for pid in ask(asked, lock_key(LEADERSHIP) & 0xFFFFFFFF, url=url)}


def log_of(world: World) -> list[EntryId]:
    with world.database.read(SystemSession.VERIFICATION) as connection:
        rows = connection.execute(select(Entry.index, Entry.id).order_by(Entry.index)).all()
    assert [index for index, _ in rows] == list(range(len(rows)))
    return [entry for _, entry in rows]


def note(world: World, tenant: TenantId, text: str = "x") -> EntryId:
    subject = world.ledger.subjects.system(tenant)
    draft = world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten(text))
    return world.ledger.record(lambda _: [draft], tenant).entries[0]


def test_a_commit_is_on_disk_whatever_the_server_is_set_to(tmp_path: Path) -> None:
    url = new_database(tmp_path / "lazy")
    ask("ALTER DATABASE " + url.partition("@/")[2].partition("?")[0] + " SET synchronous_commit = off")
    for options, told in (("", "on"), ("&options=-c%20synchronous_commit%3Dremote_apply", "remote_apply")):
        database = Database(url + options)
        with database.writing(FULL) as connection:
            assert connection.execute(select(func.current_setting("synchronous_commit"))).scalar_one() == told
        database.close()


def test_a_pending_entry_is_durable_and_not_proven(world: World, tenant: TenantId) -> None:
    assert world.ledger.wait_proven(note(world, tenant), LONG)
    with nobody_leads(world):
        entry = note(world, tenant)
        for asked in (world.ledger.entry, world.ledger.receipt):
            with pytest.raises(NotProvenError):
                asked(entry)
        assert not world.ledger.is_proven(entry)
        assert not world.ledger.wait_proven(entry, 0.01)
        with pytest.raises(EntryNotFoundError):
            world.ledger.entry(EntryId("ent_" + "a" * 26))
        eventually(lambda: world.ledger.status().pending == 1)
        assert world.ledger.payloads.open(tenant, entry).payload == NoteWritten("x")
    assert world.ledger.wait_proven(entry, LONG)
    assert world.ledger.entry(entry).id == entry


def test_pending_entries_count_for_pushback(world: World, tenant: TenantId, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.log, "MAX_UNINTEGRATED", 5)
    with nobody_leads(world):
        for n in range(6):
            note(world, tenant, str(n))
        eventually(lambda: world.ledger.status().pending == 6)
        with pytest.raises(LogBusyError):
            note(world, tenant)


def test_a_log_that_nobody_leads_says_so(world: World, tenant: TenantId, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.sequencing.elected, "STALL_SECONDS", 0.0)
    with nobody_leads(world):
        note(world, tenant)
        eventually(lambda: "wait for a leader" in world.ledger.status().reason)
    eventually(lambda: world.ledger.status().ready)


def test_leadership_moves_when_its_session_dies(
    world: World, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    with second(world) as other:
        assert (world.ledger.leads, other.ledger.leads) == (True, False)
        before = [note(other, tenant), note(world, tenant)]
        assert all(other.ledger.wait_proven(entry, LONG) for entry in before)
        monkeypatch.setattr(world.ledger._sequencer, "_stand", lambda: None)  # it will not stand again
        ask("SELECT pg_terminate_backend(%s)", leader_of(url_of(world.path, POSTGRESQL)))
        eventually(lambda: other.ledger.leads)
        after = note(other, tenant)
        assert other.ledger.wait_proven(after, LONG)
        assert log_of(other)[-3:] == [*before, after]
        assert other.ledger.verify().sound


def test_every_session_dies_again_and_again(world: World, tenant: TenantId) -> None:
    """Whoever was told that a note is durable finds it once; nobody's order changes."""
    stop, url = threading.Event(), url_of(world.path, POSTGRESQL)

    def call(_: int) -> list[EntryId]:
        told = []
        while not stop.is_set():
            try:
                told.append(note(world, tenant))
            except OutcomeUnknownError:
                raise
            except DatabaseUnavailableError:
                continue
        return told

    with ThreadPoolExecutor(3) as pool:
        calling = [pool.submit(call, n) for n in range(3)]
        for _ in range(12):
            time.sleep(0.03)
            for pid in sessions_of(url):
                ask("SELECT pg_terminate_backend(%s)", pid)
        stop.set()
        told = [future.result(LONG) for future in calling]
    assert all(world.ledger.wait_proven(entries[-1], LONG) for entries in told)
    log = log_of(world)
    assert len(set(log)) == len(log)
    for entries in told:
        assert [entry for entry in log if entry in set(entries)] == entries
    assert world.ledger.verify().sound


def test_a_connection_that_ended_while_it_rested_is_replaced(world: World, tenant: TenantId) -> None:
    """Whoever reads is not told; and who leads does so on the session that holds the lock."""
    url = url_of(world.path, POSTGRESQL)
    with ExitStack() as several:
        for _ in range(3):
            several.enter_context(world.database.read(tenant)).execute(select(func.pg_backend_pid()))
    for pid in sessions_of(url):
        ask("SELECT pg_terminate_backend(%s)", pid)
    assert [len(world.note_ids(tenant)) for _ in range(3)] == [0, 0, 0]
    note(world, tenant)
    eventually(lambda: world.ledger.leads and bool(leaders_of(url) & set(sessions_of(url))))


def test_processes_that_meet_again_and_again_all_get_on(world: World, tenant: TenantId) -> None:
    """Batches with new rows beside each other's: one of two runs again, and neither for ever."""
    with second(world) as other, ThreadPoolExecutor(8) as pool:

        def call(number: int) -> list[EntryId]:
            here = (world, other)[number % 2]
            return [here.write_note(tenant, f"{number}.{n}").entries[0] for n in range(6)]

        told = list(pool.map(call, range(8)))
        everyone = {entry for entries in told for entry in entries}
        assert all(world.ledger.wait_proven(entries[-1], LONG) for entries in told)
    log = log_of(world)
    assert len(everyone) == 48
    assert all([entry for entry in log if entry in set(entries)] == entries for entries in told)
    assert world.note_ids(tenant) == everyone


def test_a_session_that_the_server_ended_for_its_age_passes(world: World, tenant: TenantId) -> None:
    """What a process finds that was asleep in the middle of a transaction, with its machine."""
    soon = select(func.set_config("idle_in_transaction_session_timeout", "20ms", True))

    def asleep() -> None:
        with world.database.read(tenant) as connection:
            connection.execute(soon)
            time.sleep(0.2)
            connection.execute(soon)

    with pytest.raises(DatabaseUnavailableError, match="idle-in-transaction"):
        asleep()


def test_two_leaders_make_no_fork(world: World, tenant: TenantId) -> None:
    with nobody_leads(world):
        wanted = [note(world, tenant, str(n)) for n in range(60)]
        met = threading.Barrier(3)

        def lead(_: int) -> int:
            opened, placed = Database(url_of(world.path, POSTGRESQL)), 0
            forced = ElectedSequencer(opened, world.clock)
            # No one else's lock keeps these from believing that they lead.
            with opened.elected(f"leader {threading.get_ident()}") as connection:
                assert connection is not None
                SEQUENCER.bind(connection)
                met.wait(LONG)
                while count := forced.place(connection):
                    placed += count
            opened.close()
            return placed

        with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(3) as pool:
            patched.setattr(ledger.sequencing.elected, "BATCH_LIMIT", 4)
            shares = list(pool.map(lead, range(3)))
        assert sum(shares) == 60
    assert log_of(world)[-60:] == wanted
    assert world.ledger.verify().sound


def test_an_index_is_taken_once_even_without_the_lock(world: World, tenant: TenantId) -> None:
    """The table's key alone bars a fork: of two who read the same end of the log, one fails."""
    world.ledger.close()
    one, other = (
        Unplaced(EntryId("ent_" + letter * 26), "note.written", POLICY, "0" * 64, "0" * 64) for letter in "ab"
    )
    with world.database.elected("one") as first, world.database.elected("other") as second:
        assert first is not None
        assert second is not None
        heads = [read_head(SEQUENCER.bind(connection)) for connection in (first, second)]
        assert heads[0] == heads[1]
        copy_rows(
            first, ledger.sequencing.elected._COPY, ledger.sequencing.elected._TYPES, chained(heads[0], [one], 0)[1]
        )
        first.commit()
        with pytest.raises(DBAPIError, match="pk_entry"):
            copy_rows(
                second,
                ledger.sequencing.elected._COPY,
                ledger.sequencing.elected._TYPES,
                chained(heads[1], [other], 0)[1],
            )


def test_a_leader_that_dies_in_the_middle_of_a_batch_has_placed_nothing(
    world: World, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copy_rows

    def dies(connection: Any, *rest: Any) -> None:
        copy(connection, *rest)
        ask("SELECT pg_terminate_backend(%s)", connection.scalar(select(func.pg_backend_pid())))

    with nobody_leads(world):
        wanted = [note(world, tenant, str(n)) for n in range(7)]
        with monkeypatch.context() as patched:
            patched.setattr(ledger.sequencing.elected, "copy_rows", dies)
            with pytest.raises(DatabaseUnavailableError):
                settle(world.database, name="another")
        with world.database.read(SystemSession.VERIFICATION) as connection:
            assert connection.execute(select(func.count(Pending.seq))).scalar_one() == 7
    assert world.ledger.wait_proven(wanted[-1], LONG)
    assert log_of(world)[-7:] == wanted


@pytest.mark.parametrize("committed", [True, False])
def test_an_answer_that_is_lost_at_a_commit(
    world: World, tenant: TenantId, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    """The unit runs again, and finds out whether it was done."""
    dialect, losses = world.database.backend.engine.dialect, list[Any]()
    commit = dialect.do_commit

    def loses(connection: Any) -> None:
        if threading.current_thread().name != "ledger-writer" or losses:
            commit(connection)
            return
        losses.append(connection)
        if committed:
            commit(connection)
        connection.driver_connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    subject, ran = world.ledger.subjects.system(tenant), list[int]()
    draft = world.ledger.draft("note.written", POLICY, ACTOR, subject, NoteWritten("once"))

    def work(_: object) -> list[Draft]:
        ran.append(1)
        return [draft]

    monkeypatch.setattr(dialect, "do_commit", loses)
    world.ledger.record(work, tenant)
    assert len(losses) == 1
    assert len(ran) == (1 if committed else 2)
    assert world.ledger.wait_proven(draft.id, LONG)
    assert log_of(world).count(draft.id) == 1


def test_two_that_begin_at_once_begin_one_log(tmp_path: Path) -> None:
    url, met = new_database(tmp_path / "new"), threading.Barrier(2)

    def begin(_: int) -> str:
        database = Database(url)
        log = ledger.log.Ledger(database, SimulatedKeyStore(), (), clock=HeldClock())
        met.wait(LONG)
        log.start()
        with database.read(SystemSession.SETUP) as connection:
            origin = connection.execute(select(LogIdentity.origin)).scalar_one()
        log.close()
        database.close()
        return origin

    with ThreadPoolExecutor(2) as pool:
        origins = set(pool.map(begin, range(2)))
    assert len(origins) == 1


def test_whoever_leads_offers_to_the_witnesses_and_all_show_the_same(tmp_path: Path) -> None:
    server, keys = WitnessServer(tmp_path / "witness", "witness.example/one", HeldClock()), SimulatedKeyStore()
    server.begin()
    policy = WitnessPolicy((server.address,), 1, waits=True, interval=0.01)
    with running(tmp_path / "shared.db", keys=keys, witnesses=policy, kind=POSTGRESQL) as first:
        server.knows(VerifierKey.parse(first.ledger.vkey()))
        tenant = first.ledger.create_tenant("first")
        with running(tmp_path / "shared.db", keys=keys, witnesses=policy, kind=POSTGRESQL) as second:
            entry = note(second, tenant)
            assert first.ledger.wait_proven(entry, LONG)
            assert second.ledger.wait_proven(entry, LONG)
            assert second.ledger.checkpoint() == first.ledger.checkpoint()
            leader, other = (first, second) if first.ledger.leads else (second, first)
            leader.ledger.close()
            later = note(other, tenant)
            assert other.ledger.wait_proven(later, LONG)
            quorum = policy.quorum
            assert verify_receipt(other.ledger.receipt(later), other.ledger.vkey(), quorum).cosigned.by
            assert other.ledger.status().ready
    server.end()
