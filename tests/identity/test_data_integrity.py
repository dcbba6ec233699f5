"""W3C's vectors through signing and verifying, byte for byte where a signature is deterministic."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from identity.data_integrity.cryptosuite import SUITES, hash_data
from identity.data_integrity.proof import preceding, proofs_of, read_proof
from identity.data_integrity.signing import ProofOptions, add_proof, check_signature
from identity.did.methods import did_key, method_of, resolve
from identity.encoding import multibase
from identity.errors import CheckFailedError
from identity.jose.jwk import PublicKey
from identity.outcome import Check
from tests.identity.issuers import Issuer
from tests.identity.published import CONTEXTS, JCS, RDFC, VECTORS, Vector

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
CHAINS = ["signedProofSet1", "signedProofSet2", "signedProofChain1", "signedProofChain2"]


def verify(document: dict[str, Any]) -> None:
    """Every proof of it."""
    proofs = proofs_of(document)
    for raw in proofs:
        proof = read_proof(raw)
        check_signature(document, proof, preceding(proof, proofs), resolve(proof.method).key, CONTEXTS)


@pytest.mark.parametrize("vector", [*RDFC, *JCS], ids=str)
def test_the_vectors_hash_to_the_published_bytes_and_verify(vector: Vector) -> None:
    document = vector.secured
    proof = read_proof(document["proof"])
    suite = SUITES[proof.configuration["cryptosuite"]]
    hashed = hash_data(vector.unsecured, proof.configuration, suite, Issuer.published(vector).public, CONTEXTS)
    assert hashed.hex() == vector.text("combinedHash")
    assert multibase.decode(proof.value).hex() == vector.text("sigHex")
    verify(document)


@pytest.mark.parametrize("vector", [*RDFC, *JCS], ids=str)
def test_the_proof_is_made_again_to_the_published_bytes(vector: Vector) -> None:
    document = vector.secured
    proof = read_proof(document["proof"])
    options = ProofOptions(proof.configuration["cryptosuite"], proof.purpose, proof.created or NOW)
    issuer = Issuer.published(vector)
    assert did_key(issuer.public) == proof.method.partition("#")[0]
    again = add_proof(vector.unsecured, options, resolve(proof.method), issuer.sign, CONTEXTS)
    assert again == document


@pytest.mark.parametrize("name", CHAINS)
def test_the_proof_sets_and_chains_verify(name: str) -> None:
    verify(json.loads((VECTORS / f"eddsa/proof-set-chain/{name}.json").read_text()))


@pytest.mark.parametrize("name", ["signedProofChain1", "signedProofChain2"])
def test_a_link_of_a_chain_can_not_be_changed_or_taken_away(name: str) -> None:
    document = json.loads((VECTORS / f"eddsa/proof-set-chain/{name}.json").read_text())
    changed = copy.deepcopy(document)
    changed["proof"][0]["created"] = "2023-02-24T23:36:39Z"
    with pytest.raises(CheckFailedError, match="signature"):
        verify(changed)
    followed = document["proof"][0]["id"]
    without = {**document, "proof": [proof for proof in document["proof"] if proof.get("id") != followed]}
    with pytest.raises(CheckFailedError, match="follows") as caught:
        verify(without)
    assert caught.value.check is Check.CHAIN


def test_a_chain_is_not_a_set() -> None:
    """Taking `previousProof` out, or pointing it elsewhere, breaks the signature."""
    document = json.loads((VECTORS / "eddsa/proof-set-chain/signedProofChain1.json").read_text())
    del document["proof"][-1]["previousProof"]
    with pytest.raises(CheckFailedError, match="signature"):
        verify(document)


def test_two_proofs_of_one_id_are_refused() -> None:
    document = json.loads((VECTORS / "eddsa/proof-set-chain/signedProofChain1.json").read_text())
    document["proof"].insert(0, document["proof"][0])
    with pytest.raises(CheckFailedError) as caught:
        verify(document)
    assert caught.value.check is Check.CHAIN


@pytest.mark.parametrize("suite", SUITES)
def test_sets_and_chains_are_made_and_verify(suite: str) -> None:
    document: dict[str, object] = RDFC[0].unsecured
    issuers = [Issuer.of(suite, number) for number in range(3)]
    for number, issuer in enumerate(issuers):
        follows = ("urn:uuid:0", "urn:uuid:1") if number == 2 else ()
        options = ProofOptions(suite, "assertionMethod", NOW, id=f"urn:uuid:{number}", follows=follows)
        document = add_proof(document, options, issuer.method, issuer.sign, CONTEXTS)
    verify(document)
    proofs = document["proof"]
    assert isinstance(proofs, list)
    verify({**document, "proof": [proofs[1], proofs[0], proofs[2]]})
    with pytest.raises(CheckFailedError):
        verify({**document, "proof": proofs[1:]})


def test_following_a_proof_that_is_not_there_is_refused() -> None:
    issuer = Issuer.of("eddsa-jcs-2022")
    options = ProofOptions("eddsa-jcs-2022", "assertionMethod", NOW, follows=("urn:uuid:nowhere",))
    with pytest.raises(CheckFailedError, match="nowhere"):
        add_proof(RDFC[0].unsecured, options, issuer.method, issuer.sign, CONTEXTS)


@pytest.mark.parametrize("suite", SUITES)
def test_a_signature_by_another_key_than_the_methods_is_not_given_away(suite: str) -> None:
    issuer, other = Issuer.of(suite), Issuer.of(suite, 1)
    with pytest.raises(CheckFailedError, match="signature"):
        add_proof(RDFC[0].unsecured, ProofOptions(suite, "assertionMethod", NOW), issuer.method, other.sign, CONTEXTS)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "Ed25519Signature2020"},
        {"type": ["DataIntegrityProof"]},
        {"type": None},
        {"cryptosuite": "eddsa-2022"},
        {"cryptosuite": None},
        {"verificationMethod": {"id": "did:key:z"}},
        {"proofPurpose": None},
        {"proofValue": None},
        {"proofValue": "uAAAA"},
        {"proofValue": "z0OIl"},
        {"proofValue": "z" + "2" * 300},
        {"created": "2023-02-24"},
        {"created": "2023-02-30T00:00:00Z"},
        {"created": "2023-02-24T23:36:38"},
        {"created": "\uff12023-02-24T23:36:38Z"},
        {"expires": 5},
        {"previousProof": 5},
        {"id": {}},
        {"id": "_:b0"},
        {"@id": "_:b0"},
        {"@type": "DataIntegrityProof"},
        {"previousProof": [5]},
    ],
    ids=repr,
)
def test_a_proof_not_of_its_form_is_unreadable(changes: dict[str, object]) -> None:
    raw = {**RDFC[0].secured["proof"], **changes}
    with pytest.raises(CheckFailedError, match="proof"):
        read_proof({name: value for name, value in raw.items() if value is not None})


def test_jcs_proofs_hold_their_contexts() -> None:
    """A context may be added behind those the proof names, and none put before them (vc-di-eddsa §3.3.2)."""
    document = JCS[0].secured
    extended = [*document["@context"], "https://www.w3.org/ns/credentials/undefined-terms/v2"]
    verify({**document, "@context": extended})
    with pytest.raises(CheckFailedError, match="contexts"):
        verify({**document, "@context": extended[::-1]})
    with pytest.raises(CheckFailedError, match="contexts"):
        verify({**document, "@context": document["@context"][:1]})


def test_rdfc_proofs_hold_no_other_contexts_than_their_document() -> None:
    document = RDFC[0].secured
    verify({**document, "proof": {**document["proof"], "@context": document["@context"]}})
    with pytest.raises(CheckFailedError, match="contexts"):
        verify({**document, "proof": {**document["proof"], "@context": document["@context"][:1]}})


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0a", bytes(range(64)), b"\xff" * 96])
def test_multibase_reads_what_it_writes(data: bytes) -> None:
    assert multibase.decode(multibase.encode(data)) == multibase.decode(multibase.encode_base64(data)) == data


@pytest.mark.parametrize("text", ["", "m", "z0", "zl", "u=", "uA", "uAB", "u-é", "zé"])
def test_multibase_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        multibase.decode(text)


def test_the_published_multikeys_are_read() -> None:
    """Of the specifications' key pairs; P-384's is in its did:key."""
    kinds: dict[str, type[PublicKey]] = {
        "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2": ed25519.Ed25519PublicKey,
        "zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP": ec.EllipticCurvePublicKey,
        "z82LkuBieyGShVBhvtE2zoiD6Kma4tJGFtkAhxR5pfkp5QPw4LutoYWhvQCnGjdVn14kujQ": ec.EllipticCurvePublicKey,
    }
    for text, kind in kinds.items():
        did = f"did:key:{text}"
        key = resolve(method_of(did)).key
        assert isinstance(key, kind)
        assert did_key(key) == did
