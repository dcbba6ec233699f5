from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, update

from detection.errors import AbsenceUnknownError
from detection.generations.absence import Absences
from detection.generations.absence_verifier import check
from detection.generations.generations import Generations
from identity.assurance.account import Actor
from identity.registration.decisions import RegistrationWithdrawn
from identity.registration.delays import DELAY, UNTOLD
from identity.registration.errors import (
    NotLeavingError,
    RecoveryCodeError,
    RegistrationEndedError,
    RegistrationNotFoundError,
)
from identity.registration.guesses import Guesses
from identity.registration.holds import Doubt, HoldReason
from identity.registration.notices import About
from identity.registration.record import State
from identity.registration.recovery import RecoveryCode
from identity.registration.registry import Registered
from identity.registration.tables import RegistrationRow
from identity.registration.withdrawing import Way
from identity.status.lists import standing
from identity.status.token import Status
from keys.clock import system_entropy
from ledger.errors import SubjectErasedError, SubjectHeldError
from ledger.forgetting.holds import place
from ledger.ids import SubjectId, moment
from ledger.payload import Draft
from ledger.receipt import verify_receipt
from tests.identity.registration.desk import RegistryDesk, Said
from tests.ledger.world import LONG

HELD = (Doubt(HoldReason.CONFLICT, (SubjectId("reg_" + "a" * 26),)),)
NOBODY = SubjectId("reg_" + "b" * 26)


@pytest.fixture
def made(desk: RegistryDesk, platform: Actor, account: SubjectId) -> Registered:
    return desk.register(platform, account, contact="ada@example.org")


@pytest.fixture
def name(made: Registered) -> SubjectId:
    return made.registration.id


def test_at_once_nothing_is_left_of_it(desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId) -> None:
    entry = desk.withdrawals.withdraw(platform, name, Way.PERSON)
    assert desk.registrations.active(platform.tenant, [name]) == {}
    found = desk.registrations.find(platform.tenant, name)
    assert (found.state, found.details) == (State.WITHDRAWN, None)
    (row,) = desk.house.rows("SELECT sealed, recovery FROM registration WHERE id = :id", id=name)
    assert tuple(row) == (None, None)
    with pytest.raises(SubjectErasedError):
        desk.house.accounts.ledger.subjects.open(platform.tenant, name)
    assert made.credential is not None
    with desk.house.accounts.database.read(platform.tenant) as connection:
        assert standing(connection, platform.tenant, made.credential.id).status is Status.INVALID
    kinds = [kind for kind, _ in desk.house.entries(platform)]
    assert kinds[-2:] == ["registration.withdrawn", "credential.revoked"]
    assert dict(desk.house.entries(platform))["registration.withdrawn"] == RegistrationWithdrawn(name, "person")
    assert desk.house.accounts.ledger.wait_proven(entry, LONG)


def test_old_receipts_still_verify(desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId) -> None:
    ledger = desk.house.accounts.ledger
    assert ledger.wait_proven(made.registration.entry, LONG)
    before = ledger.receipt(made.registration.entry)
    desk.withdrawals.withdraw(platform, name, Way.PLATFORM)
    for receipt in (before, ledger.receipt(made.registration.entry)):
        assert verify_receipt(receipt, ledger.vkey()).entry.kind == "registration.made"


def test_absence_is_proved(desk: RegistryDesk, platform: Actor, name: SubjectId) -> None:
    accounts = desk.house.accounts
    absences = Absences(accounts.ledger, accounts.database)
    with pytest.raises(AbsenceUnknownError):
        absences.proof(name)
    desk.withdrawals.withdraw(platform, name, Way.PERSON)
    Generations(accounts.ledger, accounts.database, system_entropy).round()
    assert accounts.ledger.wait_proven(absences._find(name)[0], LONG)
    found = check(absences.proof(name), accounts.ledger.vkey())
    assert (found.registration, found.index) == (name, platform.tenant)


def test_only_once_and_only_ones_own_tenants(desk: RegistryDesk, platform: Actor, name: SubjectId) -> None:
    with pytest.raises(RegistrationNotFoundError):
        desk.withdrawals.withdraw(desk.house.platform(), name, Way.PLATFORM)
    desk.withdrawals.withdraw(platform, name, Way.PERSON)
    with pytest.raises(RegistrationEndedError):
        desk.withdrawals.withdraw(platform, name, Way.PERSON)


def test_a_legal_hold_keeps_it_whole(desk: RegistryDesk, platform: Actor, name: SubjectId) -> None:
    def hold(connection: Connection) -> tuple[()]:
        place(connection, platform.tenant, "case-7", [name], 0)
        return ()

    desk.house.accounts.ledger.record(hold, platform.tenant)
    with pytest.raises(SubjectHeldError):
        desk.withdrawals.withdraw(platform, name, Way.PERSON)
    assert name in desk.registrations.active(platform.tenant, [name])


def test_a_held_one_can_be_withdrawn(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    held = desk.register(platform, account, Said(HELD)).registration.id
    desk.withdrawals.withdraw(platform, held, Way.PERSON)
    assert desk.registrations.find(platform.tenant, held).state is State.WITHDRAWN


def test_the_code_withdraws_after_the_person_was_told(
    desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId
) -> None:
    asked = desk.withdrawals.ask(name, made.code.words.upper())
    now = desk.house.accounts.now()
    assert moment(asked.leaving_at) == moment(now) + UNTOLD
    assert desk.registrations.find(platform.tenant, name).state is State.LEAVING
    assert name in desk.registrations.active(platform.tenant, [name])
    desk.notify()
    (notice,) = desk.told(name)
    told_until = desk.registrations.find(platform.tenant, name).leaving_at
    assert told_until is not None
    assert moment(told_until) == moment(now) + DELAY
    assert notice["to"] == "ada@example.org"
    assert (notice["notice"], notice["registration"]) == (About.WITHDRAWAL_ASKED, name)
    desk.house.clock.move(DELAY - timedelta(seconds=1))
    desk.end()
    assert desk.registrations.find(platform.tenant, name).state is State.LEAVING
    desk.house.clock.move(timedelta(seconds=2))
    desk.end()
    assert desk.registrations.find(platform.tenant, name).state is State.WITHDRAWN
    assert dict(desk.house.entries(platform))["registration.withdrawn"] == RegistrationWithdrawn(name, "recovery")
    assert len(desk.told(name)) == 1


def test_who_cannot_be_told_has_longer(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    made = desk.register(platform, account)
    desk.withdrawals.ask(made.registration.id, made.code.words)
    desk.notify()
    desk.house.clock.move(UNTOLD - timedelta(seconds=1))
    desk.end()
    assert desk.registrations.find(platform.tenant, made.registration.id).state is State.LEAVING
    desk.house.clock.move(timedelta(seconds=2))
    desk.end()
    assert desk.registrations.find(platform.tenant, made.registration.id).state is State.WITHDRAWN


def test_a_notice_that_does_not_go_is_tried_again(
    desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId
) -> None:
    desk.withdrawals.ask(name, made.code.words)
    desk.carrier.broken = True
    desk.notify()
    desk.carrier.broken = False
    desk.notify()
    assert desk.told(name) == []
    desk.house.clock.move(timedelta(minutes=2))
    desk.notify()
    assert len(desk.told(name)) == 1
    found = desk.registrations.find(platform.tenant, name).leaving_at
    assert found is not None
    assert moment(found) == moment(desk.house.accounts.now()) + DELAY


def test_a_damaged_row_keeps_nobody_else_from_being_told(
    desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId
) -> None:
    """Nor housekeeping from what comes after notices: proofs of absence, retention."""
    other = desk.register(platform, desk.account(platform, "user-told"), contact="eva@example.org")
    for one in (made, other):
        desk.withdrawals.ask(one.registration.id, one.code.words)
    damage = update(RegistrationRow).where(RegistrationRow.tenant_id == platform.tenant, RegistrationRow.id == name)

    def work(connection: Connection) -> Sequence[Draft]:
        connection.execute(damage.values(sealed=b"x" * 64))
        return []

    desk.house.accounts.ledger.record(work, platform.tenant)
    desk.notify()
    assert (len(desk.told(name)), len(desk.told(other.registration.id))) == (0, 1)


def test_the_person_stops_it(desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId) -> None:
    with pytest.raises(NotLeavingError):
        desk.withdrawals.stop(platform, name)
    first = desk.withdrawals.ask(name, made.code.words)
    again = desk.withdrawals.ask(name, made.code.words)
    assert (again.leaving_at, again.entry) == (first.leaving_at, None)
    desk.withdrawals.stop(platform, name)
    desk.house.clock.move(UNTOLD + timedelta(days=1))
    desk.notify()
    desk.end()
    assert desk.told(name) == []
    assert desk.registrations.find(platform.tenant, name).state is State.ACTIVE
    kinds = [kind for kind, _ in desk.house.entries(platform)]
    assert kinds[-2:] == ["registration.withdrawal_asked", "registration.withdrawal_stopped"]


def test_asking_makes_nobody_protected_who_was_held(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    made = desk.register(platform, account, Said(HELD))
    desk.withdrawals.ask(made.registration.id, made.code.words)
    assert desk.registrations.active(platform.tenant, [made.registration.id]) == {}
    desk.house.clock.move(UNTOLD + timedelta(seconds=1))
    desk.end()
    assert desk.registrations.find(platform.tenant, made.registration.id).state is State.WITHDRAWN


def test_other_codes_are_refused_alike(desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId) -> None:
    other = RecoveryCode.new(system_entropy).words
    said = set[str]()
    desk.withdrawals.withdraw(platform, (ended := desk.register(platform, desk.account(platform, "b"))).registration.id,
                              Way.PERSON)  # fmt: skip
    for registration, words in (
        (name, other), (NOBODY, made.code.words), (ended.registration.id, ended.code.words), (name, "not twelve words"),
        (SubjectId("reg_\0"), other), (name, "x" * 10_000),
    ):  # fmt: skip
        with pytest.raises(RecoveryCodeError) as refused:
            desk.withdrawals.ask(registration, words)
        said.add(str(refused.value))
    assert len(said) == 1
    assert desk.registrations.find(platform.tenant, name).state is State.ACTIVE


def test_another_code_takes_the_place_of_the_first(
    desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId
) -> None:
    again = desk.registry.repeat(platform, name, desk.request())
    with pytest.raises(RecoveryCodeError):
        desk.withdrawals.ask(name, made.code.words)
    desk.withdrawals.ask(name, again.code.words)


def test_no_number_of_wrong_guesses_keeps_the_owner_out(
    desk: RegistryDesk, made: Registered, name: SubjectId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor tells that there is such a registration: what is there and what is not go on to answer alike."""

    def wrong(_code: RecoveryCode, _kept: str) -> None:
        raise RecoveryCodeError

    monkeypatch.setattr(RecoveryCode, "check", wrong)
    other, said = RecoveryCode.new(system_entropy).words, set[str]()

    def guess(number: int) -> None:
        with pytest.raises(RecoveryCodeError) as refused:
            desk.withdrawals.ask((name, NOBODY)[number % 2], other)
        said.add(str(refused.value))

    with ThreadPoolExecutor(4) as guessers:
        list(guessers.map(guess, range(60)))
    assert len(said) == 1
    monkeypatch.undo()
    desk.withdrawals.ask(name, made.code.words)


def test_what_is_not_there_costs_as_much(desk: RegistryDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = list[str]()
    monkeypatch.setattr(RecoveryCode, "check", lambda _self, hashed: kept.append(hashed))
    guesses = Guesses(desk.house.accounts.entropy)
    with pytest.raises(RecoveryCodeError):
        replace(desk.withdrawals, guesses=guesses).ask(NOBODY, RecoveryCode.new(system_entropy).words)
    assert len(kept) == 1
    assert "argon2id" in kept[0]
