"""Documents that were presented: what holds, is in force and is its holder's own counts, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from identity.age import PID_VCT, Answer
from identity.assurance.account import Actor
from identity.assurance.errors import EvidenceRefusedError, EvidenceUnknownError
from identity.assurance.presented import BOUND, Presented, Shown, of_mdoc, of_presentation, of_sd_jwt, of_session
from identity.assurance.tier import EvidenceKind, Tier
from identity.mdoc.document import DRIVING_LICENCE, PROOF_OF_AGE, VerifiedMdoc
from identity.openid4vp.session import Answered, Session
from identity.openid4vp.verdict import Verdict
from identity.outcome import Check, Outcome
from identity.report import Finding, Report
from identity.sd_jwt.credential import VerifiedCredential
from ledger.ids import SubjectId
from tests.identity.assurance.house import House

PID = VerifiedCredential("CN=authority", {"vct": PID_VCT}, (), (Check.TYPE, *BOUND))
LICENCE = VerifiedMdoc(DRIVING_LICENCE, "CN=authority", {}, None, (Check.SIGNATURE,))
HOLDS = Report((Finding(Check.STRUCTURE, Outcome.HOLDS),))
HOLDER = "did:key:zHolder"


def presentation(**changes: Any) -> dict[str, Any]:
    held = {"type": ["VerifiableCredential", "VerifiedCreator"], "credentialSubject": {"id": HOLDER}}
    shown = {"holder": HOLDER, "verifiableCredential": [held], "proof": {"challenge": "c"}}
    return {**shown, **changes}


def session(*asked: str, outcome: Outcome = Outcome.HOLDS, answer: Answer = Answer.UNDER) -> Session:
    return Session("tnt_x", "wrq_x", 0, Answered(18, Verdict(answer, outcome), asked))  # type: ignore[arg-type]


@pytest.fixture
def take(house: House, platform: Actor, account: SubjectId) -> Callable[..., Any]:
    presented = Presented(house.accounts, house.grants)
    return lambda shown, country="", to=account: presented.take(platform, to, shown, country)


@pytest.mark.parametrize(
    ("shown", "country", "kind", "tier"),
    [
        (of_sd_jwt(PID, Outcome.HOLDS, "n"), "FR", EvidenceKind.IDENTITY_DOCUMENT, Tier.HIGH),
        (of_mdoc(LICENCE, Outcome.HOLDS, "n"), "", EvidenceKind.DRIVING_LICENCE, Tier.MEDIUM),
        (of_mdoc(LICENCE, Outcome.HOLDS, "n"), "US", EvidenceKind.DRIVING_LICENCE, Tier.HIGH),
        (of_presentation(HOLDS, presentation(), "c"), "", EvidenceKind.ATTESTATION, Tier.MEDIUM),
        (of_session(session("pid")), "", EvidenceKind.IDENTITY_DOCUMENT, Tier.HIGH),
        (of_session(session("pid", "driving_licence", "pid_mdoc")), "", EvidenceKind.DRIVING_LICENCE, Tier.MEDIUM),
    ],
    ids=["pid", "licence", "licence where it counts for more", "presentation", "wallet", "one of several"],
)
def test_what_holds_is_evidence(
    house: House, platform: Actor, take: Callable[..., Any], shown: Shown, country: str, kind: EvidenceKind, tier: Tier
) -> None:
    granted = take(shown, country)
    assert (granted.evidence.detail.kind, granted.standing.tier) == (kind, tier)
    said = house.entries(platform)[-1][1]
    assert (said.kind, said.region) == (kind, house.policy.region_of(country))
    assert said.method in shown.types


def test_an_occasion_is_evidence_once(house: House, platform: Actor, take: Callable[..., Any]) -> None:
    shown = of_sd_jwt(PID, Outcome.HOLDS, "nonce-1")
    take(shown)
    for account in (house.accounts.named(platform, "user-17"), house.accounts.named(platform, "another")):
        with pytest.raises(EvidenceRefusedError, match="already"):
            take(shown, to=account)
    assert take(replace(shown, once="nonce-2")).standing.tier is Tier.HIGH


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.HOLDS])
def test_what_is_not_in_force_is_none(outcome: Outcome) -> None:
    report = Report((Finding(Check.STATUS, outcome),))
    reading: tuple[Callable[[], Shown], ...] = (
        lambda: of_sd_jwt(PID, outcome, "n"),
        lambda: of_mdoc(LICENCE, outcome, "n"),
        lambda: of_presentation(report, presentation(), "c"),
        lambda: of_presentation(Report((), (report,)), presentation(), "c"),
        lambda: of_session(session("pid", outcome=outcome)),
    )
    for read in reading:
        with pytest.raises(EvidenceRefusedError, match=outcome):
            read()


@pytest.mark.parametrize("missing", sorted(BOUND))
def test_what_anybody_could_show_is_none(missing: Check) -> None:
    loose = replace(PID, checks=tuple(check for check in PID.checks if check is not missing))
    with pytest.raises(EvidenceRefusedError, match="key binding"):
        of_sd_jwt(loose, Outcome.HOLDS, "n")


@pytest.mark.parametrize(
    "changes",
    [
        {"holder": None}, {"holder": "did:key:zAnother"}, {"proof": []}, {"proof": {"challenge": "another"}},
        {"proof": [{"challenge": "c"}, {}]}, {"verifiableCredential": []},
        {"verifiableCredential": presentation()["verifiableCredential"] * 2},
        {"verifiableCredential": [{"type": ["VerifiableCredential", "VerifiedCreator"], "credentialSubject": {}}]},
    ],
    ids=["no holder", "another holder", "no proof", "another challenge", "a proof without", "none", "two", "of nobody"],
)  # fmt: skip
def test_a_presentation_is_of_one_credential_by_whom_it_is_about(changes: dict[str, Any]) -> None:
    with pytest.raises(EvidenceRefusedError):
        of_presentation(HOLDS, presentation(**changes), "c")


def test_a_wallet_that_has_not_answered_shows_nothing() -> None:
    with pytest.raises(EvidenceRefusedError, match="not answered"):
        of_session(replace(session("pid"), state=None))  # type: ignore[arg-type]  # whatever else it is


def test_a_document_that_says_only_an_age_is_no_evidence_of_who_it_is(take: Callable[..., Any]) -> None:
    age = of_mdoc(replace(LICENCE, doctype=PROOF_OF_AGE), Outcome.HOLDS, "n")
    for shown in (age, of_session(session("pid", "age_attestation"))):
        with pytest.raises(EvidenceUnknownError):
            take(shown)
    with pytest.raises(EvidenceRefusedError, match="kind"):
        take(Shown((), "n"))
