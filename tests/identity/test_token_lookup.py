from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from identity.errors import CheckFailedError, DidUnreachableError, IssuerUntrustedError
from identity.jose.jwk import PublicKey
from identity.jose.jws import sign_jws
from identity.outcome import Check, Outcome
from identity.status.status_list import TOKEN, empty
from identity.status.token import TYPE, Status, list_payload
from identity.status.token_lookup import ListKey, token_status
from tests.identity.parties import NOW, Party, party

URI = "https://issuer.example/status/1/token"
ISSUER, STRANGER = party(), party()
SET = {7: Status.INVALID, 8: Status.SUSPENDED, 9: 3}
HOUR = timedelta(hours=1)


def published(by: Party = ISSUER, uri: str = URI) -> bytes:
    payload = list_payload(empty(TOKEN, 16, 2).with_status(SET), uri, NOW, HOUR, HOUR)
    return sign_jws(by.signer, {"typ": TYPE, "kid": "it"}, payload).encode()


def key(header: Mapping[str, object]) -> PublicKey:
    assert header["kid"] == "it"
    return ISSUER.key


def outcome(
    fetched: bytes | None, place: object = 1, key: ListKey = key, now: timedelta = timedelta()
) -> tuple[Outcome, str]:
    def fetch(url: str) -> bytes | None:
        assert url == URI
        return fetched

    stated = {"status_list": {"uri": URI, "idx": place}} if isinstance(place, int) else place
    try:
        token_status(fetch, key, NOW + now)(stated)
    except CheckFailedError as failed:
        return failed.outcome, str(failed)
    return Outcome.HOLDS, ""


def test_where_nothing_is_set_all_is_well() -> None:
    assert outcome(published()) == (Outcome.HOLDS, "")
    assert outcome(published() + b"\n") == (Outcome.HOLDS, "")


@pytest.mark.parametrize(("place", "said"), [(7, "revoked"), (8, "suspended"), (9, "its status is 3")])
def test_what_is_set_is_told_apart(place: int, said: str) -> None:
    found, detail = outcome(published(), place)
    assert found is Outcome.INVALID
    assert detail.startswith(f"{Check.STATUS}: {said}")


def test_a_list_that_cannot_be_had_says_nothing_either_way() -> None:
    assert outcome(None)[0] is Outcome.UNCHECKED


def stranger(_header: Mapping[str, object]) -> PublicKey:
    raise IssuerUntrustedError("not believed")


def unreachable(_header: Mapping[str, object]) -> PublicKey:
    raise DidUnreachableError("cannot be had")


def test_a_list_whose_key_is_not_known() -> None:
    assert outcome(published(), key=stranger)[0] is Outcome.UNTRUSTED
    assert outcome(published(), key=unreachable)[0] is Outcome.UNCHECKED


@pytest.mark.parametrize(
    ("fetched", "place", "now", "found"),
    [
        (published(STRANGER), 1, timedelta(), Outcome.INVALID),
        (published(uri=URI + "2"), 1, timedelta(), Outcome.INVALID),
        (published(), 16, timedelta(), Outcome.INVALID),
        (published(), 1, HOUR, Outcome.INVALID),
        (b"\xff\xfe", 1, timedelta(), Outcome.UNREADABLE),
        (b"{}", 1, timedelta(), Outcome.UNREADABLE),
        (published(), {"other_list": {}}, timedelta(), Outcome.UNREADABLE),
        (published(), {"status_list": {"uri": URI, "idx": -1}}, timedelta(), Outcome.UNREADABLE),
        (published(), None, timedelta(), Outcome.UNREADABLE),
    ],
)
def test_what_proves_nothing(fetched: bytes, place: object, now: timedelta, found: Outcome) -> None:
    assert outcome(fetched, place, now=now)[0] is found
