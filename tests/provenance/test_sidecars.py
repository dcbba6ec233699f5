"""Manifests beside the file: the media stay as they are, and no other bytes pass for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.report import VerificationReport
from provenance.stamping import Signature
from provenance.summary import summarise, word
from provenance.time_stamps import TimeStamps
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from provenance.vocabulary import SIDECAR_TYPES
from tests.provenance.carriers import CARRIERS
from tests.provenance.house import House
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

HEADS = {"video/webm": b"\x1aE\xdf\xa3\x9fB\x86\x81\x01", "audio/ogg": b"OggS\0\x02"}
BESIDE = "If one is kept beside it, verify the two together."
FILES = {mime: HEADS[mime] + bytes(range(256)) * 20 for mime in sorted(SIDECAR_TYPES)}


def signed(house: House, mime: str) -> tuple[bytes, bytes]:
    """A file as it is handed out, and its sidecar."""
    asset = house.sign(FILES[mime], mime=mime)
    with asset.content as content:
        return content.read(content.size), asset.manifest_store


def failures(report: VerificationReport) -> list[str]:
    return [status.code for status in report.statuses.failure]


@pytest.mark.parametrize("mime", FILES)
def test_the_file_stays_as_it_is_and_holds_with_its_sidecar(house: House, mime: str) -> None:
    file, sidecar = signed(house, mime)
    assert file == FILES[mime]
    report = house.verify(file, sidecar)
    assert (report.verdict, failures(report)) == (Verdict.TRUSTED, [])
    assert "assertion.dataHash.match" in [status.code for status in report.statuses.success]
    alone = house.verify(file)
    assert (alone.verdict, word(summarise(alone)).partition(". ")[2]) == (Verdict.ABSENT, BESIDE)


@pytest.mark.parametrize("mime", FILES)
@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_other_bytes_pass(house: House, mime: str, data: st.DataObject) -> None:
    if mime not in SIGNED:
        SIGNED[mime] = signed(house, mime)
    file, sidecar = SIGNED[mime]
    changed = bytearray(file)
    changed[data.draw(st.integers(0, len(file) - 1))] ^= data.draw(st.integers(1, 255))
    longer = file + data.draw(st.binary(min_size=1, max_size=9))
    shorter = file[: -data.draw(st.integers(1, len(file) - 1))]
    for other in (bytes(changed), longer, shorter):
        report = house.verify(other, sidecar)
        assert (report.verdict, failures(report)) == (Verdict.INVALID, ["assertion.dataHash.mismatch"])


SIGNED: dict[str, tuple[bytes, bytes]] = {}


def test_a_sidecar_is_of_one_file(house: House, stranger: House) -> None:
    webm, ogg = (signed(house, mime) for mime in ("video/webm", "audio/ogg"))
    assert failures(house.verify(webm[0], ogg[1])) == ["assertion.dataHash.mismatch"]
    theirs = signed(stranger, "video/webm")
    assert theirs[0] == webm[0]
    assert house.verify(*theirs).verdict is Verdict.UNTRUSTED
    for mime, carrier in CARRIERS.items():
        assert house.verify(carrier, webm[1]).verdict in {Verdict.INVALID, Verdict.UNREADABLE}, mime


@pytest.mark.parametrize("broken", [b"\0", b"no manifest", bytes(10_000), b"\0\0\0\x20jumb" + bytes(24)])
def test_what_is_no_manifest_store_is_unreadable(house: House, broken: bytes) -> None:
    assert house.verify(FILES["video/webm"], broken).verdict is Verdict.UNREADABLE


def test_part_of_a_sidecar_is_never_trusted(house: House) -> None:
    file, sidecar = signed(house, "audio/ogg")
    for cut in range(1, len(sidecar), 499):
        assert house.verify(file, sidecar[:cut]).verdict in {Verdict.UNREADABLE, Verdict.INVALID}


@pytest.mark.parametrize("mime", FILES)
def test_a_time_stamp_goes_into_the_sidecar(house: House, mime: str) -> None:
    with serving(TimeStampAuthority()) as authority, TimeStamps([authority.url], required=True) as time_stamps:
        trust = TrustPolicy.of({"house": house.trust.anchors}, authorities={"authority": authority.anchors})
        stamped = replace(house, trust=trust, time_stamps=time_stamps)
        file, sidecar = signed(stamped, mime)
        report = stamped.verify(file, sidecar)
    assert file == FILES[mime]
    assert "sigTst2" in Signature.of(sidecar).unprotected
    assert (report.verdict, [made.trusted for made in report.time_stamps]) == (Verdict.TRUSTED, [True])
