"""Token Status Lists as tokens: the draft's own, ours, and those that do not hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.jose.jwk import read_jwk
from identity.jose.jws import sign_jws
from identity.outcome import Check
from identity.status.status_list import BITSTRING, TOKEN, empty
from identity.status.token import TYPE, Reference, Status, list_payload, read_list, reference
from tests.identity.parties import NOW, party

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "token-status-list.json").read_bytes())
URI = "https://example.com/statuslists/1"
ISSUER, STRANGER = party(), party()
LISTED = {"bits": 1, "lst": VECTORS["lists"][0]["lst"]}


def published(**more: object) -> str:
    header = {"typ": more.pop("typ", TYPE)}
    payload = {"sub": URI, "iat": int(NOW.timestamp()), "status_list": LISTED, **more}
    return sign_jws(ISSUER.signer, header, {name: value for name, value in payload.items() if value is not None})


def test_the_drafts_own() -> None:
    signed = datetime.fromtimestamp(1686920170, UTC)
    read = read_list(VECTORS["token"], URI, read_jwk(VECTORS["issuer_key"]), signed)
    assert [read.statuses.status(place) for place in range(4)] == [1, 0, 0, 1]
    assert read.fresh_until == 1686920170 + 43200
    with pytest.raises(TokenInvalidError):
        read_list(VECTORS["token"], URI, ISSUER.key, signed)


def test_ours_is_read_and_ends() -> None:
    statuses = empty(TOKEN, 1 << 17, 2).with_status({7: Status.SUSPENDED, 8: Status.INVALID})
    payload = list_payload(statuses, URI, NOW, timedelta(days=1), timedelta(hours=1))
    token = sign_jws(ISSUER.signer, {"typ": TYPE}, payload)
    read = read_list(token, URI, ISSUER.key, NOW)
    assert read.statuses == statuses
    assert read.fresh_until == NOW.timestamp() + 3600
    with pytest.raises(TokenInvalidError) as ended:
        read_list(token, URI, ISSUER.key, NOW + timedelta(days=1))
    assert ended.value.check is Check.VALIDITY


def test_one_of_the_other_form_is_not_signed() -> None:
    with pytest.raises(ValueError, match="form"):
        list_payload(empty(BITSTRING, 1 << 17), URI, NOW, timedelta(1), timedelta(1))


@pytest.mark.parametrize(
    ("more", "check"),
    [
        ({"sub": URI + "/"}, Check.SUBJECT),
        ({"sub": None}, Check.SUBJECT),
        ({"iat": None}, Check.VALIDITY),
        ({"iat": int(NOW.timestamp()) + 3600}, Check.VALIDITY),
        ({"exp": int(NOW.timestamp())}, Check.VALIDITY),
        ({"exp": "never"}, Check.VALIDITY),
        ({"ttl": 0}, Check.VALIDITY),
        ({"ttl": 1.5, "iat": -(10**400)}, Check.VALIDITY),
        ({"ttl": -1}, Check.VALIDITY),
        ({"typ": "JWT"}, Check.TYPE),
        ({"typ": "dc+sd-jwt"}, Check.TYPE),
    ],
)
def test_what_does_not_hold(more: dict[str, object], check: Check) -> None:
    with pytest.raises(TokenInvalidError) as refused:
        read_list(published(**more), URI, ISSUER.key, NOW)
    assert refused.value.check is check


def test_a_stranger_publishes_nothing() -> None:
    with pytest.raises(TokenInvalidError) as refused:
        read_list(published(), URI, STRANGER.key, NOW)
    assert refused.value.check is Check.SIGNATURE


@pytest.mark.parametrize(
    "listed",
    [
        None,
        [],
        {"bits": 1},
        {"lst": "x"},
        {"bits": "1", **LISTED, "lst": 1},
        {**LISTED, "bits": True},
        {**LISTED, "bits": 3},
    ],
)
def test_what_is_no_list(listed: object) -> None:
    with pytest.raises(TokenUnreadableError):
        read_list(published(status_list=listed), URI, ISSUER.key, NOW)


def test_a_list_that_says_no_end_is_kept_as_long_as_one_likes() -> None:
    assert read_list(published(), URI, ISSUER.key, NOW).fresh_until is None


class TestReference:
    def test_none_and_one(self) -> None:
        assert reference({"vct": "x"}) is None
        assert reference({"status": {"status_list": {"idx": 3, "uri": URI}}}) == Reference(URI, 3)

    @pytest.mark.parametrize(
        "status",
        [
            None,
            {},
            [],
            {"other": {}},
            {"status_list": {}},
            {"status_list": {"idx": "3", "uri": URI}},
            {"status_list": {"idx": -1, "uri": URI}},
            {"status_list": {"idx": True, "uri": URI}},
            {"status_list": {"idx": 1.0, "uri": URI}},
            {"status_list": {"idx": 1, "uri": None}},
        ],
    )
    def test_a_status_that_is_not_understood_is_not_passed_over(self, status: object) -> None:
        with pytest.raises(TokenUnreadableError):
            reference({"status": status})
