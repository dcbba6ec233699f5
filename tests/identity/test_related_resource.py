"""A context that a credential pins is the one it is processed with, and a digest of nothing is refused."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from identity.data_integrity.proof import Expected
from identity.data_integrity.signing import ProofOptions, add_proof
from identity.did.methods import resolve
from identity.encoding import multibase
from identity.errors import UndefinedTermError
from identity.holding.deriving import derive_credential
from identity.issuing.issuer import FORMATS
from identity.jsonld.canonical import canonical_nquads
from identity.jsonld.context_library import CREDENTIALS_V2, PINNED, PUBLISHED, ContextLibrary
from identity.outcome import Check, Outcome
from identity.related_resource import pinned_contexts
from identity.report import Report
from identity.selective import bbs, ecdsa_sd
from identity.verifier import Policy, verify_credential, verify_presentation
from tests.identity.issuers import Issuer
from tests.identity.issuing.ours import NOW, credential, our_issuer, policy

FINAL, EARLIER = PUBLISHED.editions(CREDENTIALS_V2)
ONE_EDITION = ContextLibrary({url: PUBLISHED[url] for url in PINNED})
"""Of somebody who never heard of the earlier one."""

SUITE_SRI = "sha384-NSOcNpmdIVUxIJGvGUoe22FjTWrXiaXlsZ8q6912LdnR3KraQO2n75Ica4wK4Qeg"
SUITE_BARE = "uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k"
"""How the W3C's suite for VCDM 2.0 pins the earlier edition (tests/fixtures.js)."""

LIST_AND_ENTRY = ["BitstringStatusList", "BitstringStatusListEntry"]
SUBJECT = {"type": LIST_AND_ENTRY, "statusSize": 2, "name": "Ada", "description": "a reader"}
"""Which both editions define, the size by different datatypes."""
SHOWN = ["/issuer", "/credentialSubject/statusSize"]


def sri(content: bytes, algorithm: str = "sha384") -> str:
    return f"{algorithm}-{b64encode(hashlib.new(algorithm, content).digest()).decode()}"


def multihash(content: bytes) -> str:
    return multibase.encode(b"\x12\x20" + hashlib.sha256(content).digest())


def pinning(entry: object, **members: Any) -> dict[str, Any]:
    return credential(relatedResource=entry, credentialSubject=SUBJECT, **members)


def of(edition: bytes) -> dict[str, Any]:
    return pinning({"id": CREDENTIALS_V2, "digestSRI": sri(edition)})


def shown(issued: Mapping[str, Any]) -> Mapping[str, Any]:
    """As a verifier gets it: whole, or one claim of it."""
    selective = {bbs.CRYPTOSUITE, ecdsa_sd.CRYPTOSUITE}
    if issued.get("proof", {}).get("cryptosuite") not in selective:
        return issued
    return derive_credential(issued, SHOWN)


def verify(document: Mapping[str, Any], contexts: ContextLibrary = PUBLISHED) -> Report:
    ours = policy(our_issuer())
    return verify_credential(document, Policy(ours.issuers, contexts, ours.resolve), NOW)


def failed(report: Report) -> dict[Check, Outcome]:
    return {finding.check: finding.outcome for finding in report.failed}


def signed(document: Mapping[str, Any], contexts: ContextLibrary) -> dict[str, Any]:
    """By who signs whatever there is, with the contexts that it pins of these, or else with these."""
    issuer = our_issuer()
    at = pinned_contexts(document, contexts)
    options = ProofOptions("eddsa-rdfc-2022", "assertionMethod", NOW)
    return add_proof(document, options, issuer.ed25519.method, issuer.ed25519.sign, at)


def test_the_two_editions_differ_in_what_is_said_of_status_lists_and_in_nothing_else() -> None:
    final, earlier = (PUBLISHED.at({CREDENTIALS_V2: one}).definitions(CREDENTIALS_V2) for one in (FINAL, EARLIER))
    assert {name for name in final | earlier if final.get(name) != earlier.get(name)} == set(LIST_AND_ENTRY)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("edition", [FINAL, EARLIER], ids=["final", "earlier"])
def test_what_pins_an_edition_is_issued_and_verified_with_it(form: str, edition: bytes) -> None:
    seen = shown(our_issuer().document(of(edition), form))
    assert verify(seen).verdict is Outcome.HOLDS
    changed = {**seen, "credentialSubject": {**SUBJECT, "statusSize": 3}}
    if "proof" in seen:
        assert Check.SIGNATURE in failed(verify(changed))


@pytest.mark.parametrize("form", ["eddsa-rdfc-2022", "ecdsa-rdfc-2019", "ecdsa-sd-2023", "bbs-2023"])
def test_another_edition_says_something_else_and_is_never_taken_for_the_pinned_one(form: str) -> None:
    """`statusSize` is a positive integer in the one and an integer in the other, so both sign another statement."""
    document = of(EARLIER)
    earlier = pinned_contexts(document, PUBLISHED)
    assert canonical_nquads(document, contexts=earlier) != canonical_nquads(document, contexts=PUBLISHED)
    seen = shown(our_issuer().document(document, form))
    assert failed(verify(seen, ONE_EDITION)) == {Check.RESOURCES: Outcome.INVALID, Check.SIGNATURE: Outcome.INVALID}
    # The file was compared and another one used: what the pin is there to prevent.
    assert failed(verify(signed(document, ONE_EDITION))) == {Check.SIGNATURE: Outcome.INVALID}


@pytest.mark.parametrize("form", FORMATS)
def test_a_term_that_only_the_pinned_edition_has_is_defined_and_without_the_pin_it_is_not(form: str) -> None:
    subject = {"type": "BitstringStatusList", "statusSize": 2}
    pin = {"id": CREDENTIALS_V2, "digestSRI": SUITE_SRI}
    issued = our_issuer().document(credential(relatedResource=pin, credentialSubject=subject), form)
    assert verify(shown(issued)).verdict is Outcome.HOLDS
    with pytest.raises(UndefinedTermError, match="statusSize"):
        our_issuer().document(credential(credentialSubject=subject), form)


def test_names_at_the_top_are_those_of_the_pinned_edition() -> None:
    top = {
        "@context": [CREDENTIALS_V2, {"@vocab": "https://vocab.example/"}],
        "type": ["VerifiableCredential", "BitstringStatusList"],
        "statusSize": 2,
    }
    pin = {"id": CREDENTIALS_V2, "digestSRI": SUITE_SRI}
    assert our_issuer().document(credential(relatedResource=pin, **top), "eddsa-rdfc-2022")["statusSize"] == 2
    with pytest.raises(UndefinedTermError, match="statusSize"):
        our_issuer().document(credential(**top), "eddsa-rdfc-2022")


DERIVE: dict[str, Callable[..., tuple[dict[str, Any], dict[str, Any]]]] = {
    bbs.CRYPTOSUITE: partial(bbs.derive, presentation_header=b"nonce"),
    ecdsa_sd.CRYPTOSUITE: ecdsa_sd.derive,
}


@pytest.mark.parametrize("form", DERIVE)
def test_who_is_shown_a_part_is_shown_what_it_was_signed_under_by_any_wallet(form: str) -> None:
    document = our_issuer().document(of(EARLIER), form)
    at = pinned_contexts(document, PUBLISHED)
    part, proof = DERIVE[form](document, document.pop("proof"), SHOWN, contexts=at)
    assert part["relatedResource"] == document["relatedResource"]
    assert verify({**part, "proof": proof}).verdict is Outcome.HOLDS
    assert "relatedResource" not in shown(our_issuer().document(of(FINAL), form))


def test_of_another_issuers_credential_a_holder_shows_it_too() -> None:
    """One that does not have its pins shown always."""
    document, key = of(EARLIER), our_issuer().p256
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": ecdsa_sd.CRYPTOSUITE,
        "verificationMethod": key.method.id,
        "proofPurpose": "assertionMethod",
    }
    at = pinned_contexts(document, PUBLISHED)
    proof = ecdsa_sd.issue(document, options, ["/issuer"], key.key, key.sign, contexts=at)  # type: ignore[arg-type]
    assert verify(shown({**document, "proof": proof})).verdict is Outcome.HOLDS


@pytest.mark.parametrize(
    "digests",
    [
        {"digestSRI": SUITE_SRI},
        {"digestMultibase": SUITE_BARE},
        {"digestMultibase": multihash(EARLIER)},
        {"digestSRI": [SUITE_SRI, sri(EARLIER, "sha512")], "digestMultibase": [SUITE_BARE, multihash(EARLIER)]},
    ],
    ids=["SRI", "bare", "multihash", "all of one edition"],
)
def test_an_edition_is_pinned_in_each_form(digests: dict[str, Any]) -> None:
    entries = [{"id": CREDENTIALS_V2, "mediaType": "application/ld+json", **digests}]
    issued = our_issuer().document(pinning(entries), "eddsa-rdfc-2022")
    assert verify(issued).verdict is Outcome.HOLDS
    at = pinned_contexts(issued, PUBLISHED)
    assert at[CREDENTIALS_V2] == EARLIER


def bare(content: bytes) -> str:
    return multibase.encode_base64(content)


DIGEST = hashlib.sha256(EARLIER).digest()


@pytest.mark.parametrize(
    ("digests", "outcome"),
    [
        ({"digestMultibase": "uM4RgWQc3RUDtjJCSgTJtTfvpZ7SPEg_LNO0ESlovQC0"}, Outcome.INVALID),
        ({"digestSRI": sri(b"nothing")}, Outcome.INVALID),
        ({"digestMultibase": multihash(b"nothing")}, Outcome.INVALID),
        ({"digestSRI": sri(FINAL), "digestMultibase": multihash(EARLIER)}, Outcome.INVALID),
        ({"digestSRI": [sri(FINAL), sri(EARLIER)]}, Outcome.INVALID),
        ({"digestSRI": sri(EARLIER), "digestMultibase": bare(DIGEST[:31])}, Outcome.UNREADABLE),
        ({"digestMultibase": bare(DIGEST[:31])}, Outcome.UNREADABLE),
        ({"digestMultibase": bare(DIGEST + b"\0")}, Outcome.UNREADABLE),
        ({"digestMultibase": bare(b"\x12\x20" + DIGEST[:31])}, Outcome.UNREADABLE),
        ({"digestMultibase": bare(b"\x12\x20" + DIGEST + b"\0")}, Outcome.UNREADABLE),
        ({"digestMultibase": bare(b"\x20\x30" + hashlib.sha384(EARLIER).digest()[:32])}, Outcome.UNREADABLE),
        ({"digestMultibase": 7}, Outcome.UNREADABLE),
        ({}, Outcome.INVALID),
    ],
    ids=repr,
)
def test_digests_of_nothing_and_of_two_editions_are_refused(digests: dict[str, Any], outcome: Outcome) -> None:
    document = pinning({"id": CREDENTIALS_V2, **digests})
    assert pinned_contexts(document, PUBLISHED) is PUBLISHED
    assert failed(verify(signed(document, PUBLISHED))) == {Check.RESOURCES: outcome}


def test_a_bare_digest_that_begins_like_a_multihash_is_told_by_its_length() -> None:
    begins = b"\x12\x20" + DIGEST[2:]
    document = credential(relatedResource={"id": "urn:x:file", "digestMultibase": bare(begins)})
    assert failed(verify(signed(document, PUBLISHED))) == {Check.RESOURCES: Outcome.UNCHECKED}


@pytest.mark.parametrize("entries", [7, "text", [7, None, []], {"id": 7}, [{"id": CREDENTIALS_V2}] * 100], ids=repr)
def test_what_pins_nothing_that_can_be_read_changes_no_edition(entries: object) -> None:
    assert pinned_contexts({"relatedResource": entries}, PUBLISHED) is PUBLISHED


def test_a_document_that_pins_nothing_and_one_that_pins_what_is_in_force_share_one_library() -> None:
    assert pinned_contexts(credential(), PUBLISHED) is pinned_contexts(of(FINAL), PUBLISHED) is PUBLISHED
    assert pinned_contexts(of(EARLIER), PUBLISHED) is pinned_contexts(of(EARLIER), PUBLISHED)


def test_contexts_of_ones_own_go_with_each_edition() -> None:
    own = PUBLISHED.including({"https://own.example/v1": b'{"@context": {"seal": "urn:x:seal"}}'})
    document = {**of(EARLIER), "@context": [CREDENTIALS_V2, "https://own.example/v1"], "seal": "gold"}
    assert verify(signed(document, own), own).verdict is Outcome.HOLDS
    assert own.editions(CREDENTIALS_V2) == (FINAL, EARLIER)
    mine = PUBLISHED.including({CREDENTIALS_V2: b"{}"})
    assert mine.editions(CREDENTIALS_V2) == (b"{}", EARLIER)


def test_documents_of_both_editions_are_verified_at_once() -> None:
    """What PyLD makes of a context is kept, and is kept apart."""
    issuer = our_issuer()
    made = [
        shown(issuer.document(of(edition), form))
        for form in ("eddsa-rdfc-2022", "ecdsa-sd-2023")
        for edition in (FINAL, EARLIER)
    ]
    wrong = signed(of(EARLIER), ONE_EDITION)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(verify, [*made, wrong] * 16))
    assert [report.verdict for report in reports] == [*[Outcome.HOLDS] * len(made), Outcome.INVALID] * 16


def presented(*credentials: Mapping[str, Any]) -> Report:
    holder = Issuer.of("eddsa-rdfc-2022", 7)
    document = holder.presenting(*credentials)
    made = add_proof(document, ProofOptions("eddsa-rdfc-2022", "authentication", NOW), holder.method, holder.sign)
    ours = policy(our_issuer())
    believed = Policy(ours.issuers, resolve=lambda method: (resolve if "did:key" in method else ours.resolve)(method))
    return verify_presentation(made, believed, NOW, Expected("authentication"))


def test_each_credential_of_a_presentation_is_read_in_its_own_edition() -> None:
    made = [our_issuer().document(of(edition), "eddsa-rdfc-2022") for edition in (EARLIER, FINAL)]
    assert presented(*made).verdict is Outcome.HOLDS
    wrong = presented(made[1], signed(of(EARLIER), ONE_EDITION), made[0])
    assert [each.verdict for each in wrong.credentials] == [Outcome.HOLDS, Outcome.INVALID, Outcome.HOLDS]


def test_a_presentation_itself_is_of_the_edition_in_force() -> None:
    subject = {"type": "BitstringStatusList", "statusSize": 2}
    pin = {"id": CREDENTIALS_V2, "digestSRI": SUITE_SRI}
    only = our_issuer().document(credential(relatedResource=pin, credentialSubject=subject), "eddsa-rdfc-2022")
    with pytest.raises(UndefinedTermError, match="statusSize"):
        presented(only)
