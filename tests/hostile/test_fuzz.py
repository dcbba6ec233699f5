"""What strangers write, before what reads it in this process and what maps it: refused in the words of its module, or
taken; never anything else.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.edge.body import BodyError
from api.edge.upload import UploadError
from api.schemas.assets import ClaimBody
from detection.errors import WorkerProtocolError
from detection.examination import parse_examination
from detection.job_error import from_message
from keys import chain, ocsp
from keys.errors import CertificateMismatchError, RevocationRefusedError
from keys.profile import check_profile
from keys.revocation import IssuerAndSerial, Reason, Revocation, RevocationList
from provenance.assessment import assess, judged
from provenance.codes import SIGNATURE_VALIDATED, SIGNER_TRUSTED
from provenance.descent import parse_descent
from provenance.errors import ClaimRefusedError, TrustPolicyError
from provenance.manifest import define
from provenance.report import (
    HISTORY,
    MAX_TEXT,
    REPORT,
    VerificationReport,
    parse_history,
    parse_time_stamp,
    without_lists,
)
from provenance.request import Tool
from provenance.revocation import written
from provenance.rules import check_change, check_request
from provenance.signers import Signers
from provenance.stamps import Stamps
from provenance.summary import in_brief
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from tests.api.test_upload import BOUNDARY, END, part, received
from tests.hostile.shapes import anything, details, stores
from tests.provenance.fixtures import Believed, Everybody
from tests.provenance.house import content
from tests.simulators.certificate_authority import CertificateAuthority, Listed

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
REVOKED: Final = written([Revocation(IssuerAndSerial("", 0x2A), NOW, NOW, Reason.KEY_COMPROMISE)])
AUTHORITY: Final = CertificateAuthority()
VERSION: Final = b"\x02\x01\x01"
"""The first of a list's members, DER."""

ROOT, LEAF = (one.public_bytes(Encoding.DER) for one in (AUTHORITY.made.root, AUTHORITY.leaf))
SUBJECT: Final = AUTHORITY.leaf.subject.public_bytes()
ANSWER: Final = AUTHORITY.answer(by=AUTHORITY.responder())
SIGNERS: Final = (Everybody({}, (), frozenset()), Signers({}, (), frozenset()))
STAMPS: Final = (Believed({}, (), NOW), Stamps({}, (), NOW))
LIST: Final = AUTHORITY.listing({7: Listed(AUTHORITY.now - timedelta(days=1))})

_pieces = st.one_of(
    st.binary(),
    st.sampled_from([b"--" + BOUNDARY, b"\r\n", b"--", END, b"Content-Disposition: form-data; name=file", b'"', b":"]),
    st.builds(part, st.sampled_from([b"file", b"claim", b"manifest", b'"', b"\xff", b""]), st.binary()),
)


@given(body=st.lists(_pieces).map(b"".join) | st.binary(), chunk=st.integers(1, 100))
def test_forms(body: bytes, chunk: int) -> None:
    with suppress(UploadError, BodyError), received(body, chunk) as upload:
        assert upload.content.sealed
        assert upload.size <= len(body)


@given(text=st.binary() | st.text())
def test_claims_as_bytes(text: bytes | str) -> None:
    with suppress(ValidationError):
        ClaimBody.model_validate_json(text)


def _texts(*known: str) -> st.SearchStrategy[str]:
    return st.sampled_from(known) | st.text(max_size=20)


_actions = st.fixed_dictionaries(
    {"name": _texts("c2pa.created", "c2pa.edited", "org.example.tuned")},
    optional={
        "source_type": st.sampled_from(["digitalCapture", "trainedAlgorithmicMedia"]),
        "when": st.datetimes(timezones=st.just(UTC)).map(str),
        "description": st.text(),
        "parameters": st.dictionaries(st.text(), anything),
    },
)
_claims = st.fixed_dictionaries(
    {},
    optional={
        "title": _texts("Harbour"),
        "tool": st.fixed_dictionaries({"name": _texts("Brush")}, optional={"version": _texts("1")}),
        "model": st.fixed_dictionaries({"name": _texts("m"), "version": _texts("1"), "provider": _texts("p")}),
        "actions": st.lists(_actions, max_size=4),
        "training_mining": st.sampled_from(["allowed", "notAllowed"]),
        "author": st.fixed_dictionaries({"name": _texts("A"), "statement": _texts("S")}),
    },
)


@given(claim=_claims)
def test_claims(claim: dict[str, Any]) -> None:
    """What the rules let through can be defined."""
    with suppress(ValidationError, ClaimRefusedError):
        request = ClaimBody.model_validate(claim).claim("Brush")
        check_request(request, NOW)
        assert define(request, content(b"x"), Verdict.ABSENT, Tool("Sigillo", "1"))
        check_change(request)


@given(
    store=stores,
    detail=details,
    revoked=st.sampled_from(["", REVOKED]),
    signers=st.sampled_from(SIGNERS),
    stamps=st.sampled_from(STAMPS),
)
def test_reports(store: dict[str, Any], detail: dict[str, Any], revoked: str, signers: Signers, stamps: Stamps) -> None:
    held = judged(store, detail, revoked, signers, stamps)
    report = assess(held, detail, "policy", revoked, signers, stamps)
    assert parse_descent({"report": REPORT.dump_python(report, mode="json")}).report == report
    brief = in_brief(report)
    assert parse_history(HISTORY.dump_python(brief, mode="json")) == brief
    cut = without_lists(report)
    assert (cut.verdict, cut.ancestry) == (report.verdict, report.ancestry)
    assert len(REPORT.dump_json(cut)) <= 100 * 6 * MAX_TEXT
    _check_trust(report)


def _check_trust(report: VerificationReport) -> None:
    """Whatever a store says, nothing is trusted without evidence or against it."""
    if report.verdict is Verdict.TRUSTED:
        success = {status.code for status in report.statuses.success}
        assert {SIGNATURE_VALIDATED, SIGNER_TRUSTED} <= success
        assert not {status.code for status in report.statuses.failure} & success


@given(answer=anything | stores)
def test_what_workers_say(answer: object) -> None:
    for parse in (parse_examination, parse_descent, parse_history, parse_time_stamp):
        with suppress(WorkerProtocolError):
            parse(answer)
    with suppress(ValueError):
        from_message(answer)


@example(start=LIST.index(VERSION), length=len(VERSION), data=b"\x02\x01\x0a")
@given(start=st.integers(0, len(LIST)), length=st.integers(0, 40), data=st.binary(max_size=40))
def test_revocation_lists(start: int, length: int, data: bytes) -> None:
    edited = LIST[:start] + data + LIST[start + length :]
    with suppress(RevocationRefusedError):
        assert set(RevocationList.of(edited, [AUTHORITY.made.root, AUTHORITY.issuer], AUTHORITY.now).revoked) == {7}


# cryptography warns of a serial number that is not positive, and reads it all the same.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@example(whole=ROOT, start=ROOT.index(b"\x02\x01\x02"), length=3, data=b"\x02\x01\x0a")
@example(whole=LEAF, start=LEAF.index(SUBJECT) + SUBJECT.index(b"\x0c"), length=1, data=b"\x01")
@given(
    whole=st.sampled_from([ROOT, LEAF]),
    start=st.integers(0, 400),
    length=st.integers(0, 40),
    data=st.binary(max_size=40),
)
def test_certificates(whole: bytes, start: int, length: int, data: bytes) -> None:
    edited = base64.encodebytes(whole[:start] + data + whole[start + length :]).decode()
    text = f"-----BEGIN CERTIFICATE-----\n{edited}-----END CERTIFICATE-----\n"
    with suppress(TrustPolicyError):
        TrustPolicy.of({"a stranger": text})
    with suppress(CertificateMismatchError):
        for certificate in chain.parse(text):
            check_profile(certificate)


@given(start=st.integers(0, len(ANSWER)), length=st.integers(0, 40), data=st.binary(max_size=40))
def test_answers_of_responders(start: int, length: int, data: bytes) -> None:
    edited = ANSWER[:start] + data + ANSWER[start + length :]
    with suppress(RevocationRefusedError):
        assert ocsp.read(edited, AUTHORITY.leaf, AUTHORITY.issuer, b"nonce", AUTHORITY.now).revocation is None


@given(data=st.binary())
def test_answers_that_are_nothing(data: bytes) -> None:
    with suppress(RevocationRefusedError):
        RevocationList.of(data, [AUTHORITY.issuer], AUTHORITY.now)
    with suppress(RevocationRefusedError):
        ocsp.read(data, AUTHORITY.leaf, AUTHORITY.issuer, b"nonce", AUTHORITY.now)
