"""A signature over RDF does not cover what members are called: by no name does what ended or is revoked hold."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from identity.data_integrity.proof import Expected
from identity.data_integrity.signing import ProofOptions, add_proof
from identity.errors import CheckFailedError, RenamedMemberError
from identity.holding.deriving import derive_credential
from identity.issuing.issuer import FORMATS
from identity.jsonld.canonical import canonical_nquads
from identity.jsonld.context_library import CREDENTIALS_V1, CREDENTIALS_V2, DATA_INTEGRITY_V2
from identity.legacy.suites import check_covered
from identity.outcome import Check, Outcome
from identity.report import Report
from identity.vc_api.answer import Judged, verified
from identity.verifier import Policy, verify_credential, verify_presentation
from tests.identity.issuers import Issuer
from tests.identity.issuing.ours import NOW, credential, our_issuer, policy

VCDM = "https://www.w3.org/2018/credentials#"
STATUS = "https://www.w3.org/ns/credentials/status#"
MOMENT = "http://www.w3.org/2001/XMLSchema#dateTime"
OVER = "2026-11-02T00:00:00Z"
RDF_SUITES = ("eddsa-rdfc-2022", "ecdsa-rdfc-2019", "ecdsa-sd-2023", "bbs-2023")
ENTRY = {
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "7",
    "statusListCredential": "https://issuer.example/lists/1",
}
ALL = ["/issuer", "/validFrom", "/validUntil", "/credentialSubject", "/credentialStatus", "/relatedResource"]


def issued(form: str, **members: Any) -> dict[str, Any]:
    """As a verifier gets it."""
    made = our_issuer().document(credential(**members), form)
    if form not in {"ecdsa-sd-2023", "bbs-2023"}:
        return made
    return derive_credential(made, [pointer for pointer in ALL if pointer[1:] in made])


def revoked(_entry: object, _issuer: str | None) -> None:
    raise CheckFailedError(Check.STATUS, "revoked")


def verify(document: Mapping[str, Any]) -> Report:
    ours = policy(our_issuer())
    return verify_credential(document, Policy(ours.issuers, resolve=ours.resolve, status=revoked), NOW)


def renamed(document: Mapping[str, Any], name: str, to: str, value: object = None) -> dict[str, Any]:
    """With one member by another name."""
    changed = copy.deepcopy(dict(document))
    stated = changed.pop(name)
    return {**changed, to: stated if value is None else value}


def moment(text: str) -> dict[str, str]:
    return {"@value": text, "@type": MOMENT}


@pytest.mark.parametrize("form", RDF_SUITES)
def test_what_ended_does_not_hold_with_its_end_by_another_name(form: str) -> None:
    ended = issued(form, validUntil=OVER)
    assert verify(ended).verdict is Outcome.INVALID
    hidden = verify(renamed(ended, "validUntil", VCDM + "validUntil", moment(OVER)))
    assert hidden.outcome(Check.SIGNATURE) is Outcome.UNREADABLE
    assert "'validUntil' is written by another name" in hidden.failed[0].detail


@pytest.mark.parametrize("form", RDF_SUITES)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("credentialStatus", ENTRY),
        ("relatedResource", {"id": CREDENTIALS_V2, "digestSRI": "sha256-" + "A" * 43 + "="}),
        ("validFrom", "2026-12-01T00:00:00Z"),
    ],
)
def test_nothing_that_a_verifier_looks_for_is_hidden_behind_its_iri(form: str, name: str, value: object) -> None:
    members = {"validUntil": "2027-01-01T00:00:00Z", name: value}
    if name == "relatedResource":  # our own issuer would not sign it
        key = our_issuer().ed25519
        options = ProofOptions("eddsa-rdfc-2022", "assertionMethod", NOW)
        honest: dict[str, Any] = add_proof(credential(**members), options, key.method, key.sign)
    else:
        honest = issued(form, **members)
    assert verify(honest).verdict is Outcome.INVALID
    other = moment(str(value)) if name == "validFrom" else None
    assert verify(renamed(honest, name, VCDM + name, other)).outcome(Check.SIGNATURE) is Outcome.UNREADABLE


def test_nor_behind_a_name_of_a_context_that_came_along() -> None:
    own = {"until": {"@id": VCDM + "validUntil", "@type": MOMENT}}
    hidden = renamed(issued("eddsa-rdfc-2022", validUntil=OVER), "validUntil", "until")
    hidden["@context"] = [CREDENTIALS_V2, own]
    report = verify(hidden)
    assert report.outcome(Check.SIGNATURE) is Outcome.UNREADABLE
    assert not verified(Judged(report))


def test_nor_in_another_node_of_the_same_id() -> None:
    about_itself = {"id": "urn:x:1", "credentialSubject": {"id": "urn:x:1", "description": "itself"}}
    ended = issued("eddsa-rdfc-2022", validUntil=OVER, **about_itself)
    hidden = renamed(ended, "validUntil", "credentialSubject")
    hidden["credentialSubject"] = {
        "id": "urn:x:1",
        "description": "itself",
        "type": "VerifiableCredential",
        "validUntil": OVER,
    }
    assert canonical_nquads(without_proof(ended))  # an honest one is read
    assert verify(hidden).outcome(Check.SIGNATURE) is Outcome.UNREADABLE
    held = {**hidden["credentialSubject"], "id": "urn:x:2"}
    assert canonical_nquads({**without_proof(hidden), "credentialSubject": held})  # one that is another's own


def without_proof(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "proof"}


def test_some_of_several_statuses_are_not_hidden_either() -> None:
    both = issued("eddsa-rdfc-2022", credentialStatus=[ENTRY, {**ENTRY, "statusListIndex": "8"}])
    hidden = {**both, "credentialStatus": ENTRY, VCDM + "credentialStatus": {**ENTRY, "statusListIndex": "8"}}
    assert verify(hidden).outcome(Check.SIGNATURE) is Outcome.UNREADABLE


def test_how_wide_a_status_is_has_its_name_too() -> None:
    """By another name, the place of another credential would be looked at."""
    entry = {**ENTRY, "statusSize": 2, "statusMessage": [{"status": f"0x{n}", "message": "m"} for n in range(4)]}
    honest = issued("eddsa-rdfc-2022", credentialStatus=entry)
    assert verify(honest).outcome(Check.SIGNATURE) is Outcome.HOLDS
    width = {"@value": "2", "@type": "http://www.w3.org/2001/XMLSchema#integer"}
    hidden = {**honest, "credentialStatus": renamed(entry, "statusSize", STATUS + "statusSize", width)}
    assert verify(hidden).outcome(Check.SIGNATURE) is Outcome.UNREADABLE


@pytest.mark.parametrize("name", ["cred:expirationDate", VCDM + "expirationDate"])
def test_a_credential_of_vcdm_1_1_ends_by_its_name(name: str) -> None:
    ended = old(expirationDate=OVER)
    assert failed(ended) == {Check.VALIDITY: Outcome.INVALID}
    assert failed(renamed(ended, "expirationDate", name, moment(OVER))) == {Check.SIGNATURE: Outcome.UNREADABLE}


def test_and_ends_too_where_its_first_context_becomes_another() -> None:
    ended = old(expirationDate=OVER)
    both = {name: {"@id": VCDM + name, "@type": MOMENT} for name in ("issuanceDate", "expirationDate")}
    later = {**ended, "@context": [CREDENTIALS_V2, both]}
    assert failed(later) == {Check.VALIDITY: Outcome.INVALID, Check.CONTEXTS: Outcome.UNTRUSTED}


def old(**members: Any) -> dict[str, Any]:
    issuer = Issuer.of("eddsa-rdfc-2022")
    document = {
        "@context": [CREDENTIALS_V1, DATA_INTEGRITY_V2],
        "type": ["VerifiableCredential"],
        "issuer": issuer.did,
        "issuanceDate": "2026-11-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:subject"},
        **members,
    }
    options = ProofOptions("eddsa-rdfc-2022", "assertionMethod", NOW)
    return add_proof(document, options, issuer.method, issuer.sign)


def failed(document: Mapping[str, Any]) -> dict[Check, Outcome]:
    report = verify_credential(document, Policy(frozenset({Issuer.of("eddsa-rdfc-2022").did})), NOW)
    return {finding.check: finding.outcome for finding in report.failed}


def test_a_proof_ends_by_its_name() -> None:
    issuer = Issuer.of("eddsa-rdfc-2022")
    options = ProofOptions("eddsa-rdfc-2022", "assertionMethod", NOW, expires=NOW)
    document = add_proof(credential(issuer=issuer.did), options, issuer.method, issuer.sign)
    assert failed(document) == {Check.PROOF_TIME: Outcome.INVALID}
    proof: Any = document["proof"]
    hidden = renamed(proof, "expires", "https://w3id.org/security#expiration", moment(proof["expires"]))
    assert failed({**document, "proof": hidden}) == {Check.SIGNATURE: Outcome.UNREADABLE}


def test_didkit_is_not_asked_about_it() -> None:
    document = {**without_proof(old()), VCDM + "expirationDate": moment(OVER)}
    with pytest.raises(RenamedMemberError, match="expirationDate"):
        check_covered(document, {}, our_issuer().contexts)


@pytest.mark.parametrize("name", ["sec:expiration", "https://w3id.org/security#expiration"])
def test_nor_about_a_proof_that_ends_by_another_name(name: str) -> None:
    with pytest.raises(CheckFailedError, match="written as an IRI"):
        check_covered(without_proof(old()), {name: moment(OVER)}, our_issuer().contexts)


@pytest.mark.parametrize("name", ["holder", "verifiableCredential"])
def test_a_presentation_says_who_shows_what_by_name(name: str) -> None:
    holder = Issuer.of("eddsa-rdfc-2022", 7)
    stated = {"holder": "did:example:victim", "verifiableCredential": {"@graph": [issued("eddsa-jcs-2022")]}}
    document = {"@context": [CREDENTIALS_V2], "type": ["VerifiablePresentation"], VCDM + name: {"@id": stated[name]}}
    if name == "verifiableCredential":
        document[VCDM + name] = stated[name]
    with pytest.raises(RenamedMemberError, match=name):
        add_proof(document, ProofOptions("eddsa-rdfc-2022", "authentication", NOW), holder.method, holder.sign)


@pytest.mark.parametrize("form", FORMATS)
def test_our_issuer_signs_no_such_credential(form: str) -> None:
    with pytest.raises(RenamedMemberError, match="validUntil"):
        our_issuer().document(renamed(credential(), "validUntil", VCDM + "validUntil", moment(OVER)), form)


def test_a_presentation_holds_its_own_and_its_credentials_each_theirs() -> None:
    holder = Issuer.of("eddsa-rdfc-2022", 7)
    document = {
        "@context": [CREDENTIALS_V2],
        "id": "urn:x:1",
        "type": ["VerifiablePresentation"],
        "holder": holder.did,
        "verifiableCredential": [issued("eddsa-rdfc-2022", id="urn:x:1"), issued("eddsa-rdfc-2022")],
    }
    made = add_proof(document, ProofOptions("eddsa-rdfc-2022", "authentication", NOW), holder.method, holder.sign)
    report = verify_presentation(made, Policy(frozenset()), NOW, Expected("authentication"))
    assert report.outcome(Check.SIGNATURE) is Outcome.HOLDS
