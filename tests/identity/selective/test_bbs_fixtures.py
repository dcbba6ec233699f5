"""The IETF draft's fixtures of both ciphersuites, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from py_arkworks_bls12381 import G1Point

from identity.errors import ProofInvalidError, ProofUnreadableError
from identity.selective import bbs_proof, bbs_signature
from identity.selective.bbs_ciphersuite import SHA_256, SHAKE_256, Ciphersuite, Expand, expand_xmd, expand_xof
from identity.selective.bbs_signature import SecretKey

VECTORS = Path(__file__).parents[1] / "vectors" / "bbs"
FOLDERS: dict[str, tuple[Ciphersuite, Expand]] = {
    "bls12-381-sha-256": (SHA_256, expand_xmd),
    "bls12-381-shake-256": (SHAKE_256, expand_xof),
}


@dataclass(frozen=True)
class Fixture:
    folder: str
    values: dict[str, Any]

    @property
    def suite(self) -> Ciphersuite:
        return FOLDERS[self.folder][0]

    def octets(self, name: str) -> bytes:
        return bytes.fromhex(self.values[name])

    @property
    def messages(self) -> list[bytes]:
        return [bytes.fromhex(message) for message in self.values["messages"]]


def read(pattern: str) -> list[Fixture]:
    return [
        Fixture(folder, json.loads(path.read_text()))
        for folder in FOLDERS
        for path in sorted((VECTORS / folder).glob(pattern))
    ]


def each(pattern: str) -> Callable[..., Any]:
    found = read(pattern)
    names = [f"{one.folder}:{one.values.get('caseName', pattern)}" for one in found]
    return pytest.mark.parametrize("fixture", found, ids=names)


def mocked(folder: str, seed: bytes) -> Callable[[int], bytes]:
    """The draft's seeded_random_scalars, as the bytes that its scalars are made from."""
    suite, expand = FOLDERS[folder]
    return lambda length: expand(seed, suite.interface + b"MOCK_RANDOM_SCALARS_DST_", length)


def test_none_is_missing() -> None:
    assert [len(read(pattern)) for pattern in ("signature/*.json", "proof/*.json")] == [20, 30]


@each("h2s.json")
def test_hash_to_scalar(fixture: Fixture) -> None:
    assert fixture.octets("dst") == fixture.suite.interface + b"H2S_"
    assert fixture.suite.hash_to_scalar(fixture.octets("message")).to_bytes(32) == fixture.octets("scalar")


@each("MapMessageToScalarAsHash.json")
def test_message_scalars(fixture: Fixture) -> None:
    scalars = fixture.suite.message_scalars([bytes.fromhex(case["message"]) for case in fixture.values["cases"]])
    assert [f"{scalar:064x}" for scalar in scalars] == [case["scalar"] for case in fixture.values["cases"]]


@each("generators.json")
def test_generators(fixture: Fixture) -> None:
    suite, wanted = fixture.suite, fixture.values
    made = suite.generators(len(wanted["MsgGenerators"]))
    assert suite.base_point.to_compressed_bytes().hex() == wanted["P1"]
    assert made.domain.to_compressed_bytes().hex() == wanted["Q1"]
    assert [point.to_compressed_bytes().hex() for point in made.messages] == wanted["MsgGenerators"]
    assert made.encoded.hex() == wanted["Q1"] + "".join(wanted["MsgGenerators"])


@each("keypair.json")
def test_key_pair(fixture: Fixture) -> None:
    key = SecretKey.derive(fixture.suite, fixture.octets("keyMaterial"), fixture.octets("keyInfo"))
    pair = fixture.values["keyPair"]
    assert (f"{key.scalar:064x}", key.public.hex()) == (pair["secretKey"], pair["publicKey"])


@each("mockedRng.json")
def test_mocked_randomness(fixture: Fixture) -> None:
    source = mocked(fixture.folder, fixture.octets("seed"))
    scalars = bbs_proof._random_scalars(source, fixture.values["count"])
    assert [f"{scalar:064x}" for scalar in scalars] == fixture.values["mockedScalars"]


@each("signature/*.json")
def test_signature(fixture: Fixture) -> None:
    pair, suite = fixture.values["signerKeyPair"], fixture.suite
    key, header, signature = (
        SecretKey(int(pair["secretKey"], 16)),
        fixture.octets("header"),
        fixture.octets("signature"),
    )
    if fixture.values["result"]["valid"]:
        bbs_signature.verify(suite, bytes.fromhex(pair["publicKey"]), signature, header, fixture.messages)
        assert bbs_signature.sign(suite, key, header, fixture.messages) == signature
    else:
        with pytest.raises(ProofInvalidError):
            bbs_signature.verify(suite, bytes.fromhex(pair["publicKey"]), signature, header, fixture.messages)


@each("proof/*.json")
def test_proof(fixture: Fixture) -> None:
    suite, shown = fixture.suite, fixture.values["disclosedIndexes"]
    key, proof = fixture.octets("signerPublicKey"), fixture.octets("proof")
    header, presentation = fixture.octets("header"), fixture.octets("presentationHeader")
    messages = [fixture.messages[index] for index in shown]
    if not fixture.values["result"]["valid"]:
        with pytest.raises((ProofInvalidError, ProofUnreadableError)):
            bbs_proof.verify_proof(suite, key, proof, header, presentation, messages, shown)
        return
    bbs_proof.verify_proof(suite, key, proof, header, presentation, messages, shown)
    (seed,) = {one.octets("seed") for one in read("mockedRng.json")}
    randomness, signature = mocked(fixture.folder, seed), fixture.octets("signature")
    assert proof == bbs_proof.prove(suite, key, signature, header, presentation, fixture.messages, shown, randomness)


def test_generators_are_made_once_whoever_asks_first() -> None:
    suite = Ciphersuite(b"BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_", expand_xmd, G1Point.hash_to_curve)
    counts = [9, 1, 20, 5] * 4
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(suite.generators, counts))
    for count, generators in zip(counts, made, strict=True):
        assert generators.encoded == SHA_256.generators(count).encoded
        assert len(generators.messages) == count
