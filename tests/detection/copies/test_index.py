"""Registered pictures are found by near copies, exactly up to the reach; what cannot be looked at is unknown."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, update

from detection.copies.bank import PictureBank
from detection.copies.fingerprint import FORMS, HASH_BYTES, REACH, Bits, Fingerprint, from_bytes, from_hex
from detection.copies.index import PictureIndex
from detection.copies.tables import PictureFingerprint
from detection.errors import MatchUnknownError, Unknown
from detection.near import follower
from detection.near.generation import Generation, Near
from ledger.forgetting.epochs import DATA_KEY_LIFETIME
from ledger.ids import SubjectId, TenantId
from ledger.payload import Draft
from tests.ledger.world import FULL, World, tampering
from tests.waiting import until


def some() -> Fingerprint:
    return Fingerprint(tuple(secrets.token_hex(HASH_BYTES) for _ in range(FORMS)), 100)


def register(world: World, bank: PictureBank, tenant: TenantId, picture: Fingerprint) -> SubjectId:
    owner = world.ledger.subjects.create(tenant)
    prepared = bank.prepared(owner, picture)

    def work(connection: Connection) -> Sequence[Draft]:
        world.ledger.subjects.insert(connection, owner)
        bank.insert(connection, prepared)
        return []

    world.ledger.record(work, tenant)
    return owner.id


def changed(form: str, bits: int) -> Bits:
    """The hash with so many of its bits turned."""
    flat = np.unpackbits(from_hex([form])[0])
    flat[np.random.default_rng(bits).choice(len(flat), bits, replace=False)] ^= 1
    return np.packbits(flat)[None, :]


@pytest.fixture
def index(world: World, bank: PictureBank) -> PictureIndex:
    return PictureIndex(world.database, bank)


def test_nobody_is_registered(index: PictureIndex, tenant: TenantId) -> None:
    assert index.match(tenant, from_hex([some().forms[0]])) == []


@pytest.mark.parametrize("form", range(FORMS))
def test_each_form_is_found_up_to_the_reach_and_not_beyond(
    world: World, bank: PictureBank, index: PictureIndex, tenant: TenantId, form: int
) -> None:
    picture = some()
    owner = register(world, bank, tenant, picture)
    for bits in (0, 1, REACH):
        assert index.match(tenant, changed(picture.forms[form], bits)) == [owner]
    assert index.match(tenant, changed(picture.forms[form], REACH + 1)) == []


def test_others_tenants_find_nothing(world: World, bank: PictureBank, index: PictureIndex, tenant: TenantId) -> None:
    picture, other = some(), world.ledger.create_tenant("other")
    register(world, bank, tenant, picture)
    assert index.match(other, from_hex(list(picture.forms))) == []


@settings(max_examples=15)
@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_an_index_is_what_the_rows_are(world: World, bank: PictureBank, turns: list[bool]) -> None:
    """One that follows every change and one that is built anew agree with a plain list of who is registered."""
    tenant, followed = world.ledger.create_tenant("some"), PictureIndex(world.database, bank)
    held: dict[SubjectId, Fingerprint] = {}
    gone: list[Fingerprint] = []
    for add in turns:
        if add or not held:
            picture = some()
            held[register(world, bank, tenant, picture)] = picture
        else:
            owner, picture = held.popitem()
            world.erase(tenant, owner)
            gone.append(picture)
        probes = from_hex([one.forms[3] for one in (*held.values(), *gone)])
        assert (
            followed.match(tenant, probes) == sorted(held) == PictureIndex(world.database, bank).match(tenant, probes)
        )
    if gone:
        assert all(_absent(followed, tenant, picture) for picture in gone), "what is gone is wiped"


def _absent(index: PictureIndex, tenant: TenantId, picture: Fingerprint) -> bool:
    """Whether no byte of it is in the index's memory."""
    segments = [one for part in index.follow(tenant).generations.values() for one in part._segments]
    held = b"".join(part.tobytes() for segment in segments for part in (segment._lead, segment._rest))
    return all(half not in held for form in map(bytes.fromhex, picture.forms) for half in (form[:16], form[16:]))


def test_nothing_of_a_picture_is_stored_in_clear(world: World, bank: PictureBank, tenant: TenantId) -> None:
    picture = some()
    register(world, bank, tenant, picture)
    with world.database.read(tenant) as connection:
        mine = select(PictureFingerprint.sealed).where(PictureFingerprint.tenant_id == tenant)
        (sealed,) = connection.execute(mine).scalars()
    assert all(bytes.fromhex(form) not in sealed and form.encode() not in sealed for form in picture.forms)


def test_rows_that_were_swapped_are_no_match_but_unknown(
    world: World, bank: PictureBank, index: PictureIndex, tenant: TenantId
) -> None:
    one, other = (register(world, bank, tenant, some()) for _ in range(2))
    mine = PictureFingerprint.tenant_id == tenant
    with world.database.writing(FULL) as connection:
        rows = select(PictureFingerprint.owner_id, PictureFingerprint.sealed).where(mine)
        sealed = {one.owner_id: one.sealed for one in connection.execute(rows)}
    with tampering(world.database) as connection:
        for owner, taken in ((one, other), (other, one)):
            swapped = update(PictureFingerprint).where(mine, PictureFingerprint.owner_id == owner)
            connection.execute(swapped.values(sealed=sealed[taken]))
    with pytest.raises(MatchUnknownError) as unknown:
        index.match(tenant, from_bytes(bytes(HASH_BYTES)))
    assert unknown.value.reason is Unknown.DAMAGED


def test_a_sealed_key_store_is_unknown_and_recovers(
    world: World, bank: PictureBank, index: PictureIndex, tenant: TenantId
) -> None:
    picture = some()
    owner = register(world, bank, tenant, picture)
    world.ledger.epochs.forget()
    world.clock.move(DATA_KEY_LIFETIME)
    world.ledger.epochs.forget()
    world.keys.go_down()
    try:
        with pytest.raises(MatchUnknownError) as unknown:
            index.match(tenant, from_hex(list(picture.forms)))
    finally:
        world.keys.recover()
    assert unknown.value.reason is Unknown.KEYS
    assert index.match(tenant, from_hex(list(picture.forms))) == [owner]


def test_whoever_leaves_or_comes_while_it_is_searched_hides_nobody_else(
    world: World, bank: PictureBank, index: PictureIndex, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose a row is, is asked after the search: one that went meanwhile is nobody's, and no other takes its number."""
    picture, near, done = some(), Generation.near, list[SubjectId]()
    staying, leaving = (register(world, bank, tenant, picture) for _ in range(2))
    assert index.match(tenant, from_hex([picture.forms[0]])) == sorted([staying, leaving])

    def late(self: Generation, template: Bits, reach: int) -> Near:
        found = near(self, template, reach)
        world.erase(tenant, leaving)
        done.append(register(world, bank, tenant, picture))
        index.follow(tenant)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Generation, "near", late)
        assert index.match(tenant, from_hex([picture.forms[0]])) == [staying]
    assert index.match(tenant, from_hex([picture.forms[0]])) == sorted([staying, *done])


def test_it_follows_by_itself_and_wipes_who_left(
    world: World, bank: PictureBank, index: PictureIndex, tenant: TenantId
) -> None:
    picture = some()
    owner = register(world, bank, tenant, picture)
    index.start()
    try:
        until(lambda: len(index.of(tenant).index.generations) == 1)
        world.erase(tenant, owner)
        until(lambda: not index.of(tenant).index.generations)
    finally:
        index.close()
    assert index.match(tenant, from_hex(list(picture.forms))) == []


def test_an_index_is_built_in_batches_and_of_a_database_that_was_put_back(
    world: World, bank: PictureBank, index: PictureIndex, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "BATCH", 2)
    pictures = [some() for _ in range(5)]
    owners = [register(world, bank, tenant, picture) for picture in pictures]
    world.erase(tenant, owners[1])
    probes = from_hex([picture.forms[2] for picture in pictures])
    index.of(tenant).index = follower.Index(known=99)  # of a database that has been
    assert index.match(tenant, probes) == sorted({*owners} - {owners[1]})
