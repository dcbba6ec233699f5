"""Every outcome has its sentence."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter

import pytest

from provenance.report import (
    Ingredient,
    SignerCertificate,
    SignerRevocation,
    StampStanding,
    Status,
    Statuses,
    TimeStamp,
    VerificationReport,
)
from provenance.summary import ENGLISH, Message, summarise, without_file, word
from provenance.verdict import Verdict

SIGNER = SignerCertificate("Acme {0}", None, None, None, None, None, None)
DAY = "2026-11-24T00:00:00Z"
REVOKED = replace(SIGNER, revocation=SignerRevocation(DAY, DAY, "superseded"))
REPORT = VerificationReport(Verdict.TRUSTED, "policy", signer=SIGNER)


def failing(verdict: Verdict, *codes: str, trusted: bool = False) -> VerificationReport:
    success = (Status("signingCredential.trusted", None, None),) if trusted else ()
    failure = tuple(Status(code, None, None) for code in codes)
    return replace(REPORT, verdict=verdict, statuses=Statuses(success, (), failure))


EARLY = TimeStamp("2026-01-01T00:00:00Z", "Clock", trusted=True, standing=StampStanding.PREMATURE)
OUTCOMES = {
    "absent": failing(Verdict.ABSENT),
    "unreadable": failing(Verdict.UNREADABLE, "general.error"),
    "unreadable.elsewhere": failing(Verdict.UNREADABLE, "manifest.inaccessible"),
    "invalid.content": failing(Verdict.INVALID, "assertion.dataHash.mismatch"),
    "invalid.hollow": failing(Verdict.INVALID, "org.sigillo.binding.hollow", trusted=True),
    "invalid.expired": failing(Verdict.INVALID, "signingCredential.expired"),
    "invalid.premature": replace(failing(Verdict.INVALID, "signingCredential.expired"), time_stamps=(EARLY,)),
    "invalid.revoked": replace(failing(Verdict.INVALID, "signingCredential.ocsp.revoked"), signer=REVOKED),
    "invalid.manifest": failing(Verdict.INVALID, "claimSignature.mismatch"),
    "untrusted": failing(Verdict.UNTRUSTED, "signingCredential.untrusted"),
    "untrusted.partial": failing(Verdict.UNTRUSTED, "org.sigillo.binding.partial", trusted=True),
    "untrusted.history": failing(Verdict.UNTRUSTED, trusted=True),
    "trusted": REPORT,
}


@pytest.mark.parametrize(("code", "report"), OUTCOMES.items())
def test_an_outcome_has_its_message(code: str, report: VerificationReport) -> None:
    (message,) = summarise(report)
    assert message.code == code
    assert set(message.parameters) >= {name for _, name, _, _ in Formatter().parse(ENGLISH[code]) if name}


def test_what_makes_it_invalid_is_named_whatever_else_is_against_it() -> None:
    (message,) = summarise(failing(Verdict.INVALID, "signingCredential.untrusted", "claimSignature.mismatch"))
    assert message == Message("invalid.manifest", {"code": "claimSignature.mismatch"})


@pytest.mark.parametrize("verdict", [Verdict.UNTRUSTED, Verdict.UNREADABLE, Verdict.INVALID])
def test_a_bad_ancestor_is_told_under_a_good_signature(verdict: Verdict) -> None:
    node = Ingredient(1, None, None, None, "a", verdict, None, ("assertion.dataHash.mismatch",))
    own, ancestor = summarise(replace(REPORT, ancestry=verdict, ingredients=(node,)))
    assert (own.code, ancestor.code) == ("trusted", f"ancestry.{verdict}")
    assert "Acme" in word((own, ancestor))


def test_a_good_ancestor_needs_no_words() -> None:
    assert len(summarise(replace(REPORT, ancestry=Verdict.TRUSTED))) == 1


UNASKED = ("no-encoder", "no-picture", "faint", "unavailable")  # cases.recovery.eyes
RECOVERED = ("content", "copy", "first", "earlier", "hidden", "nothing", "unknown")  # cases.recovery.origins


def test_every_message_of_the_catalogue_is_used() -> None:
    ancestral = {f"ancestry.{verdict}" for verdict in (Verdict.UNTRUSTED, Verdict.UNREADABLE, Verdict.INVALID)}
    recovered = {f"recovered.{found}" for found in RECOVERED}
    recovered |= {"recovered.near", *(f"recovered.unasked.{why}" for why in UNASKED)}
    assert ENGLISH.keys() == OUTCOMES.keys() | ancestral | recovered | {"ancestry.revoked", "trusted.alone"}


def test_a_manifest_without_its_file_is_not_said_to_be_unchanged() -> None:
    own, ancestor = without_file(summarise(replace(REPORT, ancestry=Verdict.INVALID)))
    assert (own.code, ancestor.code) == ("trusted.alone", "ancestry.invalid")
    assert "unchanged" not in word((own,))
    assert without_file(summarise(OUTCOMES["untrusted"])) == summarise(OUTCOMES["untrusted"])


def test_a_revoked_ancestor_is_called_so() -> None:
    node = Ingredient(1, None, None, None, "a", Verdict.INVALID, None, ("signingCredential.ocsp.revoked",))
    _, ancestor = summarise(replace(REPORT, ancestry=Verdict.INVALID, ingredients=(node,)))
    assert ancestor.code == "ancestry.revoked"


def test_a_name_with_braces_stays_a_name() -> None:
    assert word((Message("trusted", {"signer": "{code}"}),)) == "Signed by {code}, whom we trust, and unchanged since."


def test_a_signer_without_a_name_is_said_to_have_none() -> None:
    assert "an unnamed signer" in word(summarise(replace(REPORT, signer=None)))
