"""Both suites: what is shown verifies, and nothing about it can be changed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import ProofError, ProofInvalidError, ProofUnreadableError, SelectionError
from identity.selective import bbs, ecdsa_sd
from identity.selective.pointers import select
from tests.identity.selective.cards import (
    BBS,
    BBS_KEY,
    CARD,
    EC_KEY,
    EC_STRANGER,
    ECDSA_SD,
    MANDATORY,
    SELECTIVE,
    SUITES,
    Document,
    Suite,
    bbs_issue,
    options,
    sign_with,
)

each = pytest.mark.parametrize("suite", SUITES, ids=str)


@cache
def issued(suite: Suite) -> Document:
    return suite.issue(CARD)


@cache
def shown(suite: Suite) -> tuple[Document, Document]:
    return suite.derive(CARD, issued(suite), SELECTIVE)


@each
def test_what_is_shown(suite: Suite) -> None:
    document, proof = shown(suite)
    suite.verify(document, proof)
    assert document == {
        "@context": CARD["@context"],
        "type": CARD["type"],
        "issuer": CARD["issuer"],
        "validUntil": CARD["validUntil"],
        "credentialSubject": {"type": ["Reader"], "ageOver": [18], "loans": [{"book": "Dune"}]},
    }
    assert {**proof, "proofValue": ""} == {**issued(suite), "proofValue": ""}


POINTERS = [
    "/credentialSubject/name",
    "/credentialSubject/ageOver",
    "/credentialSubject/ageOver/0",
    "/credentialSubject/address",
    "/credentialSubject/address/street/name",
    "/credentialSubject/loans/0",
    "/credentialSubject/loans/2/days",
    "/credentialSubject",
    "/issuer/name",
    "",
]


@each
@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(POINTERS), min_size=1, max_size=4), st.lists(st.sampled_from(POINTERS), max_size=3))
def test_any_selection_verifies(suite: Suite, mandatory: list[str], selective: list[str]) -> None:
    base = suite.issue(CARD, mandatory)
    document, proof = suite.derive(CARD, base, selective)
    assert document == select(CARD, mandatory + selective)
    suite.verify(document, proof)


@each
def test_all_or_nothing_is_mandatory(suite: Suite) -> None:
    for mandatory, selective in (([""], []), ([], [""]), ([], ["/credentialSubject/name"])):
        suite.verify(*suite.derive(CARD, suite.issue(CARD, mandatory), selective))
    with pytest.raises(SelectionError, match="nothing to show"):
        suite.derive(CARD, suite.issue(CARD, []), [])


def without(document: Document, *path: str) -> Document:
    changed = deepcopy(document)
    at: Any = changed
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    return changed


def with_value(document: Document, value: object, *path: str) -> Document:
    changed = deepcopy(document)
    at: Any = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed


SUBJECT = "credentialSubject"
FORGERIES = {
    "value": lambda card: with_value(card, [21], SUBJECT, "ageOver"),
    "value of another kind": lambda card: with_value(card, ["18"], SUBJECT, "ageOver"),
    "one more": lambda card: with_value(card, [16, 18], SUBJECT, "ageOver"),
    "another member": lambda card: with_value(card, "Ada", SUBJECT, "name"),
    "moved": lambda card: with_value(without(card, SUBJECT, "loans"), [{"days": 3}], SUBJECT, "loans"),
    "one withheld": lambda card: without(card, SUBJECT, "ageOver"),
    "mandatory changed": lambda card: with_value(card, "2099-01-01T00:00:00Z", "validUntil"),
    "mandatory hidden": lambda card: without(card, "validUntil"),
    "half of mandatory hidden": lambda card: without(card, "issuer", "name"),
    "issuer": lambda card: with_value(card, "did:example:other", "issuer", "id"),
    "type": lambda card: with_value(card, ["VerifiableCredential"], "type"),
    "id given": lambda card: with_value(card, "did:example:reader", SUBJECT, "id"),
    "context": lambda card: with_value(card, [CARD["@context"][0], {"@vocab": "https://other.example/"}], "@context"),
    "term redefined": lambda card: with_value(
        card,
        [*CARD["@context"], {"under": "https://vocab.example/ageOver"}],
        "@context",
    ),
}


@each
@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_part_of_a_document_can_be_changed(suite: Suite, forgery: str) -> None:
    document, proof = shown(suite)
    changed = FORGERIES[forgery](document)
    assert changed != document
    if forgery == "term redefined":
        # Says the same in other words: signatures over RDF cover what is said.
        suite.verify(changed, proof)
        return
    with pytest.raises(ProofInvalidError):
        suite.verify(changed, proof)


@each
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("created", "2026-11-29T00:00:00Z"),
        ("verificationMethod", "did:example:library#other"),
        ("proofPurpose", "authentication"),
        ("cryptosuite", "ecdsa-rdfc-2019"),
        ("expires", "2099-01-01T00:00:00Z"),
        ("challenge", "1"),
        ("domain", "other.example"),
        ("@context", "https://www.w3.org/ns/credentials/v2"),
    ],
)
def test_no_part_of_a_configuration_can_be_changed(suite: Suite, member: str, value: str) -> None:
    document, proof = shown(suite)
    with pytest.raises(ProofInvalidError):
        suite.verify(document, {**proof, member: value})


@each
def test_another_issuer(suite: Suite) -> None:
    with pytest.raises(ProofInvalidError):
        suite.verify_by_stranger(*shown(suite))


@each
def test_labels_and_indexes_cannot_be_changed(suite: Suite) -> None:
    document, proof = shown(suite)
    derived = suite.derived.decode(proof["proofValue"])
    names = list(derived.labels)
    swapped = {**derived.labels, names[0]: derived.labels[names[1]], names[1]: derived.labels[names[0]]}
    for changed in (
        replace(derived, labels=swapped),
        replace(derived, labels={name: derived.labels[name] for name in names[1:]}),
        replace(derived, labels={**derived.labels, "c14n9": "b9" if suite is BBS else "u" + "A" * 43}),
        replace(derived, mandatory=derived.mandatory[1:]),
        replace(derived, mandatory=()),
        replace(derived, mandatory=(*derived.mandatory, 99)),
        replace(derived, mandatory=tuple(range(len(derived.mandatory)))),
    ):
        with pytest.raises(ProofError):
            suite.verify(document, {**proof, "proofValue": changed.encode()})


@each
def test_two_credentials_cannot_be_mixed(suite: Suite) -> None:
    """The younger brother's card, and the one statement that he lacks from his sister's."""
    brother = with_value(with_value(CARD, [12, 16], SUBJECT, "ageOver"), "2030-01-01T00:00:00Z", "validUntil")
    document, proof = suite.derive(brother, suite.issue(brother), SELECTIVE[1:])
    sister, other = shown(suite)
    mixed = with_value(document, [18], SUBJECT, "ageOver")
    for value in (proof, other):
        with pytest.raises(ProofInvalidError):
            suite.verify(mixed, value)
    with pytest.raises(ProofInvalidError):
        suite.verify(sister, proof)


def test_signatures_of_two_credentials_cannot_be_mixed() -> None:
    brother = with_value(CARD, [12, 16], SUBJECT, "ageOver")
    document, proof = ECDSA_SD.derive(brother, ECDSA_SD.issue(brother), SELECTIVE[1:])
    mine = ECDSA_SD.derived.decode(proof["proofValue"])
    hers = ECDSA_SD.derived.decode(shown(ECDSA_SD)[1]["proofValue"])
    mixed = with_value(document, [18], SUBJECT, "ageOver")
    for place in range(len(mine.signatures) + 1):
        for signature in hers.signatures:
            signatures = [*mine.signatures[:place], signature, *mine.signatures[place:]]
            value = replace(mine, signatures=tuple(signatures)).encode()
            with pytest.raises(ProofInvalidError):
                ECDSA_SD.verify(mixed, {**proof, "proofValue": value})


def test_signatures_are_as_many_as_statements() -> None:
    document, proof = shown(ECDSA_SD)
    derived = ECDSA_SD.derived.decode(proof["proofValue"])
    signatures = derived.signatures
    for changed in ((), signatures[:-1], (*signatures, signatures[0]), signatures[::-1]):
        with pytest.raises(ProofInvalidError):
            ECDSA_SD.verify(document, {**proof, "proofValue": replace(derived, signatures=changed).encode()})


@each
def test_a_base_proof_is_no_presentation(suite: Suite) -> None:
    with pytest.raises(ProofUnreadableError, match="begins with"):
        suite.verify(CARD, issued(suite))
    with pytest.raises(ProofUnreadableError, match="begins with"):
        suite.derive(*shown(suite), [])


def test_suites_cannot_be_confused() -> None:
    for suite, other in ((ECDSA_SD, BBS), (BBS, ECDSA_SD)):
        with pytest.raises(ProofUnreadableError, match="begins with"):
            suite.verify(*shown(other))


@each
@pytest.mark.parametrize("value", [None, 7, "", "u", "z2V0Bh", "u2V0B", "u2V0B*", "u2V0DhQ", "u" + "A" * 131072])
def test_proof_values_that_are_none(suite: Suite, value: object) -> None:
    document, proof = shown(suite)
    with pytest.raises(ProofError):
        suite.verify(document, {**proof, "proofValue": value})
    with pytest.raises(ProofError):
        suite.derive(CARD, {**proof, "proofValue": value}, [])


@each
def test_every_character_of_a_proof_value_counts(suite: Suite) -> None:
    document, proof = shown(suite)
    value = proof["proofValue"]
    for place in range(1, len(value), 61):
        changed = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
        with pytest.raises(ProofError):
            suite.verify(document, {**proof, "proofValue": changed})


@each
@pytest.mark.parametrize(
    "pointer",
    ["/credentialSubject/weight", "/credentialSubject/ageOver/3", "/credentialSubject/name/0", "name", "/a~2"],
)
def test_pointers_that_lead_nowhere(suite: Suite, pointer: str) -> None:
    with pytest.raises(SelectionError):
        suite.issue(CARD, [pointer])
    with pytest.raises(SelectionError):
        suite.derive(CARD, issued(suite), [pointer])


@each
def test_a_holder_cannot_derive_from_another_document(suite: Suite) -> None:
    """Or rather: what comes of it does not verify."""
    try:
        forged = suite.derive(with_value(CARD, [12, 16, 21], SUBJECT, "ageOver"), issued(suite), SELECTIVE)
    except ProofError:
        return
    with pytest.raises(ProofInvalidError):
        suite.verify(*forged)


def test_a_signature_of_another_key_is_not_given_away() -> None:
    stranger, issuer = sign_with(EC_STRANGER), EC_KEY.public_key()
    with pytest.raises(ProofInvalidError):
        ecdsa_sd.issue(CARD, options(ecdsa_sd.CRYPTOSUITE), MANDATORY, issuer, stranger)


def test_two_issuings_share_nothing() -> None:
    first, second = (ECDSA_SD.base.decode(ECDSA_SD.issue(CARD)["proofValue"]) for _ in range(2))
    assert first.hmac_key != second.hmac_key
    assert first.credential_key != second.credential_key
    assert not set(first.signatures) & set(second.signatures)


# What presentations of bbs-2023 share


AGE: Document = {
    "@context": CARD["@context"],
    "type": ["VerifiableCredential", "AgeAttestation"],
    "issuer": "did:example:library",
    "validUntil": "2026-12-05T00:00:00Z",
    "credentialSubject": {"ageOver12": True, "ageOver16": True, "ageOver18": True, "country": "UT"},
}
OVER_18 = ["/credentialSubject/ageOver18"]


def pieces(octets: bytes) -> set[bytes]:
    return {octets[start : start + 4] for start in range(len(octets) - 3)}


def public_part(proof: Document) -> object:
    derived = bbs.DerivedProof.decode(proof["proofValue"])
    return replace(derived, proof=b"", presentation_header=b""), len(derived.proof), {**proof, "proofValue": ""}


def test_two_presentations_share_no_byte_beyond_public_parameters() -> None:
    held = bbs_issue(AGE)
    base = bbs.BaseProof.decode(held["proofValue"])
    (one, first), (two, second) = (bbs.derive(AGE, held, OVER_18, nonce) for nonce in (b"one", b"two"))
    assert one == two
    assert public_part(first) == public_part(second)
    assert bbs.verify(one, first, BBS_KEY.public) == b"one"
    assert bbs.verify(two, second, BBS_KEY.public) == b"two"
    parts = [pieces(bbs.DerivedProof.decode(proof["proofValue"]).proof) for proof in (first, second)]
    assert not parts[0] & parts[1]
    assert not parts[0] & (pieces(base.signature) | pieces(base.hmac_key))


def test_what_presentations_do_share_they_share_with_everybody() -> None:
    """Labels and indexes come from a shuffle of each credential: it is drawn so that it hides nobody's in another."""
    shared = []
    for number in range(8):
        other = with_value(with_value(AGE, bool(number % 2), SUBJECT, "ageOver16"), f"C{number}", SUBJECT, "country")
        document, proof = bbs.derive(other, bbs_issue(other), OVER_18, b"nonce")
        shared.append((document, public_part(proof)))
    assert all(one == shared[0] for one in shared)


def test_with_many_nodes_the_shuffle_is_taken_as_it_comes() -> None:
    nodes = [f"c14n{number}" for number in range(bbs.MAX_ORDERED_NODES + 1)]
    drawn = iter([b"first", b"second"])
    assert bbs._draw_hmac_key(nodes, lambda length: next(drawn)) == b"first"
    assert bbs._draw_hmac_key(nodes[:1], lambda length: next(drawn)) == b"second"
