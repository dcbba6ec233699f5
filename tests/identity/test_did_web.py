from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from identity.data_integrity.signing import ProofOptions, add_proof
from identity.did.methods import VerificationMethod, multikey
from identity.did.web import MAX_BYTES, document_url, read_document, resolver
from identity.encoding import multibase
from identity.errors import DidError, DidUnreachableError, DidUnreadableError
from identity.jose.jwk import write_jwk
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.outcome import Check, Outcome
from identity.report import Report
from identity.verifier import Policy, verify_credential
from tests.identity.issuers import Issuer

DID = "did:web:issuer.example"
METHOD = f"{DID}#key-1"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ISSUER = Issuer.of("eddsa-jcs-2022")
KEY = multikey(ISSUER.public)
BASE58 = multibase.encode(multibase.decode(KEY)[2:])[1:]
OLDER = {"type": "Ed25519VerificationKey2018", "publicKeyMultibase": None}


def document(method: dict[str, Any] | None = None, **members: Any) -> bytes:
    stated = {"id": METHOD, "type": "Multikey", "controller": DID, "publicKeyMultibase": KEY, **(method or {})}
    whole = {
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": DID,
        "verificationMethod": [{name: value for name, value in stated.items() if value is not None}],
        "assertionMethod": ["#key-1"],
        **members,
    }
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:w3c-ccg.github.io", "https://w3c-ccg.github.io/.well-known/did.json"),
        ("did:web:w3c-ccg.github.io:user:alice", "https://w3c-ccg.github.io/user/alice/did.json"),
        ("did:web:example.com%3A3000:user:alice", "https://example.com:3000/user/alice/did.json"),
        ("did:web:example.com%3A3000", "https://example.com:3000/.well-known/did.json"),
        ("did:web:127.0.0.1%3A8080", "http://127.0.0.1:8080/.well-known/did.json"),
        ("did:web:localhost%3A8080", "http://localhost:8080/.well-known/did.json"),
    ],
)
def test_the_documents_of_the_specification_are_found(did: str, url: str) -> None:
    assert document_url(did) == url


@pytest.mark.parametrize(
    "rest",
    [
        *(
            "",
            "localhost",
            "127.0.0.1",
            "127.0.0.2%3A80",
            "localhost%3A0",
            "10.0.0.1%3A80",
            "10.0.0.1",
            "0x7f.1",
            "2130706433",
            "%5B%3A%3A1%5D",
            "[::1]",
            "1.2.3.0x4",
        ),
        *("example.com/x", "example.com?x", "example.com#x", "user@example.com", "example.com\\x", "example..com"),
        *("example.com:..", "example.com:a:..:b", "example.com:.", "example.com:", "example.com:a::b"),
        *("example.com:a%2Fb", "example.com%3A", "example.com%3A0", "example.com%3A123456", "example.com%3a80"),
        *(
            "ex\u0430mple.com",
            "EXAMPLE.com",
            "example.com\n",
            "-a.com",
            "a-.com",
            f"{'a' * 64}.com",
            "a." * 130 + "com",
        ),
    ],
)
def test_what_is_no_host_and_path_is_refused(rest: str) -> None:
    with pytest.raises(DidUnreadableError):
        document_url(f"did:web:{rest}")


@pytest.mark.parametrize(
    "content",
    [
        document(),
        document({"id": "#key-1"}),
        document({"type": "JsonWebKey", "publicKeyMultibase": None, "publicKeyJwk": write_jwk(ISSUER.public)}),
        document({**OLDER, "publicKeyBase58": BASE58}),
        document(assertionMethod=[METHOD]),
        document(
            verificationMethod=[],
            assertionMethod=[{"id": METHOD, "type": "Multikey", "controller": DID, "publicKeyMultibase": KEY}],
        ),
    ],
    ids=["absolute", "relative", "JWK", "of 2018", "named absolutely", "written out where it is used"],
)
def test_a_method_is_found_with_what_it_is_for(content: bytes) -> None:
    found = read_document(DID, content, METHOD)
    assert multikey(found.key) == KEY
    assert (found.id, found.controller, found.purposes) == (METHOD, DID, frozenset({"assertionMethod"}))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"id":"did:web:issuer.example","id":"did:web:issuer.example"}',
        document(id="did:web:other.example"),
        document({"controller": "did:web:other.example"}),
        document({"controller": None}),
        document({"id": f"{DID}#key-2"}),
        document({"id": None}),
        document({"publicKeyMultibase": None}),
        document({"publicKeyMultibase": "z6Mk"}),
        document({"publicKeyMultibase": 5}),
        document({"publicKeyJwk": write_jwk(ISSUER.public)}),
        document({"publicKeyMultibase": None, "publicKeyJwk": {"kty": "RSA"}}),
        document({**OLDER, "type": "Multikey", "publicKeyBase58": BASE58}),
        document({**OLDER, "publicKeyBase58": BASE58[:20]}),
        document({**OLDER, "publicKeyBase58": "0OIl"}),
        document({**OLDER, "publicKeyBase58": 5}),
        document({"type": "Ed25519VerificationKey2018", "publicKeyBase58": BASE58}),
        document({"expires": "2027-01-01T00:00:00Z"}),
        document({"revoked": "2020-01-01T00:00:00Z"}),
        document(verificationMethod={}),
        document(assertionMethod=METHOD),
        document(verificationMethod=[{"id": METHOD, "controller": DID, "publicKeyMultibase": KEY}] * 2),
        document(assertionMethod=["#key-1"] * 65),
        document(more="x" * MAX_BYTES),
    ],
    ids=lambda content: content[-60:].decode(),
)
def test_a_document_that_does_not_give_the_key_is_refused(content: bytes) -> None:
    with pytest.raises(DidError):
        read_document(DID, content, METHOD)


def verify(fetch: Callable[[str], bytes | None]) -> Report:
    unsigned = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiableCredential"],
        "issuer": DID,
        "credentialSubject": {"id": "did:example:subject"},
    }
    method = VerificationMethod(METHOD, DID, ISSUER.public)
    signed = add_proof(unsigned, ProofOptions("eddsa-jcs-2022", "assertionMethod", NOW), method, ISSUER.sign)
    return verify_credential(signed, Policy(frozenset({DID}), resolve=resolver(fetch)), NOW)


def test_a_credential_by_a_did_web_holds() -> None:
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return document()

    assert verify(fetch).verdict is Outcome.HOLDS
    assert asked == ["https://issuer.example/.well-known/did.json"]


def test_a_key_not_listed_for_the_purpose_is_refused() -> None:
    report = verify(lambda url: document(assertionMethod=[], authentication=["#key-1"]))
    assert [(finding.check, finding.outcome) for finding in report.failed] == [(Check.PURPOSE, Outcome.INVALID)]


def test_a_document_that_can_not_be_had_leaves_the_key_unchecked() -> None:
    report = verify(lambda url: None)
    assert report.verdict is report.outcome(Check.METHOD) is Outcome.UNCHECKED
    with pytest.raises(DidUnreachableError):
        resolver(lambda url: None)(METHOD)


def test_other_dids_are_resolved_without_fetching() -> None:
    assert resolver(pytest.fail)(ISSUER.method.id) == ISSUER.method
