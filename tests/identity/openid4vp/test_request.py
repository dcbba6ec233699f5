"""What a wallet is sent."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDH, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from api.edge.qr_code import MAX_BYTES
from identity.age import Answer
from identity.did.methods import resolve
from identity.encoding import base64url
from identity.encoding.strict_json import write_json
from identity.errors import RequestNotFoundError, ResponseRefusedError
from identity.jose.jwk import read_jwk, write_jwk
from identity.jose.jws import read_jws, verify_jws
from identity.openid4vp.documents import DOCUMENTS
from identity.openid4vp.presentations import Order
from identity.openid4vp.request import TYPE, Scheme
from identity.openid4vp.session import Asked, Session
from identity.openid4vp.sessions import WAITS
from tests.identity.openid4vp.conftest import DID, SERVICE, SIGNER, Verifier
from tests.identity.openid4vp.people import ADULT, asked, plain
from tests.identity.openid4vp.test_presentations import verdict
from tests.identity.parties import NOW


def link(session: Session) -> str:
    assert isinstance(session.state, Asked)
    return session.state.link


def parameters(text: str) -> dict[str, Any]:
    scheme, _, query = text.partition("://?")
    assert scheme in {each.value for each in Scheme}
    found = {name: one for name, (one,) in parse_qs(query, strict_parsing=True).items()}
    return {name: json.loads(one) if one.startswith("{") else one for name, one in found.items()}


def test_a_link_says_all_of_it(verifier: Verifier) -> None:
    session = verifier.ask("proof_of_age", "pid", years=16)
    said = parameters(link(session))
    address = f"https://verifier.example/openid4vp/responses/{session.id}"
    assert {name: said.pop(name) for name in ("client_id", "response_type", "response_mode", "response_uri")} == {
        "client_id": f"redirect_uri:{address}",
        "response_type": "vp_token",
        "response_mode": "direct_post",
        "response_uri": address,
    }
    assert said.pop("dcql_query") == {
        "credentials": [
            {
                "id": "proof_of_age",
                "format": "mso_mdoc",
                "meta": {"doctype_value": "eu.europa.ec.av.1"},
                "claims": [{"path": ["eu.europa.ec.av.1", "age_over_16"]}],
            },
            {
                "id": "pid",
                "format": "dc+sd-jwt",
                "meta": {"vct_values": ["urn:eudi:pid:1"]},
                "claims": [{"path": ["birthdate"]}],
            },
        ],
        "credential_sets": [{"options": [["proof_of_age"], ["pid"]]}],
    }
    assert said.pop("client_metadata")["vp_formats_supported"].keys() == {"mso_mdoc", "dc+sd-jwt"}
    assert said.keys() == {"nonce", "state"}
    assert {len(urlsafe_b64decode(one + "=")) for one in said.values()} == {32}


def test_nothing_is_used_twice(verifier: Verifier) -> None:
    one, other = (parameters(link(verifier.ask(encrypted=True))) for _ in range(2))
    for name in ("client_id", "response_uri", "nonce", "state", "client_metadata"):
        assert one[name] != other[name]


def test_one_kind_of_document_needs_no_choice(verifier: Verifier) -> None:
    assert "credential_sets" not in asked(verifier.ask("pid")).question.dcql()


def test_the_longest_link_is_a_qr_code(verifier: Verifier) -> None:
    assert len(link(verifier.ask(*DOCUMENTS, encrypted=True))) < MAX_BYTES


@pytest.mark.parametrize("scheme", Scheme)
def test_other_wallets_have_other_schemes(verifier: Verifier, scheme: Scheme) -> None:
    session = verifier.presentations.begin(verifier.tenant, SERVICE, Order(18, scheme=scheme))
    assert link(session).startswith(f"{scheme}://?client_id=")


def test_a_signed_request_is_fetched(verifier: Verifier) -> None:
    session = verifier.ask("pid", signed=True, encrypted=True)
    address = f"https://verifier.example/openid4vp/objects/{session.id}"
    client = f"decentralized_identifier:{DID}"
    assert parameters(link(session)) == {"client_id": client, "request_uri": address}
    jws = read_jws(verifier.presentations.request_object(session.id), TYPE)
    assert resolve(str(jws.header["kid"])).key == SIGNER.key
    verify_jws(jws, SIGNER.key)
    times = {"iat": int(NOW.timestamp()), "exp": int((NOW + WAITS).timestamp()), "aud": "https://self-issued.me/v2"}
    assert jws.payload == {**asked(session).parameters(), **times}
    assert jws.payload["client_id"] == client
    assert verdict(verifier, session, encrypted(session)).answer is Answer.OVER
    with pytest.raises(RequestNotFoundError):
        verifier.presentations.request_object(session.id)


def test_one_that_is_not_signed_is_not_fetched(verifier: Verifier) -> None:
    with pytest.raises(RequestNotFoundError):
        verifier.presentations.request_object(verifier.ask().id)


def encrypted(session: Session, document: str = "pid", **changes: Any) -> bytes:
    """As RFC 7518, appendix C has it."""
    request = asked(session)
    said = {"vp_token": {document: [ADULT.presentation(request, document)]}, "state": request.state} | changes
    (jwk,) = request.parameters()["client_metadata"]["jwks"]["keys"]
    own = generate_private_key(SECP256R1())
    theirs = read_jwk({name: jwk[name] for name in ("kty", "crv", "x", "y")})
    apv = request.nonce.encode()
    header = {"alg": jwk["alg"], "enc": "A256GCM", "kid": jwk["kid"], "epk": write_jwk(own.public_key())}
    protected = base64url.encode(write_json({**header, "apv": base64url.encode(apv)}))
    parts = (b"A256GCM", b"", apv)
    info = b"".join(len(part).to_bytes(4) + part for part in parts) + (256).to_bytes(4)
    key = ConcatKDFHash(SHA256(), 32, info).derive(own.exchange(ECDH(), theirs))  # type: ignore[arg-type]
    nonce = bytes(12)
    sealed = AESGCM(key).encrypt(nonce, write_json(said), protected.encode())
    parts_of = (protected, "", *map(base64url.encode, (nonce, sealed[:-16], sealed[-16:])))
    return urlencode({"response": ".".join(parts_of)}, quote_via=quote).encode()


@pytest.mark.parametrize("document", ["pid", "proof_of_age"])
def test_an_answer_may_be_encrypted(verifier: Verifier, document: str) -> None:
    session = verifier.ask(encrypted=True)
    assert verdict(verifier, session, encrypted(session, document)).answer is Answer.OVER


def test_what_was_to_be_encrypted_is_not_taken_in_clear(verifier: Verifier) -> None:
    session, other = verifier.ask(encrypted=True), verifier.ask(encrypted=True)
    refused = (
        plain(session, "pid"),
        encrypted(session, state="another"),
        encrypted(other),
        b"response=a.b.c.d.e",
        f"state={asked(session).state}".encode(),
    )
    for body in refused:
        with pytest.raises(ResponseRefusedError):
            verifier.presentations.answer(session.id, body)
    declined = urlencode({"error": "access_denied", "state": asked(session).state}).encode()
    assert verdict(verifier, session, declined).answer is Answer.UNSAID


def test_nothing_of_it_is_shown_by_accident(verifier: Verifier) -> None:
    session = verifier.ask(encrypted=True)
    key = asked(session).key
    assert key is not None
    assert str(key.secret) not in repr(session)
    assert replace(asked(session), key=None).transcript != asked(session).transcript
