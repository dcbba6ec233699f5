from __future__ import annotations

from dataclasses import replace

import pytest

from identity.assurance.account import Actor
from identity.registration.decisions import RegistrationHeld, RegistrationRefused
from identity.registration.errors import HoldDecidedError, RegistrationEndedError, RegistrationHoldNotFoundError
from identity.registration.holds import PAGE, Doubt, HoldReason, HoldState
from identity.registration.record import State
from identity.registration.refusal import Right
from identity.registration.registry import Registered
from ledger.errors import SubjectErasedError
from ledger.ids import SubjectId
from tests.identity.registration.desk import RegistryDesk, Said

ALIKE = SubjectId("reg_" + "a" * 26)
CONFLICT = (Doubt(HoldReason.CONFLICT, (ALIKE,)),)


@pytest.fixture
def held(desk: RegistryDesk, platform: Actor, account: SubjectId) -> Registered:
    return desk.register(platform, account, Said(CONFLICT), contact="ada@example.org")


def test_who_looks_like_somebody_registered_is_held(desk: RegistryDesk, platform: Actor, held: Registered) -> None:
    assert held.registration.state is State.HELD
    assert held.credential is None
    (hold,) = desk.holds.page(platform.tenant)
    assert (hold.registration, hold.state, hold.doubts) == (held.registration.id, HoldState.OPEN, CONFLICT)
    entries = dict(desk.house.entries(platform)[-2:])
    assert list(entries) == ["registration.made", "registration.held"]
    assert entries["registration.held"] == RegistrationHeld(held.registration.id, hold.id, ("conflict",), (ALIKE,))
    with pytest.raises(RegistrationEndedError, match="held"):
        desk.registry.credential(platform, held.registration.id, "dc+sd-jwt")


@pytest.mark.parametrize("right", [right for right in Right if right is not Right.SELF])
def test_a_person_looks_at_who_acts_for_another(
    desk: RegistryDesk, platform: Actor, account: SubjectId, right: Right
) -> None:
    desk.register(platform, account, right=right, stated="agreement of 3 March")
    (hold,) = desk.holds.page(platform.tenant)
    assert hold.doubts == (Doubt(HoldReason.RIGHT),)
    assert hold.details is not None
    assert hold.details.stated == "agreement of 3 March"


def test_released_it_protects_and_has_a_credential(desk: RegistryDesk, platform: Actor, held: Registered) -> None:
    (hold,) = desk.holds.page(platform.tenant)
    entry = desk.holds.release(platform, hold.id, "a cousin; both were asked")
    assert desk.registrations.active(platform.tenant, [held.registration.id])
    kind, payload = desk.house.entries(platform)[-1]
    assert (kind, payload.reason) == ("registration.released", "a cousin; both were asked")
    assert desk.holds.find(platform.tenant, hold.id).entry == entry
    first = desk.registry.credential(platform, held.registration.id, "dc+sd-jwt")
    assert desk.registry.credential(platform, held.registration.id, "dc+sd-jwt").id == first.id
    assert desk.holds.page(platform.tenant) == []
    assert [one.state for one in desk.holds.page(platform.tenant, decided=True)] == [HoldState.RELEASED]


def test_refused_its_key_is_gone(desk: RegistryDesk, platform: Actor, held: Registered) -> None:
    (hold,) = desk.holds.page(platform.tenant)
    desk.holds.refuse(platform, hold.id, "the photos are of somebody else")
    found = desk.registrations.find(platform.tenant, held.registration.id)
    assert (found.state, found.details) == (State.REFUSED, None)
    with pytest.raises(SubjectErasedError):
        desk.house.accounts.ledger.subjects.open(platform.tenant, held.registration.id)
    ((sealed, recovery),) = desk.house.rows(
        "SELECT sealed, recovery FROM registration WHERE id = :id", id=held.registration.id
    )
    assert (sealed, recovery) == (None, None)
    decided = desk.holds.find(platform.tenant, hold.id)
    assert (decided.state, decided.doubts, decided.details) == (HoldState.REFUSED, (), None)
    for decide in (desk.holds.release, desk.holds.refuse):
        with pytest.raises(HoldDecidedError, match="was refused before"):
            decide(platform, hold.id, "again")
    entries = desk.house.entries(platform)
    refused = RegistrationRefused(held.registration.id, hold.id, "the photos are of somebody else")
    assert entries[-1] == ("registration.refused", refused)
    assert not [kind for kind, _ in entries if kind in {"registration.made", "registration.held"}], "sealed for ever"
    assert desk.house.accounts.ledger.verify().sound
    with pytest.raises(RegistrationEndedError, match="refused"):
        desk.registry.repeat(platform, held.registration.id, desk.request())


def test_a_hold_is_decided_once(desk: RegistryDesk, platform: Actor, held: Registered) -> None:
    (hold,) = desk.holds.page(platform.tenant)
    desk.holds.release(platform, hold.id, "a twin")
    for decide in (desk.holds.release, desk.holds.refuse):
        with pytest.raises(HoldDecidedError, match="released"):
            decide(platform, hold.id, "again")
    assert desk.registrations.find(platform.tenant, held.registration.id).state is State.ACTIVE


def test_a_hold_is_its_tenants(desk: RegistryDesk, platform: Actor, held: Registered) -> None:
    (hold,) = desk.holds.page(platform.tenant)
    stranger = desk.house.platform()
    assert desk.holds.page(stranger.tenant) == []
    for wrong in ("hld_" + "a" * 26, "hld_\0"):
        with pytest.raises(RegistrationHoldNotFoundError):
            desk.holds.release(platform, wrong, "no")
    with pytest.raises(RegistrationHoldNotFoundError):
        desk.holds.refuse(stranger, hold.id, "no")


def test_a_reviewer_whose_key_was_revoked_decides_nothing(
    desk: RegistryDesk, platform: Actor, held: Registered
) -> None:
    def dead(_connection: object) -> None:
        raise PermissionError

    (hold,) = desk.holds.page(platform.tenant)
    for decide in (desk.holds.release, desk.holds.refuse):
        with pytest.raises(PermissionError):
            decide(replace(platform, alive=dead), hold.id, "no")
    assert desk.holds.find(platform.tenant, hold.id).state is HoldState.OPEN
    assert desk.registrations.find(platform.tenant, held.registration.id).state is State.HELD


def test_holds_are_read_page_by_page(desk: RegistryDesk, platform: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PAGE == 100
    monkeypatch.setattr("identity.registration.holds.PAGE", 2)
    for n in range(5):
        desk.register(platform, desk.account(platform, f"user-{n}"), Said(CONFLICT))
    seen: list[str] = []
    while page := desk.holds.page(platform.tenant, after=seen[-1] if seen else ""):
        seen += [one.id for one in page]
    assert len(seen) == len(set(seen)) == 5


def test_repeated_while_it_is_held_there_is_still_no_credential(
    desk: RegistryDesk, platform: Actor, held: Registered
) -> None:
    again = desk.registry.repeat(platform, held.registration.id, desk.request())
    assert again.credential is None
    assert again.code != held.code
