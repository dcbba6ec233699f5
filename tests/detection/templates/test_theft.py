"""What a thief gets out of the rows, step by step, as the threat model says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Row, select, update

from detection.errors import MatchUnknownError, Unknown
from detection.templates.sealed import FaceKey, Place
from detection.templates.tables import FaceRotation, FaceTemplate
from detection.templates.template import encode, vectors
from keys.errors import EpochDestroyedError, KeyNotFoundError, KeyStoreUnavailableError, SealBrokenError
from ledger.ids import TenantId
from ledger.log import Ledger
from ledger.storage.tables import SubjectKey
from tests.detection.templates.registered import House, strangers, unit
from tests.ledger.world import tampering
from tests.simulators.key_store import SimulatedKeyStore

CLOSED = (KeyStoreUnavailableError, SealBrokenError, EpochDestroyedError, KeyNotFoundError)


def stored(house: House, tenant: TenantId) -> Sequence[Row[Any]]:
    rows = select(FaceTemplate.__table__).where(FaceTemplate.tenant_id == tenant)
    with house.database.read(tenant) as connection:
        return connection.execute(rows.order_by(FaceTemplate.row)).all()


def change(house: House, tenant: TenantId, row: Row[Any], **values: object) -> None:
    """As whoever owns the database."""
    with tampering(house.database) as connection:
        its = (FaceTemplate.tenant_id == tenant, FaceTemplate.row == row.row)
        connection.execute(update(FaceTemplate).where(*its).values(**values))


def unknown(house: House, tenant: TenantId, face: Sequence[float]) -> Unknown:
    """Why a process that starts now cannot look."""
    with pytest.raises(MatchUnknownError) as refused:
        House(house.ledger, house.database).matcher.match(tenant, [face])
    return refused.value.reason


def test_a_database_without_its_key_store_finds_nobody_and_opens_nothing(house: House, tenant: TenantId) -> None:
    faces = strangers(5)
    house.register_all(tenant, [[face] for face in faces])
    thief = Ledger(house.database, SimulatedKeyStore(), (), origin="log.example/test")
    stolen = House(thief, house.database)
    with pytest.raises(MatchUnknownError) as refused:
        stolen.matcher.match(tenant, [faces[0]])
    assert refused.value.reason is Unknown.KEYS
    for row in stored(house, tenant):
        with pytest.raises(CLOSED):
            thief.subjects.open(tenant, row.owner_id)
    with pytest.raises(CLOSED):
        stolen.bank.rotations.matrix(tenant, 1, 128)
    # Nor do the bytes say anything: an embedding, or its template, is in none of them.
    matrix = house.bank.rotations.matrix(tenant, 1, 128)
    kept = b"".join(row.template + row.embedding for row in stored(house, tenant))
    for embedding, template in zip(vectors(faces, 128), encode(vectors(faces, 128), matrix), strict=True):
        assert template.tobytes()[:8] not in kept
        assert embedding.tobytes()[:8] not in kept


def test_the_rotation_key_besides_opens_no_row(house: House, tenant: TenantId) -> None:
    """Templates are sealed under each person's own key, not under it."""
    house.register(tenant, *strangers(1))
    rotation = house.ledger.subjects.open(tenant, house.bank.rotations._subject(tenant, 1))
    (row,) = stored(house, tenant)
    for key in (FaceKey.of(rotation), FaceKey(rotation, rotation.key)):
        with pytest.raises(SealBrokenError):
            key.open_template(Place(0, "faces@1"), 1, row.template)


def test_templates_in_clear_with_their_rotation_give_directions_away(house: House, tenant: TenantId) -> None:
    """The number that docs/threat-model.md states: 128 dimensions, 512 bits."""
    faces = vectors(strangers(2000), 128)
    matrix = house.bank.rotations.matrix(tenant, house.bank.rotations.current(tenant), 128)
    templates = encode(faces, matrix)
    recovered = unit((np.unpackbits(templates, axis=1) * 2.0 - 1) @ matrix)
    cosines = (recovered * faces).sum(axis=1)
    assert 0.93 < cosines.mean() < 0.94
    guessed = unit(
        (np.unpackbits(templates, axis=1) * 2.0 - 1) @ unit(np.random.default_rng(1).normal(size=(512, 128)))
    )
    assert abs((guessed * faces).sum(axis=1).mean()) < 0.05, "without it they point nowhere"


def test_without_the_rotation_key_nobody_is_looked_for(house: House, tenant: TenantId) -> None:
    """Its row went bad: it is unknown whose face it is, and not nobody's."""
    (face,) = strangers(1)
    house.register(tenant, face)
    rotation = select(FaceRotation.subject_id).where(FaceRotation.tenant_id == tenant)
    with tampering(house.database) as connection:
        its = SubjectKey.id == connection.execute(rotation).scalar_one()
        connection.execute(update(SubjectKey).where(its).values(wrapped=bytes(60)))
    assert unknown(house, tenant, face) is Unknown.DAMAGED


@pytest.mark.parametrize("column", ["template", "embedding"])
def test_rows_that_were_swapped_are_unknown(house: House, tenant: TenantId, column: str) -> None:
    one, other = strangers(2)
    house.register_all(tenant, [[one], [other]])
    first, second = stored(house, tenant)
    change(house, tenant, first, **{column: getattr(second, column)})
    change(house, tenant, second, **{column: getattr(first, column)})
    assert unknown(house, tenant, one) is Unknown.DAMAGED


def test_a_photo_in_anothers_place_is_unknown(house: House, tenant: TenantId) -> None:
    one, other = strangers(2)
    house.register(tenant, one, other)
    first, second = stored(house, tenant)
    change(house, tenant, first, template=second.template, embedding=second.embedding)
    assert unknown(house, tenant, one) is Unknown.DAMAGED


@pytest.mark.parametrize("values", [{"model": "faces@2"}, {"rotation": 2}, {"template": bytes(92)}])
def test_a_row_that_was_relabelled_is_unknown(house: House, tenant: TenantId, values: dict[str, object]) -> None:
    (face,) = strangers(1)
    house.register(tenant, face)
    house.begin_renewal(tenant)  # so that there is another version
    change(house, tenant, stored(house, tenant)[0], **values)
    assert unknown(house, tenant, face) is Unknown.DAMAGED


def test_a_row_in_another_tenant_is_unknown(house: House, tenant: TenantId) -> None:
    (face,) = strangers(1)
    owner = house.register(tenant, face)
    other = house.ledger.create_tenant("second")
    house.register(other, *strangers(1, seed=5))
    with tampering(house.database) as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table, its in ((SubjectKey, SubjectKey.id == owner), (FaceTemplate, FaceTemplate.owner_id == owner)):
            values = {"tenant_id": other} | ({"row": 9, "changed": 1} if table is FaceTemplate else {})
            connection.execute(update(FaceTemplate).values(changed=77).where(FaceTemplate.tenant_id == other))
            connection.execute(update(table).where(its).values(**values))
    assert unknown(house, other, face) is Unknown.DAMAGED


def test_another_persons_key_opens_nothing_of_mine(house: House, tenant: TenantId) -> None:
    one, other = strangers(2)
    first, second = house.register_all(tenant, [[one], [other]])
    keys = [FaceKey.of(house.ledger.subjects.open(tenant, owner)) for owner in (first, second)]
    row = stored(house, tenant)[0]
    assert keys[0].open_embedding(Place(0, "faces@1"), row.embedding)
    with pytest.raises(SealBrokenError):
        keys[1].open_embedding(Place(0, "faces@1"), row.embedding)
    with pytest.raises(SealBrokenError):
        keys[0].open_template(Place(0, "faces@1"), 1, row.embedding)
