"""What is said of an account to others: signed, for minutes or a day, on record, and taken back when it is not so."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.assurance.account import Actor
from identity.assurance.errors import AccountNotFoundError
from identity.assurance.grants import Withdrawal
from identity.assurance.statements import TYPE, Assured, Missing, Stated, read_statement
from identity.assurance.tier import EvidenceKind, Tier
from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.issuing.issuer import Issuer
from identity.jose.jws import read_jws
from identity.outcome import Check
from identity.sd_jwt.credential import TYPE as SD_JWT
from identity.status.lists import standing
from identity.status.token import Status
from ledger.ids import SubjectId, moment
from tests.identity.assurance.house import House, policy
from tests.identity.issuing.ours import our_issuer

SHOP = "https://shop.example"
LOGIN, KYC = EvidenceKind.LOGIN, EvidenceKind.KYC
HIGH, MEDIUM, LOW, NONE = Tier.HIGH, Tier.MEDIUM, Tier.LOW, Tier.NONE


def read(token: object, now: datetime, **changes: Any) -> Assured:
    expected = {"issuer": our_issuer().did, "key": our_issuer().p256.key, "audience": SHOP, **changes}
    return read_statement(str(token), now=now, **expected)


def stated(house: House, by: Actor, account: SubjectId, wanted: Tier = MEDIUM, **more: Any) -> Stated:
    said = house.statements.state(by, account, wanted, SHOP, **more)
    assert isinstance(said, Stated)
    return said


def test_a_tier_that_is_reached_is_stated(house: House, platform: Actor, account: SubjectId) -> None:
    house.shown(platform, account, KYC)
    said = stated(house, platform, account, nonce="n-1")
    found = read(said.statement, house.clock(), nonce="n-1")
    ends = moment(said.expires_at).replace(microsecond=0)
    assert found == Assured(account, MEDIUM, "assurance@1", said.entry, ends)
    assert ends - house.clock() <= timedelta(minutes=10)
    kind, payload = house.entries(platform)[-1]
    assert (kind, payload.statement, payload.tier, payload.audience) == ("assurance.stated", said.entry, "medium", SHOP)
    assert payload.key == str(our_issuer().p256.ref)
    claims = read_jws(str(said.statement), TYPE).payload
    assert claims.keys() == {"iss", "sub", "aud", "iat", "exp", "jti", "nonce", "tier", "policy"}, "and nothing of how"


def test_a_tier_that_is_not_reached_is_told_with_the_ways_to_it(
    house: House, platform: Actor, account: SubjectId
) -> None:
    house.shown(platform, account, EvidenceKind.EMAIL)
    before = house.entries(platform)
    told = house.statements.state(platform, account, HIGH, SHOP, country="US")
    assert told == Missing(LOW, (EvidenceKind.DRIVING_LICENCE, EvidenceKind.IDENTITY_DOCUMENT, KYC))
    told = house.statements.state(platform, account, MEDIUM, SHOP)
    assert isinstance(told, Missing)
    assert set(told.ways) == set(EvidenceKind) - {EvidenceKind.EMAIL, EvidenceKind.PHONE}
    assert house.entries(platform) == before
    with pytest.raises(AccountNotFoundError):
        house.statements.state(house.platform(), account, LOW, SHOP)


def test_a_statement_ends_before_the_evidence_does(house: House, platform: Actor, account: SubjectId) -> None:
    house.shown(platform, account, LOGIN)
    house.clock.move(timedelta(days=180) - timedelta(minutes=3))
    said = stated(house, platform, account)
    assert moment(said.expires_at) - house.clock() <= timedelta(minutes=3)
    house.clock.move(timedelta(minutes=3))
    assert isinstance(house.statements.state(platform, account, MEDIUM, SHOP), Missing)
    with pytest.raises(TokenInvalidError) as refused:
        read(said.statement, house.clock())
    assert refused.value.check is Check.VALIDITY


def test_a_statement_is_for_whom_it_was_made(house: House, platform: Actor, account: SubjectId) -> None:
    house.shown(platform, account, KYC)
    token, now = stated(house, platform, account, nonce="n-1").statement, house.clock()
    for check, changes in (
        (Check.AUDIENCE, {"audience": "https://other.example", "nonce": "n-1"}),
        (Check.NONCE, {"nonce": "n-2"}),
        (Check.NONCE, {}),
        (Check.TRUST, {"issuer": "did:web:other.example", "nonce": "n-1"}),
        (Check.ALGORITHM, {"key": our_issuer().ed25519.key, "nonce": "n-1"}),
    ):
        with pytest.raises(TokenInvalidError) as refused:
            read(token, now, **changes)
        assert refused.value.check is check


@settings(max_examples=30)
@given(at=st.integers(0, 400), to=st.sampled_from("ABab01-_."))
def test_no_neighbour_of_a_statement_is_one(at: int, to: str) -> None:
    claims = {"iss": our_issuer().did, "aud": SHOP, "sub": "acc_x", "iat": 1, "exp": 2**40, "jti": "ent_x"}
    token = our_issuer().token(TYPE, {**claims, "tier": "high", "policy": "p@1"})
    changed = token[:at] + to + token[at + 1 :]
    if changed != token:
        with pytest.raises((TokenInvalidError, TokenUnreadableError)):
            read(changed, datetime(2026, 11, 28, tzinfo=UTC))


@pytest.mark.parametrize("changes", [{"tier": "none"}, {"tier": ["high"]}, {"sub": 1}, {"jti": None}, {"policy": None}])
def test_what_says_no_tier_says_nothing(changes: dict[str, Any]) -> None:
    claims = {"iss": our_issuer().did, "aud": SHOP, "sub": "acc_x", "iat": 1, "exp": 2**40, "jti": "ent_x"}
    token = our_issuer().token(TYPE, {**claims, "tier": "high", "policy": "p@1", **changes})
    with pytest.raises(TokenInvalidError) as refused:
        read(token, datetime(2026, 11, 28, tzinfo=UTC))
    assert refused.value.check is Check.STRUCTURE


def test_the_entry_is_durable_before_it_is_signed(
    house: House, platform: Actor, account: SubjectId, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.shown(platform, account, KYC)

    def crash(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Issuer, "token", crash)
    with pytest.raises(KeyboardInterrupt):
        stated(house, platform, account)
    assert house.entries(platform)[-1][0] == "assurance.stated"


def credential(house: House, by: Actor, account: SubjectId, wanted: Tier, form: str = SD_JWT) -> Any:
    said = house.credentials.state(by, account, wanted, form)
    assert isinstance(said, Stated)
    return said


def statuses(house: House, by: Actor) -> dict[str, Status]:
    """By tier said, of the credentials that were issued: `revoked` where it is so."""
    rows = house.rows("SELECT credential_id FROM status_place WHERE tenant_id = :t", t=by.tenant)
    with house.accounts.database.read(by.tenant) as connection:
        return {name: standing(connection, by.tenant, name).status for (name,) in rows}


def test_a_tier_as_a_credential(house: House, platform: Actor, account: SubjectId) -> None:
    assert house.credentials.state(platform, account, LOW, SD_JWT) == Missing(NONE, tuple(house.policy.ways(LOW, "")))
    assert statuses(house, platform) == {}
    house.shown(platform, account, KYC)
    said = credential(house, platform, account, MEDIUM, "eddsa-jcs-2022")
    subject = said.statement["credentialSubject"]
    assert subject == {"account": account, "tier": "medium", "policy": "assurance@1"}
    assert said.statement["credentialStatus"]
    assert "~" in credential(house, platform, account, HIGH).statement
    issued = [payload for kind, payload in house.entries(platform) if kind == "credential.issued"]
    assert [one.type for one in issued] == ["AccountAssurance", "AccountAssurance"]
    assert account not in repr(issued), "which account it is about is nobody's but its reader's to know"
    house.clock.move(timedelta(days=1))
    house.tidy()
    assert house.rows("SELECT * FROM assurance_credential WHERE tenant_id = :t", t=platform.tenant) == []


def lose_by_withdrawal(house: House, by: Actor, account: SubjectId) -> House:
    (kyc,) = [one.id for one in house.grants.standing(by.tenant, account).evidence if one.detail.kind is KYC]
    house.grants.withdraw(by, account, kyc, Withdrawal.ASKED)
    return house


def lose_by_policy(house: House, _: Actor, __: SubjectId) -> House:
    rule = {"tier": "medium", "days": 1000, "accounts": None}
    return house.under(policy(policy="assurance@2", evidence={"kyc": rule, "login": rule}))


def lose_by_worse_evidence(house: House, by: Actor, account: SubjectId) -> House:
    worse = lose_by_policy(house, by, account)
    worse.shown(by, account, KYC)
    return worse


@pytest.mark.parametrize("lose", [lose_by_withdrawal, lose_by_policy, lose_by_worse_evidence])
def test_what_is_not_so_any_more_is_revoked(
    house: House, platform: Actor, account: SubjectId, lose: Callable[[House, Actor, SubjectId], House]
) -> None:
    house.shown(platform, account, LOGIN)
    house.shown(platform, account, KYC)
    for tier in (LOW, MEDIUM, HIGH):
        credential(house, platform, account, tier)
    after = lose(house, platform, account)
    while after.review.round():
        pass
    found = list(statuses(house, platform).values())
    assert (found.count(Status.VALID), found.count(Status.INVALID)) == (2, 1)
    revoked = [payload for kind, payload in house.entries(platform) if kind == "credential.revoked"]
    assert [one.before for one in revoked] == ["valid"]
    assert isinstance(after.credentials.state(platform, account, HIGH, SD_JWT), Missing)


def test_an_erased_account_leaves_no_credential_in_force(house: House, platform: Actor, account: SubjectId) -> None:
    house.shown(platform, account, KYC)
    other = house.accounts.named(platform, "other")
    house.shown(platform, other, LOGIN)
    for one in (account, other):
        credential(house, platform, one, LOW)
    house.accounts.erase(platform, account)
    house.review.round()
    assert sorted(statuses(house, platform).values()) == [Status.VALID, Status.INVALID]
    kept = house.rows("SELECT account_id FROM assurance_credential WHERE tenant_id = :t", t=platform.tenant)
    assert kept == [(other,)]


def test_a_credential_that_is_issued_while_the_tier_goes_does_not_stay(
    house: House, platform: Actor, account: SubjectId
) -> None:
    house.shown(platform, account, KYC)

    def issue(_: int) -> object:
        return house.credentials.state(platform, account, HIGH, SD_JWT)

    with ThreadPoolExecutor(4) as pool:
        issuing = pool.map(issue, range(8))
        lose_by_withdrawal(house, platform, account)
        answers = list(issuing)
    while house.review.round():
        pass
    issued = sum(isinstance(one, Stated) for one in answers)
    assert list(statuses(house, platform).values()) == [Status.INVALID] * issued
