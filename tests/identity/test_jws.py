"""Signed tokens, the JSON in them, and the keys they are verified with."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256K1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384

from identity.encoding import base64url
from identity.encoding.strict_json import MAX_DEPTH, read_json, read_object
from identity.errors import TokenError, TokenInvalidError, TokenUnreadableError
from identity.jose.jwk import read_jwk, write_jwk
from identity.jose.jws import read_jws, sign_jws, verify_jws
from identity.outcome import Check
from keys.signer import Algorithm
from tests.identity.parties import party

P256, ED25519 = party(), party(Algorithm.ED25519)
JWK = write_jwk(P256.key)

RFC8037 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
"""RFC 8037, appendix A.2; the token is of A.4, whose header names no typ."""

RFC8037_TOKEN = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)


class TestSignatures:
    def test_ed25519_as_in_rfc_8037(self) -> None:
        key = read_jwk(RFC8037)
        signing_input, _, signature = RFC8037_TOKEN.rpartition(".")
        assert isinstance(key, Ed25519PublicKey)
        key.verify(base64url.decode(signature, "signature"), signing_input.encode())

    @pytest.mark.parametrize("algorithm", Algorithm)
    def test_what_is_signed_is_read(self, algorithm: Algorithm) -> None:
        signer = party(algorithm)
        jws = read_jws(sign_jws(signer.signer, {"typ": "t"}, {"a": "è"}), "t")
        verify_jws(jws, signer.key)
        assert jws.payload == {"a": "è"}
        assert jws.header["alg"] == algorithm

    def test_p384_is_verified(self) -> None:
        key = generate_private_key(SECP384R1())
        head = ".".join(base64url.encode(part) for part in (b'{"alg":"ES384","typ":"t"}', b"{}"))
        r, s = decode_dss_signature(key.sign(head.encode(), ECDSA(SHA384())))
        token = f"{head}.{base64url.encode(r.to_bytes(48) + s.to_bytes(48))}"
        verify_jws(read_jws(token, "t"), read_jwk(write_jwk(key.public_key())))
        with pytest.raises(TokenInvalidError) as refused:
            verify_jws(read_jws(token, "t"), P256.key)
        assert refused.value.check is Check.ALGORITHM

    def test_keys_are_not_taken_for_each_other(self) -> None:
        for signed, key in ((P256, ED25519.key), (ED25519, P256.key)):
            with pytest.raises(TokenInvalidError) as refused:
                verify_jws(read_jws(sign_jws(signed.signer, {"typ": "t"}, {}), "t"), key)
            assert refused.value.check is Check.ALGORITHM

    @pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65), bytes(128)])
    def test_signatures_that_are_none(self, signature: bytes) -> None:
        for signer in (P256, ED25519):
            head = sign_jws(signer.signer, {"typ": "t"}, {}).rpartition(".")[0]
            with pytest.raises(TokenInvalidError) as refused:
                verify_jws(read_jws(f"{head}.{base64url.encode(signature)}", "t"), signer.key)
            assert refused.value.check is Check.SIGNATURE

    @pytest.mark.parametrize("header", [b"[]", b"1", b"null", b'{"typ":"t","typ":"t","alg":"ES256"}', b"{", b"\xff"])
    def test_headers_that_are_none(self, header: bytes) -> None:
        with pytest.raises(TokenUnreadableError):
            read_jws(f"{base64url.encode(header)}.e30.", "t")


class TestJson:
    @pytest.mark.parametrize(
        "text",
        [
            '{"a":1,"a":1}',
            '{"x":{"a":1,"a":2}}',
            '{"a":1,"\\u0061":2}',
            "NaN",
            "Infinity",
            "-Infinity",
            "1e999",
            '"\\ud800"',
            '{"\\udc00":1}',
            "[" * 100_000,
            "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
            "1" * 10_000,
            "",
            "{} {}",
            "\ufeff{}",
            "'a'",
            '{"a":1,}',
        ],
        ids=lambda text: text[:20],
    )
    def test_what_can_be_read_in_two_ways_is_not_read(self, text: str) -> None:
        with pytest.raises(TokenUnreadableError):
            read_json(text.encode(), "it")

    def test_the_rest_is(self) -> None:
        nested: object = 1
        for _ in range(MAX_DEPTH):
            nested = [nested]
        for value in ({"a": [1, 2.5, None, True, "è", "😀", {"b": {}}]}, nested, "😀"):
            assert read_json(json.dumps(value).encode(), "it") == value
        with pytest.raises(TokenUnreadableError):
            read_object(b"[]", "it")


class TestKeys:
    def test_each_is_read_as_written(self) -> None:
        for key in (P256.key, ED25519.key, generate_private_key(SECP384R1()).public_key()):
            assert read_jwk(write_jwk(key)) == key
        with pytest.raises(ValueError, match="secp256k1"):
            write_jwk(generate_private_key(SECP256K1()).public_key())

    @pytest.mark.parametrize(
        "jwk",
        [
            None,
            "key",
            {},
            {**JWK, "kty": "RSA"},
            {**JWK, "kty": "OKP"},
            {**JWK, "crv": "P-384"},
            {**JWK, "crv": "secp256k1"},
            {**JWK, "crv": ["P-256"]},
            {**JWK, "x": JWK["y"]},
            {**JWK, "x": "AA" + JWK["x"]},
            {**JWK, "x": JWK["x"][:-2]},
            {**JWK, "x": JWK["x"] + "="},
            {**JWK, "x": 1},
            {**JWK, "x": "A" * 43, "y": "A" * 43},
            {**JWK, "d": "AA"},
            {**JWK, "use": "enc"},
            {**JWK, "key_ops": ["sign"]},
            {**JWK, "key_ops": 1},
            {"kty": "oct", "k": "AA"},
            {**RFC8037, "kty": "EC"},
            {**RFC8037, "crv": "X25519"},
            {**RFC8037, "x": "AA"},
        ],
    )
    def test_what_is_no_public_key(self, jwk: object) -> None:
        with pytest.raises(TokenUnreadableError):
            read_jwk(jwk)


@pytest.mark.parametrize("text", ["A", "AB", "AA==", "AA=", "A A", "AA\n", "+/", "é", "\ud800", "AAB"])
def test_base64url_is_read_in_one_way(text: str) -> None:
    with pytest.raises(TokenError):
        base64url.decode(text, "it")
    assert base64url.decode("AA", "it") == b"\0"
