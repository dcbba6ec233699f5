"""What accounts have shown changes together with the ledger, and every way down is an entry."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from identity.assurance.account import Actor
from identity.assurance.decisions import AssuranceEnded, AssuranceGranted
from identity.assurance.errors import AccountNotFoundError, EvidenceNotFoundError, EvidenceUnknownError
from identity.assurance.evidence import Found
from identity.assurance.grants import Withdrawal
from identity.assurance.tier import EvidenceKind, Tier
from keys.errors import SealBrokenError
from ledger.errors import EntryNotFoundError, PayloadErasedError, SubjectHeldError
from ledger.forgetting.holds import place
from ledger.ids import EntryId, SubjectId
from tests.identity.assurance.house import House, policy
from tests.ledger.world import FULL

EMAIL, LOGIN, KYC = EvidenceKind.EMAIL, EvidenceKind.LOGIN, EvidenceKind.KYC


def said(house: House, by: Actor, kind: str) -> list[Any]:
    return [payload for name, payload in house.entries(by) if name == kind]


def test_two_pieces_of_evidence_at_once_are_both_there(house: House, platform: Actor, account: SubjectId) -> None:
    subject = house.accounts.subject(platform.tenant, account)
    with ThreadPoolExecutor(8) as pool:
        found = [Found(kind, f"source-{n}", "") for n in range(4) for kind in (EMAIL, LOGIN, KYC)]
        granted = list(pool.map(lambda one: house.grants.grant(platform, subject, one), found))
    assert len(house.grants.standing(platform.tenant, account).evidence) == len(granted)
    entries: list[AssuranceGranted] = said(house, platform, "assurance.granted")
    assert entries[0].before == "none"
    assert entries[-1].after == "high"
    assert all(one.after == next_one.before for one, next_one in pairwise(entries))


def test_newer_evidence_takes_the_place_of_older_from_the_same_source(
    house: House, platform: Actor, account: SubjectId
) -> None:
    house.shown(platform, account, LOGIN, method="one", mark="a")
    house.shown(platform, account, LOGIN, method="two", mark="b")
    (first,) = [one for one in house.grants.standing(platform.tenant, account).evidence if one.detail.method == "one"]
    house.clock.move(timedelta(days=100))
    house.shown(platform, account, LOGIN, method="one", mark="c")
    found = house.grants.standing(platform.tenant, account).evidence
    assert {(one.detail.method, one.mark) for one in found} == {("one", "c"), ("two", "b")}
    assert said(house, platform, "assurance.granted")[-1].replaces == (first.id,)


def test_evidence_expires_at_once_and_the_entry_follows(house: House, platform: Actor, account: SubjectId) -> None:
    house.shown(platform, account, EMAIL)
    house.shown(platform, account, LOGIN)
    house.clock.move(timedelta(days=180) - timedelta(milliseconds=1))
    assert house.tier(platform, account) is Tier.MEDIUM
    house.clock.move(timedelta(milliseconds=1))
    assert house.tier(platform, account) is Tier.LOW
    while house.review.round():
        pass
    (ended,) = said(house, platform, "assurance.expired")
    assert (ended.kind, ended.reason, ended.tier, ended.before, ended.after) == (
        "login", "expired", "none", "medium", "low",
    )  # fmt: skip
    assert house.rows("SELECT count(*) FROM assurance_evidence WHERE account_id = :a", a=account) == [(1,)]
    assert house.review.round() == 0


def test_one_damaged_row_keeps_nobody_elses_evidence_from_ending(
    house: House, platform: Actor, account: SubjectId
) -> None:
    other = house.accounts.named(platform, "other")
    for one in (account, other):
        house.shown(platform, one, EMAIL)
    with house.accounts.database.writing(FULL) as connection:
        damage = "UPDATE assurance_evidence SET sealed = :none WHERE account_id = :account"
        connection.execute(text(damage), {"none": b"\0" * 64, "account": account})
    house.clock.move(timedelta(days=365))
    with pytest.raises(SealBrokenError):
        house.review.round()
    assert [one.account for one in said(house, platform, "assurance.expired")] == [other]
    house.accounts.erase(platform, account)
    assert house.review.round() == 0


def test_withdrawn_evidence_is_gone_and_the_entry_says_what_it_was_worth(
    house: House, platform: Actor, account: SubjectId
) -> None:
    house.shown(platform, account, EMAIL)
    house.shown(platform, account, KYC)
    evidence = {one.detail.kind: one.id for one in house.grants.standing(platform.tenant, account).evidence}
    house.grants.withdraw(platform, account, evidence[KYC], Withdrawal.ASKED)
    assert house.tier(platform, account) is Tier.LOW
    (ended,) = said(house, platform, "assurance.withdrawn")
    assert (ended.evidence, ended.reason, ended.before, ended.after) == (evidence[KYC], "asked", "high", "low")
    for gone in (evidence[KYC], "evd_none"):
        with pytest.raises(EvidenceNotFoundError):
            house.grants.withdraw(platform, account, gone, Withdrawal.ASKED)
    with pytest.raises(AccountNotFoundError):
        house.grants.withdraw(house.platform(), account, evidence[EMAIL], Withdrawal.ASKED)


def test_a_stricter_policy_counts_at_once_and_the_downgrade_is_an_entry(
    house: House, platform: Actor, account: SubjectId
) -> None:
    house.shown(platform, account, KYC)
    house.shown(platform, account, LOGIN)
    house.shown(platform, account, EMAIL)
    rule = {"tier": "low", "days": 10, "accounts": None}
    strict = house.under(policy(policy="assurance@2", evidence={"kyc": {**rule, "tier": "medium"}, "login": rule}))
    assert strict.tier(platform, account) is Tier.MEDIUM
    while strict.review.round():
        pass
    ended: list[AssuranceEnded] = said(house, platform, "assurance.downgraded") + said(
        house, platform, "assurance.expired"
    )
    assert {(one.kind, one.reason, one.tier, one.before, one.after) for one in ended} == {
        ("kyc", "policy", "medium", "high", "medium"),
        ("login", "policy", "low", "medium", "medium"),
        ("email", "policy", "none", "medium", "medium"),
    }
    assert {one.policy_sha256 for one in ended} == {strict.policy.digest}
    strict.clock.move(timedelta(days=10))
    assert strict.tier(platform, account) is Tier.NONE, "the new policy's time counts, too"
    assert house.tier(platform, account) is Tier.NONE, "and what was taken does not come back with the old one"


def test_a_laxer_policy_gives_nothing_to_what_was_shown_before(
    house: House, platform: Actor, account: SubjectId
) -> None:
    house.shown(platform, account, EMAIL)
    lax = house.under(
        policy(policy="assurance@2", evidence={"email": {"tier": "high", "days": 3000, "accounts": None}})
    )
    while lax.review.round():
        pass
    assert lax.tier(platform, account) is Tier.LOW
    assert [kind for kind, _ in house.entries(platform)] == ["account.opened", "assurance.granted"]
    lax.shown(platform, account, EMAIL)
    assert lax.tier(platform, account) is Tier.HIGH


def test_what_a_region_does_not_know_is_not_granted(house: House, platform: Actor, account: SubjectId) -> None:
    nowhere = house.under(policy(regions={"XX": {"countries": ["DE"], "evidence": {"email": None}}}))
    with pytest.raises(EvidenceUnknownError):
        nowhere.shown(platform, account, EMAIL, region="XX")
    assert [kind for kind, _ in house.entries(platform)] == ["account.opened"]


def test_an_account_is_found_by_its_name_alone_and_within_its_tenant(house: House, platform: Actor) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: house.accounts.named(platform, "user-17"), range(8)))
    assert len(ids) == 1
    assert [kind for kind, _ in house.entries(platform)] == ["account.opened"]
    assert house.accounts.named(platform, "user-18") not in ids
    assert house.accounts.named(house.platform(), "user-17") not in ids


def test_another_subject_is_no_account(house: House, platform: Actor) -> None:
    system = house.accounts.ledger.subjects.system(platform.tenant).id
    for name in (system, SubjectId("acc_none"), SubjectId("\0")):
        with pytest.raises(AccountNotFoundError):
            house.grants.standing(platform.tenant, name)


def test_an_erased_account_leaves_entries_that_say_nothing(house: House, platform: Actor, account: SubjectId) -> None:
    house.shown(platform, account, KYC, mark="m" * 64)
    granted = house.grants.grant(platform, house.accounts.subject(platform.tenant, account), Found(EMAIL, "x", ""))
    request = house.codes.begin(platform, account, EMAIL, "ada@example.org", "DE")
    subject = house.accounts.subject(platform.tenant, account)
    erased = house.accounts.erase(platform, account)
    for table, column in (("account", "id"), ("request", "account_id"), ("evidence", "account_id")):
        assert house.rows(f"SELECT * FROM assurance_{table} WHERE {column} = :a", a=account) == []
    assert house.rows("SELECT sealed FROM payload WHERE subject_id = :a AND sealed IS NOT NULL", a=account) == []
    with pytest.raises(PayloadErasedError):
        house.accounts.ledger.payloads.open(platform.tenant, granted.entry)
    assert house.accounts.ledger.entry(granted.entry).kind == "assurance.granted"
    assert [(kind, payload.account) for kind, payload in house.entries(platform)] == [("account.erased", account)]
    with pytest.raises(EntryNotFoundError):
        house.accounts.ledger.payloads.open(house.platform().tenant, EntryId(erased))
    for act in (
        lambda: house.grants.standing(platform.tenant, account),
        lambda: house.grants.grant(platform, subject, Found(EMAIL, "late", "")),
        lambda: house.codes.complete(platform, account, request.id, house.postbox.code),
        lambda: house.accounts.erase(platform, account),
    ):
        with pytest.raises(AccountNotFoundError):
            act()
    again = house.accounts.named(platform, "user-17")
    assert again != account
    assert house.tier(platform, again) is Tier.NONE


def test_a_legal_hold_keeps_an_account(house: House, platform: Actor, account: SubjectId) -> None:
    with house.accounts.database.writing(FULL) as connection:
        place(connection, platform.tenant, "case-1", [account], 1)
    house.shown(platform, account, EMAIL)
    with pytest.raises(SubjectHeldError):
        house.accounts.erase(platform, account)
    assert house.tier(platform, account) is Tier.LOW


def test_who_may_not_act_any_more_changes_nothing(house: House, platform: Actor, account: SubjectId) -> None:
    class GoneError(Exception):
        pass

    def gone(_: object) -> None:
        raise GoneError

    house.shown(platform, account, EMAIL)
    (evidence,) = house.grants.standing(platform.tenant, account).evidence
    before = house.entries(platform)
    revoked = Actor(platform.tenant, platform.principal, gone)
    for act in (
        lambda: house.accounts.named(revoked, "new"),
        lambda: house.shown(revoked, account, KYC),
        lambda: house.codes.begin(revoked, account, EMAIL, "ada@example.org", ""),
        lambda: house.grants.withdraw(revoked, account, evidence.id, Withdrawal.PLATFORM),
        lambda: house.accounts.erase(revoked, account),
    ):
        with pytest.raises(GoneError):
            act()
    assert house.entries(platform) == before
    assert house.postbox.sent == []
