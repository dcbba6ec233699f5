"""Revoked signers: which files lose their trust, which keep it, and who cannot talk their way out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from detection.memfd import Memfd
from keys.revocation import IssuerAndSerial, Reason, Revocation
from provenance.report import SignerRevocation
from provenance.revocation import of_signer, parsed, written
from provenance.time_stamps import TimeStamps
from provenance.trust import TrustPolicy
from provenance.validation import examine
from provenance.verdict import Verdict
from tests.provenance.forger import CREATED, actions, forge, label_of, over, record
from tests.provenance.house import House, draw
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
REVOKED = "signingCredential.ocsp.revoked"


def revocation(house: House, at: datetime = NOW - HOUR, since: datetime | None = None) -> Revocation:
    """Of the house's signer."""
    leaf = x509.load_pem_x509_certificate(house.signer.chain.encode())
    return Revocation(IssuerAndSerial.of(leaf), at, since or at, Reason.KEY_COMPROMISE)


def knowing(house: House, *revocations: Revocation, authority: TimeStampAuthority | None = None) -> House:
    """The house, told of these."""
    authorities = {"authority": authority.anchors} if authority else {}
    trust = TrustPolicy.of({"this service": house.trust.anchors}, authorities=authorities, revoked=written(revocations))
    return replace(house, trust=trust)


@pytest.fixture(scope="module")
def authority() -> Iterator[TimeStampAuthority]:
    with serving(TimeStampAuthority()) as authority:
        yield authority


@pytest.fixture(scope="module")
def stamping(house: House, authority: TimeStampAuthority) -> Iterator[House]:
    """The house, with time-stamps."""
    with TimeStamps([authority.url], required=True) as time_stamps:
        yield replace(knowing(house, authority=authority), time_stamps=time_stamps)


@pytest.fixture(scope="module")
def bare(house: House) -> bytes:
    return house.signed(draw())


@pytest.fixture(scope="module")
def stamped(stamping: House) -> bytes:
    return stamping.signed(draw())


@pytest.mark.parametrize("at", [NOW - HOUR, NOW + HOUR])
def test_without_a_time_stamp_nothing_signed_by_it_is_trusted(house: House, bare: bytes, at: datetime) -> None:
    """Whenever it was revoked: nobody can tell when the file was signed."""
    report = knowing(house, revocation(house, at)).verify(bare)
    assert report.verdict is Verdict.INVALID
    assert [status.code for status in report.statuses.failure] == [REVOKED]
    assert "keyCompromise" in str(report.statuses.failure[0].explanation)
    assert report.signer is not None
    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert report.signer.revocation == SignerRevocation(moment, moment, "keyCompromise")


def test_a_time_stamp_from_before_keeps_it_trusted(house: House, authority: TimeStampAuthority, stamped: bytes) -> None:
    report = knowing(house, revocation(house, NOW + HOUR), authority=authority).verify(stamped)
    assert (report.verdict, report.statuses.failure) == (Verdict.TRUSTED, ())
    assert report.signer is not None
    assert report.signer.revocation is not None, "the reader is told all the same"


@pytest.mark.parametrize(
    ("at", "since"),
    [
        (NOW - HOUR, None),
        (NOW + HOUR, NOW - HOUR),  # revoked later, known to others before
    ],
)
def test_a_time_stamp_from_after_saves_nothing(
    house: House, authority: TimeStampAuthority, stamped: bytes, at: datetime, since: datetime | None
) -> None:
    report = knowing(house, revocation(house, at, since), authority=authority).verify(stamped)
    assert report.verdict is Verdict.INVALID
    assert REVOKED in [status.code for status in report.statuses.failure]


def test_a_time_stamp_that_nobody_trusts_saves_nothing(house: House, stamped: bytes) -> None:
    assert knowing(house, revocation(house, NOW + HOUR)).verify(stamped).verdict is Verdict.INVALID


def test_changed_content_is_said_first(house: House, bare: bytes) -> None:
    changed = bare[:-200] + bytes([bare[-200] ^ 0xFF]) + bare[-199:]
    report = knowing(house, revocation(house)).verify(changed)
    assert {status.code for status in report.statuses.failure} == {REVOKED, "assertion.dataHash.mismatch"}


def test_another_certificate_is_not_meant(house: House, stranger: House, bare: bytes) -> None:
    mine = revocation(house)
    serial = mine.certificate.serial
    others = [
        replace(mine, certificate=IssuerAndSerial("Another authority", serial)),
        replace(mine, certificate=replace(mine.certificate, issuer_key="00" * 20)),  # of the same name
        replace(mine, certificate=replace(mine.certificate, serial=serial + 1)),
        revocation(stranger),
    ]
    report = knowing(house, *others).verify(bare)
    assert report.verdict is Verdict.TRUSTED
    assert report.signer is not None
    assert report.signer.revocation is None


def test_an_ancestors_signer_counts_too(house: House, stranger: House, bare: bytes) -> None:
    """Two generations down, under a signer who is not revoked."""
    heir = replace(stranger, trust=TrustPolicy.of({"a": house.trust.anchors, "b": stranger.trust.anchors}))
    file = heir.signed(heir.signed(bare))
    assert heir.verify(file).ancestry is Verdict.TRUSTED
    trust = TrustPolicy.of(
        {"a": house.trust.anchors, "b": stranger.trust.anchors}, revoked=written([revocation(house)])
    )
    report = replace(heir, trust=trust).verify(file)
    assert (report.verdict, report.ancestry) == (Verdict.TRUSTED, Verdict.INVALID)
    assert [(node.depth, node.failures) for node in report.ingredients if node.label] == [(1, ()), (2, (REVOKED,))]


def test_an_ancestors_time_stamp_counts_too(
    house: House, stranger: House, authority: TimeStampAuthority, stamped: bytes
) -> None:
    anchors = {"a": house.trust.anchors, "b": stranger.trust.anchors}
    roots = {"authority": authority.anchors}
    heir = replace(stranger, trust=TrustPolicy.of(anchors, authorities=roots))
    file = heir.signed(stamped)
    for at, expected in ((NOW + HOUR, Verdict.TRUSTED), (NOW - HOUR, Verdict.INVALID)):
        trust = TrustPolicy.of(anchors, authorities=roots, revoked=written([revocation(house, at)]))
        assert replace(heir, trust=trust).verify(file).ancestry is expected


def test_a_liar_cannot_lend_an_ancestor_a_time_stamp(house: House, stamping: House) -> None:
    """Its authority is nobody's, and whoever signed over it wrote down that it is trusted."""
    parent = stamping.sign(draw())
    with parent.content as content:
        file = content.read(content.size)
    praise = ["timeStamp.trusted", "timeStamp.validated", "signingCredential.trusted", "claimSignature.validated"]
    results = record(praise, [], label_of(file))
    forged = forge(house, over(file, results), store=parent.manifest_store)[0]
    report = knowing(house, revocation(house, NOW + HOUR)).verify(forged)
    assert report.ancestry is Verdict.INVALID
    assert REVOKED in report.ingredients[0].failures


def test_recorded_as_good_by_the_one_who_is_revoked_helps_nothing(house: House) -> None:
    parent, store = forge(house, {"assertions": [actions(CREATED)]})
    results = record(["signingCredential.ocsp.notRevoked", REVOKED], [], label_of(parent))
    report = knowing(house, revocation(house)).verify(forge(house, over(parent, results), store=store)[0])
    assert (report.verdict, report.ancestry) == (Verdict.INVALID, Verdict.INVALID)


def test_uploads_are_told_of_their_parents_signer(house: House, bare: bytes) -> None:
    with Memfd.of([bare]) as upload:
        _, history, _ = examine(house.sandbox, upload, "image/jpeg", knowing(house, revocation(house)).trust)
    assert (history.verdict, history.failures) == (Verdict.INVALID, (REVOKED,))
    assert "was revoked on" in history.sentence


def test_what_is_written_is_read_again(house: House) -> None:
    one, other = revocation(house), replace(revocation(house), certificate=IssuerAndSerial('ä "b"\n\u2028c', 7))
    assert written([one, other]) == written([other, one, one])
    assert parsed(written([one, other])) == {found.certificate.serial: [found] for found in (one, other)}
    assert (written([]), parsed("")) == ("", {})


def test_of_two_the_one_that_reaches_back_furthest_counts(house: House) -> None:
    late, early = revocation(house), revocation(house, NOW - HOUR, NOW - 2 * HOUR)
    leaf = x509.load_pem_x509_certificate(house.signer.chain.encode())
    assert of_signer(leaf, written([late, early])) == early


def test_the_policys_digest_names_the_revocations(house: House) -> None:
    assert knowing(house, revocation(house)).trust.digest != house.trust.digest


def test_a_damaged_certificate_of_a_stranger_is_no_fault_of_ours(house: House, stranger: House, bare: bytes) -> None:
    """Once anything is revoked, signers are looked up; one that cannot be read is trusted by nobody anyway."""
    told = knowing(stranger, revocation(stranger))
    der = x509.load_pem_x509_certificate(house.signer.chain.encode()).public_bytes(Encoding.DER)
    start = bare.index(der)
    identifier = start + der.index(bytes.fromhex("0603551d23"))  # authorityKeyIdentifier
    for at in range(identifier + 5, identifier + 15):
        damaged = bytearray(bare)
        damaged[at] ^= 0x20
        assert told.verify(bytes(damaged)).verdict is not Verdict.TRUSTED
