"""Derived proofs through the verifier: what a holder shows of a credential, by both selective suites."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from identity.data_integrity.proof import Expected
from identity.data_integrity.signing import ProofOptions, add_proof
from identity.did.methods import BlsKey, VerificationKey, did_key, method_of, resolve
from identity.errors import CheckFailedError
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.outcome import Check, Outcome
from identity.report import Report
from identity.selective import bbs, ecdsa_sd
from identity.verifier import Policy, verify_credential, verify_presentation
from tests.identity.issuers import Issuer
from tests.identity.selective.cards import BBS_KEY, EC_KEY, sign_with

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SUITES = [ecdsa_sd.CRYPTOSUITE, bbs.CRYPTOSUITE]
MANDATORY = ["/issuer", "/validUntil", "/type"]
NONCE = b"nonce-1"

each = pytest.mark.parametrize("suite", SUITES)


def key_of(suite: str) -> VerificationKey:
    return BlsKey(BBS_KEY.public) if suite == bbs.CRYPTOSUITE else EC_KEY.public_key()


@cache
def issued(suite: str, by: str = "") -> dict[str, Any]:
    """With its base proof, which names the key of suite `by`."""
    did = did_key(key_of(by or suite))
    document = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiableCredential"],
        "issuer": did,
        "validUntil": "2026-12-01T00:00:00Z",
        "credentialSubject": {"name": "Ada", "description": "over 18"},
    }
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": suite,
        "created": "2026-11-01T00:00:00Z",
        "verificationMethod": method_of(did),
        "proofPurpose": "assertionMethod",
    }
    if suite == bbs.CRYPTOSUITE:
        return {**document, "proof": bbs.issue(document, options, MANDATORY, BBS_KEY)}
    return {**document, "proof": ecdsa_sd.issue(document, options, MANDATORY, EC_KEY.public_key(), sign_with(EC_KEY))}


@cache
def _shown(suite: str, by: str) -> dict[str, Any]:
    document = dict(issued(suite, by))
    proof, pointers = document.pop("proof"), ["/credentialSubject/description"]
    if suite == bbs.CRYPTOSUITE:
        part, derived = bbs.derive(document, proof, pointers, NONCE)
    else:
        part, derived = ecdsa_sd.derive(document, proof, pointers)
    return {**part, "proof": derived}


def shown(suite: str, by: str = "") -> dict[str, Any]:
    """That somebody is over 18, and not their name."""
    return copy.deepcopy(_shown(suite, by))


def verify(document: dict[str, Any], header: bytes | None = None) -> Report:
    issuers = frozenset(did_key(key_of(suite)) for suite in SUITES)
    return verify_credential(document, Policy(issuers), NOW, Expected("assertionMethod", header=header))


def failed(report: Report) -> dict[Check, Outcome]:
    return {finding.check: finding.outcome for finding in report.failed}


@each
def test_what_is_shown_holds(suite: str) -> None:
    document = shown(suite)
    assert document["credentialSubject"] == {"description": "over 18"}
    assert verify(document).verdict is Outcome.HOLDS


@each
@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"credentialSubject": {"description": "over 21"}}, Check.SIGNATURE),
        ({"credentialSubject": {"description": "over 18", "name": "Eve"}}, Check.SIGNATURE),
        ({"credentialSubject": {"name": "Ada"}}, Check.SIGNATURE),
        ({"credentialSubject": {"description": "over 18", "unheard": "of"}}, Check.SIGNATURE),
        ({"validUntil": "2027-12-01T00:00:00Z"}, Check.SIGNATURE),
        ({"issuer": "did:example:other"}, Check.SIGNATURE),
        ({"type": ["VerifiableCredential", "VerifiablePresentation"]}, Check.SIGNATURE),
    ],
    ids=repr,
)
def test_nothing_shown_can_be_changed(suite: str, changes: dict[str, Any], check: Check) -> None:
    assert check in failed(verify({**shown(suite), **changes}))


@each
def test_a_mandatory_member_can_not_be_hidden(suite: str) -> None:
    document = shown(suite)
    del document["validUntil"]
    assert Check.SIGNATURE in failed(verify(document))


@each
@pytest.mark.parametrize(
    ("member", "value", "check"),
    [
        ("created", "2026-11-02T00:00:00Z", Check.SIGNATURE),
        ("proofPurpose", "authentication", Check.PURPOSE),
        ("id", "urn:uuid:1", Check.SIGNATURE),
        ("previousProof", "urn:uuid:1", Check.CHAIN),
        ("@context", [CREDENTIALS_V2], Check.SIGNATURE),
        ("proofValue", "u2V0", Check.PROOF),
        ("proofValue", "z2V0", Check.PROOF),
        ("cryptosuite", "ecdsa-rdfc-2019", Check.PROOF),
    ],
)
def test_no_member_of_the_proof_can_be_changed(suite: str, member: str, value: object, check: Check) -> None:
    document = shown(suite)
    document["proof"][member] = value
    assert check in failed(verify(document))


@each
def test_what_the_issuer_gave_is_not_for_showing(suite: str) -> None:
    assert failed(verify(copy.deepcopy(issued(suite)))) == {Check.PROOF: Outcome.UNREADABLE}


@each
def test_the_key_is_of_the_suites_kind(suite: str) -> None:
    (other,) = set(SUITES) - {suite}
    assert failed(verify(shown(suite, by=other))) == {Check.METHOD: Outcome.INVALID}


def test_a_key_off_the_curve_is_refused() -> None:
    document = shown(bbs.CRYPTOSUITE)
    did = did_key(BlsKey(b"\xff" * 96))
    document["proof"]["verificationMethod"] = method_of(did)
    assert failed(verify(document)) == {Check.METHOD: Outcome.INVALID}


def test_the_presentation_header_is_the_one_asked_for() -> None:
    assert verify(shown(bbs.CRYPTOSUITE), NONCE).verdict is Outcome.HOLDS
    assert failed(verify(shown(bbs.CRYPTOSUITE), b"nonce-2")) == {Check.CHALLENGE: Outcome.INVALID}
    assert failed(verify(shown(ecdsa_sd.CRYPTOSUITE), NONCE)) == {Check.CHALLENGE: Outcome.INVALID}


@pytest.mark.parametrize(("header", "verdict"), [(NONCE, Outcome.HOLDS), (b"nonce-2", Outcome.INVALID)])
def test_a_presentation_asks_each_credential_for_it(header: bytes, verdict: Outcome) -> None:
    holder = Issuer.of("eddsa-rdfc-2022", 7)
    presentation = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "verifiableCredential": [shown(bbs.CRYPTOSUITE)],
    }
    options = ProofOptions("eddsa-rdfc-2022", "authentication", NOW, challenge="c-1")
    document = add_proof(presentation, options, holder.method, holder.sign)
    policy = Policy(frozenset({did_key(key_of(bbs.CRYPTOSUITE))}))
    report = verify_presentation(document, policy, NOW, Expected("authentication", "c-1", header=header))
    assert report.verdict is verdict


def test_a_bls_key_signs_no_whole_document() -> None:
    did = did_key(key_of(bbs.CRYPTOSUITE))
    options = ProofOptions("eddsa-rdfc-2022", "assertionMethod", NOW)
    with pytest.raises(CheckFailedError, match="method"):
        add_proof({"@context": [CREDENTIALS_V2]}, options, resolve(method_of(did)), lambda message: message)


def test_the_multikey_of_the_draft_is_read() -> None:
    """vc-di-bbs, the key of its test vectors."""
    text = (
        "zUC7DerdEmfZ8f4pFajXgGwJoMkV1ofMTmEG5UoNvnWiPiLuGKNeqgRpLH2TV4Xe5mJ2cX"
        "V76gRN7LFQwapF1VFu6x2yrr5ci1mXqC1WNUrnHnLgvfZfMH7h6xP6qsf9EKRQrPQ"
    )
    key = resolve(f"did:key:{text}#{text}").key
    assert isinstance(key, BlsKey)
    assert did_key(key) == f"did:key:{text}"
