"""Webhooks of KYC providers: signed, in time, once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from identity.assurance.account import Actor
from identity.assurance.errors import (
    EvidenceUnaskedError,
    ProviderUnknownError,
    RequestEndedError,
    WebhookMalformedError,
    WebhookRefusedError,
)
from identity.assurance.kyc import LASTS
from identity.assurance.tier import Tier
from identity.assurance.webhook import TOLERANCE, Secret, check, signed_headers
from keys.clock import system_entropy
from ledger.ids import SubjectId, new_id
from tests.identity.assurance.house import HOUSE, SECRET, House

OTHER = Secret(bytes(range(1, 33)))


def body(request: str, result: str = "approved", **more: Any) -> bytes:
    return json.dumps({"request": request, "result": result, **more}).encode()


def deliver(
    house: House, content: bytes, name: str = "", provider: str = HOUSE, secret: Secret = SECRET, **headers: str
) -> None:
    now = house.clock()
    signed = signed_headers(secret, name or new_id("msg", system_entropy), content, now)
    house.kyc.take(house.kyc.read(provider, {**signed, **headers}, content, now))


@pytest.fixture
def request_id(house: House, platform: Actor, account: SubjectId) -> str:
    return house.kyc.begin(platform, account, HOUSE, "FR").id


def test_who_is_approved_is_at_tier_high(house: House, platform: Actor, account: SubjectId, request_id: str) -> None:
    deliver(house, body(request_id))
    assert house.tier(platform, account) is Tier.HIGH
    kind, said = house.entries(platform)[-1]
    assert (kind, said.method, said.region, said.request) == ("assurance.granted", HOUSE, "EEA", request_id)
    system = house.accounts.ledger.system_principal(platform.tenant)
    assert house.accounts.ledger.payloads.open(platform.tenant, granted_entry(house, account)).actor == system


def granted_entry(house: House, account: SubjectId) -> Any:
    kind = "assurance.granted"
    return house.rows("SELECT entry_id FROM payload WHERE subject_id = :a AND kind = :k", a=account, k=kind)[0][0]


def test_the_same_event_again_changes_nothing(house: House, platform: Actor, request_id: str) -> None:
    deliver(house, body(request_id), "msg_1")
    before = house.entries(platform)
    house.clock.move(timedelta(hours=3))  # tried again later, and signed anew
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: deliver(house, body(request_id), "msg_1"), range(8)))
    assert house.entries(platform) == before
    with pytest.raises(RequestEndedError):
        deliver(house, body(request_id, "declined"))
    deliver(house, body(request_id, "withdrawn"))
    before = house.entries(platform)
    deliver(house, body(request_id), "msg_1")
    assert house.entries(platform) == before


def test_a_message_that_was_caught_cannot_be_played_again(house: House, platform: Actor, request_id: str) -> None:
    content, then = body(request_id), house.clock()
    caught = signed_headers(SECRET, "msg_3", content, then)
    deliver(house, content, "msg_3")
    before = house.entries(platform)
    house.kyc.take(house.kyc.read(HOUSE, caught, content, then + TOLERANCE - timedelta(seconds=1)))
    assert house.entries(platform) == before
    with pytest.raises(WebhookRefusedError, match="five minutes"):
        house.kyc.read(HOUSE, caught, content, then + TOLERANCE + timedelta(seconds=1))


def test_a_forged_message_is_refused(house: House, request_id: str) -> None:
    now, content = house.clock(), body(request_id)
    good = signed_headers(SECRET, "msg_4", content, now)
    forged: list[tuple[Mapping[str, str], bytes]] = [
        (signed_headers(OTHER, "msg_4", content, now), content),
        (good, content + b" "),
        ({**good, "webhook-id": "msg_5"}, content),
        ({**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)}, content),
        ({**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}, content),
        ({**good, "webhook-signature": "v1,"}, content),
        ({**good, "webhook-signature": "v1,é"}, content),
        ({**good, "webhook-timestamp": "now"}, content),
        ({**good, "webhook-timestamp": "9" * 13}, content),
        ({**good, "webhook-id": "a b"}, content),
        ({}, content),
    ]
    for headers, sent in forged:
        with pytest.raises(WebhookRefusedError):
            house.kyc.read(HOUSE, headers, sent, now)
    assert house.kyc.read(HOUSE, good, content, now).request == request_id


def test_one_of_two_secrets_is_enough_while_they_change(house: House) -> None:
    now = house.clock()
    new, old = (signed_headers(secret, "m", b"{}", now) for secret in (SECRET, OTHER))
    both = {**new, "webhook-signature": f"v1a,x {old['webhook-signature']} {new['webhook-signature']}"}
    for headers in (new, old, both):
        assert check([SECRET, OTHER], headers, b"{}", now) == "m"
    assert check([SECRET], both, b"{}", now) == "m"
    with pytest.raises(WebhookRefusedError):
        check([SECRET], old, b"{}", now)


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of the Standard Webhooks specification's own libraries."""
    secret = Secret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    content = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    from datetime import UTC, datetime

    assert check([secret], headers, content, datetime.fromtimestamp(1614265330, UTC)) == headers["webhook-id"]


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ="])
def test_what_is_no_secret(text: str) -> None:
    with pytest.raises(ValueError, match="webhook secret") as refused:
        Secret.parse(text)
    assert len(text) < len("whsec_c2hvcnQ=") or text not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"request": "arq_x", "result": "approved"}', b'{"result": "approved"}', b"\xff",
     b'{"request": "arq_aaaaaaaaaaaaaaaaaaaaaaaaaa", "result": "yes"}',
     b'{"request": "arq_aaaaaaaaaaaaaaaaaaaaaaaaaa", "result": "approved", "name": "Ada"}'],
    ids=range(7),
)  # fmt: skip
def test_a_message_says_two_things_and_no_more(house: House, content: bytes) -> None:
    with pytest.raises(WebhookMalformedError) as refused:
        deliver(house, content)
    assert "Ada" not in str(refused.value)


def test_a_message_is_about_a_request_of_that_provider(
    house: House, platform: Actor, account: SubjectId, request_id: str
) -> None:
    with pytest.raises(EvidenceUnaskedError):
        deliver(house, body(new_id("arq", system_entropy)))
    with pytest.raises(ProviderUnknownError):
        deliver(house, body(request_id), provider="other")
    with pytest.raises(ProviderUnknownError):
        deliver(house, body(request_id), provider="nobody")
    with pytest.raises(ProviderUnknownError):
        house.kyc.begin(platform, account, "nobody", "FR")
    assert house.tier(platform, account) is Tier.NONE


def test_a_refusal_spends_the_request(house: House, platform: Actor, account: SubjectId, request_id: str) -> None:
    deliver(house, body(request_id, "declined"), "msg_6")
    deliver(house, body(request_id, "declined"), "msg_6")
    assert [kind for kind, _ in house.entries(platform)][-2:] == ["assurance.requested", "assurance.declined"]
    with pytest.raises(RequestEndedError):
        deliver(house, body(request_id))
    assert house.tier(platform, account) is Tier.NONE


def test_a_provider_takes_its_word_back(house: House, platform: Actor, account: SubjectId, request_id: str) -> None:
    deliver(house, body(request_id))
    house.clock.move(10 * LASTS)
    house.tidy()
    with pytest.raises(ProviderUnknownError):
        deliver(house, body(request_id, "withdrawn"), provider="other")
    deliver(house, body(request_id, "withdrawn"))
    with pytest.raises(EvidenceUnaskedError):
        deliver(house, body(request_id, "withdrawn"))
    assert house.tier(platform, account) is Tier.NONE
    kind, said = house.entries(platform)[-1]
    assert (kind, said.reason, said.before, said.after) == ("assurance.withdrawn", "provider", "high", "none")


def test_a_withdrawal_that_overtakes_the_approval_wins(
    house: House, platform: Actor, account: SubjectId, request_id: str
) -> None:
    deliver(house, body(request_id, "withdrawn"))
    deliver(house, body(request_id, "withdrawn"))
    with pytest.raises(RequestEndedError):
        deliver(house, body(request_id))
    assert [kind for kind, _ in house.entries(platform)][-2:] == ["assurance.requested", "assurance.declined"]
    assert house.tier(platform, account) is Tier.NONE


def test_a_request_ends_after_a_week(house: House, platform: Actor, account: SubjectId, request_id: str) -> None:
    house.clock.move(LASTS)
    with pytest.raises(RequestEndedError):
        deliver(house, body(request_id))
    house.tidy()
    with pytest.raises(EvidenceUnaskedError):
        deliver(house, body(request_id))
    assert house.tier(platform, account) is Tier.NONE
