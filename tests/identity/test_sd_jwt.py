"""SD-JWT VC: the RFC's own examples, what we issue, and every way in which a presentation may not hold."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.encoding import base64url
from identity.errors import (
    CredentialRefusedError,
    IssuerUntrustedError,
    TokenError,
    TokenInvalidError,
    TokenUnreadableError,
)
from identity.jose.jwk import read_jwk, write_jwk
from identity.jose.jws import read_jws, sign_jws, verify_jws
from identity.jose.lifetime import LEEWAY
from identity.outcome import Check
from identity.sd_jwt.concealing import Disclosable
from identity.sd_jwt.credential import (
    ALWAYS_SHOWN,
    MAX_CHARACTERS,
    MAX_DISCLOSURES,
    TYPE,
    Expectation,
    VerifiedCredential,
    bind,
    issue,
    present,
    verify,
)
from identity.sd_jwt.disclosure import digest, reveal
from identity.sd_jwt.issuers import pinned
from identity.sd_jwt.key_binding import BINDING_SECONDS, Binding, check_binding
from keys.signer import Algorithm
from tests.identity.parties import NOW, counting, party

RFC: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "rfc9901.json").read_bytes())
THEN = datetime.fromtimestamp(1748536865, UTC)
"""When the holder of the examples signed."""

BINDING = Binding("https://verifier.example.org", "1234567890")
VCT = "https://sigillo.example/age"
ISSUER, HOLDER, STRANGER = party(), party(), party()
EXPECTED = Expectation({VCT}, pinned({"https://issuer.example": ISSUER.key}), BINDING)


def claims(**more: object) -> dict[str, object]:
    return {
        "iss": "https://issuer.example",
        "vct": VCT,
        "exp": int((NOW + timedelta(days=7)).timestamp()),
        "cnf": {"jwk": write_jwk(HOLDER.key)},
        "age_over_18": Disclosable(True),
        "address": Disclosable({"locality": Disclosable("Roma"), "country": "IT"}),
        "nationalities": ["IT", Disclosable("FR"), Disclosable("DE")],
        **more,
    }


def signed(payload: Mapping[str, object], *disclosures: object, **header: object) -> str:
    """What an issuer might sign who does not keep to our rules."""
    token = sign_jws(ISSUER.signer, {"typ": TYPE, **header}, payload)
    return "".join(f"{part}~" for part in (token, *map(written, disclosures)))


def written(contents: object) -> str:
    return contents if isinstance(contents, str) else base64url.encode(json.dumps(contents).encode())


def hashed(*contents: object) -> str:
    return digest(written(list(contents)), "sha-256")


def plain(**more: object) -> dict[str, object]:
    """Claims that hide nothing, and what `more` says."""
    return {name: value for name, value in claims(**more).items() if name in {*ALWAYS_SHOWN, *more}}


def check(presentation: str, expected: Expectation = EXPECTED, now: datetime = NOW) -> VerifiedCredential:
    return verify(presentation, expected, now)


def unbound(presentation: str) -> VerifiedCredential:
    return verify(presentation, replace(EXPECTED, binding=None), NOW)


def refusal(call: Callable[[], object]) -> Check:
    with pytest.raises(TokenInvalidError) as refused:
        call()
    return refused.value.check


@pytest.fixture(scope="module")
def issued() -> str:
    return issue(ISSUER.signer, claims(), counting())


@pytest.fixture(scope="module")
def shown(issued: str) -> str:
    return bind(present(issued, [("age_over_18",)]), HOLDER.signer, BINDING, NOW)


class TestExamplesOfTheRfc:
    @pytest.mark.parametrize("name", ["5.2", "A.1", "A.2", "A.4"])
    def test_a_presentation_means_what_the_rfc_says(self, name: str) -> None:
        example = RFC["examples"][name]
        token, *disclosures, proof = example["presentation"].split("~")
        jws = read_jws(token, "example+sd-jwt")
        verify_jws(jws, read_jwk(RFC["issuer_key"]))
        assert reveal(jws.payload, disclosures).claims == example["verified"]
        if proof:
            bound_to = digest(example["presentation"].removesuffix(proof), "sha-256")
            check_binding(proof, jws.payload["cnf"], BINDING, bound_to, THEN)

    def test_the_pid_is_verified_whole(self) -> None:
        example = RFC["examples"]["A.3"]
        key = read_jwk(RFC["issuer_key"])
        expected = Expectation({"urn:eudi:pid:de:1"}, pinned({"https://pid-issuer.bund.de.example": key}), BINDING)
        report = verify(example["presentation"], expected, THEN)
        assert report.claims == example["verified"]
        assert set(report.disclosed) == {("age_equal_or_over",), ("age_equal_or_over", "18"), ("nationalities",)}
        assert Check.BINDING in report.checks

    def test_the_pid_is_presented_as_in_the_rfc(self) -> None:
        example = RFC["examples"]["A.3"]
        chosen = present(example["issued"], [("nationalities",), ("age_equal_or_over", "18")])
        assert set(chosen.split("~")) == set(example["presentation"].rpartition("~")[0].split("~")) | {""}

    def test_disclosures_inside_disclosures(self) -> None:
        recursive = RFC["recursive"]
        whole = reveal(recursive["payload"], recursive["disclosures"])
        assert whole.claims["address"] == {
            "street_address": "Schulstr. 12",
            "locality": "Schulpforta",
            "region": "Sachsen-Anhalt",
            "country": "DE",
        }
        with pytest.raises(TokenInvalidError):
            reveal(recursive["payload"], recursive["disclosures"][:1])  # what it is in was not shown


class TestIssuing:
    @pytest.mark.parametrize("algorithm", Algorithm)
    def test_everything_shown_is_everything_said(self, algorithm: Algorithm) -> None:
        issuer, holder = party(algorithm), party(algorithm)
        credential = issue(issuer.signer, claims(cnf={"jwk": write_jwk(holder.key)}), counting())
        expected = replace(EXPECTED, issuer_key=pinned({"https://issuer.example": issuer.key}))
        report = verify(bind(credential, holder.signer, BINDING, NOW), expected, NOW)
        assert report.claims["address"] == {"locality": "Roma", "country": "IT"}
        assert report.claims["nationalities"] == ["IT", "FR", "DE"]
        assert report.claims["age_over_18"] is True
        assert not {"_sd", "_sd_alg"} & report.claims.keys()

    def test_what_is_not_shown_is_not_there(self, shown: str) -> None:
        report = check(shown)
        assert report.disclosed == (("age_over_18",),)
        assert "address" not in report.claims
        assert report.claims["nationalities"] == ["IT"]
        everything = "".join(str(base64url.decode(part, "")) for part in shown.replace("~", ".").split("."))
        assert '"Roma"' not in everything
        assert '"FR"' not in everything  # with its quotes: two letters alone may stand in a signature

    def test_a_claim_inside_a_hidden_one_brings_it_along_and_nothing_else(self, issued: str) -> None:
        report = unbound(present(issued, [("address", "locality")]))
        assert report.disclosed == (("address",), ("address", "locality"))
        without = unbound(present(issued, [("address",)]))
        assert without.claims["address"] == {"country": "IT"}

    def test_how_many_claims_are_hidden_does_not_show(self) -> None:
        counts = set()
        for hidden in range(1, 9):
            payload = payload_of(issue(ISSUER.signer, claims_hiding(hidden), counting()))
            digests = payload["_sd"]
            assert digests == sorted(digests)
            counts.add(len(digests))
        assert counts == {8}
        assert len(payload_of(issue(ISSUER.signer, claims(), counting()))["nationalities"]) == 1 + 8

    def test_decoys_stand_anywhere_among_elements(self) -> None:
        entropy, places = counting(), set()
        for _ in range(32):
            credential = issue(ISSUER.signer, claims(), entropy)
            assert unbound(credential).claims["nationalities"] == ["IT", "FR", "DE"]
            elements = payload_of(credential)["nationalities"]
            digests = {digest(disclosure, "sha-256") for disclosure in credential.split("~")[1:-1]}
            places.add(max(place for place, one in enumerate(elements) if one == "IT" or one["..."] in digests))
        assert len(places) > 2

    def test_salts_and_decoys_are_never_the_same_twice(self) -> None:
        first, second = (issue(ISSUER.signer, claims_hiding(1), counting()) for _ in range(2))
        assert payload_of(first) == payload_of(second)  # entropy is what is passed in
        entropy = counting()
        again = [payload_of(issue(ISSUER.signer, claims_hiding(1), entropy))["_sd"] for _ in range(2)]
        assert not set(again[0]) & set(again[1])

    @pytest.mark.parametrize("name", sorted(ALWAYS_SHOWN))
    def test_what_decides_whether_it_holds_is_never_hidden(self, name: str) -> None:
        with pytest.raises(CredentialRefusedError):
            issue(ISSUER.signer, claims(**{name: Disclosable("x")}), counting())
        with pytest.raises(CredentialRefusedError):
            issue(ISSUER.signer, claims(**{name: {"inner": [Disclosable("x")]}}), counting())

    @pytest.mark.parametrize(
        "more",
        [
            {"vct": None},
            {"exp": None},
            {"exp": True},
            {"_sd": ["x"]},
            {"a": {"...": "x"}},
            {"a": {"_sd_alg": "md5"}},
            {"a": Disclosable(Disclosable(1))},
        ],
    )
    def test_what_is_no_credential_is_not_signed(self, more: dict[str, object]) -> None:
        with pytest.raises(CredentialRefusedError):
            issue(ISSUER.signer, claims(**more), counting())

    def test_a_holder_shows_only_what_is_hidden(self, issued: str, shown: str) -> None:
        with pytest.raises(CredentialRefusedError):
            present(issued, [("height",)])
        assert refusal(lambda: present(shown, [])) is Check.BINDING
        assert refusal(lambda: bind(shown, HOLDER.signer, BINDING, NOW)) is Check.BINDING


def claims_hiding(count: int) -> dict[str, object]:
    return {**plain(), **{f"claim_{number}": Disclosable(number) for number in range(count)}}


def payload_of(credential: str) -> Mapping[str, Any]:
    return read_jws(credential.partition("~")[0], TYPE).payload


class TestDisclosures:
    def test_each_is_placed_once_and_belongs_somewhere(self, issued: str) -> None:
        token, *disclosures, _ = issued.split("~")
        assert refusal(lambda: unbound(f"{token}~{disclosures[0]}~{disclosures[0]}~")) is Check.DISCLOSURES
        stranger = written(["salt", "admin", True])
        assert refusal(lambda: unbound(f"{token}~{stranger}~")) is Check.DISCLOSURES

    @pytest.mark.parametrize(
        ("payload", "disclosures"),
        [
            pytest.param({"_sd": [hashed("s", "a", 1)] * 2}, [["s", "a", 1]], id="digest twice in one object"),
            pytest.param({"_sd": ["x"], "a": {"_sd": ["x"]}}, [], id="decoy twice"),
            pytest.param({"_sd": [hashed("s", "a", 1)], "b": [{"...": hashed("s", "a", 1)}]}, [], id="digest shared"),
            pytest.param(
                {"_sd": [hashed("s", "a", {"_sd": ["y"]})], "b": {"_sd": ["y"]}},
                [["s", "a", {"_sd": ["y"]}]],
                id="digest repeated inside a disclosure",
            ),
            pytest.param({"_sd": [hashed("s", "a", 1)], "a": 2}, [["s", "a", 1]], id="claim there already"),
            pytest.param(
                {"_sd": [hashed("s", "a", 1), hashed("t", "a", 2)]}, [["s", "a", 1], ["t", "a", 2]], id="two of a name"
            ),
            pytest.param({"_sd": [hashed("s", 1)]}, [["s", 1]], id="an element as a member"),
            pytest.param({"b": [{"...": hashed("s", "a", 1)}]}, [["s", "a", 1]], id="a member as an element"),
            pytest.param({"_sd": [hashed("s", "_sd", ["z"])]}, [["s", "_sd", ["z"]]], id="named _sd"),
            pytest.param({"_sd": [hashed("s", "...", "z")]}, [["s", "...", "z"]], id="named ..."),
            pytest.param({"_sd": [hashed("s", "_sd_alg", "z")]}, [["s", "_sd_alg", "z"]], id="named _sd_alg"),
            pytest.param({"_sd": [hashed("s")]}, [["s"]], id="salt alone"),
            pytest.param({"_sd": [hashed(1, "a", 1)]}, [[1, "a", 1]], id="salt a number"),
            pytest.param({"_sd": [hashed("s", 2, 1)]}, [["s", 2, 1]], id="name a number"),
            pytest.param({"_sd": [hashed("s", "a", 1, 2)]}, [["s", "a", 1, 2]], id="four parts"),
            pytest.param({"_sd": hashed("s", "a", 1)}, [], id="a digest alone"),
            pytest.param({"_sd": [1]}, [], id="digest a number"),
            pytest.param({"_sd": {"a": 1}}, [], id="digests an object"),
            pytest.param({"b": [{"...": 1}]}, [], id="element's digest a number"),
            pytest.param({"b": [{"...": "x", "c": 1}]}, [], id="element with more"),
            pytest.param({"b": {"...": "x"}}, [], id="element's digest in an object"),
            pytest.param({"b": {"_sd_alg": "sha-256"}}, [], id="hash named inside"),
        ],
    )
    def test_one_that_does_not_fit_shows_nothing(self, payload: dict[str, object], disclosures: list[object]) -> None:
        assert refusal(lambda: unbound(signed(plain(**payload), *disclosures))) is Check.DISCLOSURES

    @pytest.mark.parametrize("name", sorted(ALWAYS_SHOWN))
    def test_what_decides_is_not_believed_from_a_disclosure(self, name: str) -> None:
        rest = {key: member for key, member in plain().items() if key != name}
        value = plain().get(name, 1)
        whole = signed({**rest, "_sd": [hashed("s", name, value)]}, ["s", name, value])
        with pytest.raises(IssuerUntrustedError if name == "iss" else TokenInvalidError):
            unbound(whole)
        if name not in {"iss", "vct", "exp"}:  # which are no objects
            assert refusal(lambda: unbound(whole)) is Check.DISCLOSURES
            inner = signed({**rest, name: {"_sd": [hashed("s", "x", 1)]}}, ["s", "x", 1])
            assert refusal(lambda: unbound(inner)) is Check.DISCLOSURES

    def test_nesting_ends(self) -> None:
        disclosures: list[str] = []
        value: object = 1
        for number in range(40):
            disclosures.append(written([str(number), "a", value]))
            value = {"_sd": [digest(disclosures[-1], "sha-256")]}
        assert isinstance(value, dict)
        assert refusal(lambda: unbound(signed(plain(**value), *disclosures))) is Check.DISCLOSURES

    @pytest.mark.parametrize("name", ["sha-1", "md5", "none", "SHA-256", 1, None, ["sha-256"]])
    def test_weak_and_unknown_hashes_are_refused(self, name: object) -> None:
        assert refusal(lambda: unbound(signed(plain(_sd_alg=name)))) is Check.ALGORITHM

    @pytest.mark.parametrize("name", ["sha-384", "sha-512"])
    def test_longer_hashes_hold(self, name: str) -> None:
        disclosure = written(["s", "a", 1])
        credential = signed(plain(_sd_alg=name, _sd=[digest(disclosure, name)]), disclosure)
        assert unbound(credential).claims["a"] == 1
        assert verify(bind(credential, HOLDER.signer, BINDING, NOW), EXPECTED, NOW).claims["a"] == 1


class TestWhatIsSigned:
    def test_each_character_changed_is_refused(self, shown: str) -> None:
        for place in range(0, len(shown), 7):
            other = "A" if shown[place] != "A" else "B"
            with pytest.raises(TokenError):
                check(shown[:place] + other + shown[place + 1 :])

    def test_another_issuer_is_untrusted_and_a_forged_one_invalid(self) -> None:
        unknown = signed(plain(iss="https://other.example"))
        nobody = signed({name: value for name, value in plain().items() if name != "iss"})
        odd = signed(plain(iss=["https://issuer.example"]))
        for credential in (unknown, nobody, odd):
            with pytest.raises(IssuerUntrustedError):
                unbound(credential)
        forged = issue(STRANGER.signer, claims(), counting())
        assert refusal(lambda: unbound(forged)) is Check.SIGNATURE

    @pytest.mark.parametrize("typ", ["vc+sd-jwt", "JWT", "DC+SD-JWT", "application/dc+sd-jwt", "kb+jwt", None, 1])
    def test_another_typ(self, typ: object) -> None:
        assert refusal(lambda: unbound(signed(plain(), typ=typ))) is Check.TYPE

    @pytest.mark.parametrize("vct", ["https://sigillo.example/age2", VCT + "/", "", None, 1, [VCT], {VCT: 1}])
    def test_another_vct(self, vct: object) -> None:
        assert refusal(lambda: unbound(signed(plain(vct=vct)))) is Check.TYPE

    @pytest.mark.parametrize("alg", ["none", "None", "HS256", "ES384", "EdDSA", "RS256", "ES256K", None, 1, ["ES256"]])
    def test_another_alg(self, alg: object) -> None:
        assert refusal(lambda: unbound(signed(plain(), alg=alg))) is Check.ALGORITHM

    def test_none_with_an_empty_signature(self) -> None:
        token = signed(plain(), alg="none").partition("~")[0].rpartition(".")[0] + "."
        assert refusal(lambda: unbound(token + "~")) is Check.ALGORITHM

    def test_hmac_under_the_public_key(self) -> None:
        secret = ISSUER.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        head = ".".join(
            base64url.encode(json.dumps(part).encode()) for part in ({"typ": TYPE, "alg": "HS256"}, plain())
        )
        tag = base64url.encode(hmac.digest(secret, head.encode(), "sha256"))
        assert refusal(lambda: unbound(f"{head}.{tag}~")) is Check.ALGORITHM

    @pytest.mark.parametrize("header", [{"jwk": write_jwk(STRANGER.key)}, {"kid": "#1"}, {"x5c": ["AA"]}])
    def test_a_key_in_the_header_is_nobodys(self, header: dict[str, object]) -> None:
        forged = issue(STRANGER.signer, claims(), counting(), header)
        assert refusal(lambda: unbound(forged)) is Check.SIGNATURE

    def test_extensions_are_not_passed_over(self) -> None:
        assert refusal(lambda: unbound(signed(plain(), crit=["exp"], exp=1))) is Check.ALGORITHM

    def test_a_der_signature_is_none(self) -> None:
        head = signed(plain()).partition("~")[0].rpartition(".")[0]
        assert isinstance(ISSUER.private_key, EllipticCurvePrivateKey)
        der = base64url.encode(ISSUER.private_key.sign(head.encode(), ECDSA(SHA256())))
        assert refusal(lambda: unbound(f"{head}.{der}~")) is Check.SIGNATURE


class TestTime:
    def test_it_ends_to_the_second(self, issued: str) -> None:
        end = NOW + timedelta(days=7)
        expected = replace(EXPECTED, binding=None)
        credential = present(issued, [])
        verify(credential, expected, end - timedelta(seconds=1))
        assert refusal(lambda: verify(credential, expected, end)) is Check.VALIDITY

    @pytest.mark.parametrize("name", ["iat", "nbf"])
    def test_it_begins_within_the_leeway(self, name: str) -> None:
        moment = int(NOW.timestamp())
        unbound(signed(plain(**{name: moment + LEEWAY})))
        assert refusal(lambda: unbound(signed(plain(**{name: moment + LEEWAY + 1})))) is Check.VALIDITY

    def test_one_without_an_end_is_refused(self) -> None:
        endless = {name: value for name, value in plain().items() if name != "exp"}
        assert refusal(lambda: unbound(signed(endless))) is Check.VALIDITY

    @pytest.mark.parametrize("value", ["4102444800", None, True, [], {}])
    @pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
    def test_what_is_no_number_is_no_time(self, name: str, value: object) -> None:
        assert refusal(lambda: unbound(signed(plain(**{name: value})))) is Check.VALIDITY

    def test_times_beyond_every_calendar(self) -> None:
        assert unbound(signed(plain(exp=2**53))).claims["exp"] == 2**53
        assert refusal(lambda: unbound(signed(plain(nbf=2**53)))) is Check.VALIDITY

    @pytest.mark.parametrize("value", [2**53 + 1, 10**400, -(10**400), 1e300], ids=["odd", "int", "negative", "float"])
    def test_times_that_two_would_read_differently(self, value: float) -> None:
        assert refusal(lambda: unbound(signed(plain(exp=value)))) is Check.VALIDITY

    def test_an_end_that_was_hidden_counts_for_nothing(self) -> None:
        endless = {name: value for name, value in plain().items() if name != "exp"}
        hidden = signed({**endless, "_sd": [hashed("s", "exp", 10**10)]}, ["s", "exp", 10**10])
        assert refusal(lambda: unbound(hidden)) is Check.DISCLOSURES


class TestKeyBinding:
    def test_it_must_come_when_asked_for_and_not_otherwise(self, issued: str, shown: str) -> None:
        assert refusal(lambda: check(present(issued, []))) is Check.BINDING
        assert refusal(lambda: unbound(shown)) is Check.BINDING

    def test_another_holder(self, issued: str) -> None:
        stolen = bind(present(issued, []), STRANGER.signer, BINDING, NOW)
        assert refusal(lambda: check(stolen)) is Check.SIGNATURE

    @pytest.mark.parametrize(
        ("binding", "expected"),
        [
            (Binding(BINDING.audience, "another"), Check.NONCE),
            (Binding(BINDING.audience, ""), Check.NONCE),
            (Binding("https://verifier.example.com", BINDING.nonce), Check.AUDIENCE),
            (Binding(BINDING.audience + "/", BINDING.nonce), Check.AUDIENCE),
        ],
    )
    def test_another_transaction(self, issued: str, binding: Binding, expected: Check) -> None:
        replayed = bind(present(issued, []), HOLDER.signer, binding, NOW)
        assert refusal(lambda: check(replayed)) is expected

    def test_a_disclosure_added_or_withheld_afterwards(self, issued: str, shown: str) -> None:
        token, disclosure, proof = shown.split("~")
        assert refusal(lambda: check(f"{token}~{proof}")) is Check.BINDING
        more = present(issued, [("address",)]).split("~")[1]
        assert refusal(lambda: check(f"{token}~{disclosure}~{more}~{proof}")) is Check.BINDING

    def test_a_proof_for_another_credential_of_the_same_holder(self, issued: str) -> None:
        other = issue(ISSUER.signer, claims(), counting(), padded_to=1)
        proof = bind(present(other, []), HOLDER.signer, BINDING, NOW).rpartition("~")[2]
        assert refusal(lambda: check(present(issued, []) + proof)) is Check.BINDING

    def test_its_age(self, shown: str) -> None:
        check(shown, now=NOW + timedelta(seconds=BINDING_SECONDS))
        assert refusal(lambda: check(shown, now=NOW + timedelta(seconds=BINDING_SECONDS + 1))) is Check.VALIDITY
        assert refusal(lambda: check(shown, now=NOW - timedelta(seconds=LEEWAY + 1))) is Check.VALIDITY

    @pytest.mark.parametrize(
        ("payload", "header", "expected"),
        [
            ({"nonce": None}, {}, Check.NONCE),
            ({"nonce": [BINDING.nonce]}, {}, Check.NONCE),
            ({"aud": [BINDING.audience]}, {}, Check.AUDIENCE),
            ({"iat": None}, {}, Check.VALIDITY),
            ({"exp": 1}, {}, Check.VALIDITY),
            ({"sd_hash": ""}, {}, Check.BINDING),
            ({}, {"typ": "JWT"}, Check.TYPE),
            ({}, {"typ": TYPE}, Check.TYPE),
            ({}, {"alg": "none"}, Check.ALGORITHM),
            ({}, {"alg": "EdDSA"}, Check.ALGORITHM),
        ],
    )
    def test_each_member_counts(
        self, issued: str, payload: dict[str, object], header: dict[str, object], expected: Check
    ) -> None:
        bare = present(issued, [])
        members = {
            "iat": int(NOW.timestamp()),
            "nonce": BINDING.nonce,
            "aud": BINDING.audience,
            "sd_hash": digest(bare, "sha-256"),
        }
        proof = sign_jws(HOLDER.signer, {"typ": "kb+jwt", **header}, {**members, **payload})
        assert refusal(lambda: check(bare + proof)) is expected

    @pytest.mark.parametrize("cnf", [None, {}, "key", {"kid": "1"}, ["jwk"]])
    def test_a_credential_without_a_key_is_nobodys(self, cnf: object) -> None:
        bare = signed(plain(cnf=cnf))
        assert refusal(lambda: check(bind(bare, HOLDER.signer, BINDING, NOW))) is Check.BINDING


class TestForm:
    @pytest.mark.parametrize(
        "text", ["", "~", "a", "a~", "a.b.c", "a.b.c~", "..~", "é~", "a.b.c~\ud800~", "~~~", "a b.c.d~", " ~", "a.b~"]
    )
    def test_what_is_no_sd_jwt(self, text: str) -> None:
        with pytest.raises(TokenUnreadableError):
            unbound(text)

    def test_disclosures_that_are_none(self, issued: str) -> None:
        token = issued.partition("~")[0]
        for disclosure in ("", "é", "\ud800", "WyJz", written({"s": 1}), base64url.encode(b'["s","a",NaN]'), "W10="):
            with pytest.raises(TokenError):
                unbound(f"{token}~{disclosure}~")

    def test_its_size_is_bounded(self, issued: str) -> None:
        with pytest.raises(TokenUnreadableError):
            unbound(issued + "~" * MAX_DISCLOSURES)
        with pytest.raises(TokenUnreadableError):
            unbound(issued + "a" * MAX_CHARACTERS)
