"""Old enough, not old enough, or not said: and nothing else."""

from __future__ import annotations

from datetime import date

import pytest

from identity.age import PID_VCT, Answer, is_over
from identity.mdoc.document import DRIVING_LICENCE, PID, PROOF_OF_AGE, VerifiedMdoc
from identity.sd_jwt.credential import VerifiedCredential

TODAY = date(2026, 11, 28)


def document(doctype: str, namespace: str, **elements: object) -> VerifiedMdoc:
    return VerifiedMdoc(doctype, "", {namespace: elements}, None, ())


def pid(birthdate: object, vct: str = PID_VCT) -> VerifiedCredential:
    return VerifiedCredential("", {"vct": vct, "birthdate": birthdate}, (), ())


@pytest.mark.parametrize(
    ("stated", "answer"),
    [
        ({"age_over_18": True}, Answer.OVER),
        ({"age_over_18": False}, Answer.UNDER),
        ({"age_over_21": True}, Answer.OVER),
        ({"age_over_16": False}, Answer.UNDER),
        ({"age_over_16": True}, Answer.UNSAID),
        ({"age_over_21": False}, Answer.UNSAID),
        ({"age_over_16": True, "age_over_21": False}, Answer.UNSAID),
        ({"age_over_18": True, "age_over_21": False}, Answer.OVER),
        ({"age_over_18": False, "age_over_21": True}, Answer.UNSAID),
        ({"age_over_18": 1}, Answer.UNSAID),
        ({"age_over_18": "true"}, Answer.UNSAID),
        ({"age_over_180": True}, Answer.UNSAID),
        ({"age_over_٢١": True}, Answer.UNSAID),
        ({}, Answer.UNSAID),
    ],
)
def test_ages_that_are_stated(stated: dict[str, object], answer: Answer) -> None:
    assert is_over(18, document(PROOF_OF_AGE, PROOF_OF_AGE, **stated), TODAY) is answer
    assert is_over(18, document(DRIVING_LICENCE, "org.iso.18013.5.1", **stated), TODAY) is answer


@pytest.mark.parametrize(
    ("born", "today", "answer"),
    [
        (date(2008, 11, 28), TODAY, Answer.OVER),
        (date(2008, 11, 29), TODAY, Answer.UNDER),
        (date(2008, 2, 29), date(2026, 2, 28), Answer.UNDER),
        (date(2008, 2, 29), date(2026, 3, 1), Answer.OVER),
        (date(2030, 1, 1), TODAY, Answer.UNDER),
        (date(1, 1, 1), TODAY, Answer.OVER),
    ],
)
def test_ages_that_are_reckoned(born: date, today: date, answer: Answer) -> None:
    assert is_over(18, document(PID, PID, birth_date=born), today) is answer
    assert is_over(18, pid(born.isoformat()), today) is answer


@pytest.mark.parametrize(
    "birthdate", [None, "", "19630812", "1963-8-12", "1963-02-30", "1963-08-12T00:00", 1963, ["1963-08-12"]]
)
def test_what_is_no_date_says_nothing(birthdate: object) -> None:
    assert is_over(18, pid(birthdate), TODAY) is Answer.UNSAID


def test_documents_that_are_not_known_say_nothing() -> None:
    assert is_over(18, pid("1963-08-12", "urn:example"), TODAY) is Answer.UNSAID
    assert is_over(18, document("org.example", "org.example", age_over_18=True), TODAY) is Answer.UNSAID
    assert is_over(18, document(PROOF_OF_AGE, "org.example", age_over_18=True), TODAY) is Answer.UNSAID
