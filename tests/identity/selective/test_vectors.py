"""The W3C's vectors of ecdsa-sd-2023 and bbs-2023, step by step: every intermediate value that is published.

One is out of reach: the octets of a BBS proof, for which the W3C published a seed, but no derivation that leads from it
to them. They are verified, everything around them is compared, and the IETF's proofs are reproduced byte for byte in
`test_bbs_fixtures`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from identity.encoding import multibase
from identity.jsonld.canonical import canonical_nquads
from identity.selective import bbs, ecdsa_sd
from identity.selective.bbs_signature import SecretKey
from identity.selective.disclosure import disclose, group, proof_hash, recover
from identity.selective.labels import hmac_labels, shuffled_labels
from identity.selective.pointers import select
from identity.selective.statements import Labelling, Prepared, prepare
from tests.identity.published import CONTEXTS, VECTORS

HMAC_KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF" * 2)
CITIZEN = ["/validFrom", "/validUntil", "/credentialSubject/birthCountry"]
SAILOR = ["/credentialSubject/boards/0", "/credentialSubject/boards/1"]


@dataclass(frozen=True)
class Vector:
    folder: str
    suite: ModuleType
    selective: list[str]

    def json(self, name: str) -> Any:
        return json.loads((VECTORS / self.folder / f"{name}.json").read_text())

    def text(self, name: str) -> str:
        return (VECTORS / self.folder / name).read_text()

    @property
    def document(self) -> dict[str, Any]:
        return without_proof(self.json("addSignedSDBase"))

    @property
    def base_proof(self) -> dict[str, Any]:
        proof: dict[str, Any] = self.json("addSignedSDBase")["proof"]
        return proof

    @property
    def options(self) -> dict[str, Any]:
        return {key: value for key, value in self.base_proof.items() if key != "proofValue"}

    @property
    def mandatory(self) -> list[str]:
        pointers: list[str] = self.json("addBaseTransform")["mandatoryPointers"]
        return pointers

    @property
    def labelling(self) -> Labelling:
        return (shuffled_labels if self.suite is bbs else hmac_labels)(HMAC_KEY)

    @property
    def prepared(self) -> Prepared:
        return prepare(self.document, CONTEXTS)


ECDSA_SD = [
    Vector("ecdsa/ecdsa-sd-2023/employ", ecdsa_sd, CITIZEN),
    Vector("ecdsa/ecdsa-sd-2023/prc", ecdsa_sd, CITIZEN),
]
BBS = [Vector("bbs-2023/wind", bbs, SAILOR), Vector("bbs-2023/prc", bbs, CITIZEN)]
each = pytest.mark.parametrize("vector", [*ECDSA_SD, *BBS], ids=lambda vector: vector.folder)
each_ecdsa = pytest.mark.parametrize("vector", ECDSA_SD, ids=lambda vector: vector.folder)
each_bbs = pytest.mark.parametrize("vector", BBS, ids=lambda vector: vector.folder)


def without_proof(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "proof"}


@each
def test_statements(vector: Vector) -> None:
    prepared = vector.prepared
    assert list(prepared.canonical) == vector.json("addBaseDocCanon")
    assert list(prepared.under(vector.labelling).nquads) == vector.json("addBaseDocHMACCanon")


@each
def test_selection(vector: Vector) -> None:
    said, wanted = vector.prepared.under(vector.labelling), vector.json("derivedGroupIndexes")
    assert list(said.selection(vector.mandatory).indexes) == wanted["mandatoryIndexes"]
    assert list(said.selection(vector.selective).indexes) == wanted["selectiveIndexes"]
    assert list(said.selection(vector.mandatory + vector.selective).indexes) == wanted["combinedIndexes"]
    grouped, transform = group(said, vector.mandatory), vector.json("addBaseTransform")
    assert list(grouped.mandatory) == [line for _, line in transform["mandatory"]["value"]]
    assert list(grouped.others) == [line for _, line in transform["nonMandatory"]["value"]]


@each
def test_pointers(vector: Vector) -> None:
    for case in vector.json("addPointerValues"):
        pointer = case["pointer"]
        if not pointer.startswith(("/issuer", "/credentialSubject")):  # as published for wind: relative to the subject
            pointer = f"/credentialSubject{pointer}"
        value: Any = select(vector.document, [pointer])
        for key in pointer.split("/")[1:]:
            value = value[0] if isinstance(value, list) else value[key]
        assert value == case["value"]


@each
def test_hashes(vector: Vector) -> None:
    wanted = vector.json("addHashData")
    configuration = vector.json("addProofConfig")
    assert "".join(canonical_nquads(configuration, contexts=CONTEXTS)) == vector.text("addProofConfigCanon.txt")
    assert proof_hash(vector.document, vector.base_proof, CONTEXTS).hex() == wanted["proofHash"]
    assert (
        group(vector.prepared.under(vector.labelling), vector.mandatory).mandatory_hash.hex() == wanted["mandatoryHash"]
    )


@each
def test_disclosure(vector: Vector) -> None:
    shown = disclose(vector.document, vector.labelling, vector.mandatory, vector.selective, CONTEXTS)
    data = vector.json("derivedDisclosureData")
    assert shown.document == vector.json("derivedUnsignedReveal")
    assert [[canonical, label] for canonical, label in shown.labels.items()] == data["labelMap"]["value"]
    assert list(shown.mandatory) == data["mandatoryIndexes"]


@each
def test_recovery(vector: Vector) -> None:
    revealed = vector.json("derivedRevealDocument")
    derived = vector.suite.DerivedProof.decode(revealed["proof"]["proofValue"])
    grouped = recover(without_proof(revealed), derived.labels, derived.mandatory, CONTEXTS)
    said = vector.prepared.under(vector.labelling)
    combined = said.selection(vector.mandatory + vector.selective).indexes
    assert sorted([*grouped.mandatory, *grouped.others]) == [said.nquads[index] for index in combined]
    assert grouped.mandatory_hash.hex() == vector.json("addHashData")["mandatoryHash"]


@each
def test_proof_values(vector: Vector) -> None:
    for name, kind in (
        ("addSignedSDBase", vector.suite.BaseProof),
        ("derivedRevealDocument", vector.suite.DerivedProof),
    ):
        value = vector.json(name)["proof"]["proofValue"]
        assert kind.decode(value).encode() == value
    base, recovered = (
        vector.suite.BaseProof.decode(vector.base_proof["proofValue"]),
        vector.json("derivedRecoveredBaseData"),
    )
    assert base.hmac_key.hex() == recovered["hmacKey"]
    assert list(base.mandatory_pointers) == recovered.get("mandatoryPointers", vector.mandatory)


# ecdsa-sd-2023


def published_key(name: str) -> EllipticCurvePrivateKey:
    pairs = json.loads((VECTORS / "ecdsa/ecdsa-sd-2023/SDKeyMaterial.json").read_text())
    return derive_private_key(int.from_bytes(multibase.decode(pairs[name]["secretKeyMultibase"])[2:]), SECP256R1())


def sign_as_issuer(message: bytes) -> bytes:
    der = published_key("baseKeyPair").sign(message, ECDSA(SHA256(), deterministic_signing=True))
    return b"".join(part.to_bytes(32) for part in decode_dss_signature(der))


@each_ecdsa
def test_ecdsa_issue(vector: Vector) -> None:
    """Byte for byte: the vectors' signatures are deterministic ones, as ours."""
    scalar = published_key("proofKeyPair").private_numbers().private_value
    drawn = iter([HMAC_KEY, (scalar - 1).to_bytes(40)])
    proof = ecdsa_sd.issue(
        vector.document,
        vector.options,
        vector.mandatory,
        published_key("baseKeyPair").public_key(),
        sign_as_issuer,
        contexts=CONTEXTS,
        randomness=lambda length: next(drawn),
    )
    made, wanted = ecdsa_sd.BaseProof.decode(proof["proofValue"]), vector.json("addRawBaseSignatureInfo")
    assert made.signature.hex() == wanted["baseSignature"]
    assert [signature.hex() for signature in made.signatures] == wanted["signatures"]
    assert proof == vector.base_proof


@each_ecdsa
def test_ecdsa_derive(vector: Vector) -> None:
    document, proof = ecdsa_sd.derive(vector.document, vector.base_proof, vector.selective, contexts=CONTEXTS)
    made, adjusted = ecdsa_sd.DerivedProof.decode(proof["proofValue"]), vector.json("derivedAdjSignatures")
    base = ecdsa_sd.BaseProof.decode(vector.base_proof["proofValue"])
    assert list(made.mandatory) == vector.json("derivedAdjMandatoryIndexes")["adjMandatoryIndexes"]
    assert [base.signatures.index(one) for one in made.signatures] == adjusted["adjSignatureIndexes"]
    assert [one.hex() for one in made.signatures] == adjusted["filteredSignatures"]
    assert {**document, "proof": proof} == vector.json("derivedRevealDocument")


@each_ecdsa
def test_ecdsa_verify(vector: Vector) -> None:
    revealed = vector.json("derivedRevealDocument")
    document, proof = without_proof(revealed), revealed["proof"]
    ecdsa_sd.verify(document, proof, published_key("baseKeyPair").public_key(), contexts=CONTEXTS)
    derived, wanted = ecdsa_sd.DerivedProof.decode(proof["proofValue"]), vector.json("verifyCreateVerifyData")
    grouped = recover(document, derived.labels, derived.mandatory, CONTEXTS)
    assert list(grouped.others) == wanted["nonMandatory"]
    assert sorted([*grouped.mandatory, *grouped.others]) == vector.json("verifyNQuads")
    assert grouped.mandatory_hash.hex() == wanted["mandatoryHash"]
    assert proof_hash(document, proof, CONTEXTS).hex() == wanted["proofHash"]


# bbs-2023


def bbs_key() -> SecretKey:
    return SecretKey(int(json.loads((VECTORS / "bbs-2023/BBSKeyMaterial.json").read_text())["privateKeyHex"], 16))


def test_bbs_key() -> None:
    assert bbs_key().public.hex() == json.loads((VECTORS / "bbs-2023/BBSKeyMaterial.json").read_text())["publicKeyHex"]


@each_bbs
def test_bbs_issue(vector: Vector) -> None:
    proof = bbs.issue(
        vector.document,
        vector.options,
        vector.mandatory,
        bbs_key(),
        contexts=CONTEXTS,
        randomness=lambda length: HMAC_KEY,
    )
    assert (
        bbs.BaseProof.decode(proof["proofValue"]).signature.hex()
        == vector.json("addRawBaseSignatureInfo")["bbsSignature"]
    )
    assert proof == vector.base_proof


@each_bbs
def test_bbs_derive(vector: Vector) -> None:
    header = bytes.fromhex("113377aa")
    document, proof = bbs.derive(vector.document, vector.base_proof, vector.selective, header, contexts=CONTEXTS)
    made, published = bbs.DerivedProof.decode(proof["proofValue"]), vector.json("derivedRevealDocument")
    adjusted = vector.json("derivedAdjIndexes")
    assert list(made.mandatory) == adjusted["adjMandatoryIndexes"]
    assert list(made.shown) == adjusted["adjSelectiveIndexes"]
    assert document == without_proof(published)
    wanted = bbs.DerivedProof.decode(published["proof"]["proofValue"])
    assert replace(made, proof=wanted.proof) == wanted
    assert len(made.proof) == len(wanted.proof)


@each_bbs
def test_bbs_verify(vector: Vector) -> None:
    revealed = vector.json("derivedRevealDocument")
    header = bbs.verify(without_proof(revealed), revealed["proof"], bbs_key().public, contexts=CONTEXTS)
    assert header == bytes.fromhex("113377aa")


def test_bbs_nquads() -> None:
    revealed = BBS[1].json("derivedRevealDocument")
    derived = bbs.DerivedProof.decode(revealed["proof"]["proofValue"])
    grouped = recover(without_proof(revealed), derived.labels, derived.mandatory, CONTEXTS)
    assert sorted([*grouped.mandatory, *grouped.others]) == BBS[1].json("verifyNQuads")
