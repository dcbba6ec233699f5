from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from hypothesis.strategies import integers
from sqlalchemy import Connection, func, select, update

from detection.errors import MatchUnknownError, Unknown
from detection.near import follower, generation, tenants
from detection.templates import bank, renewing
from detection.templates.bank import Model
from detection.templates.decisions import KINDS
from detection.templates.index import TemplateIndex
from detection.templates.tables import FaceRemoval, FaceTemplate
from detection.templates.template import vectors
from ledger.errors import DatabaseUnavailableError
from ledger.ids import SubjectId, TenantId
from tests.detection.templates.registered import House, alike, seeded, strangers
from tests.ledger.world import LONG, World, running


def held(house: House, tenant: TenantId) -> int:
    """Templates in this process's memory."""
    return sum(len(one) for one in house.index.of(tenant).index.generations.values())


def elsewhere(house: House) -> House:
    """Another process on the same database: it shares rows, and nothing in memory."""
    return House(house.ledger, house.database)


def test_another_process_finds_who_registered_here_and_not_who_left(house: House, tenant: TenantId) -> None:
    one, other = strangers(2)
    first = house.register(tenant, one)
    there = elsewhere(house)
    assert there.found(tenant, one, other) == [first]
    second = house.register(tenant, other)
    house.erase(tenant, first)
    assert there.found(tenant, one, other) == [second]
    assert held(there, tenant) == 1


def test_erasing_a_subject_by_any_way_takes_its_templates_along(house: House, tenant: TenantId) -> None:
    """Nobody named the bank: the ledger itself was asked to erase."""
    (face,) = strangers(1)
    owner = house.register(tenant, face, alike(face, 0.9))
    assert house.found(tenant, face) == [owner]
    house.erase(tenant, owner)
    house.index.follow(tenant)
    assert held(house, tenant) == 0
    assert house.found(tenant, face) == []


def test_an_erasure_that_is_undone_takes_nothing(house: House, tenant: TenantId) -> None:
    (face,) = strangers(1)
    owner = house.register(tenant, face)
    with pytest.raises(Exception, match="erased already"):
        house.erase(tenant, owner, owner)
    assert house.found(tenant, face) == [owner]


def test_an_index_far_behind_says_unknown_until_it_followed(
    house: House, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "AT_ONCE", 3)
    faces = strangers(10)
    owners = house.register_all(tenant, [[face] for face in faces])
    with pytest.raises(MatchUnknownError) as refused:
        house.found(tenant, *faces)
    assert refused.value.reason is Unknown.INDEX
    monkeypatch.setattr(follower, "BATCH", 4)
    house.index.follow(tenant)
    assert set(house.found(tenant, *faces)) == set(owners)


def test_while_another_thread_follows_for_long_it_is_unknown(
    house: House, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "PATIENCE", 0.01)
    (face,) = strangers(1)
    house.register(tenant, face)
    with house.index.of(tenant).turn, pytest.raises(MatchUnknownError) as refused:
        house.found(tenant, face)
    assert refused.value.reason is Unknown.INDEX


def test_one_tenants_damage_keeps_no_other_waiting_and_is_over_when_it_is_mended(
    world: World, house: House, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenants, "RETRY_SECONDS", 3600.0)
    other, (face, newer) = world.ledger.create_tenant("other"), strangers(2)
    broken, whole = house.register(tenant, face), house.register(other, face)
    sealed = swap(house, tenant, broken, b"x" * 92)
    there = elsewhere(house)
    assert (there.index._round(), there.index.warning) == ("", "of 1 tenants: the sealed record does not open")
    assert there.found(other, face) == [whole]
    with pytest.raises(MatchUnknownError) as refused:
        there.found(tenant, face)
    assert refused.value.reason is Unknown.DAMAGED
    house.register(other, newer)
    there.index._round()
    assert there.index.of(other).index.known == house.bank.counted(other), "whichever else fails"
    swap(house, tenant, broken, sealed)
    there.index._failing[tenant] = ("damaged", 0.0)  # as when its time has come
    assert (there.index._round(), there.index.warning) == ("", "")
    assert there.found(tenant, face) == [broken]


def test_where_no_tenant_follows_that_is_why_nobody_is_found(house: House, tenant: TenantId) -> None:
    owner = house.register(tenant, *strangers(1))
    swap(house, tenant, owner, b"x" * 92)
    there = elsewhere(house)
    assert (there.index._round(), there.index.warning) == ("the sealed record does not open", "")
    house.erase(tenant, owner)
    there.index._failing.clear()
    assert (there.index._round(), there.index.warning) == ("", "")


def swap(house: House, tenant: TenantId, owner: SubjectId, template: bytes) -> bytes:
    """Put another template in a row; the one that was there."""
    mine = (FaceTemplate.tenant_id == tenant, FaceTemplate.owner_id == owner)

    def work(connection: Connection) -> bytes:
        before: bytes = connection.execute(select(FaceTemplate.template).where(*mine)).scalar_one()
        connection.execute(update(FaceTemplate).where(*mine).values(template=template))
        return before

    return house.database.write(work)


def test_a_sealed_key_store_is_unknown_and_passes(world: World, house: House, tenant: TenantId) -> None:
    (face,) = strangers(1)
    owner = house.register(tenant, face)
    assert house.found(tenant, face) == [owner]
    world.keys.seal()
    world.ledger.epochs._held.clear()  # as an hour later
    for one in (house, elsewhere(house)):
        with pytest.raises(MatchUnknownError) as refused:
            one.found(tenant, face)
        assert refused.value.reason is Unknown.KEYS
        with pytest.raises(MatchUnknownError):
            one.matcher.match(tenant, [face], among=[owner])
    world.keys.recover()
    assert house.found(tenant, face) == [owner]


def test_a_database_that_is_down_is_unknown(house: House, tenant: TenantId, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> int:
        raise DatabaseUnavailableError("the disk is full")

    monkeypatch.setattr(house.bank, "counted", down)
    with pytest.raises(MatchUnknownError) as refused:
        house.found(tenant, *strangers(1))
    assert refused.value.reason is Unknown.DATABASE


def test_templates_of_another_model_are_counted_and_not_compared(house: House, tenant: TenantId) -> None:
    (face,) = strangers(1)
    older = House(house.ledger, house.database, Model("faces@0", 128))
    older.register(tenant, face, face)
    kept = older.register(tenant, alike(face, 0.9))
    matched = house.matcher.match(tenant, [face])
    assert (matched.matches, matched.other_models) == ((), 3)
    matched = house.matcher.match(tenant, [face], among=[kept])
    assert (matched.matches, matched.other_models) == ((), 1)


def test_an_index_that_missed_too_much_is_built_anew(
    house: House, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removals are kept for so many changes: whoever missed more would keep what is gone."""
    monkeypatch.setattr(bank, "REMEMBERED", 5)
    faces = strangers(12)
    there = elsewhere(house)
    gone = house.register(tenant, faces[0])
    assert there.found(tenant, faces[0]) == [gone]
    house.erase(tenant, gone)
    for face in faces[1:]:
        house.erase(tenant, house.register(tenant, face))
    with house.database.read(tenant) as connection:
        kept = connection.execute(select(func.count(FaceRemoval.row)).where(FaceRemoval.tenant_id == tenant))
        assert kept.scalar_one() <= 5
    assert there.found(tenant, *faces) == []
    assert held(there, tenant) == 0


def test_an_index_is_built_of_more_than_is_remembered(
    house: House, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches, of which the first lies further back than removals are kept for."""
    monkeypatch.setattr(bank, "REMEMBERED", 5)
    monkeypatch.setattr(follower, "BATCH", 4)
    faces = strangers(30)
    owners = house.register_all(tenant, [[face] for face in faces])
    read, batches = house.bank.changes, list[int]()

    def counted(of: TenantId, since: int, limit: int) -> follower.Changes:
        batches.append(since)
        assert len(batches) < 20, "it begins again and again"
        return read(of, since, limit)

    monkeypatch.setattr(house.bank, "changes", counted)
    assert set(house.found(tenant, *faces)) == set(owners)


def test_a_database_put_back_to_an_earlier_state_is_followed(house: House, tenant: TenantId) -> None:
    (face,) = strangers(1)
    owner = house.register(tenant, face)
    house.index.of(tenant).index = follower.Index(known=99)  # of a database that has been
    assert house.found(tenant, face) == [owner]


def test_it_follows_by_itself(house: House, tenant: TenantId) -> None:
    there, told = elsewhere(house), threading.Event()
    there.index = TemplateIndex(house.database, there.bank)
    follow = there.index.follow

    def noted(tenant: TenantId) -> follower.Index:
        found = follow(tenant)
        told.set()
        return found

    there.index.follow = noted  # type: ignore[method-assign]
    house.register(tenant, *strangers(1))
    there.index.start()
    try:
        assert told.wait(LONG)
    finally:
        there.index.close()
    assert held(there, tenant) == 1


def test_ten_thousand_photos_leave_while_searches_go_on(house: House, tenant: TenantId) -> None:
    """Those who stay are found by every search; whoever left before one began is not."""
    faces = vectors(strangers(10_100), 128)
    staying, leaving = seeded(house, tenant, faces[:100]), seeded(house, tenant, faces[100:], photos=25)
    house.index.follow(tenant)
    assert held(house, tenant) == 10_100
    asked = [faces[0].tolist(), faces[99].tolist()]
    kept = {staying[0], staying[99]}
    over, wrong = threading.Event(), list[object]()

    def search() -> None:
        while not over.is_set():
            if set(house.found(tenant, *asked)) != kept:
                wrong.append("one who stays was missed")

    thread = threading.Thread(target=search)
    thread.start()
    try:
        for start in range(0, 400, 40):
            last = start + 39
            assert house.found(tenant, faces[100 + 25 * last].tolist()) == [leaving[last]]
            house.erase(tenant, *leaving[start : last + 1])
            assert house.found(tenant, faces[100 + 25 * last].tolist()) == []
    finally:
        over.set()
        thread.join()
    assert wrong == []
    assert held(house, tenant) == 100


class Following(RuleBasedStateMachine):
    """People come, leave and are renewed in any order; two processes search: each finds what comparing finds."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self._until = ExitStack()
        world = self._until.enter_context(running(self.folder / "sigillo.db", kinds=KINDS))
        self.house = House(world.ledger, world.database)
        self.there = House(world.ledger, world.database)
        self.tenant = world.ledger.create_tenant("first")
        self.faces = strangers(40)
        self.here: dict[int, SubjectId] = {}

    @rule(face=integers(0, 39))
    def register(self, face: int) -> None:
        if face not in self.here:
            self.here[face] = self.house.register(self.tenant, self.faces[face])

    @rule(face=integers(0, 39))
    def leave(self, face: int) -> None:
        if face in self.here:
            self.house.erase(self.tenant, self.here.pop(face))

    @rule(batches=integers(0, 3))
    def renew(self, batches: int) -> None:
        """A few batches of a renewal, which may stay unfinished."""
        if not self.house.renewing.status(self.tenant).under_way:
            self.house.begin_renewal(self.tenant)
        left = iter(range(batches))
        self.house.renewing.round(lambda: next(left, None) is None)

    @rule()
    def search_there(self) -> None:
        assert set(self.there.found(self.tenant, *self.faces)) == set(self.here.values())

    @invariant()
    def found_here(self) -> None:
        assert set(self.house.found(self.tenant, *self.faces)) == set(self.here.values())

    def teardown(self) -> None:
        self._until.close()


def test_it_follows_whatever_happens(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewing, "BATCH", 3)
    monkeypatch.setattr(generation, "SEGMENT", 8)
    folders = property(lambda _machine: tmp_path_factory.mktemp("following"))
    monkeypatch.setattr(Following, "folder", folders, raising=False)
    run_state_machine_as_test(Following, settings=settings(max_examples=4, stateful_step_count=25))
