from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from identity.data_integrity.signing import ProofOptions, add_proof
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.outcome import Check, Outcome
from identity.status.bitstring import StatusEntry, list_credential
from identity.status.lookup import status_in_lists
from identity.status.status_list import BITSTRING, empty
from identity.verifier import Policy, verify_credential
from tests.identity.issuers import Issuer

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SUITE = "eddsa-jcs-2022"
ISSUER, STRANGER = Issuer.of(SUITE), Issuer.of(SUITE, 1)
POLICY = Policy(frozenset({ISSUER.did}))
LIST = "https://issuer.example/status/1"
OPTIONS = ProofOptions(SUITE, "assertionMethod", NOW - DAY)
SET = {7: 1, 9: 1}


@cache
def published(purpose: str = "revocation", by: Issuer = ISSUER, ends: datetime = NOW + DAY) -> dict[str, object]:
    statuses = empty(BITSTRING, 131_072).with_status(SET)
    document = list_credential(statuses, LIST, by.did, purpose, NOW - DAY, ends)
    return add_proof(document, OPTIONS, by.method, by.sign)


def outcome(fetched: Mapping[str, object] | None, place: int = 8, purpose: str = "revocation", **stated: object) -> Any:
    document = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiableCredential"],
        "issuer": ISSUER.did,
        "credentialSubject": {"id": "did:example:subject"},
        "credentialStatus": {**StatusEntry(purpose, LIST, place).members(), **stated},
    }
    asked: list[str] = []

    def fetch(url: str) -> Mapping[str, object] | None:
        asked.append(url)
        return fetched

    policy = Policy(POLICY.issuers, status=status_in_lists(fetch, POLICY, NOW))
    report = verify_credential(add_proof(document, OPTIONS, ISSUER.method, ISSUER.sign), policy, NOW)
    assert set(asked) <= {LIST}
    assert {finding.check for finding in report.failed} <= {Check.STATUS}
    return report.outcome(Check.STATUS)


@pytest.mark.parametrize("purpose", ["revocation", "suspension", "message"])
def test_where_the_list_has_no_bit_all_is_well(purpose: str) -> None:
    assert outcome(published(purpose), purpose=purpose) is Outcome.HOLDS


@pytest.mark.parametrize("purpose", ["revocation", "suspension"])
@pytest.mark.parametrize("place", SET)
def test_revoked_and_suspended_are_invalid(purpose: str, place: int) -> None:
    assert outcome(published(purpose), place, purpose) is Outcome.INVALID


def test_what_another_purpose_says_is_the_callers_to_judge() -> None:
    assert outcome(published("message"), 7, "message") is Outcome.UNCHECKED


def test_a_list_that_can_not_be_had_is_unchecked() -> None:
    assert outcome(None) is Outcome.UNCHECKED


def test_a_list_is_believed_as_a_credential_is() -> None:
    assert outcome(published(by=STRANGER)) is Outcome.UNTRUSTED
    assert outcome(published(ends=NOW - timedelta(hours=1))) is Outcome.INVALID
    assert outcome({**published(), "validUntil": "2027-01-01T00:00:00Z"}) is Outcome.INVALID
    unsigned = {name: value for name, value in published().items() if name != "proof"}
    assert outcome(unsigned) is Outcome.ABSENT


def test_another_list_says_nothing() -> None:
    assert outcome(published("suspension")) is Outcome.INVALID
    other = {**list_credential(empty(BITSTRING, 131_072), f"{LIST}0", ISSUER.did, "revocation", NOW - DAY, NOW + DAY)}
    assert outcome(add_proof(other, OPTIONS, ISSUER.method, ISSUER.sign)) is Outcome.INVALID


def test_a_place_beyond_the_list_is_invalid() -> None:
    assert outcome(published(), 131_072) is Outcome.INVALID


@pytest.mark.parametrize("stated", [{"type": "OtherStatus"}, {"statusListIndex": "-1"}, {"statusListIndex": "07"}])
def test_a_status_that_is_not_understood_is_not_passed_over(stated: dict[str, Any]) -> None:
    assert outcome(published(), **stated) is Outcome.UNREADABLE
