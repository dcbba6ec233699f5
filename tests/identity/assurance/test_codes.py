"""One-time codes: who has one shows it once, in time; who guesses runs out of attempts first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from identity.assurance.account import Actor
from identity.assurance.codes import DIGITS, LASTS
from identity.assurance.errors import (
    AccountNotFoundError,
    CodeNotSentError,
    DestinationError,
    EvidenceSharedError,
    EvidenceUnaskedError,
    EvidenceUnknownError,
    RequestEndedError,
    TooManyRequestsError,
    WrongCodeError,
)
from identity.assurance.requests import MAX_ATTEMPTS, MAX_PER_ACCOUNT, MAX_PER_TARGET, WINDOW
from identity.assurance.tier import EvidenceKind, Tier
from ledger.ids import SubjectId
from tests.identity.assurance.house import House, policy

EMAIL, PHONE = EvidenceKind.EMAIL, EvidenceKind.PHONE
ADDRESS = "Ada@Example.org"


def begun(house: House, by: Actor, account: SubjectId, to: str = ADDRESS, kind: EvidenceKind = EMAIL) -> str:
    return house.codes.begin(by, account, kind, to, "DE").id


def other(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 10**DIGITS:0{DIGITS}d}"


def test_whoever_reads_the_message_is_at_tier_low(house: House, platform: Actor, account: SubjectId) -> None:
    assert house.tier(platform, account) is Tier.NONE
    request = begun(house, platform, account)
    (message,) = house.postbox.sent
    assert (message.destination, message.request, len(message.code)) == ("ada@example.org", request, DIGITS)
    granted = house.codes.complete(platform, account, request, message.code)
    assert granted.standing.tier is house.tier(platform, account) is Tier.LOW
    kinds, payloads = zip(*house.entries(platform), strict=True)
    assert kinds == ("account.opened", "assurance.requested", "assurance.granted")
    said = payloads[2]
    assert (said.kind, said.region, said.before, said.after, said.request) == (EMAIL, "EEA", "none", "low", request)
    assert said.policy_sha256 == house.policy.digest
    assert house.accounts.ledger.entry(granted.entry).policy == "assurance@1"


def test_a_code_is_spent_once(house: House, platform: Actor, account: SubjectId) -> None:
    request = begun(house, platform, account)
    house.codes.complete(platform, account, request, house.postbox.code)
    with pytest.raises(RequestEndedError) as refused:
        house.codes.complete(platform, account, request, house.postbox.code)
    assert refused.value.reason == "spent"


def test_a_code_ends(house: House, platform: Actor, account: SubjectId) -> None:
    request = begun(house, platform, account)
    house.clock.move(LASTS)
    with pytest.raises(RequestEndedError) as refused:
        house.codes.complete(platform, account, request, house.postbox.code)
    assert refused.value.reason == "expired"
    assert house.tier(platform, account) is Tier.NONE


def test_guessing_ends_before_it_finds(house: House, platform: Actor, account: SubjectId) -> None:
    request, code = begun(house, platform, account), house.postbox.code
    for left in reversed(range(MAX_ATTEMPTS)):
        with pytest.raises(WrongCodeError) as wrong:
            house.codes.complete(platform, account, request, other(code))
        assert wrong.value.attempts_left == left
    with pytest.raises(RequestEndedError) as refused:
        house.codes.complete(platform, account, request, code)
    assert refused.value.reason == "failed"
    assert house.tier(platform, account) is Tier.NONE


def test_many_who_guess_at_once_have_no_more_attempts(house: House, platform: Actor, account: SubjectId) -> None:
    request, code = begun(house, platform, account), house.postbox.code

    def guess(_: int) -> type[Exception]:
        with pytest.raises((WrongCodeError, RequestEndedError)) as refused:
            house.codes.complete(platform, account, request, other(code))
        return refused.type

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(guess, range(4 * MAX_ATTEMPTS)))
    assert seen.count(WrongCodeError) == MAX_ATTEMPTS


def test_a_code_is_good_for_its_own_request_and_account(house: House, platform: Actor, account: SubjectId) -> None:
    other_account = house.accounts.named(platform, "user-18")
    first, first_code = begun(house, platform, account), house.postbox.code
    second = begun(house, platform, account)
    with pytest.raises(WrongCodeError):
        house.codes.complete(platform, account, second, first_code)
    with pytest.raises(EvidenceUnaskedError):
        house.codes.complete(platform, other_account, first, first_code)
    with pytest.raises(AccountNotFoundError):
        house.codes.complete(house.platform(), account, first, first_code)
    with pytest.raises(EvidenceUnaskedError):
        house.codes.complete(platform, account, "arq_none\0", first_code)
    kyc = house.kyc.begin(platform, account, "acme", "DE").id
    with pytest.raises(EvidenceUnaskedError):
        house.codes.complete(platform, account, kyc, "")


def test_messages_are_bounded_for_an_address_and_for_an_account(house: House, platform: Actor) -> None:
    for number in range(MAX_PER_TARGET):
        begun(house, platform, house.accounts.named(platform, f"user-{number}"))
    with pytest.raises(TooManyRequestsError) as refused:
        begun(house, platform, house.accounts.named(platform, "another"), ADDRESS.upper())
    assert 0 < refused.value.retry_after <= WINDOW.total_seconds() + 1
    assert len(house.postbox.sent) == MAX_PER_TARGET
    one = house.accounts.named(platform, "busy")
    for number in range(MAX_PER_ACCOUNT):
        begun(house, platform, one, f"ada-{number}@example.org")
    with pytest.raises(TooManyRequestsError):
        begun(house, platform, one, "ada@example.net")
    house.clock.move(WINDOW)
    house.tidy()
    begun(house, platform, one)
    assert house.rows("SELECT count(*) FROM assurance_request WHERE tenant_id = :t", t=platform.tenant) == [(1,)]


def test_the_entry_is_durable_before_the_message_leaves(house: House, platform: Actor, account: SubjectId) -> None:
    house.postbox.fault = CodeNotSentError("the gateway is down")
    with pytest.raises(CodeNotSentError):
        begun(house, platform, account)
    assert [kind for kind, _ in house.entries(platform)] == ["account.opened", "assurance.requested"]
    assert house.postbox.sent == []


def test_an_address_stands_behind_few_accounts(house: House, platform: Actor) -> None:
    strict = house.under(policy(evidence={"email": {"tier": "low", "days": 30, "accounts": 1}}))
    first, second = (house.accounts.named(platform, name) for name in ("first", "second"))
    strict.codes.complete(platform, first, begun(strict, platform, first), strict.postbox.code)
    request = begun(strict, platform, second, ADDRESS.lower())
    with pytest.raises(EvidenceSharedError):
        strict.codes.complete(platform, second, request, strict.postbox.code)
    assert strict.tier(platform, second) is Tier.NONE
    elsewhere = house.platform()
    third = house.accounts.named(elsewhere, "first")
    strict.codes.complete(elsewhere, third, begun(strict, elsewhere, third), strict.postbox.code)
    house.clock.move(timedelta(days=30))
    assert strict.codes.complete(platform, second, begun(strict, platform, second), strict.postbox.code)


@pytest.mark.parametrize(
    ("kind", "to"),
    [
        (EMAIL, ""), (EMAIL, "ada"), (EMAIL, "ada@localhost"), (EMAIL, "a@b.example\nBcc: c@d.example"),
        (EMAIL, "ada@" + "a." * 150 + "example"), (EMAIL, "+491701234567"), (PHONE, "0170"), (PHONE, "+4917O1234567"),
        (PHONE, "+" + "1" * 16), (EvidenceKind.KYC, "ada@example.org"),
    ],
)  # fmt: skip
def test_what_is_no_address_gets_no_code(
    house: House, platform: Actor, account: SubjectId, kind: EvidenceKind, to: str
) -> None:
    with pytest.raises(DestinationError):
        begun(house, platform, account, to, kind)
    assert [name for name, _ in house.entries(platform)] == ["account.opened"]


def test_what_the_policy_does_not_know_is_not_begun(house: House, platform: Actor, account: SubjectId) -> None:
    bare = house.under(policy(evidence={}))
    with pytest.raises(EvidenceUnknownError):
        begun(bare, platform, account)
    assert bare.postbox.sent == []


def test_neither_address_nor_code_lies_anywhere_in_clear(house: House, platform: Actor, account: SubjectId) -> None:
    request = begun(house, platform, account)
    code = house.postbox.code
    house.codes.complete(platform, account, request, code)
    kept = house.rows("SELECT * FROM assurance_request") + house.rows("SELECT * FROM assurance_evidence")
    kept += house.rows("SELECT * FROM assurance_account") + house.rows("SELECT * FROM payload")
    cells = b"\0".join(cell if isinstance(cell, bytes) else str(cell).encode() for row in kept for cell in row)
    for secret in ("ada@example.org", "example.org", code, "user-17", '"kind"', '"region"'):
        assert secret.encode() not in cells, secret
