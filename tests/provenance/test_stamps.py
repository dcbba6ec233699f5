"""Authorities that lie in a file that somebody else made: each lie has its own name, and none makes anything better."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response

from keys.certificates import development_ca
from keys.chain import parse
from provenance.ancestry import statuses_in
from provenance.codes import SIGNER_EXPIRED, SIGNER_TRUSTED, TIME_STAMP_TRUSTED, TIME_STAMP_UNTRUSTED
from provenance.report import StampStanding, VerificationReport
from provenance.stamping import Signature, carried, place
from provenance.stamps import UNREADABLE_STAMP, Stamps, counted
from provenance.summary import summarise
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from tests.provenance.fixtures import Everybody
from tests.provenance.house import House, draw
from tests.provenance.test_time_stamps import a_day_ago, other_imprint
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

NAME = "Simulated time-stamps"


def tomorrow(said: dict[str, Any]) -> None:
    said["gen_time"] += timedelta(days=1)


def stamped(house: House, authority: TimeStampAuthority) -> bytes:
    """A file with this authority's time-stamp in it, unseen: as whoever believes it would write it."""
    asset = house.sign(draw())
    with asset.content as content:
        file = content.read(content.size)
    before = asset.manifest_store
    asked = TimestampRequestBuilder().data(Signature.of(before).countersigned).hash_algorithm(HashAlgorithm.SHA256)
    answer = httpx.post(authority.url, content=asked.cert_request(cert_request=True).build().as_bytes()).content
    after = Signature.of(before).stamped(before, decode_timestamp_response(answer).time_stamp_token())
    start, form = place(file, "image/jpeg", before), carried(after, "image/jpeg")
    return file[:start] + form + file[start + len(form) :]


def judged(house: House, authority: TimeStampAuthority, **roots: str) -> VerificationReport:
    """The report, where these are the authority's roots."""
    given = {name: {"theirs": pem} for name, pem in roots.items()}
    trust = TrustPolicy.of({"ours": house.trust.anchors}, **given)  # type: ignore[arg-type]
    with serving(authority):
        return replace(house, trust=trust).verify(stamped(house, authority))


@pytest.mark.parametrize(
    ("lie", "standing", "verdict"),
    [
        ({}, StampStanding.TRUSTED, Verdict.TRUSTED),
        ({"twist": tomorrow}, StampStanding.FUTURE, Verdict.TRUSTED),
        ({"twist": a_day_ago}, StampStanding.PREMATURE, Verdict.INVALID),
        ({"twist": other_imprint}, StampStanding.MISMATCHED, Verdict.TRUSTED),
        ({"critical": False}, StampStanding.UNTRUSTED, Verdict.TRUSTED),
    ],
)
def test_each_lie_has_its_name(house: House, lie: dict[str, Any], standing: StampStanding, verdict: Verdict) -> None:
    authority = TimeStampAuthority(**lie)
    report = judged(house, authority, authorities=authority.anchors)
    (stamp,) = report.time_stamps
    assert (stamp.standing, stamp.authority, report.verdict) == (standing, NAME, verdict)
    assert stamp.trusted is (standing in {StampStanding.TRUSTED, StampStanding.PREMATURE})
    assert (summarise(report)[0].code == "invalid.premature") is (standing is StampStanding.PREMATURE)


@pytest.mark.parametrize(
    ("roots", "standing"),
    [
        ((), StampStanding.UNTRUSTED),
        (("signers",), StampStanding.UNTRUSTED),
        (("authorities",), StampStanding.TRUSTED),
        (("signers", "authorities"), StampStanding.TRUSTED),
    ],
)
def test_an_authority_counts_under_a_root_for_time_stamps_alone(
    house: House, roots: tuple[str, ...], standing: StampStanding
) -> None:
    """c2pa-rs would take any of them."""
    authority = TimeStampAuthority()
    report = judged(house, authority, **dict.fromkeys(roots, authority.anchors))
    assert [stamp.standing for stamp in report.time_stamps] == [standing]
    assert report.verdict is Verdict.TRUSTED


def test_without_a_time_stamp_that_counts_a_certificate_that_has_ended_is_expired() -> None:
    """Whom c2pa-rs believed, it did not find expired."""
    began = datetime(2025, 1, 1, tzinfo=UTC)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    chain = development_ca(began).issue(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), began)
    signers = Everybody({"m": parse(chain)}, (), frozenset())
    success = [
        {"code": code, "url": "self#jumbf=/c2pa/m/c2pa.signature"} for code in (SIGNER_TRUSTED, TIME_STAMP_TRUSTED)
    ]
    store = {"active_manifest": "m", "validation_results": {"activeManifest": {"success": success}}}
    for days, expired in ((364, False), (366, True)):
        found = counted(store, {}, Stamps({}, (), began + timedelta(days=days)), signers)["validation_results"]
        codes = {code: failed for code, failed, _ in statuses_in(found["activeManifest"])}
        assert TIME_STAMP_TRUSTED not in codes
        assert codes[TIME_STAMP_UNTRUSTED] is False
        assert (SIGNER_EXPIRED in codes) is expired
    before = {**store, "validation_results": {"activeManifest": {"success": success[:1]}}}
    assert counted(before, {}, Stamps({}, (), began), signers) is before


@pytest.mark.parametrize("value", [None, b"", b"\x30", b"\x30" * 300, "text", {"tstTokens": []}, {"tstTokens": [{}]}])
def test_a_damaged_token_is_a_fault_and_no_error(value: object) -> None:
    for name in ("sigTst", "sigTst2"):
        for header in ({name: value}, {name: {"tstTokens": [{"val": value}]}}):
            stamps = Stamps.of({"m": [{}, header]}, "", datetime.now(UTC))
            assert stamps.fault("m", None) == UNREADABLE_STAMP
