from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from identity.did.methods import BlsKey, did_key, method_of, multikey, resolve
from identity.encoding import base64url, multibase
from identity.errors import DidError, DidUnreadableError, DidUnsupportedError
from identity.jose.jwk import write_jwk
from tests.identity.issuers import Issuer

# W3C CCG did:key, test vectors for Ed25519, P-256 and P-384.
PUBLISHED = [
    "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
    "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169",
    "did:key:z82Lm1MpAkeJcix9K8TMiLd5NMAhnwkjjCBeWHXyu3U4oT2MVJJKXkcVBgjGhnLBn2Kaau9",
]


@pytest.mark.parametrize("did", PUBLISHED)
def test_the_published_dids_are_read_and_written(did: str) -> None:
    method = resolve(method_of(did))
    assert (method.controller, method.id) == (did, f"{did}#{did.removeprefix('did:key:')}")
    assert did_key(method.key) == did


def jwk_of(text: str) -> str:
    return f"did:jwk:{base64url.encode(text.encode())}"


# The example of the did:jwk specification.
P256_JWK = (
    '{"crv":"P-256","kty":"EC","x":"acbIQiuMs3i8_uszEjJ2tpTtRM4EU3yz91PH6CdH2V0",'
    '"y":"_KcyLj9vWMptnmKtm46GqDz8wf74I5LKgrl2GzH3nSE"}'
)


def test_the_published_did_jwk_is_read() -> None:
    did = jwk_of(P256_JWK)
    assert did.startswith(
        "did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAi"
    )
    method = resolve(f"{did}#0")
    assert method_of(did) == method.id
    assert not isinstance(method.key, BlsKey)
    assert (method.controller, write_jwk(method.key)) == (did, json.loads(P256_JWK))


@pytest.mark.parametrize(
    "method",
    [
        jwk_of(P256_JWK),
        jwk_of(P256_JWK) + "#1",
        jwk_of(P256_JWK) + "=#0",
        jwk_of(P256_JWK.replace("P-256", "P-521")) + "#0",
        jwk_of(P256_JWK.replace("acbI", "bcbI")) + "#0",
        jwk_of(P256_JWK.replace('"kty"', '"d":"AA","kty"')) + "#0",
        jwk_of(P256_JWK.replace('"kty"', '"use":"enc","kty"')) + "#0",
        jwk_of(P256_JWK.replace('"kty"', '"crv":"P-384","kty"')) + "#0",
        jwk_of(" " * 1024) + "#0",
        jwk_of("[]") + "#0",
        "did:jwk:#0",
    ],
)
def test_what_is_no_did_jwk_is_unreadable(method: str) -> None:
    with pytest.raises(DidUnreadableError):
        resolve(method)


def key_of(octets: bytes) -> str:
    text = multibase.encode(octets)
    return f"did:key:{text}#{text}"


P256 = multibase.decode(multikey(Issuer.of("ecdsa").public))


@pytest.mark.parametrize(
    "octets",
    [
        bytes.fromhex("ed01") + bytes(31),
        bytes.fromhex("ed01") + bytes(33),
        bytes.fromhex("eb01") + bytes(95),
        P256[:-1],
        P256 + b"\0",
        P256[:2] + b"\x04" + P256[3:],
        P256[:2] + b"\x02" + b"\xff" * 32,
        b"\x80\x24",
    ],
    ids=bytes.hex,
)
def test_keys_of_another_length_or_off_the_curve_are_unreadable(octets: bytes) -> None:
    with pytest.raises(DidUnreadableError):
        resolve(key_of(octets))


@pytest.mark.parametrize(
    "method",
    [
        key_of(bytes.fromhex("e701") + bytes(33)),
        "did:web:example.com#key-1",
        "did:example:abc#key-1",
        "https://example.com/keys#1",
        "key:z6Mk",
        "",
    ],
)
def test_other_methods_and_kinds_of_key_are_unsupported(method: str) -> None:
    with pytest.raises(DidUnsupportedError):
        resolve(method)


@pytest.mark.parametrize("fragment", ["", "#", "#key-1", f"#{PUBLISHED[1].removeprefix('did:key:')}", "##"])
def test_a_did_has_the_one_method_of_its_key(fragment: str) -> None:
    with pytest.raises(DidUnreadableError):
        resolve(PUBLISHED[0] + fragment)


@pytest.mark.parametrize(
    "did", ["did:key:", "did:key:u7QEA", "did:key:z" + "1" * 300, "did:key:1.1:z6Mk", "did:key:zé"]
)
def test_what_is_no_did_key_is_refused(did: str) -> None:
    with pytest.raises(DidError):
        method_of(did)


def test_a_key_on_another_curve_has_no_did() -> None:
    with pytest.raises(ValueError, match="secp521r1"):
        did_key(ec.generate_private_key(ec.SECP521R1()).public_key())
