from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from identity.did.methods import VerificationMethod
from identity.errors import CheckFailedError, DidUnreachableError
from identity.outcome import Check, Outcome
from identity.sd_jwt.credential import Expectation
from identity.sd_jwt.issuers import pinned, resolved
from identity.sd_jwt.judging import Judged, judge
from identity.sd_jwt.key_binding import Binding
from tests.identity.issuing.ours import DID, NOW, our_issuer

TYPE = "https://issuer.example/types/person"
ENDS = int((NOW + timedelta(days=1)).timestamp())
EXPECTED = Expectation({TYPE}, pinned({DID: our_issuer().p256.key}), None)
STATUS = {"status_list": {"uri": "https://issuer.example/status/1/token", "idx": 4}}


def token(**claims: object) -> str:
    return our_issuer().sd_jwt(TYPE, {"exp": ENDS, "age_over_18": True, **claims}, {"age_over_18"})


def revoked(stated: object) -> None:
    assert stated == STATUS
    raise CheckFailedError(Check.STATUS, "revoked")


def unreachable(_stated: object) -> None:
    raise CheckFailedError(Check.STATUS, "cannot be had now", Outcome.UNCHECKED)


def well(_stated: object) -> None:
    pass


def judged(text: str, expected: Expectation = EXPECTED, status: Callable[[object], None] = revoked) -> Judged:
    return judge(text, expected, status, NOW)


def test_each_check_is_named_and_the_claims_are_given() -> None:
    found = judged(token())
    assert found.report.verdict is Outcome.HOLDS
    assert {Check.SIGNATURE, Check.TRUST, Check.VALIDITY} <= {finding.check for finding in found.report.findings}
    assert found.report.outcome(Check.STATUS) is None
    assert found.claims["age_over_18"] is True


@pytest.mark.parametrize(
    ("status", "outcome"), [(well, Outcome.HOLDS), (revoked, Outcome.INVALID), (unreachable, Outcome.UNCHECKED)]
)
def test_a_status_is_looked_up(status: Callable[[object], None], outcome: Outcome) -> None:
    report = judged(token(status=STATUS), status=status).report
    assert report.verdict is report.outcome(Check.STATUS) is outcome


def unreachable_did(method: str) -> VerificationMethod:
    raise DidUnreachableError(f"{method} cannot be had now")


@pytest.mark.parametrize(
    ("text", "expected", "check", "outcome"),
    [
        (token(exp=1), EXPECTED, Check.VALIDITY, Outcome.INVALID),
        (token(), replace(EXPECTED, types={"other"}), Check.TYPE, Outcome.INVALID),
        (token(), replace(EXPECTED, issuer_key=pinned({})), Check.TRUST, Outcome.UNTRUSTED),
        (token(), replace(EXPECTED, issuer_key=resolved({DID}, unreachable_did)), Check.METHOD, Outcome.UNCHECKED),
        (token(), replace(EXPECTED, binding=Binding("shop", "1")), Check.BINDING, Outcome.INVALID),
        (token()[1:], EXPECTED, Check.STRUCTURE, Outcome.UNREADABLE),
        ("", EXPECTED, Check.STRUCTURE, Outcome.UNREADABLE),
    ],
)
def test_what_does_not_hold_is_a_finding_and_no_claim(
    text: str, expected: Expectation, check: Check, outcome: Outcome
) -> None:
    found = judged(text, expected)
    assert [(finding.check, finding.outcome) for finding in found.report.findings] == [(check, outcome)]
    assert found.report.findings[0].detail
    assert found.claims == {}
