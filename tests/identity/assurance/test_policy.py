from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.assurance.errors import AssurancePolicyError, EvidenceUnknownError
from identity.assurance.policy import DEFAULT_FILE, EVERYWHERE, Rule, default_policy, read_policy
from identity.assurance.tier import EvidenceKind, Tier, highest, lowest
from tests.identity.assurance.house import policy

WRITTEN = json.loads(DEFAULT_FILE.read_bytes())


@given(st.lists(st.sampled_from(Tier), min_size=1))
def test_tiers_are_in_order(tiers: list[Tier]) -> None:
    assert all(highest(*tiers).reaches(one) and one.reaches(lowest(*tiers)) for one in tiers)
    assert {highest(*tiers), lowest(*tiers)} <= set(tiers)
    assert [tier for tier in Tier if tier.reaches(Tier.MEDIUM)] == [Tier.MEDIUM, Tier.HIGH]


def test_the_default_says_what_the_tiers_are_for() -> None:
    rules = default_policy()
    tiers = {kind: rules.rule(kind, EVERYWHERE).tier for kind in EvidenceKind}
    assert {kind for kind, tier in tiers.items() if tier is Tier.LOW} == {EvidenceKind.EMAIL, EvidenceKind.PHONE}
    assert {tiers[EvidenceKind.LOGIN], tiers[EvidenceKind.PUBLIC_ACCOUNT]} == {Tier.MEDIUM}
    assert {tiers[EvidenceKind.IDENTITY_DOCUMENT], tiers[EvidenceKind.KYC]} == {Tier.HIGH}
    assert rules.name == "assurance@1"


def test_a_region_overrides_what_holds_everywhere() -> None:
    region = {
        "countries": ["DE", "FR"],
        "evidence": {"phone": None, "email": {"tier": "medium", "days": 3, "accounts": 1}},
    }
    rules = policy(regions={"XX": region})
    assert [rules.region_of(country) for country in ("DE", "FR", "US", "")] == ["XX", "XX", EVERYWHERE, EVERYWHERE]
    assert rules.rule(EvidenceKind.EMAIL, "XX") == Rule(tier=Tier.MEDIUM, days=3, accounts=1)
    assert rules.rule(EvidenceKind.EMAIL, "XX").lasts == timedelta(days=3)
    assert rules.rule(EvidenceKind.PHONE, EVERYWHERE).tier is Tier.LOW
    with pytest.raises(EvidenceUnknownError, match="phone in XX"):
        rules.rule(EvidenceKind.PHONE, "XX")
    assert rules.ways(Tier.HIGH, "XX") == [EvidenceKind.IDENTITY_DOCUMENT, EvidenceKind.KYC]
    assert EvidenceKind.PHONE not in rules.ways(Tier.LOW, "XX")
    assert rules.rule(EvidenceKind.EMAIL, "a region of an earlier version").tier is Tier.LOW


RULE = {"tier": "low", "days": 1, "accounts": None}
FAULTS: dict[str, dict[str, Any]] = {
    "policy": {"policy": "assurance"},
    "statement_minutes": {"statement_minutes": 0},
    "evidence.passport": {"evidence": {"passport": RULE}},
    "evidence.email.tier": {"evidence": {"email": {**RULE, "tier": "highest"}}},
    "leave it out": {"evidence": {"email": {**RULE, "tier": "none"}}},
    "evidence.email.days": {"evidence": {"email": {**RULE, "days": 0}}},
    "evidence.email.accounts": {"evidence": {"email": {**RULE, "accounts": 0}}},
    "regions.EU.countries": {"regions": {"EU": {"countries": [], "evidence": {}}}},
    "DE: a country is of one region": {"regions": {n: {"countries": ["DE"], "evidence": {}} for n in ("EU", "XX")}},
    "documents.x": {"documents": {"x": "papers"}},
    "surplus": {"surplus": 1},
}


@pytest.mark.parametrize("where", FAULTS)
def test_what_cannot_be_read_is_refused_and_says_where(where: str) -> None:
    with pytest.raises(AssurancePolicyError) as refused:
        policy(**FAULTS[where])
    assert where in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{}", b"[" * 100_000], ids=repr)
def test_other_files_are_no_policy(content: bytes) -> None:
    with pytest.raises(AssurancePolicyError):
        read_policy(content)


def test_another_file_of_the_same_name_is_another_policy() -> None:
    assert policy(statement_minutes=3).digest != default_policy().digest
    assert policy(statement_minutes=3).name == default_policy().name
