"""What a creator signs beside the platform: it holds for one file and one claim, and says whose key it is, or not."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from keys.certificates import development_ca
from keys.profile import PURPOSES
from keys.revocation import IssuerAndSerial, Reason, Revocation
from provenance.creator import CreatorKeyError, CreatorSignature, CreatorStatement, sign_statement
from provenance.creator_judging import Trusted, judged
from provenance.errors import ClaimRefusedError
from provenance.report import StatedCreator
from provenance.request import ClaimRequest
from provenance.revocation import written
from provenance.rules import check_creator
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from tests.provenance.forger import actions, forge
from tests.provenance.house import REQUEST, House, draw
from tests.provenance.house import content as measured

NOW = datetime.now(UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
CA = development_ca(NOW)
PUBLIC = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
CHAIN = x509.load_pem_x509_certificates(CA.issue(PUBLIC, NOW, "Ada Löwe").encode())
SAID = CreatorStatement("Ada Löwe", "a" * 64, "Harbour", ())
EMPTY = "http://c2pa.org/digitalsourcetype/empty"
SIGNED = sign_statement(KEY, SAID, CHAIN)


def judge(
    signed: CreatorSignature | dict[str, Any],
    expected: CreatorStatement | None = SAID,
    *,
    at: datetime = NOW,
    platform: bool = True,
) -> StatedCreator:
    data = signed if isinstance(signed, dict) else asdict(signed)
    return judged(data, expected, Trusted([CA.root], PURPOSES, at, platform=platform))


def test_a_certified_key_is_trusted() -> None:
    found = judge(SIGNED)
    assert (found.verdict, found.name, found.reason) == (Verdict.TRUSTED, "Ada Löwe", "")
    assert found.subject is not None
    assert "Ada" in found.subject
    assert found.key_sha256 == hashlib.sha256(PUBLIC).hexdigest()


@pytest.mark.parametrize("key", [KEY, ed25519.Ed25519PrivateKey.generate()])
def test_a_bare_key_holds_and_vouches_for_nobody(key: Any) -> None:
    found = judge(sign_statement(key, SAID))
    assert found.verdict is Verdict.UNTRUSTED
    assert "nobody vouches" in found.reason


def test_an_unknown_authority_and_another_time_are_not_trusted() -> None:
    other = development_ca(NOW)
    chain = x509.load_pem_x509_certificates(other.issue(PUBLIC, NOW).encode())
    assert judge(sign_statement(KEY, SAID, chain)).verdict is Verdict.UNTRUSTED
    assert judge(SIGNED, at=NOW + timedelta(days=400)).verdict is Verdict.UNTRUSTED


@pytest.mark.parametrize(("since", "verdict"), [(-1, Verdict.UNTRUSTED), (0, Verdict.UNTRUSTED), (1, Verdict.TRUSTED)])
def test_a_certificate_that_was_revoked_by_then_vouches_for_nobody(since: int, verdict: Verdict) -> None:
    moment = NOW + timedelta(hours=since)
    told = Revocation(IssuerAndSerial.of(CHAIN[0]), moment, moment, Reason.KEY_COMPROMISE)
    found = judged(asdict(SIGNED), SAID, Trusted([CA.root], PURPOSES, NOW, written([told]), platform=True))
    assert (found.verdict, "was revoked" in found.reason) == (verdict, verdict is Verdict.UNTRUSTED)


@pytest.mark.parametrize(
    "other", [{"sha256": "b" * 64}, {"title": "Sea"}, {"source_types": ("https://example.com/capture",)}]
)
def test_for_another_file_or_claim_it_is_invalid(other: dict[str, Any]) -> None:
    assert judge(SIGNED, replace(SAID, **other)).verdict is Verdict.INVALID


def test_where_the_manifest_says_nothing_of_its_content_it_is_invalid() -> None:
    assert judge(SIGNED, None).verdict is Verdict.INVALID


@given(st.data())
def test_no_byte_can_be_changed(data: st.DataObject) -> None:
    carried = asdict(SIGNED)
    name = data.draw(st.sampled_from(["statement", "key", "signature"]))
    at = data.draw(st.integers(0, len(carried[name]) - 1))
    letter = data.draw(st.characters(min_codepoint=0x21, max_codepoint=0x7E))
    changed = carried[name][:at] + letter + carried[name][at + 1 :]
    same = changed == carried[name] or (
        name != "statement" and _decoded(changed) == base64.b64decode(carried[name])
    )  # the last letter of base64 has bits that mean nothing
    found = judge({**carried, name: changed})
    assert same or found.verdict in {Verdict.INVALID, Verdict.UNREADABLE}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


@pytest.mark.parametrize("data", [{}, {"statement": 1}, None, [], {**asdict(SIGNED), "more": 1}])
def test_what_has_not_its_form_is_unreadable(data: Any) -> None:
    assert judged(data, SAID, Trusted([], PURPOSES, NOW)).verdict is Verdict.UNREADABLE


def test_anothers_certificate_is_of_no_use() -> None:
    with pytest.raises(CreatorKeyError):
        sign_statement(ec.generate_private_key(ec.SECP256R1()), SAID, CHAIN)
    other = sign_statement(ec.generate_private_key(ec.SECP256R1()), SAID)
    assert judge(replace(other, chain=SIGNED.chain)).verdict is Verdict.INVALID


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048), None])
def test_other_keys_sign_nothing(key: object) -> None:
    with pytest.raises(CreatorKeyError):
        sign_statement(key, SAID)


def cosigned(content: bytes, request: ClaimRequest = REQUEST, kinds: tuple[str, ...] = ()) -> ClaimRequest:
    said = CreatorStatement("Ada Löwe", hashlib.sha256(content).hexdigest(), request.title, kinds)
    return replace(request, creator=sign_statement(KEY, said, CHAIN))


def test_a_reader_of_the_file_is_told(house: House) -> None:
    content = draw()
    file = house.signed(content, cosigned(content))
    report = house.verify(file)
    assert (report.verdict, report.creator_signature and report.creator_signature.verdict) == (
        Verdict.TRUSTED,
        Verdict.UNTRUSTED,
    )
    pem = "".join(one.public_bytes(Encoding.PEM).decode() for one in (CA.root,))
    knowing = replace(house, trust=TrustPolicy.of({"ours": house.trust.anchors, "creators": pem}))
    found = knowing.verify(file).creator_signature
    assert found is not None
    assert (found.verdict, found.name) == (Verdict.TRUSTED, "Ada Löwe")
    told = Revocation(IssuerAndSerial.of(CHAIN[0]), NOW, NOW, Reason.KEY_COMPROMISE)
    anchors = {"ours": house.trust.anchors, "creators": pem}
    warned = replace(house, trust=TrustPolicy.of(anchors, revoked=written([told]))).verify(file)
    assert warned.verdict is Verdict.TRUSTED, "it is the creator's certificate, and not the signer's"
    assert warned.creator_signature is not None
    assert "was revoked" in warned.creator_signature.reason
    assert house.verify(house.signed(content)).creator_signature is None


def test_a_signature_taken_to_another_file_is_invalid(house: House) -> None:
    found = house.verify(house.signed(draw("PNG"), cosigned(draw()), "image/png")).creator_signature
    assert found is not None
    assert found.verdict is Verdict.INVALID


def test_a_signature_taken_to_another_file_by_somebody_unknown_vouches_for_nothing(
    house: House, stranger: House
) -> None:
    """Whoever makes a manifest writes into it which file it is of; a creator's statement can be copied from any."""
    good = draw()
    stolen = cosigned(good, kinds=(EMPTY,)).creator
    assert stolen is not None
    said = {"label": "org.sigillo.content", "data": measured(good).data}
    act, sign = actions({"action": "c2pa.created", "digitalSourceType": EMPTY}), "org.sigillo.creator-signature"
    forged = [act, said, {"label": sign, "data": asdict(stolen)}]
    file, _ = forge(stranger, {"title": REQUEST.title, "assertions": forged}, file=draw(size=(32, 32)))
    pem = CA.root.public_bytes(Encoding.PEM).decode()
    knowing = replace(house, trust=TrustPolicy.of({"ours": house.trust.anchors, "creators": pem}))
    report = knowing.verify(file)
    assert report.verdict is Verdict.UNTRUSTED
    assert report.creator_signature is not None
    assert report.creator_signature.verdict is Verdict.UNTRUSTED
    assert "which file it is of" in report.creator_signature.reason


def test_an_upload_with_a_signature_that_does_not_hold_is_refused() -> None:
    request = cosigned(b"file")
    check_creator(request, hashlib.sha256(b"file").hexdigest(), NOW)
    check_creator(REQUEST, "a" * 64, NOW)
    with pytest.raises(ClaimRefusedError, match="another content") as refused:
        check_creator(request, hashlib.sha256(b"other").hexdigest(), NOW)
    assert refused.value.code == "creator-invalid"
    with pytest.raises(ClaimRefusedError, match="another title"):
        check_creator(replace(request, title="Sea"), hashlib.sha256(b"file").hexdigest(), NOW)
