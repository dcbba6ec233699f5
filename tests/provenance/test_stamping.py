"""A token in place of padding: what changes in a file, what must not, and what will not do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provenance.errors import TimeStampRefusedError
from provenance.request import AuthorStatement
from provenance.stamping import Signature, carried, place
from provenance.time_stamps import TimeStamps
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from tests.provenance.carriers import CARRIERS
from tests.provenance.house import MIMES, REQUEST, House, draw
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

SEGMENT = 64_000
"""What c2pa-rs puts into one JPEG segment."""

SIGNED = {"pad": bytes(3000)}


def store(unprotected: Mapping[str, object]) -> bytes:
    """The end of a manifest store, with this unprotected header."""
    cose = cbor2.dumps(cbor2.CBORTag(18, [b"\xa1\x01\x26", unprotected, None, bytes(64)]))
    return b"what comes before" + (len(cose) + 8).to_bytes(4) + b"cbor" + cose


@pytest.fixture(scope="module")
def stamped(house: House) -> Iterator[House]:
    """The house with an authority."""
    with serving(TimeStampAuthority()) as authority, TimeStamps([authority.url], required=True) as time_stamps:
        trust = TrustPolicy.of({"house": house.trust.anchors}, authorities={"authority": authority.anchors})
        yield replace(house, trust=trust, time_stamps=time_stamps)


@given(st.binary(max_size=2900))
@example(b"cbor\xd2\x84")
def test_every_token_that_fits_takes_the_place_of_padding(token: bytes) -> None:
    before = store(SIGNED)
    after = Signature.of(before).stamped(before, token)
    assert len(after) == len(before)
    was, now = Signature.of(before), Signature.of(after)
    assert now.unprotected["sigTst2"]["tstTokens"][0]["val"] == token
    assert not any(now.unprotected["pad"])
    assert (was.protected, was.payload, was.signature) == (now.protected, now.payload, now.signature)
    assert was.countersigned == now.countersigned
    assert after[: was.start] == before[: was.start]


@pytest.mark.parametrize("size", [2980, 3000, 100_000])
def test_a_token_without_room_is_refused(size: int) -> None:
    before = store(SIGNED)
    with pytest.raises(TimeStampRefusedError, match=f"{size} bytes"):
        Signature.of(before).stamped(before, bytes(size))


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\xd2\x84",
        store(SIGNED)[:-1],
        store(SIGNED) + b"\0",
        store(SIGNED).replace(b"cbor", b"json"),
        store(SIGNED).replace(b"\xa1\x63pad", b"\xbf\x63pad"),
    ],
)
def test_a_store_that_does_not_end_with_its_signature_is_not_touched(broken: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Signature.of(broken)


def restored(file: bytes, mime: str, before: bytes, after: bytes) -> bytes:
    """The file with another manifest store in the place of its own."""
    start, form = place(file, mime, before), carried(after, mime)
    return file[:start] + form + file[start + len(form) :]


@pytest.mark.parametrize("mime", CARRIERS)
def test_a_store_is_changed_where_it_lies_and_nothing_else_is(house: House, mime: str) -> None:
    asset = house.sign(CARRIERS[mime], mime=mime)
    with asset.content as content:
        file = content.read(content.size)
    before = asset.manifest_store
    after = Signature.of(before).stamped(before, b"token")
    changed = restored(file, mime, before, after)
    assert len(changed) == len(file)
    differing = [at for at, (one, other) in enumerate(zip(file, changed, strict=True)) if one != other]
    start, form = place(file, mime, before), carried(before, mime)
    assert differing
    assert start + Signature.of(before).start < differing[0]
    assert differing[-1] < start + len(form)
    assert restored(changed, mime, after, before) == file
    assert house.verify(changed).verdict is Verdict.TRUSTED, "the hard binding leaves the store out"
    for other, where in ((after, file), (before, CARRIERS[mime]), (before, file + form)):
        with pytest.raises(ValueError, match="once, in one piece"):
            place(where, mime, other)


@pytest.mark.parametrize("mime", CARRIERS)
def test_a_long_history_is_stamped_wherever_its_store_is_cut(stamped: House, mime: str) -> None:
    """Every generation adds its manifest, until a signature lies across the border of two JPEG segments."""
    file, crossed = CARRIERS[mime], False
    wordy = replace(REQUEST, author=AuthorStatement("Ann", "in so many words " * 50))
    for _ in range(5):
        asset = stamped.sign(file, wordy, mime)
        with asset.content as content:
            file = content.read(content.size)
        report = stamped.verify(file)
        assert (report.verdict, report.time_stamps) == (Verdict.TRUSTED, (asset.time_stamp,))
        assert report.ancestry in {None, Verdict.TRUSTED}
        crossed |= Signature.of(asset.manifest_store).start < SEGMENT < len(asset.manifest_store)
    assert crossed
    assert report.ancestry is Verdict.TRUSTED


def test_the_handed_out_store_is_the_one_in_the_file(stamped: House) -> None:
    asset = stamped.sign(draw("WEBP"), mime=MIMES["WEBP"])
    with asset.content as content:
        file = content.read(content.size)
    assert asset.manifest_store in file
    assert "sigTst2" in Signature.of(asset.manifest_store).unprotected


def test_a_token_for_another_signature_does_not_verify(stamped: House) -> None:
    """The time-stamp of one file, put into another, proves nothing there."""
    one, other = (stamped.sign(draw("WEBP"), mime=MIMES["WEBP"]) for _ in range(2))
    with one.content as content:
        file = content.read(content.size)
    other.content.close()
    token = Signature.of(other.manifest_store).unprotected["sigTst2"]["tstTokens"][0]["val"]
    before = one.manifest_store
    report = stamped.verify(restored(file, MIMES["WEBP"], before, Signature.of(before).stamped(before, token)))
    assert "timeStamp.mismatch" in [status.code for status in report.statuses.informational]
    assert not any(made.trusted for made in report.time_stamps)


def test_authorities_vouch_for_time_and_for_no_signer(house: House, stranger: House) -> None:
    """A root that is trusted for time-stamps alone may have issued certificates to anyone."""
    theirs = stranger.signed(draw())
    child = house.signed(theirs)
    trust = TrustPolicy.of({"house": house.trust.anchors}, authorities={"theirs": stranger.trust.anchors})
    lax = replace(house, trust=trust)
    report = lax.verify(theirs)
    assert report.verdict is Verdict.UNTRUSTED
    assert [status.code for status in report.statuses.failure] == ["signingCredential.untrusted"]
    assert "signingCredential.trusted" not in [status.code for status in report.statuses.success]
    assert (lax.verify(child).verdict, lax.verify(child).ancestry) == (Verdict.TRUSTED, Verdict.UNTRUSTED)
    nobody = replace(house, trust=TrustPolicy.of({}, authorities={"theirs": stranger.trust.anchors}))
    assert nobody.verify(theirs).verdict is Verdict.UNTRUSTED


def test_a_root_may_be_trusted_for_both(house: House, stranger: House, stamped: House) -> None:
    """c2pa-rs would say now that a signer is under the one list, now under the other: each context draws anew."""
    theirs, both = stranger.signed(draw()), stranger.trust.anchors
    for extra in (house.trust.anchors, stamped.trust.authorities, house.trust.anchors + stamped.trust.authorities) * 4:
        trust = TrustPolicy.of({"both": both}, authorities={"both": both, "extra": extra})
        assert replace(house, trust=trust).verify(theirs).verdict is Verdict.TRUSTED


def test_an_authority_under_a_root_for_both_will_do(stamped: House) -> None:
    authority = stamped.trust.authorities
    trust = TrustPolicy.of({"h": stamped.trust.anchors, "a": authority}, authorities={"a": authority})
    asset = replace(stamped, trust=trust).sign(draw())
    asset.content.close()
    assert asset.time_stamp is not None


def test_the_digest_of_a_policy_names_its_authorities(house: House, stranger: House) -> None:
    anchors, other = house.trust.anchors, stranger.trust.anchors
    policies = [
        TrustPolicy.of({"a": anchors}),
        TrustPolicy.of({"a": anchors}, authorities={"b": other}),
        TrustPolicy.of({"a": anchors, "b": other}),
        TrustPolicy.of({}, authorities={"a": anchors, "b": other}),
    ]
    assert len({policy.digest for policy in policies}) == 4
    assert hashlib.sha256().digest_size == len(bytes.fromhex(policies[1].digest))


def test_what_is_signed_over_a_doubtful_history_is_stamped_all_the_same(stamped: House, stranger: House) -> None:
    """Only the claim's own signature is time-stamped."""
    theirs = stranger.signed(draw())
    broken = theirs[:-200] + bytes([theirs[-200] ^ 0xFF]) + theirs[-199:]
    for parent in (theirs, broken):
        report = stamped.verify(stamped.signed(parent))
        assert [made.trusted for made in report.time_stamps] == [True]
        assert report.verdict is Verdict.TRUSTED
        assert report.ancestry is not Verdict.TRUSTED


def test_a_signer_that_the_policy_does_not_trust_is_stamped_all_the_same(stamped: House) -> None:
    """The file is worth what it was; the time-stamp is trusted on its own account."""
    trust = TrustPolicy.of({}, authorities={"authority": stamped.trust.authorities})
    report = replace(stamped, trust=trust).verify(replace(stamped, trust=trust).signed(draw()))
    assert (report.verdict, [made.trusted for made in report.time_stamps]) == (Verdict.UNTRUSTED, [True])
