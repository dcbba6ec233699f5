"""`@digitalbazaar/*` as issuer, holder and verifier, each against us, for every suite that we share.

Two runs of one program: what they make of what is ours, then what they make of what we derived from theirs.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from identity.data_integrity.cryptosuite import SELECTIVE, SUITES
from identity.data_integrity.proof import Expected
from identity.data_integrity.signing import ProofOptions, add_proof
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.outcome import Check, Outcome
from identity.verifier import Policy, verify_credential, verify_presentation
from tests.identity.issuers import Issuer
from tests.peers.age import AGES, CONTEXTS, HEADER, MANDATORY, NAMED, NOW, OURS, OVER_18, Ours, attestation
from tests.peers.node import Node

Document = dict[str, Any]

LOGIN: dict[str, Any] = {"challenge": "c-1", "domain": "https://verifier.example"}
HOLDER = Ours("eddsa-rdfc-2022")
SHOWN = {"type": "Person", "ageOver18": True}

every = pytest.mark.parametrize("ours", OURS, ids=lambda ours: ours.suite)
selective = pytest.mark.parametrize(
    "ours", [ours for ours in OURS if ours.suite in SELECTIVE], ids=lambda ours: ours.suite
)


def ask(node: Node, cases: dict[tuple[str, str], Document]) -> dict[tuple[str, str], Document]:
    """`cases` by suite and name."""
    request = {"contexts": NAMED, "now": NOW.isoformat(), "cases": list(cases.values())}
    return dict(zip(cases, node.run("data_integrity.mjs", request), strict=True))


def forged(secured: Document) -> Document:
    """The same, of another age; derived documents show only one."""
    made = deepcopy(secured)
    made["credentialSubject"]["ageOver18"] = False
    return made


def presented(secured: Document) -> Document:
    """As a holder of ours presents it."""
    holder = Issuer.of(HOLDER.suite)
    presentation = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": holder.did,
        "verifiableCredential": [secured],
    }
    options = ProofOptions(HOLDER.suite, "authentication", NOW, **LOGIN)
    return add_proof(presentation, options, holder.method, holder.sign, CONTEXTS)


@pytest.fixture(scope="module")
def issued() -> dict[str, Document]:
    """By us."""
    return {ours.suite: ours.issue(attestation(ours.did)) for ours in OURS}


@pytest.fixture(scope="module")
def for_verifiers(issued: dict[str, Document]) -> dict[str, Document]:
    """By us, as a verifier gets it."""
    return {
        ours.suite: ours.derive(issued[ours.suite]) if ours.suite in SELECTIVE else issued[ours.suite] for ours in OURS
    }


@pytest.fixture(scope="module")
def theirs(node: Node, issued: dict[str, Document], for_verifiers: dict[str, Document]) -> dict[Any, Document]:
    cases: dict[tuple[str, str], Document] = {}
    for ours in OURS:
        suite, secured = ours.suite, for_verifiers[ours.suite]
        suites = [suite, HOLDER.suite]
        cases |= {
            (suite, "verifies"): {"action": "verify", "suite": suite, "credential": secured},
            (suite, "refuses"): {"action": "verify", "suite": suite, "credential": forged(secured)},
            (suite, "issues"): {
                "action": "issue",
                "suite": suite,
                "credential": attestation(ours.did),
                "key": ours.key,
                "mandatoryPointers": MANDATORY,
            },
            (suite, "lets in"): {
                "action": "verifyPresentation",
                "suites": suites,
                "presentation": presented(secured),
                **LOGIN,
            },
            (suite, "presents"): {
                "action": "present",
                "suite": HOLDER.suite,
                "credential": secured,
                "key": HOLDER.key,
                "holder": HOLDER.did,
                **LOGIN,
            },
        }
        if suite == HOLDER.suite:
            cases[suite, "keeps out"] = {**cases[suite, "lets in"], "challenge": "c-2"}
        if suite in SELECTIVE:
            cases[suite, "derives"] = {
                "action": "derive",
                "suite": suite,
                "credential": issued[suite],
                "selectivePointers": OVER_18,
                "presentationHeader": HEADER,
            }
    return ask(node, cases)


@every
def test_they_verify_ours(theirs: dict[Any, Document], ours: Ours) -> None:
    assert theirs[ours.suite, "verifies"] == {"verified": True, "errors": []}
    refusal = theirs[ours.suite, "refuses"]
    assert refusal["verified"] is False
    assert any("ignature" in error or "proof" in error for error in refusal["errors"]), refusal


@pytest.mark.parametrize("ours", [ours for ours in OURS if ours.suite in SUITES], ids=lambda ours: ours.suite)
def test_we_verify_theirs(theirs: dict[Any, Document], ours: Ours) -> None:
    secured = theirs[ours.suite, "issues"]["document"]
    assert verify_credential(secured, ours.policy, NOW).verdict is Outcome.HOLDS
    report = verify_credential(forged(secured), ours.policy, NOW)
    assert {finding.check: finding.outcome for finding in report.failed} == {Check.SIGNATURE: Outcome.INVALID}


@selective
def test_we_verify_what_they_derive_from_ours(theirs: dict[Any, Document], ours: Ours) -> None:
    secured = theirs[ours.suite, "derives"]["document"]
    assert secured["credentialSubject"] == SHOWN
    assert verify_credential(secured, ours.policy, NOW).verdict is Outcome.HOLDS
    assert verify_credential(forged(secured), ours.policy, NOW).outcome(Check.SIGNATURE) is Outcome.INVALID


def test_they_verify_what_we_derive_from_theirs(node: Node, theirs: dict[Any, Document]) -> None:
    """And so do we."""
    everything = [f"/credentialSubject/ageOver{age}" for age in AGES]
    cases = {}
    for ours in OURS:
        if ours.suite in SELECTIVE:
            base = theirs[ours.suite, "issues"]["document"]
            shown = ours.derive(base)
            assert shown["credentialSubject"] == SHOWN
            for name, secured in (("one", shown), ("all", ours.derive(base, everything)), ("forged", forged(shown))):
                holds = verify_credential(secured, ours.policy, NOW).verdict is Outcome.HOLDS
                assert holds is (name != "forged")
                cases[ours.suite, name] = {"action": "verify", "suite": ours.suite, "credential": secured}
    answers = ask(node, cases)
    assert {case: answer["verified"] for case, answer in answers.items()} == {
        case: case[1] != "forged" for case in cases
    }


@every
def test_presentations(theirs: dict[Any, Document], ours: Ours) -> None:
    assert theirs[ours.suite, "lets in"] == {"verified": True, "errors": []}

    presentation = theirs[ours.suite, "presents"]["document"]
    policy = Policy(frozenset({ours.did}), contexts=CONTEXTS)
    assert verify_presentation(presentation, policy, NOW, Expected("authentication", **LOGIN)).verdict is Outcome.HOLDS
    replayed = verify_presentation(presentation, policy, NOW, Expected("authentication", challenge="c-2"))
    assert Check.CHALLENGE in {finding.check for finding in replayed.failed}


def test_they_keep_out_an_answer_to_another_challenge(theirs: dict[Any, Document]) -> None:
    answer = theirs[HOLDER.suite, "keeps out"]
    assert answer["verified"] is False
    assert any("challenge" in error for error in answer["errors"])
