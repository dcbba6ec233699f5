from __future__ import annotations

import contextlib
import threading
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from identity.assurance.account import Actor
from identity.registration.delays import UNTOLD
from identity.registration.errors import (
    ConsentOutdatedError,
    ConsentTextUnknownError,
    RegistrationEndedError,
    RegistrationError,
)
from identity.registration.notices import About
from identity.registration.record import State
from identity.registration.refusal import Kind
from identity.registration.registry import Registered
from identity.registration.renewing import Renewal
from identity.registration.withdrawing import Way
from ledger.forgetting.holds import place, release
from ledger.ids import SubjectId, moment
from tests.identity.registration.desk import RegistryDesk

DAY = timedelta(days=1)


@pytest.fixture
def made(desk: RegistryDesk, platform: Actor, account: SubjectId) -> Registered:
    return desk.register(platform, account, contact="ada@example.org")


@pytest.fixture
def name(made: Registered) -> SubjectId:
    return made.registration.id


@pytest.fixture
def renewal(desk: RegistryDesk) -> Renewal:
    return Renewal("en", desk.rulebook.consent("FR", Kind.FACE, "en").digest)


def until_end(desk: RegistryDesk, made: Registered, before: timedelta) -> None:
    """Move the clock to so long before its term is over."""
    desk.house.clock.move(moment(made.registration.expires_at) - desk.house.clock() - before)


def test_it_ends_with_its_term_as_a_withdrawal_does(
    desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId
) -> None:
    until_end(desk, made, timedelta(0))
    assert desk.registrations.active(platform.tenant, [name]) == {}
    desk.end()
    found = desk.registrations.find(platform.tenant, name)
    assert (found.state, found.details) == (State.EXPIRED, None)
    assert [kind for kind, _ in desk.house.entries(platform)][-2:] == ["registration.expired", "credential.revoked"]
    assert desk.house.rows("SELECT entry_id FROM index_absence WHERE id = :id", id=name) == [(None,)]


def test_its_owner_is_reminded_twice_and_once_each(desk: RegistryDesk, made: Registered, name: SubjectId) -> None:
    for before, about in ((31, None), (29, About.ENDS_IN_A_MONTH), (8, None), (6, About.ENDS_IN_A_WEEK), (5, None)):
        until_end(desk, made, before * DAY)
        seen = len(desk.told(name))
        for _ in range(2):
            desk.end()
            desk.notify()
        assert [one["notice"] for one in desk.told(name)[seen:]] == ([about] if about else [])
    assert all(one["to"] == "ada@example.org" for one in desk.told(name))


def test_renewing_begins_another_term(
    desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId, renewal: Renewal
) -> None:
    until_end(desk, made, DAY)
    renewed = desk.terms.renew(platform, name, renewal)
    lasts = desk.rulebook.of("FR").lasts
    assert moment(renewed.expires_at) == moment(desk.house.accounts.now()) + lasts
    until_end(desk, made, -DAY)
    desk.end()
    assert name in desk.registrations.active(platform.tenant, [name])
    kind, said = desk.house.entries(platform)[-1]
    assert (kind, said.registration, said.consent_sha256) == ("registration.renewed", name, renewal.consent_sha256)


def test_the_text_in_force_must_be_agreed_to(desk: RegistryDesk, platform: Actor, name: SubjectId) -> None:
    with pytest.raises(ConsentOutdatedError):
        desk.terms.renew(platform, name, Renewal("en", "0" * 64))
    with pytest.raises(ConsentTextUnknownError):
        desk.terms.renew(platform, name, Renewal("xx", "0" * 64))


def test_nothing_is_renewed_that_ended_or_is_leaving(
    desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId, renewal: Renewal
) -> None:
    desk.withdrawals.ask(name, made.code.words)
    with pytest.raises(RegistrationEndedError, match="leaving"):
        desk.terms.renew(platform, name, renewal)
    desk.withdrawals.stop(platform, name)
    until_end(desk, made, timedelta(0))
    with pytest.raises(RegistrationEndedError, match="expired"):
        desk.terms.renew(platform, name, renewal)
    desk.end()
    with pytest.raises(RegistrationEndedError, match="expired"):
        desk.terms.renew(platform, name, renewal)


def test_a_legal_hold_keeps_what_is_due_until_it_is_released(
    desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId
) -> None:
    record = desk.house.accounts.ledger.record

    def hold(connection: Connection) -> tuple[()]:
        place(connection, platform.tenant, "case-8", [name], 0)
        return ()

    def let_go(connection: Connection) -> tuple[()]:
        release(connection, platform.tenant, "case-8")
        return ()

    record(hold, platform.tenant)
    until_end(desk, made, timedelta(0))
    desk.end()
    assert desk.registrations.find(platform.tenant, name).state is State.ACTIVE
    assert desk.registrations.active(platform.tenant, [name]) == {}
    record(let_go, platform.tenant)
    desk.end()
    assert desk.registrations.find(platform.tenant, name).state is State.EXPIRED


def test_withdrawing_and_renewing_at_once(
    desk: RegistryDesk, platform: Actor, made: Registered, renewal: Renewal
) -> None:
    """Whoever comes first, it is withdrawn in the end, whole, and nothing is renewed after."""
    account = made.registration.account
    more = [desk.register(platform, desk.account(platform, f"u{n}")).registration.id for n in range(8)]
    start = threading.Barrier(4)

    def each(act: object) -> None:
        assert callable(act)
        start.wait()
        for one in more:
            with contextlib.suppress(RegistrationError):
                act(one)

    def renew(one: SubjectId) -> None:
        desk.terms.renew(platform, one, renewal)

    def withdraw(one: SubjectId) -> None:
        desk.withdrawals.withdraw(platform, one, Way.PERSON)

    threads = [threading.Thread(target=each, args=(act,)) for act in (renew, withdraw, renew, withdraw)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.registrations.active(platform.tenant, more) == {}
    said = desk.house.entries(platform)
    for one in more:
        assert desk.registrations.find(platform.tenant, one).state is State.WITHDRAWN
        kinds = [kind for kind, payload in said if getattr(payload, "registration", "") == one]
        assert kinds.count("registration.withdrawn") == 1
    assert account in {one.account for one in desk.registrations.of_account(platform.tenant, account)}


def test_a_withdrawal_that_is_due_comes_before_the_end_of_the_term(
    desk: RegistryDesk, platform: Actor, made: Registered, name: SubjectId
) -> None:
    until_end(desk, made, DAY)
    desk.withdrawals.ask(name, made.code.words)
    desk.house.clock.move(UNTOLD + DAY)
    desk.end()
    assert desk.registrations.find(platform.tenant, name).state is State.WITHDRAWN
