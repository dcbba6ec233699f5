from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from identity.assurance.account import Actor
from identity.assurance.errors import AccountNotFoundError
from identity.assurance.grants import Withdrawal
from identity.assurance.tier import EvidenceKind
from identity.errors import TokenInvalidError
from identity.registration.consent import ConsentProof
from identity.registration.decisions import RegistrationMade
from identity.registration.errors import (
    ConsentOutdatedError,
    ConsentTextUnknownError,
    OvertakenError,
    RecoveryCodeError,
    RegisteredAlreadyError,
    RegisteringNotAllowedError,
    RegistrationNotFoundError,
    RegistryBusyError,
    TierTooLowError,
    TooManyRegistrationsError,
)
from identity.registration.holds import Doubt, HoldReason
from identity.registration.limits import PER_ACCOUNT, PER_CALLER, WINDOW
from identity.registration.receipt import read_receipt
from identity.registration.record import State
from identity.registration.recovery import RecoveryCode
from identity.registration.refusal import Kind, Purpose, Right
from identity.registration.registry import TRIES
from ledger.ids import SubjectId
from tests.identity.assurance.house import House, issuer
from tests.identity.registration.desk import RegistryDesk, Said

OUR_KEY = cast("EllipticCurvePublicKey", issuer().p256.method.key)


def kinds(desk: RegistryDesk, by: Actor) -> list[str]:
    """Without those of the account's making."""
    return [kind for kind, _ in desk.house.entries(by) if not kind.startswith(("account.", "assurance."))]


def row(desk: RegistryDesk, registration: str) -> Any:
    return desk.house.rows("SELECT * FROM registration WHERE id = :id", id=registration)[0]


def test_somebody_is_registered(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    protection = Said()
    made = desk.register(platform, account, protection, purposes=frozenset({Purpose.SEXUALISED, Purpose.POLITICAL}))
    found = desk.registrations.find(platform.tenant, made.registration.id)
    assert found == made.registration
    assert (found.state, found.account, found.kind) == (State.ACTIVE, account, Kind.FACE)
    assert found.expires_at - found.created_at == timedelta(days=365) // timedelta(milliseconds=1)
    assert found.details is not None
    assert found.details.refusal.covers(Purpose.POLITICAL)
    assert not found.details.refusal.covers(Purpose.COMMERCIAL)
    assert protection.stored == [found.id]
    assert kinds(desk, platform) == ["registration.made", "credential.issued"]
    made_payload = next(one for kind, one in desk.house.entries(platform) if kind == "registration.made")
    assert isinstance(made_payload, RegistrationMade)
    assert made_payload == found.said()
    assert (made_payload.consent_proof, made_payload.tier, made_payload.rules) == ("attested", "medium", "eea@1")


def test_nothing_of_them_lies_in_clear(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    made = desk.register(
        platform, account, right=Right.PARENT, stated="mother of Unmistakable", contact="u@unmistakable.example",
        place="PT", purposes=frozenset({Purpose.COMMERCIAL}),
    )  # fmt: skip
    kept = row(desk, made.registration.id)
    clear = " ".join(str(one) for one in kept if not isinstance(one, bytes)) + repr(kept)
    for secret in ("nmistakable", "commercial", "'PT'", "face-eea", made.code.words, made.code.secret.hex()):
        assert secret not in clear
    assert made.code.words not in repr(made)
    assert made.receipt not in repr(made)


def test_the_recovery_code_is_kept_as_a_hash(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    made = desk.register(platform, account)
    kept = row(desk, made.registration.id).recovery
    RecoveryCode.read(made.code.words).check(kept)
    with pytest.raises(RecoveryCodeError):
        RecoveryCode(bytes(16)).check(kept)


def test_the_credential_says_what_is_refused_and_nothing_of_a_face(
    desk: RegistryDesk, platform: Actor, account: SubjectId
) -> None:
    everything = desk.register(platform, account, place="US-IL")
    assert everything.credential is not None
    claims = disclosed(str(everything.credential.credential))
    assert claims == {
        "registered": True, "registration": everything.registration.id, "covers": ["face"],
        "refuses": ["any_likeness"], "region": "US-IL",
    }  # fmt: skip
    other = desk.account(platform, "another")
    some = desk.register(platform, other, purposes=frozenset(Purpose), place="", form="ecdsa-rdfc-2019")
    assert some.credential is not None
    document = some.credential.credential
    assert isinstance(document, dict)
    subject = document["credentialSubject"]
    assert subject["refuses"] == ["commercial", "political", "sexualised"]
    assert "region" not in subject
    assert "credentialStatus" in document


def disclosed(token: str) -> dict[str, Any]:
    """Every claim of an SD-JWT that can be kept back, each by itself."""
    from base64 import urlsafe_b64decode

    found = {}
    for one in token.split("~")[1:-1]:
        _, name, value = json.loads(urlsafe_b64decode(one + "=" * (-len(one) % 4)))
        found[name] = value
    return found


def test_the_receipt_says_what_was_agreed_to_and_how_that_is_known(
    desk: RegistryDesk, platform: Actor, account: SubjectId
) -> None:
    request = desk.request(purposes=frozenset({Purpose.POLITICAL}))
    made = desk.registry.register(platform, account, request, Said())
    receipt = read_receipt(made.receipt, issuer().did, OUR_KEY)
    assert (receipt.registration, receipt.entry) == (made.registration.id, made.registration.entry)
    said = receipt.claims
    assert said["consent"]["known_by"] == "attested"
    assert said["consent"]["text"]["sha256"] == request.consent_sha256
    details = made.registration.details
    assert details is not None
    assert said["consent"]["statement_sha256"] == request.agreed_sha256(account, details.consent)
    assert (said["refuses"], said["place"], said["right"]) == (["political"], "FR", "self")
    with pytest.raises(TokenInvalidError):
        read_receipt(made.receipt, "did:web:other.example", OUR_KEY)


def test_what_is_agreed_to_depends_on_all_that_was_chosen(desk: RegistryDesk, account: SubjectId) -> None:
    request = desk.request()
    _, consent = request.require_text(desk.rulebook)
    agreed = request.agreed(account, consent)
    others = [
        replace(request, place="DE").agreed(account, consent),
        replace(request, purposes=frozenset({Purpose.POLITICAL})).agreed(account, consent),
        replace(request, right=Right.PARENT, stated="mother").agreed(account, consent),
        replace(request, kind=Kind.IMAGE).agreed(account, consent),
        replace(request, given=("0" * 64,)).agreed(account, consent),
        replace(request, given=("0" * 64, "1" * 64)).agreed(account, consent),
        replace(request, given=("1" * 64, "0" * 64)).agreed(account, consent),
        request.agreed(SubjectId("acc_other"), consent),
        request.agreed(account, replace(consent, digest="0" * 64)),
    ]
    assert len({agreed, *others}) == 1 + len(others)
    assert replace(request, signature="evidence", proof=ConsentProof.PASSKEY).agreed(account, consent) == agreed


def test_another_text_than_the_one_in_force_is_not_agreed_to(
    desk: RegistryDesk, platform: Actor, account: SubjectId
) -> None:
    elsewhere = desk.rulebook.consent("GB", Kind.FACE, "en").digest
    with pytest.raises(ConsentOutdatedError, match="face-eea@1"):
        desk.register(platform, account, consent_sha256=elsewhere)
    with pytest.raises(ConsentTextUnknownError):
        desk.registry.register(platform, account, replace(desk.request(), language="mt"), Said())
    assert kinds(desk, platform) == []


def test_where_it_is_not_allowed_nobody_is_registered(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    rules = desk.rulebook.of("FR")
    shut = rules.model_copy(update={"registering": rules.registering.model_copy(update={"allowed": False})})
    book = replace(desk.rulebook, regions={**desk.rulebook.regions, "FR": shut})
    with pytest.raises(RegisteringNotAllowedError, match="eea@1"):
        replace(desk.registry, rulebook=book).register(platform, account, desk.request(), Said())


def test_of_whom_too_little_is_known_is_not_registered(desk: RegistryDesk, platform: Actor, house: House) -> None:
    protection = Said()
    unknown = house.accounts.named(platform, "unknown")
    with pytest.raises(TierTooLowError, match="none"):
        desk.register(platform, unknown, protection)
    house.shown(platform, unknown, EvidenceKind.EMAIL)
    with pytest.raises(TierTooLowError, match="low"):
        desk.register(platform, unknown, protection)
    with pytest.raises(AccountNotFoundError):
        desk.register(platform, SubjectId("acc_" + "a" * 26), protection)
    with pytest.raises(AccountNotFoundError):
        desk.register(house.platform(), unknown, protection)
    assert protection.looked == 0, "nobody is compared with others for nothing"


def test_a_tier_that_is_lost_meanwhile_registers_nobody(desk: RegistryDesk, platform: Actor, house: House) -> None:
    account = desk.account(platform, "loser")
    evidence = house.grants.standing(platform.tenant, account).evidence[0].id

    class Losing(Said):
        def doubts(self) -> list[Doubt]:
            house.grants.withdraw(platform, account, evidence, Withdrawal.PLATFORM)
            return []

    with pytest.raises(TierTooLowError):
        desk.register(platform, account, Losing())
    assert desk.registrations.of_account(platform.tenant, account) == []


def test_a_caller_who_may_not_act_any_more_registers_nobody(
    desk: RegistryDesk, platform: Actor, account: SubjectId
) -> None:
    def dead(_connection: object) -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        desk.register(replace(platform, alive=dead), account)
    assert desk.registrations.of_account(platform.tenant, account) == []


def test_an_account_registers_its_own_face_once(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    first = desk.register(platform, account)
    with pytest.raises(RegisteredAlreadyError, match=first.registration.id):
        desk.register(platform, account)
    assert desk.register(platform, account, kind=Kind.IMAGE).registration.state is State.ACTIVE
    assert desk.register(platform, account, right=Right.PARENT).registration.state is State.HELD


def test_how_much_an_account_registers_is_bounded_by_its_tier(
    desk: RegistryDesk, platform: Actor, account: SubjectId, house: House
) -> None:
    for _ in range(PER_ACCOUNT[house.tier(platform, account)]):
        desk.register(platform, account, kind=Kind.IMAGE)
    with pytest.raises(TooManyRegistrationsError) as refused:
        desk.register(platform, account, kind=Kind.IMAGE)
    assert refused.value.retry_after == WINDOW.total_seconds() + 1
    house.shown(platform, account, EvidenceKind.KYC)
    assert desk.register(platform, account, kind=Kind.IMAGE)


def test_what_ended_counts_against_searching(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    doubtful = Said([Doubt(HoldReason.LOOK_ALIKE, (SubjectId("reg_x"),))])
    for _ in range(3):
        desk.register(platform, account, doubtful)
        (held,) = desk.holds.page(platform.tenant)
        desk.holds.refuse(platform, held.id, "not theirs")
    with pytest.raises(TooManyRegistrationsError):
        desk.register(platform, account, doubtful)


def test_a_flood_of_one_caller_is_stopped(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    from identity.registration import limits

    assert PER_CALLER > 100
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "PER_CALLER", 2)
        for name in ("a", "b"):
            desk.register(platform, desk.account(platform, name))
        with pytest.raises(TooManyRegistrationsError, match="this caller"):
            desk.register(platform, account)
        assert desk.register(replace(platform, principal=other_principal(desk, platform)), account)


def other_principal(desk: RegistryDesk, by: Actor) -> Any:
    from sqlalchemy import text

    from tests.ledger.world import FULL

    with desk.house.accounts.database.writing(FULL) as connection:
        connection.execute(
            text("INSERT INTO principal (tenant_id, id, kind, created_at) VALUES (:tenant, 'prn_second', 'key', 0)"),
            {"tenant": by.tenant},
        )
    return "prn_second"


def test_whom_others_overtake_is_compared_again(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    other = desk.account(platform, "faster")

    class Slow(Said):
        def doubts(self) -> list[Doubt]:
            self.looked += 1
            if self.looked == 1:
                desk.register(platform, other)
                return []
            return [Doubt(HoldReason.CONFLICT, (SubjectId("reg_x"),))]

    slow = Slow()
    made = desk.register(platform, account, slow)
    assert slow.looked == 2
    assert made.registration.state is State.HELD, "what was found the second time counts"


def test_what_was_prepared_in_vain_is_prepared_again(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    protection = Said(fault=[OvertakenError()])
    assert desk.register(platform, account, protection).registration.state is State.ACTIVE
    assert len(protection.stored) == 1
    with pytest.raises(RegistryBusyError):
        desk.register(platform, desk.account(platform, "b"), Said(fault=[OvertakenError() for _ in range(TRIES)]))


def test_of_two_at_once_each_is_compared_with_the_other(desk: RegistryDesk, platform: Actor) -> None:
    """Two accounts, one face: whoever is second must be held, however close they come."""
    accounts = [desk.account(platform, f"racer-{n}") for n in range(4)]
    stored: list[SubjectId] = []

    class Racing(Said):
        def doubts(self) -> list[Doubt]:
            return [Doubt(HoldReason.CONFLICT, tuple(stored[:1]))] if stored else []

        def prepared(self, subject: Any) -> Any:
            def store(_connection: object) -> None:
                if subject.id not in stored:
                    stored.append(subject.id)

            return store

    made: list[State] = []

    def one(account: SubjectId) -> None:
        try:
            made.append(desk.register(platform, account, Racing()).registration.state)
        except RegistryBusyError:
            made.append(State.HELD)

    threads = [threading.Thread(target=one, args=(account,)) for account in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [State.ACTIVE, *[State.HELD] * 3]


def test_a_failure_within_keeps_nothing(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    with pytest.raises(RuntimeError):
        desk.register(platform, account, Said(fault=[RuntimeError("in the unit of work")]))
    assert desk.registrations.of_account(platform.tenant, account) == []
    assert kinds(desk, platform) == []
    keys = "SELECT id FROM subject_key WHERE tenant_id = :tenant AND id LIKE 'reg_%'"
    assert desk.house.rows(keys, tenant=platform.tenant) == []


def test_the_same_request_again_gives_another_code_and_the_same_registration(
    desk: RegistryDesk, platform: Actor, account: SubjectId
) -> None:
    request = desk.request()
    first = desk.registry.register(platform, account, request, Said())
    again = desk.registry.repeat(platform, first.registration.id, request)
    assert again.registration == first.registration
    assert again.credential is not None
    assert first.credential is not None
    assert again.credential.id == first.credential.id
    kept = row(desk, first.registration.id).recovery
    again.code.check(kept)
    with pytest.raises(RecoveryCodeError):
        first.code.check(kept)
    assert kinds(desk, platform)[2:] == ["registration.repeated", "credential.issued"]
    claims = [read_receipt(one.receipt, issuer().did, OUR_KEY).claims for one in (first, again)]
    assert claims[0] == claims[1]


def test_a_credential_is_had_again(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    made = desk.register(platform, account)
    again = desk.registry.credential(platform, made.registration.id, "dc+sd-jwt")
    assert made.credential is not None
    assert again.id == made.credential.id
    with pytest.raises(RegistrationNotFoundError):
        desk.registry.credential(desk.house.platform(), made.registration.id, "dc+sd-jwt")


def test_those_that_protect_are_told_from_those_that_do_not(
    desk: RegistryDesk, platform: Actor, account: SubjectId, house: House
) -> None:
    active = desk.register(platform, account).registration
    held = desk.register(platform, desk.account(platform, "held"), Said([Doubt(HoldReason.CONFLICT)])).registration
    asked = [active.id, held.id, SubjectId("reg_unknown")]
    assert desk.registrations.active(platform.tenant, asked) == {active.id: active}
    assert desk.registrations.active(house.platform().tenant, asked) == {}, "another tenant's"
    house.clock.move(timedelta(days=365))
    assert desk.registrations.active(platform.tenant, asked) == {}
    assert desk.registrations.active(platform.tenant, []) == {}


def test_a_registration_is_its_tenants(desk: RegistryDesk, platform: Actor, account: SubjectId, house: House) -> None:
    made = desk.register(platform, account).registration
    for tenant, name in ((house.platform().tenant, made.id), (platform.tenant, SubjectId("reg_\0"))):
        with pytest.raises(RegistrationNotFoundError):
            desk.registrations.find(tenant, name)
    assert desk.registrations.of_account(platform.tenant, account) == [made]


def test_a_sealed_column_of_another_does_not_open(desk: RegistryDesk, platform: Actor, account: SubjectId) -> None:
    from sqlalchemy import text

    from keys.errors import SealBrokenError
    from tests.ledger.world import FULL

    one = desk.register(platform, account).registration.id
    other = desk.register(platform, desk.account(platform, "other")).registration.id
    theirs = row(desk, other).sealed
    with desk.house.accounts.database.writing(FULL) as connection:
        connection.execute(
            text("UPDATE registration SET sealed = :theirs WHERE id = :one"), {"one": one, "theirs": theirs}
        )
    with pytest.raises(SealBrokenError):
        desk.registrations.find(platform.tenant, one)
