"""Under a legal hold nothing is erased, and what races for one subject sees each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection

from ledger.errors import SubjectErasedError, SubjectHeldError
from ledger.forgetting.holds import place, release
from ledger.forgetting.schedule import EPOCH_LIFETIME
from ledger.ids import SubjectId, TenantId
from ledger.payload import Draft
from tests.ledger.world import World


def act(world: World, tenant: TenantId, do: Callable[[Connection], object]) -> None:
    def work(connection: Connection) -> Sequence[Draft]:
        do(connection)
        return []

    world.ledger.record(work, tenant)


def hold(world: World, tenant: TenantId, name: str, *subjects: SubjectId) -> None:
    act(world, tenant, lambda connection: place(connection, tenant, name, subjects, 7))


@pytest.fixture
def subject(world: World, tenant: TenantId) -> SubjectId:
    return world.subject_of(tenant, world.write_note(tenant, "kept").entries[0])


def test_a_hold_keeps_a_subject_until_all_of_its_holds_are_released(
    world: World, tenant: TenantId, subject: SubjectId
) -> None:
    for name in ("case-2", "case-1", "case-1"):
        hold(world, tenant, name, subject)
    for name, left in (("case-1", ["case-1", "case-2"]), ("case-2", ["case-2"])):
        with pytest.raises(SubjectHeldError, match=", ".join(left)) as refused:
            world.erase(tenant, subject)
        assert refused.value.holds == left
        world.ledger.subjects.open(tenant, subject)
        act(world, tenant, lambda connection, name=name: release(connection, tenant, name))  # type: ignore[misc]
    world.erase(tenant, subject)


def test_a_hold_is_its_tenants(world: World, tenant: TenantId, subject: SubjectId) -> None:
    other = world.ledger.create_tenant("second")
    with pytest.raises(SubjectErasedError, match="nothing was put under hold"):
        hold(world, other, "case-1", subject)
    hold(world, other, "case-1", world.ledger.subjects.system(other).id)
    world.erase(tenant, subject)


def test_what_is_gone_takes_the_others_with_it(world: World, tenant: TenantId, subject: SubjectId) -> None:
    gone = world.subject_of(tenant, world.write_note(tenant, "gone").entries[0])
    world.erase(tenant, gone)
    with pytest.raises(SubjectErasedError, match=gone):
        hold(world, tenant, "case-1", subject, gone)
    world.erase(tenant, subject)


def test_epochs_end_under_a_hold(world: World, tenant: TenantId, subject: SubjectId) -> None:
    key = world.ledger.subjects.open(tenant, subject).key
    hold(world, tenant, "case-1", subject)
    world.clock.move(EPOCH_LIFETIME + timedelta(days=1))
    assert world.ledger.epochs.advance(tenant) == 2
    while world.ledger.subjects.rewrap_batch(tenant, 10):
        pass
    world.ledger.epochs.destroy(tenant, before=2)
    again = world.ledger.subjects.open(tenant, subject)
    assert (again.epoch, again.key) == (2, key)


def test_of_a_hold_and_an_erasure_at_once_one_comes_first(world: World, tenant: TenantId) -> None:
    subjects = [world.subject_of(tenant, world.write_note(tenant, str(n)).entries[0]) for n in range(40)]
    acts = {"erase": partial(world.erase, tenant), "hold": partial(hold, world, tenant, "case-1")}
    with ThreadPoolExecutor(4) as pool:
        doing = {
            (one, what): pool.submit(acts[what], one)
            for n, one in enumerate(subjects)
            for what in sorted(acts, reverse=bool(n % 2))
        }
    for one in subjects:
        erased, held = (type(doing[one, what].exception()) for what in ("erase", "hold"))
        assert (erased, held) in {(type(None), SubjectErasedError), (SubjectHeldError, type(None))}
        if held is type(None):
            world.ledger.subjects.open(tenant, one)
        else:
            with pytest.raises(SubjectErasedError):
                world.ledger.subjects.open(tenant, one)
    assert {type(one.exception()) for one in doing.values()} > {type(None)}
