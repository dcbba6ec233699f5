"""Bitstring Status List credentials: which place of which list a credential means, and what is no answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from identity.errors import StatusIndexError, TokenInvalidError, TokenUnreadableError
from identity.outcome import Check
from identity.status.bitstring import MAX_ENTRIES, StatusEntry, entries, list_credential, status
from identity.status.status_list import BITSTRING, empty
from tests.identity.parties import NOW

URI = "https://example.com/credentials/status/3"
PLACES = BITSTRING.fewest
REVOCATION = StatusEntry("revocation", URI, 94567)
REVOKED = list_credential(
    empty(BITSTRING, PLACES).with_status({94567: 1}),
    URI,
    "did:example:12345",
    "revocation",
    NOW,
    NOW + timedelta(days=1),
)
SUBJECT: Any = REVOKED["credentialSubject"]

SPECIFIED = {
    "id": "https://example.com/credentials/status/3#94567",
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "94567",
    "statusListCredential": URI,
}
"""Bitstring Status List v1.0, section 2.1, the first example."""


def test_an_entry_is_written_and_read_as_specified() -> None:
    assert REVOCATION.members() == SPECIFIED
    assert entries({"credentialStatus": SPECIFIED}) == (REVOCATION,)
    suspension = {**SPECIFIED, "statusPurpose": "suspension"}
    assert entries({"credentialStatus": [SPECIFIED, suspension]}) == (
        REVOCATION,
        StatusEntry("suspension", URI, 94567),
    )
    assert entries({}) == ()


def test_a_revoked_place_and_its_neighbours() -> None:
    places = [StatusEntry("revocation", URI, place) for place in (94566, 94567, 94568)]
    assert [status(entry, REVOKED) for entry in places] == [0, 1, 0]


def test_statuses_of_several_bits() -> None:
    messages = [{"status": hex(value), "message": str(value)} for value in range(4)]
    stated = {**SPECIFIED, "statusPurpose": "message", "statusSize": 2, "statusMessage": messages}
    (entry,) = entries({"credentialStatus": stated})
    wide = list_credential(
        empty(BITSTRING, PLACES, 2).with_status({94567: 2}), URI, "did:example:1", "message", NOW, NOW
    )
    assert status(entry, wide) == 2


@pytest.mark.parametrize("place", ["94 567", "-1", "+1", "01", "1.0", "1e3", "0x1", "", "٣", "1_0", "1\n", 94567, None])
def test_a_place_is_ascii_digits(place: object) -> None:
    with pytest.raises(TokenUnreadableError):
        entries({"credentialStatus": {**SPECIFIED, "statusListIndex": place}})


@pytest.mark.parametrize(
    "more",
    [
        {"type": "StatusList2021Entry"},
        {"type": ["BitstringStatusListEntry"]},
        {"statusPurpose": None},
        {"statusListCredential": ["x"]},
        {"statusSize": 0},
        {"statusSize": 9},
        {"statusSize": True},
        {"statusSize": "1"},
        {"statusSize": 2},
        {"statusSize": 2, "statusMessage": [{}]},
        {"statusMessage": [{}]},
    ],
)
def test_an_entry_that_is_not_understood_is_not_passed_over(more: dict[str, object]) -> None:
    with pytest.raises(TokenUnreadableError):
        entries({"credentialStatus": [SPECIFIED, {**SPECIFIED, **more}]})


@pytest.mark.parametrize("stated", [None, "x", 1, [None], [[SPECIFIED]], [SPECIFIED] * (MAX_ENTRIES + 1)])
def test_what_is_no_status(stated: object) -> None:
    with pytest.raises(TokenUnreadableError):
        entries({"credentialStatus": stated})


@pytest.mark.parametrize(
    ("credential", "subject"),
    [
        ({"id": "https://example.com/credentials/status/4"}, {}),
        ({}, {"statusPurpose": "suspension"}),
        ({}, {"statusPurpose": ["suspension", "refresh"]}),
        ({}, {"statusPurpose": None}),
    ],
)
def test_another_list(credential: dict[str, object], subject: dict[str, object]) -> None:
    with pytest.raises(TokenInvalidError) as refused:
        status(REVOCATION, {**REVOKED, "credentialSubject": {**SUBJECT, **subject}, **credential})
    assert refused.value.check is Check.SUBJECT


@pytest.mark.parametrize(
    ("credential", "subject"),
    [
        ({"type": ["VerifiableCredential"]}, {}),
        ({"type": None}, {}),
        ({"credentialSubject": None}, {}),
        ({"credentialSubject": [SUBJECT]}, {}),
        ({}, {"type": "StatusList2021"}),
        ({}, {"encodedList": None}),
        ({}, {"encodedList": "u"}),
    ],
)
def test_what_is_no_list(credential: dict[str, object], subject: dict[str, object]) -> None:
    with pytest.raises(TokenUnreadableError):
        status(REVOCATION, {**REVOKED, "credentialSubject": {**SUBJECT, **subject}, **credential})


def test_several_purposes_of_one_list() -> None:
    both = {**REVOKED, "credentialSubject": {**SUBJECT, "statusPurpose": ["suspension", "revocation"]}}
    assert status(REVOCATION, both) == 1


def test_a_place_that_the_list_does_not_have() -> None:
    with pytest.raises(StatusIndexError):
        status(StatusEntry("revocation", URI, PLACES), REVOKED)
