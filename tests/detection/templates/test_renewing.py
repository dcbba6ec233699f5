from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, select

from detection.errors import RotationChangedError, RotationUnderWayError
from detection.near.generation import Generation, Measure, Measured
from detection.templates import renewing
from detection.templates.bank import Model
from detection.templates.decisions import RotationBegun, RotationRenewed
from detection.templates.renewing import RenewalStatus
from detection.templates.tables import FaceTemplate
from detection.templates.template import Embedding, encode, vectors
from keys.errors import KeyStoreSealedError
from ledger.errors import SubjectErasedError
from ledger.ids import SubjectId, TenantId
from ledger.payload import Draft, OpenedPayload
from ledger.storage.tables import Payload
from tests.detection.templates.registered import House, alike, on_disk, strangers
from tests.ledger.world import World

ROOT = Path(__file__).parents[3]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewing, "BATCH", 7)


def never() -> bool:
    return False


def test_every_template_is_made_anew_and_the_old_key_is_gone(house: House, tenant: TenantId) -> None:
    faces = strangers(300)
    owners = house.register_all(tenant, [faces[n : n + 3] for n in range(0, 300, 3)])
    before, old = templates(house, tenant), house.bank.rotations.matrix(tenant, 1, 128)
    house.begin_renewal(tenant)
    assert house.renewing.status(tenant) == RenewalStatus(version=2, waiting=300, under_way=True)
    house.renewing.round(never)
    assert house.renewing.status(tenant) == RenewalStatus(version=2, waiting=0, under_way=False)
    after = templates(house, tenant)
    assert [row.rotation for row in after] == [2] * 300
    # The rows are the same rows, with the embeddings that they had.
    assert [(row.owner_id, row.row, row.embedding) for row in before] == [
        (row.owner_id, row.row, row.embedding) for row in after
    ]
    with pytest.raises(SubjectErasedError):
        house.bank.rotations.matrix(tenant, 1, 128)
    assert [house.found(tenant, face) for face in faces[::3]] == [[owner] for owner in owners]
    again = house.bank.rotations.matrix(tenant, 2, 128)
    found = vectors(faces, 128)
    assert np.unpackbits(encode(found, old) ^ encode(found, again), axis=1).mean() == pytest.approx(0.5, abs=0.01)


def test_it_is_on_record_without_anybody(house: House, tenant: TenantId) -> None:
    owner = house.register(tenant, *strangers(2))
    house.begin_renewal(tenant)
    house.renewing.round(never)
    begun, renewed = recorded(house, tenant, "rotation.begun"), recorded(house, tenant, "rotation.renewed")
    assert (begun.payload, renewed.payload) == (RotationBegun(2, 2), RotationRenewed(2, (1,)))
    system = house.ledger.subjects.system(tenant).id
    assert begun.subject == renewed.subject == system != owner


def test_only_one_at_a_time(house: House, tenant: TenantId) -> None:
    house.register(tenant, *strangers(1))
    house.begin_renewal(tenant)
    with pytest.raises(RotationUnderWayError):
        house.begin_renewal(tenant)
    house.renewing.round(never)
    house.begin_renewal(tenant)
    assert house.renewing.status(tenant).version == 3


def test_with_nobody_registered_it_is_done_at_once(house: House, tenant: TenantId) -> None:
    assert house.renewing.status(tenant) == RenewalStatus(0, 0, under_way=False)
    house.begin_renewal(tenant)
    house.renewing.round(never)
    assert house.renewing.status(tenant) == RenewalStatus(2, 0, under_way=False)


def test_searches_go_on_and_miss_nobody(house: House, tenant: TenantId, small_batches: None) -> None:
    """Between any two batches, and all the time from another thread."""
    faces = strangers(60)
    owners = house.register_all(tenant, [[face] for face in faces])
    over, missed = threading.Event(), list[int]()

    def search() -> None:
        while not over.is_set():
            for n in range(0, 60, 7):
                if house.found(tenant, alike(faces[n], 0.8)) != [owners[n]]:
                    missed.append(n)

    thread = threading.Thread(target=search)
    thread.start()
    try:
        for _ in range(3):
            house.begin_renewal(tenant)
            house.renewing.round(_each_is_found(house, tenant, faces, owners))
    finally:
        over.set()
        thread.join()
    assert missed == []
    assert house.renewing.status(tenant).version == 4


def _each_is_found(
    house: House, tenant: TenantId, faces: list[Embedding], owners: list[SubjectId]
) -> Callable[[], bool]:
    def look() -> bool:
        assert set(house.found(tenant, *faces)) == set(owners)
        return False

    return look


def test_a_rotation_that_begins_within_a_search_hides_nobody(
    house: House, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row moves to a key that was not there when the search began."""
    (face,) = strangers(1)
    (owner,) = house.register_all(tenant, [[face]])
    assert house.found(tenant, face) == [owner]
    measured, begun = Generation.measured, list[bool]()

    def late(self: Generation, template: NDArray[np.uint8], reach: int, measure: Measure) -> Measured:
        if not begun:
            begun.append(True)
            house.begin_renewal(tenant)
            house.renewing.round(never)
            house.index.follow(tenant)
        return measured(self, template, reach, measure)

    monkeypatch.setattr(Generation, "measured", late)
    assert house.found(tenant, face) == [owner]
    assert begun


def test_what_was_prepared_under_the_old_key_is_prepared_again(house: House, tenant: TenantId) -> None:
    one, other = strangers(2)
    house.register(tenant, one)
    prepared = house.bank.prepared(house.ledger.subjects.create(tenant), [other])
    house.begin_renewal(tenant)

    def late(connection: Connection) -> Sequence[Draft]:
        house.bank.insert(connection, prepared)
        return []

    with pytest.raises(RotationChangedError):
        house.ledger.record(late, tenant)
    owner = house.register(tenant, other)  # prepares it again
    assert house.found(tenant, other) == [owner]


def test_who_leaves_while_it_goes_on_stays_away(house: House, tenant: TenantId, small_batches: None) -> None:
    faces = strangers(30)
    owners = house.register_all(tenant, [[face] for face in faces])
    staying = list(owners)

    def leave() -> bool:
        house.erase(tenant, staying.pop())
        return False

    house.begin_renewal(tenant)
    house.renewing.round(leave)
    assert len(staying) < len(owners)
    assert [row.rotation for row in templates(house, tenant)] == [2] * len(staying)
    assert set(house.found(tenant, *faces)) == set(staying)


def test_another_models_templates_are_renewed_too(house: House, tenant: TenantId) -> None:
    older = House(house.ledger, house.database, Model("faces@0", 64))
    (face,) = strangers(1, dimensions=64)
    owner = older.register(tenant, face)
    house.begin_renewal(tenant)
    house.renewing.round(never)
    assert older.found(tenant, face) == [owner]


def test_a_sealed_key_store_only_delays_it(world: World, house: House, tenant: TenantId) -> None:
    (face,) = strangers(1)
    owner = house.register(tenant, face)
    house.begin_renewal(tenant)
    world.keys.seal()
    world.ledger.epochs._held.clear()  # as an hour later
    with pytest.raises(KeyStoreSealedError):
        house.renewing.round(never)
    world.keys.recover()
    house.renewing.round(never)
    assert house.found(tenant, face) == [owner]
    assert not house.renewing.status(tenant).under_way


def test_killed_it_goes_on_where_it_was(tmp_path: Path) -> None:
    faces = strangers(60)
    with on_disk(tmp_path) as house:
        tenant = house.ledger.create_tenant("first")
        owners = house.register_all(tenant, [[face] for face in faces])
    command = [sys.executable, "-m", "tests.detection.templates.renewer", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert [child.stdout.readline() for _ in range(4)] == ["moved\n"] * 4
        child.kill()
    with on_disk(tmp_path) as house:
        status = house.renewing.status(tenant)
        assert (status.version, status.under_way) == (2, True)
        assert 0 < status.waiting <= 60 - 4 * 3
        assert set(house.found(tenant, *faces)) == set(owners)
        house.renewing.round(never)
        assert house.renewing.status(tenant) == RenewalStatus(2, 0, under_way=False)
        assert set(house.found(tenant, *faces)) == set(owners)


def templates(house: House, tenant: TenantId) -> list[Row[object]]:
    rows = select(FaceTemplate.__table__).where(FaceTemplate.tenant_id == tenant)
    with house.database.read(tenant) as connection:
        return list(connection.execute(rows.order_by(FaceTemplate.row)).all())


def recorded(house: House, tenant: TenantId, kind: str) -> OpenedPayload:
    its = select(Payload.entry_id).where(Payload.tenant_id == tenant, Payload.kind == kind)
    with house.database.read(tenant) as connection:
        entry = connection.execute(its).scalar_one()
    return house.ledger.payloads.open(tenant, entry)
