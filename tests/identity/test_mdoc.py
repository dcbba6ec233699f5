"""Mobile documents: the standard's own, proofs of age, and every way in which an answer may not hold."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key

from identity.encoding.cbor import MAX_BYTES, read_cbor
from identity.errors import IssuerUntrustedError, TokenError, TokenInvalidError, TokenUnreadableError
from identity.mdoc.device_signature import signed_by_device, transcript
from identity.mdoc.document import DRIVING_LICENCE, PROOF_OF_AGE, MdocExpectation, VerifiedMdoc, verify_mdoc
from identity.outcome import Check
from keys.signer import Algorithm, KeyRef
from tests.identity.parties import NOW, Party, party
from tests.identity.wallet import AUTHORITY, CERTIFICATE, ISSUER, Authority, Change, answer, item, sign1, tagged
from tests.simulators.key_store import SimulatedSigner

ANNEX_D: dict[str, str] = json.loads((Path(__file__).parent / "vectors" / "iso18013-5-annex-d.json").read_bytes())
SESSION = transcript("redirect_uri:https://verifier.example/answer", "nonce-1", "https://verifier.example/answer")
EXPECTED = MdocExpectation(PROOF_OF_AGE, [AUTHORITY.anchor], SESSION)
STRANGER = party()


def proof_of_age(**changes: Any) -> bytes:
    elements = {"age_over_18": True, "age_over_21": False}
    return answer(PROOF_OF_AGE, PROOF_OF_AGE, elements, SESSION, **changes)


def check(response: bytes, now: datetime = NOW, expected: MdocExpectation = EXPECTED) -> VerifiedMdoc:
    return verify_mdoc(response, expected, now)


def refusal(response: bytes, now: datetime = NOW) -> Check:
    with pytest.raises(TokenInvalidError) as refused:
        check(response, now)
    return refused.value.check


def changed(*path: Any, to: Any) -> Change:
    """Sets what stands at this path; `...` removes it."""

    def change(whole: Any) -> Any:
        *above, last = path
        inner = whole
        for step in above:
            inner = inner[step]
        if to is ...:
            del inner[last]
        else:
            inner[last] = to(inner[last]) if callable(to) else to
        return whole

    return change


class TestAnnexD:
    THEN = datetime(2020, 12, 1, tzinfo=UTC)

    def expected(self) -> MdocExpectation:
        anchor = x509.load_der_x509_certificate(bytes.fromhex(ANNEX_D["anchor"]))
        return MdocExpectation(DRIVING_LICENCE, [anchor], SESSION)

    def signed_online(self) -> bytes:
        """The standard's document, presented by its own device over OpenID4VP instead of beside a reader."""
        response = cbor2.loads(bytes.fromhex(ANNEX_D["response"]))
        key = derive_private_key(int(ANNEX_D["device_key"], 16), SECP256R1())
        device = Party(SimulatedSigner(KeyRef("device", 1), Algorithm.ES256, key, lambda: None), key)
        payload = signed_by_device(DRIVING_LICENCE, SESSION, cbor2.dumps({}))
        proof = {"deviceSignature": sign1(device, payload, detached=True)}
        response["documents"][0]["deviceSigned"]["deviceAuth"] = proof
        return cbor2.dumps(response, date_as_datetime=False)

    def test_it_holds(self) -> None:
        elements = check(self.signed_online(), self.THEN, self.expected()).elements["org.iso.18013.5.1"]
        assert elements["family_name"] == "Doe"
        assert elements["expiry_date"] == date(2024, 10, 20)
        assert sorted(elements) == [
            "document_number",
            "driving_privileges",
            "expiry_date",
            "family_name",
            "issue_date",
            "portrait",
        ]

    def test_a_mac_is_no_signature(self) -> None:
        with pytest.raises(TokenInvalidError) as refused:
            check(bytes.fromhex(ANNEX_D["response"]), self.THEN, self.expected())
        assert refused.value.check is Check.BINDING

    def test_it_ended(self) -> None:
        with pytest.raises(TokenInvalidError) as refused:
            check(self.signed_online(), datetime(2021, 10, 2, tzinfo=UTC), self.expected())
        assert refused.value.check is Check.VALIDITY

    def test_nothing_of_it_can_be_changed(self) -> None:
        response, expected = self.signed_online(), self.expected()
        for place in range(40, len(response), 53):
            with pytest.raises(TokenError):
                check(response[:place] + bytes([response[place] ^ 1]) + response[place + 1 :], self.THEN, expected)


def test_the_transcript_is_that_of_openid4vp() -> None:
    # OpenID4VP 1.0, appendix B.2.6.1
    thumbprint = bytes.fromhex("4283ec927ae0f208daaa2d026a814f2b22dca52cf85ffa8f3f8626c6bd669047")
    made = transcript(
        "x509_san_dns:example.com",
        "exc7gBkxjx1rdc9udRrveKvSsJIq80avlXeLHhGwqtA",
        "https://example.com/response",
        thumbprint,
    )
    assert made.hex() == (
        "83f6f682714f70656e494434565048616e646f7665725820"
        "048bc053c00442af9b8eed494cefdd9d95240d254b046b11b68013722aad38ac"
    )


class TestProofOfAge:
    def test_it_holds_and_says_no_more(self) -> None:
        report = check(proof_of_age(items=lambda items: items[:1]))
        assert report.elements == {PROOF_OF_AGE: {"age_over_18": True}}
        assert report.status is None
        assert Check.BINDING in report.checks

    def test_the_status_is_handed_on(self) -> None:
        status = {"status_list": {"idx": 3, "uri": "https://issuer.example/list"}}
        assert check(proof_of_age(security=lambda mso: {**mso, "status": status})).status == status

    @pytest.mark.parametrize("algorithm", ["SHA-384", "SHA-512"])
    def test_the_hash_is_the_one_named(self, algorithm: str) -> None:
        assert refusal(proof_of_age(security=changed("digestAlgorithm", to=algorithm))) is Check.DISCLOSURES


class TestDocuments:
    @pytest.mark.parametrize(
        "documents",
        [
            pytest.param(changed("documents", to=[]), id="zero documents"),
            pytest.param(changed("documents", to=...), id="none at all"),
            pytest.param(changed("documents", to={}), id="a map"),
            pytest.param(changed("documents", to=lambda documents: documents * 2), id="two"),
            pytest.param(changed("status", to=10), id="an error"),
            pytest.param(changed("status", to=...), id="no status"),
        ],
    )
    def test_an_answer_is_one_document(self, documents: Change) -> None:
        assert refusal(proof_of_age(response=documents)) is Check.TYPE

    def test_of_the_type_asked_for_inside_and_out(self) -> None:
        assert refusal(proof_of_age(document=changed("docType", to=DRIVING_LICENCE))) is Check.TYPE
        assert refusal(proof_of_age(security=changed("docType", to=DRIVING_LICENCE))) is Check.TYPE
        other = answer(DRIVING_LICENCE, "org.iso.18013.5.1", {"age_over_18": True}, SESSION)
        assert refusal(other) is Check.TYPE

    @pytest.mark.parametrize(
        "document",
        [
            changed("issuerSigned", to=...),
            changed("issuerSigned", "nameSpaces", to=[]),
            changed("issuerSigned", "nameSpaces", to={PROOF_OF_AGE: {}}),
            changed("issuerSigned", "nameSpaces", to={1: []}),
            changed("issuerSigned", "nameSpaces", to={"other": []}),
            changed("issuerSigned", "issuerAuth", to=[]),
            changed("issuerSigned", "issuerAuth", 2, to=None),
            changed("issuerSigned", "issuerAuth", 1, to={}),
            changed("issuerSigned", "issuerAuth", 1, to={33: [CERTIFICATE] * 5}),
            changed("issuerSigned", "issuerAuth", 1, to={33: b"certificate"}),
            changed("issuerSigned", "issuerAuth", 1, to={33: "certificate"}),
            changed("deviceSigned", to=...),
            lambda _: "document",
        ],
    )
    def test_what_is_no_document(self, document: Change) -> None:
        with pytest.raises(TokenUnreadableError):
            check(proof_of_age(document=document))

    @pytest.mark.parametrize("data", [b"", b"\xa0\x00", b"\x80", b"\x9f\xff", b"{}", bytes(MAX_BYTES + 1)])
    def test_what_is_no_answer(self, data: bytes) -> None:
        with pytest.raises(TokenUnreadableError):
            check(data)


class TestIssuer:
    def test_a_stranger_is_untrusted(self) -> None:
        for anchors in ([], [Authority("authority").anchor], [Authority("other").anchor]):
            with pytest.raises(IssuerUntrustedError):
                check(proof_of_age(), expected=replace(EXPECTED, anchors=anchors))

    def test_a_certificate_of_somebody_else_does_not_help(self) -> None:
        assert refusal(proof_of_age(issuer=STRANGER)) is Check.SIGNATURE

    @pytest.mark.parametrize(
        "profile",
        [
            {"purpose": None},
            {"purpose": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.2")},
            {"signs": False},
            {"authority": True},
        ],
    )
    def test_a_certificate_for_something_else(self, profile: dict[str, Any]) -> None:
        assert isinstance(ISSUER.private_key, EllipticCurvePrivateKey)
        with pytest.raises(IssuerUntrustedError):
            check(proof_of_age(chain=[AUTHORITY.certify(ISSUER.private_key, **profile)]))

    def test_out_of_time(self) -> None:
        assert isinstance(ISSUER.private_key, EllipticCurvePrivateKey)
        early = AUTHORITY.certify(ISSUER.private_key, ends=NOW - timedelta(seconds=1))
        late = AUTHORITY.certify(ISSUER.private_key, begins=NOW + timedelta(seconds=1))
        for certificate in (early, late):
            assert refusal(proof_of_age(chain=[certificate])) is Check.VALIDITY
        with pytest.raises(IssuerUntrustedError):
            check(proof_of_age(), NOW + timedelta(days=366))  # the anchor's own end

    @pytest.mark.parametrize("algorithm", [-35, -8, -37, 5, None, "ES256", True])
    def test_the_algorithm_is_the_keys(self, algorithm: object) -> None:
        assert refusal(proof_of_age(algorithm=algorithm)) is Check.ALGORITHM

    def test_a_critical_header_is_not_passed_over(self) -> None:
        protected = cbor2.dumps({1: -7, 2: [99], 99: 1})
        assert refusal(proof_of_age(document=changed("issuerSigned", "issuerAuth", 0, to=protected))) is Check.ALGORITHM


class TestElements:
    @pytest.mark.parametrize(
        "items",
        [
            pytest.param(lambda items: [tagged(item(0, "age_over_18", False)), items[1]], id="value"),
            pytest.param(lambda items: [tagged(item(0, "age_over_99", True)), items[1]], id="name"),
            pytest.param(lambda items: [tagged(item(7, "age_over_18", True))], id="number"),
            pytest.param(lambda items: [*items, items[0]], id="twice"),
            pytest.param(lambda items: [*items, tagged(item(9, "admin", True))], id="added"),
            pytest.param(lambda items: [tagged({**item(0, "age_over_18", True), "random": bytes(15)})], id="salt"),
            pytest.param(
                lambda items: [tagged({**item(0, "age_over_18", True), "digestID": "0"})], id="text for number"
            ),
            pytest.param(lambda items: [tagged({})], id="empty"),
        ],
    )
    def test_the_issuer_signed_each_that_is_shown(self, items: Change) -> None:
        assert refusal(proof_of_age(items=items)) is Check.DISCLOSURES

    def test_of_two_of_one_name_neither_is_believed(self) -> None:
        twin = tagged(item(5, "age_over_18", False))
        digest = hashlib.sha256(cbor2.dumps(twin)).digest()
        signed = changed("valueDigests", PROOF_OF_AGE, 5, to=digest)
        assert check(proof_of_age(security=signed, items=lambda items: [twin]))
        assert refusal(proof_of_age(security=signed, items=lambda items: [*items, twin])) is Check.DISCLOSURES

    @pytest.mark.parametrize("element", [{}, b"", tagged([]), cbor2.CBORTag(24, "text"), cbor2.CBORTag(24, b"\xff")])
    def test_what_is_no_element(self, element: object) -> None:
        with pytest.raises(TokenUnreadableError):
            check(proof_of_age(items=lambda items: [element]))

    @pytest.mark.parametrize("name", ["SHA-1", "sha-256", None, 1, ["SHA-256"]])
    def test_another_hash(self, name: object) -> None:
        assert refusal(proof_of_age(security=changed("digestAlgorithm", to=name))) is Check.ALGORITHM


class TestTime:
    def test_its_own(self) -> None:
        assert check(proof_of_age(), NOW + timedelta(days=60) - timedelta(seconds=1))
        assert refusal(proof_of_age(), NOW + timedelta(days=60)) is Check.VALIDITY
        later = changed("validityInfo", "validFrom", to=NOW + timedelta(seconds=1))
        assert refusal(proof_of_age(security=later)) is Check.VALIDITY
        backdated = changed("validityInfo", "signed", to=NOW)
        assert refusal(proof_of_age(security=backdated)) is Check.VALIDITY

    @pytest.mark.parametrize("value", [..., None, 0, "2027-01-01T00:00:00Z", date(2027, 1, 1)])
    @pytest.mark.parametrize("name", ["signed", "validFrom", "validUntil"])
    def test_what_is_no_moment(self, name: str, value: object) -> None:
        with pytest.raises(TokenUnreadableError):
            check(proof_of_age(security=changed("validityInfo", name, to=value)))


class TestDevice:
    @pytest.mark.parametrize(
        "session",
        [
            transcript("redirect_uri:https://other.example", "nonce-1", "https://verifier.example/answer"),
            transcript("redirect_uri:https://verifier.example/answer", "nonce-2", "https://verifier.example/answer"),
            transcript("redirect_uri:https://verifier.example/answer", "nonce-1", "https://other.example"),
        ],
        ids=["verifier", "nonce", "answer"],
    )
    def test_an_answer_to_somebody_else(self, session: bytes) -> None:
        with pytest.raises(TokenInvalidError) as refused:
            check(proof_of_age(), expected=replace(EXPECTED, transcript=session))
        assert refused.value.check is Check.SIGNATURE

    def test_another_device(self) -> None:
        assert refusal(proof_of_age(device=STRANGER)) is Check.SIGNATURE

    def test_what_the_device_adds_is_signed(self) -> None:
        added = changed("deviceSigned", "nameSpaces", to=tagged({"ns": {"age_over_18": True}}))
        assert refusal(proof_of_age(document=added)) is Check.SIGNATURE

    @pytest.mark.parametrize(
        "proof",
        [
            changed("deviceSigned", "deviceAuth", to={}),
            changed("deviceSigned", "deviceAuth", to=...),
            changed("deviceSigned", "deviceAuth", to=lambda auth: {**auth, "deviceMac": []}),
            changed("deviceSigned", "deviceAuth", to={"deviceMac": [b"\xa1\x01\x05", {}, None, bytes(32)]}),
        ],
    )
    def test_it_signs_or_nothing_is_believed(self, proof: Change) -> None:
        assert refusal(proof_of_age(document=proof)) is Check.BINDING

    def test_it_signs_what_we_expect_and_no_payload_of_its_own(self) -> None:
        own = changed("deviceSigned", "deviceAuth", "deviceSignature", 2, to=b"payload")
        with pytest.raises(TokenUnreadableError):
            check(proof_of_age(document=own))

    @pytest.mark.parametrize(
        "key", [None, {}, {1: 2, -1: 1}, {1: 2, -1: 8, -2: b"", -3: b""}, {1: 2, -1: 1, -2: bytes(32), -3: bytes(32)}]
    )
    def test_a_key_that_is_none(self, key: object) -> None:
        with pytest.raises(TokenUnreadableError):
            check(proof_of_age(security=changed("deviceKeyInfo", "deviceKey", to=key)))


VALUES: list[object] = [0, "2020-01-01", b"", [0, 0], {}]


class TestCbor:
    @pytest.mark.parametrize(
        "data",
        [
            "0000",  # something behind it
            "a201010102",  # a key twice
            "9fff",  # indefinite
            "5f41004100ff",
            "81" * 40 + "00",
            "d81c8100",  # shareable
            "d82301",  # regular expression
            "c24101",  # big number
            "d9010281",  # set, cut off
            "c100",  # epoch time
            "c06161",  # no date
            "d9d9f700",  # self-described
            "9bffffffffffffffff",
            "5bffffffffffffffff",
            "61ff",  # no UTF-8
            "a1",
            "",
        ],
    )
    def test_what_is_refused(self, data: str) -> None:
        with pytest.raises(TokenUnreadableError):
            read_cbor(bytes.fromhex(data), "it")

    def test_every_tag_but_three_is_refused(self) -> None:
        for tag in {*range(1, 300), 1004, 43000, 55799, 2**63} - {24, 1004}:
            for value in VALUES:
                with pytest.raises(TokenUnreadableError):
                    read_cbor(cbor2.dumps(cbor2.CBORTag(tag, value)), "it")


def test_cut_off_anywhere() -> None:
    whole = proof_of_age()
    for end in range(0, len(whole), 11):
        with pytest.raises(TokenError):
            check(whole[:end])
