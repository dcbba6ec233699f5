from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib import import_module
from pkgutil import walk_packages

import pytest
from sqlalchemy import Connection, text

import detection
from detection.errors import AbsencePendingError, AbsenceUnknownError
from detection.generations.absence import KEPT, forget_absences, leave
from detection.generations.absence_verifier import check
from detection.generations.decisions import INDEX_COMMITTED, IndexCommitted
from detection.generations.generations import SEARCHED
from detection.generations.prefix_tree import PrefixTree
from ledger.ids import EntryId, SubjectId, TenantId, milliseconds
from ledger.payload import Draft
from ledger.storage.tables import Base
from tests.detection.generations.index_world import ORIGIN, IndexWorld, running
from tests.ledger.world import FULL

NOBODY = SubjectId("reg_" + "a" * 26)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexWorld]:
    with running(tmp_path_factory.mktemp("generations") / "log.db") as found:
        yield found


@pytest.fixture
def tenant(world: IndexWorld) -> TenantId:
    return world.index()


def committed(world: IndexWorld, tenant: TenantId) -> list[IndexCommitted]:
    """Every generation of the tenant's index, in order."""
    with world.database.writing(FULL) as connection:
        rows = connection.execute(
            text("SELECT entry_id FROM payload WHERE tenant_id = :tenant AND kind = :kind"),
            {"tenant": tenant, "kind": INDEX_COMMITTED.name},
        )
        entries = [EntryId(row.entry_id) for row in rows]
    found = [world.ledger.payloads.open(tenant, entry).payload for entry in entries]
    return sorted(found, key=lambda one: one.generation)


def test_whatever_is_searched_is_committed_to() -> None:
    """A room of `detection` that keeps rows of owners is one that an index is built from."""
    for module in walk_packages(detection.__path__, "detection."):
        if module.name.endswith(".tables"):
            import_module(module.name)
    owned = {
        table.name
        for table in Base.metadata.tables.values()
        if "owner_id" in table.columns
        and any(key.column.table.name == "subject_key" for key in table.columns["owner_id"].foreign_keys)
    }
    assert owned == {rows.__tablename__ for rows, _ in SEARCHED}


def test_a_generation_is_of_who_is_there(world: IndexWorld, tenant: TenantId) -> None:
    members = world.join(tenant, 5)
    assert world.generations.commit(tenant)
    (said,) = committed(world, tenant)
    tree = PrefixTree(place(said, member) for member in members)
    assert (said.index, said.generation, said.size, said.root) == (tenant, 1, 5, tree.root.hex())


def place(said: IndexCommitted, member: str) -> bytes:
    return sha256(bytes.fromhex(said.salt) + member.encode()).digest()


def test_what_did_not_change_is_not_committed_again(world: IndexWorld, tenant: TenantId) -> None:
    assert not world.generations.commit(tenant)
    world.join(tenant)
    assert world.generations.commit(tenant)
    assert not world.generations.commit(tenant)
    assert len(committed(world, tenant)) == 1


def test_who_left_is_proved_absent_by_the_next(world: IndexWorld, tenant: TenantId) -> None:
    stays, goes = world.join(tenant, 2)
    world.generations.commit(tenant)
    world.leave(tenant, goes)
    with pytest.raises(AbsencePendingError):
        world.absences.proof(goes)
    assert world.generations.round() >= 1
    found = check(world.proof(goes), world.ledger.vkey())
    assert (found.registration, found.index, found.generation, found.size) == (goes, tenant, 2, 1)
    assert found.origin == ORIGIN
    with pytest.raises(AbsenceUnknownError):
        world.absences.proof(stays)


def test_the_last_to_leave_is_absent_from_an_empty_index(world: IndexWorld, tenant: TenantId) -> None:
    (goes,) = world.join(tenant)
    world.leave(tenant, goes)
    world.generations.round()
    found = check(world.proof(goes), world.ledger.vkey())
    assert (found.generation, found.size) == (1, 0)
    assert json.loads(world.proof(goes))["siblings"] == []


def test_many_in_one_generation_each_have_their_proof(world: IndexWorld, tenant: TenantId) -> None:
    members = world.join(tenant, 60)
    for goes in members[:30]:
        world.leave(tenant, goes)
    world.generations.round()
    vkey, generations = world.ledger.vkey(), set()
    for goes in members[:30]:
        generations.add(check(world.proof(goes), vkey).generation)
    assert generations == {1}


def test_who_was_never_there_has_no_proof(world: IndexWorld, tenant: TenantId) -> None:
    world.join(tenant)
    world.generations.round()
    for name in (NOBODY, SubjectId("reg_\0")):
        with pytest.raises(AbsenceUnknownError):
            world.absences.proof(name)


def test_who_is_said_to_have_left_and_is_there_is_not_proved_absent(world: IndexWorld, tenant: TenantId) -> None:
    (member,) = world.join(tenant)

    def only_say_so(connection: Connection) -> Sequence[Draft]:
        leave(connection, tenant, member, 0)
        return []

    world.ledger.record(only_say_so, tenant)
    world.generations.round()
    assert not world.generations.commit(tenant)
    with pytest.raises(AbsencePendingError):
        world.absences.proof(member)


def test_generations_of_two_indexes_know_nothing_of_each_other(world: IndexWorld, tenant: TenantId) -> None:
    other = world.index()
    world.join(other, 3)
    (goes,) = world.join(tenant)
    world.leave(tenant, goes)
    world.generations.round()
    assert check(world.proof(goes), world.ledger.vkey()).index == tenant
    assert [one.size for one in committed(world, other)] == [3]


def test_two_at_once_commit_one_generation(world: IndexWorld, tenant: TenantId) -> None:
    world.join(tenant, 3)
    results, start = list[bool](), threading.Barrier(4)

    def commit() -> None:
        start.wait()
        results.append(world.generations.commit(tenant))

    threads = [threading.Thread(target=commit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(results) == len(committed(world, tenant)) == 1


def test_proofs_are_forgotten_in_the_end(world: IndexWorld, tenant: TenantId) -> None:
    (goes,) = world.join(tenant)
    world.leave(tenant, goes)
    world.generations.round()
    now = milliseconds(world.clock())
    world.database.write(lambda connection: forget_absences(connection, now))
    assert world.proof(goes)
    later = now + int(KEPT.total_seconds() * 1000)
    world.database.write(lambda connection: forget_absences(connection, later))
    with pytest.raises(AbsenceUnknownError):
        world.absences.proof(goes)


def test_thousands_leave_while_generations_are_made(world: IndexWorld, tenant: TenantId) -> None:
    """Each is proved absent by a generation that came after it left, and none that stays is."""
    members, done = world.join(tenant, 2100), threading.Event()
    stays, goes = members[:100], members[100:]

    def commit() -> None:
        while not done.is_set():
            world.generations.commit(tenant)

    def go(some: Sequence[SubjectId]) -> None:
        for start in range(0, len(some), 100):
            world.leave(tenant, *some[start : start + 100])

    committing = threading.Thread(target=commit)
    leaving = [threading.Thread(target=go, args=(some,)) for some in (goes[:1000], goes[1000:])]
    for thread in (committing, *leaving):
        thread.start()
    for thread in leaving:
        thread.join()
    done.set()
    committing.join()
    while world.generations.commit(tenant):
        pass
    said = committed(world, tenant)
    assert [one.generation for one in said] == list(range(1, len(said) + 1))
    assert said[-1].root == PrefixTree(place(said[-1], member) for member in stays).root.hex()
    for one in goes:
        world.absences._find(one)
    for one in goes[::200]:
        assert check(world.proof(one), world.ledger.vkey()).registration == one
    for one in stays:
        with pytest.raises(AbsenceUnknownError):
            world.absences.proof(one)
