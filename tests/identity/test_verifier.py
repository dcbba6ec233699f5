"""Every field altered is refused, and the report names the check that says so."""

from __future__ import annotations

import copy
import hashlib
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.data_integrity.cryptosuite import SUITES
from identity.data_integrity.proof import Expected
from identity.data_integrity.signing import ProofOptions, add_proof
from identity.encoding import multibase
from identity.encoding.date_time import AHEAD
from identity.errors import CheckFailedError
from identity.jsonld.context_library import CREDENTIALS_V1, CREDENTIALS_V2, DATA_INTEGRITY_V2
from identity.outcome import Check, Outcome
from identity.report import Report
from identity.verifier import MAX_CREDENTIALS, Policy, verify_credential, verify_presentation
from tests.identity.issuers import Issuer
from tests.identity.published import CONTEXTS, JCS, RDFC, Vector

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
RESOURCE, CONTENT = "https://example.com/terms", b"terms"
LOGIN = Expected("authentication", challenge="c-1", domain="https://verifier.example")


def credential(suite: str = "eddsa-rdfc-2022", **members: object) -> dict[str, Any]:
    issuer = Issuer.of(suite)
    document = {
        "@context": [CREDENTIALS_V2],
        "id": "urn:uuid:0a3f8c1e-credential",
        "type": ["VerifiableCredential"],
        "name": "A credential",
        "issuer": {"id": issuer.did, "name": "An issuer"},
        "validFrom": "2026-11-01T00:00:00Z",
        "validUntil": "2026-12-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:subject", "description": "somebody"},
        **members,
    }
    options = ProofOptions(suite, "assertionMethod", NOW - timedelta(days=1), expires=NOW + timedelta(days=1))
    unsigned = {name: value for name, value in document.items() if value is not None}
    return add_proof(unsigned, options, issuer.method, issuer.sign, CONTEXTS)


def policy(suite: str = "eddsa-rdfc-2022", **others: Any) -> Policy:
    return Policy(frozenset({Issuer.of(suite).did}), contexts=CONTEXTS, **others)


def verify(document: dict[str, Any], suite: str = "eddsa-rdfc-2022", now: datetime = NOW, **others: Any) -> Report:
    return verify_credential(document, policy(suite, **others), now)


def failed(report: Report) -> dict[Check, Outcome]:
    return {finding.check: finding.outcome for finding in report.failed}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every member and item."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(document: dict[str, Any], path: tuple[Any, ...], change: str) -> dict[str, Any]:
    altered = copy.deepcopy(document)
    *way, last = path
    place: Any = altered
    for step in way:
        place = place[step]
    if change == "taken away":
        del place[last]
    elif change == "added to":
        if not isinstance(place[last], dict):
            return {}
        place[last]["undefined"] = "x"
    else:
        if not isinstance(place[last], str):
            return {}
        place[last] += "x"
    return altered


@pytest.mark.parametrize("suite", SUITES)
def test_a_credential_by_somebody_believed_holds(suite: str) -> None:
    report = verify(credential(suite), suite)
    assert report.verdict is Outcome.HOLDS
    assert not report.failed
    assert report.outcome(Check.SIGNATURE) is report.outcome(Check.TRUST) is Outcome.HOLDS


@pytest.mark.parametrize("change", ["taken away", "added to", "altered"])
@pytest.mark.parametrize("suite", SUITES)
def test_every_field_altered_is_refused_by_the_check_that_sees_it(suite: str, change: str) -> None:
    document = credential(suite)
    seen = set()
    for path in places(document):
        altered = changed(document, path, change)
        if not altered:
            continue
        report = verify(altered, suite)
        assert report.verdict is not Outcome.HOLDS, path
        checks = set(failed(report))
        place = ".".join(map(str, path))
        assert checks & EXPECTED.get(place, {Check.SIGNATURE}), (place, checks)
        seen |= checks
    assert Check.SIGNATURE in seen


EXPECTED = {
    "@context": {Check.STRUCTURE},
    "@context.0": {Check.STRUCTURE},
    "type.0": {Check.STRUCTURE},
    "proof": {Check.PROOF, Check.SIGNATURE},
    "proof.type": {Check.PROOF},
    "proof.cryptosuite": {Check.PROOF},
    "proof.created": {Check.PROOF, Check.SIGNATURE},
    "proof.expires": {Check.PROOF, Check.SIGNATURE},
    "proof.verificationMethod": {Check.METHOD, Check.PROOF},
    "proof.proofPurpose": {Check.PURPOSE, Check.PROOF},
    "proof.proofValue": {Check.SIGNATURE, Check.PROOF},
}
"""Which check sees it; where nothing is said, the signature."""


@pytest.mark.parametrize("vector", [*RDFC, *JCS], ids=str)
def test_the_vectors_hold_but_for_whom_they_say_they_are_by(vector: Vector) -> None:
    """Their issuer is an https URL, whose key a did:key cannot be shown to be."""
    report = verify_credential(vector.secured, policy(), NOW)
    assert failed(report) == {Check.AUTHOR: Outcome.UNTRUSTED, Check.TRUST: Outcome.UNTRUSTED}


def test_an_issuer_not_believed_is_untrusted_and_not_invalid() -> None:
    report = verify_credential(credential(), Policy(frozenset()), NOW)
    assert failed(report) == {Check.TRUST: Outcome.UNTRUSTED}
    assert report.verdict is Outcome.UNTRUSTED


ALIKE = {
    "composed": "did:example:\u00e9",
    "decomposed": "did:example:e\u0301",
    "Cyrillic": "did:example:\u0435",
    "plain": "did:example:e",
    "capital": "did:example:E",
    "full width": "did:example:\uff45",
    "escaped": "did:example:%65",
    "joined": "did:example:e\u200d",
    "turned": "did:example:\u202ee",
}
"""Written apart, and the same to an eye, or to somebody who normalises."""


@pytest.mark.parametrize("alike", ALIKE.values(), ids=ALIKE)
def test_an_issuer_who_looks_like_one_believed_is_somebody_else(alike: str) -> None:
    believed = Policy(frozenset(ALIKE.values()) - {alike}, contexts=CONTEXTS)
    assert failed(verify_credential(credential(issuer=alike), believed, NOW))[Check.TRUST] is Outcome.UNTRUSTED


@pytest.mark.parametrize("suite", SUITES)
def test_an_id_that_looks_like_what_was_signed_was_not(suite: str) -> None:
    for signed in ALIKE.values():
        document = credential(suite, credentialSubject={"id": signed})
        for alike in ALIKE.values():
            document["credentialSubject"]["id"] = alike
            report = verify(document, suite)
            assert failed(report) == ({} if alike == signed else {Check.SIGNATURE: Outcome.INVALID}), (signed, alike)


def test_a_credential_signed_by_another_key_is_not_its_issuers() -> None:
    document = credential(issuer=Issuer.of("eddsa-rdfc-2022", 1).did)
    assert failed(verify(document))[Check.AUTHOR] is Outcome.UNTRUSTED


def test_without_a_proof_it_is_absent() -> None:
    document = credential()
    del document["proof"]
    assert verify(document).verdict is Outcome.ABSENT
    assert verify({**document, "proof": []}).verdict is Outcome.UNREADABLE  # an empty list is no document of ours


@pytest.mark.parametrize(
    ("now", "check"),
    [
        (datetime(2026, 10, 31, tzinfo=UTC), Check.VALIDITY),
        (datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC), Check.VALIDITY),
        (NOW - timedelta(days=1, seconds=1) - AHEAD, Check.PROOF_TIME),
        (NOW + timedelta(days=1), Check.PROOF_TIME),
    ],
)
def test_before_and_after_its_time_it_is_invalid(now: datetime, check: Check) -> None:
    assert failed(verify(credential(), now=now))[check] is Outcome.INVALID


def test_the_purpose_is_the_one_asked_for() -> None:
    report = verify_credential(credential(), policy(), NOW, Expected("authentication"))
    assert failed(report)[Check.PURPOSE] is Outcome.INVALID


@pytest.mark.parametrize(
    ("members", "outcome"),
    [
        ({"issuer": "not a url"}, Outcome.INVALID),
        ({"credentialSubject": "did:example:subject"}, Outcome.INVALID),
        ({"credentialSubject": {}}, Outcome.INVALID),
        ({"validFrom": "2026-11-01"}, Outcome.INVALID),
        ({"validFrom": "2026-11-01T00:00:00"}, Outcome.INVALID),
        ({"type": ["VerifiablePresentation"]}, Outcome.UNREADABLE),
        ({"id": "relative"}, Outcome.INVALID),
        ({"id": ["urn:a"]}, Outcome.INVALID),
        ({"id": "_:b0"}, Outcome.INVALID),
        ({"credentialSubject": {"id": "_:b0", "name": "x"}}, Outcome.INVALID),
        ({"credentialStatus": {"id": "urn:status"}}, Outcome.INVALID),
        ({"credentialSchema": {"type": "JsonSchema"}}, Outcome.INVALID),
        ({"evidence": {"id": "urn:evidence"}}, Outcome.INVALID),
        ({"name": {"@value": 5}}, Outcome.INVALID),
        ({"name": {"@value": "x", "@type": "y"}}, Outcome.INVALID),
        ({"@context": [DATA_INTEGRITY_V2, CREDENTIALS_V2]}, Outcome.UNREADABLE),
        ({"@context": []}, Outcome.UNREADABLE),
        ({"@context": CREDENTIALS_V1}, Outcome.INVALID),
    ],
    ids=repr,
)
def test_what_is_no_credential_by_its_structure(members: dict[str, object], outcome: Outcome) -> None:
    assert failed(verify({**credential(), **members}))[Check.STRUCTURE] is outcome


def test_a_credential_of_the_older_model_is_verified() -> None:
    older: dict[str, Any] = {
        "@context": [CREDENTIALS_V1, DATA_INTEGRITY_V2],
        "issuer": Issuer.of("eddsa-rdfc-2022").did,
        "credentialSubject": {"id": "did:example:subject"},
        "issuanceDate": "2026-11-01T00:00:00Z",
        "expirationDate": "2026-12-01T00:00:00Z",
    }
    document = credential(**older, name=None, validFrom=None, validUntil=None)
    assert verify(document).verdict is Outcome.HOLDS
    assert Check.VALIDITY in failed(verify(document, now=datetime(2027, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize(
    "contexts",
    [
        [CREDENTIALS_V2, {"name": "urn:other"}],
        [CREDENTIALS_V2, "https://evil.example/context"],
    ],
    ids=repr,
)
def test_contexts_unknown_or_written_out_are_untrusted(contexts: list[object]) -> None:
    assert failed(verify({**credential(), "@context": contexts}))[Check.CONTEXTS] is Outcome.UNTRUSTED


def test_a_context_inside_is_untrusted_although_what_it_says_was_signed() -> None:
    document = credential(
        credentialSubject={"id": "urn:s", "@context": {"alias": "https://schema.org/name"}, "alias": "x"}
    )
    assert failed(verify(document)) == {Check.CONTEXTS: Outcome.UNTRUSTED}


@pytest.mark.parametrize("document", [[], {"a": b"x"}, {"@context": CREDENTIALS_V2, "x": None}, {"a": "x" * 600_000}])
def test_what_can_not_be_looked_at_is_unreadable(document: Any) -> None:
    assert verify(document).verdict is Outcome.UNREADABLE


def pinned(**digests: str) -> dict[str, Any]:
    return credential(relatedResource=[{"id": RESOURCE, **digests}])


def test_related_resources_are_compared() -> None:
    sri = "sha384-" + b64encode(hashlib.sha384(CONTENT).digest()).decode()
    multihash = multibase.encode_base64(b"\x12\x20" + hashlib.sha256(CONTENT).digest())
    for document in (pinned(digestSRI=sri), pinned(digestMultibase=multihash)):
        assert verify(document, resources={RESOURCE: CONTENT}.get).verdict is Outcome.HOLDS
        assert failed(verify(document, resources={RESOURCE: b"other"}.get)) == {Check.RESOURCES: Outcome.INVALID}
        assert failed(verify(document)) == {Check.RESOURCES: Outcome.UNCHECKED}
    both = pinned(digestSRI="sha256-" + "A" * 43 + "=", digestMultibase=multihash)
    assert failed(verify(both, resources={RESOURCE: CONTENT}.get)) == {Check.RESOURCES: Outcome.INVALID}


@pytest.mark.parametrize(
    ("entries", "outcome"),
    [
        ([{"id": RESOURCE, "mediaType": "text/plain"}], Outcome.INVALID),
        ([{"id": RESOURCE, "digestSRI": "md5-AAAA"}], Outcome.UNREADABLE),
        ([{"id": RESOURCE, "digestSRI": "sha256-AAAA"}], Outcome.UNREADABLE),
        ([{"id": RESOURCE, "digestMultibase": "zAA"}], Outcome.UNREADABLE),
        ([{"id": RESOURCE, "digestMultibase": "m"}], Outcome.UNREADABLE),
        ([{"id": RESOURCE, "digestSRI": "sha256-" + "A" * 43 + "="}] * 2, Outcome.INVALID),
    ],
    ids=repr,
)
def test_related_resources_pinned_by_nothing_are_refused(entries: list[object], outcome: Outcome) -> None:
    report = verify({**credential(), "relatedResource": entries}, resources={RESOURCE: CONTENT}.get)
    assert failed(report)[Check.RESOURCES] is outcome


def test_a_status_that_nobody_looks_up_is_unchecked() -> None:
    document = credential(credentialStatus={"id": "urn:list#7", "type": "BitstringStatusListEntry", **STATUS})
    assert failed(verify(document)) == {Check.STATUS: Outcome.UNCHECKED}
    asked: list[object] = []
    assert verify(document, status=lambda *told: asked.append(told)).verdict is Outcome.HOLDS
    assert asked == [(document["credentialStatus"], document["issuer"]["id"])]

    def revoked(_entry: object, _issuer: str | None) -> None:
        raise CheckFailedError(Check.STATUS, "revoked")

    assert verify(document, status=revoked).verdict is Outcome.INVALID


STATUS = {"statusPurpose": "revocation", "statusListIndex": "7", "statusListCredential": "https://issuer.example/list"}


def presentation(*credentials: dict[str, Any], expected: Expected = LOGIN, **members: object) -> dict[str, Any]:
    holder = Issuer.of("eddsa-jcs-2022", 7)
    document = holder.presenting(*credentials, **members)
    options = ProofOptions(
        "eddsa-rdfc-2022", expected.purpose, NOW, challenge=expected.challenge, domain=expected.domain
    )
    return add_proof(document, options, holder.method, holder.sign, CONTEXTS)


def test_a_presentation_holds_with_what_it_holds() -> None:
    report = verify_presentation(presentation(credential(), credential("eddsa-rdfc-2022")), policy(), NOW, LOGIN)
    assert report.verdict is Outcome.HOLDS
    assert [each.verdict for each in report.credentials] == [Outcome.HOLDS] * 2


@pytest.mark.parametrize(
    ("expected", "check"),
    [
        (Expected("authentication", "c-2", LOGIN.domain), Check.CHALLENGE),
        (Expected("authentication", LOGIN.challenge, "https://other.example"), Check.DOMAIN),
        (Expected("assertionMethod", LOGIN.challenge, LOGIN.domain), Check.PURPOSE),
    ],
)
def test_a_replayed_presentation_is_refused(expected: Expected, check: Check) -> None:
    report = verify_presentation(presentation(credential()), policy(), NOW, expected)
    assert failed(report) == {check: Outcome.INVALID}


def test_a_presentation_without_challenge_answers_none() -> None:
    document = presentation(credential(), expected=Expected("authentication"))
    report = verify_presentation(document, policy(), NOW, LOGIN)
    assert failed(report) == {Check.CHALLENGE: Outcome.INVALID, Check.DOMAIN: Outcome.INVALID}


def test_a_presentation_is_as_good_as_the_worst_it_holds() -> None:
    good, bad = credential(), credential(validUntil="2026-11-02T00:00:00Z")
    report = verify_presentation(presentation(good, bad), policy(), NOW, LOGIN)
    assert report.verdict is Outcome.INVALID
    assert not report.failed
    assert [each.verdict for each in report.credentials] == [Outcome.HOLDS, Outcome.INVALID]


def test_what_a_presentation_holds_can_not_be_exchanged() -> None:
    document = presentation(credential())
    document["verifiableCredential"] = [credential(name="Another")]
    assert failed(verify_presentation(document, policy(), NOW, LOGIN))[Check.SIGNATURE] is Outcome.INVALID


def test_a_presentation_by_another_than_its_holder_is_untrusted() -> None:
    document = presentation(credential(), holder=Issuer.of("eddsa-jcs-2022", 8).did)
    assert failed(verify_presentation(document, policy(), NOW, LOGIN)) == {Check.AUTHOR: Outcome.UNTRUSTED}


def test_a_presentation_of_too_many_is_not_read() -> None:
    document = {**presentation(credential()), "verifiableCredential": [{"type": "x"}] * (MAX_CREDENTIALS + 1)}
    report = verify_presentation(document, policy(), NOW, LOGIN)
    assert failed(report)[Check.CREDENTIALS] is Outcome.UNREADABLE
    assert not report.credentials


@pytest.mark.parametrize("suite", SUITES)
def test_a_proof_can_not_pass_for_one_of_another_suite(suite: str) -> None:
    document = credential(suite)
    for other in set(SUITES) - {suite}:
        confused = {**document, "proof": {**document["proof"], "cryptosuite": other}}
        checks = failed(verify(confused, suite))
        assert {Check.SIGNATURE, Check.METHOD} & set(checks)


KEYWORDS = [
    *("@id", "@type", "@value", "@list", "@set", "@graph", "@included", "@reverse", "@nest", "@index", "@language"),
    *("@context", "@vocab", "@none"),
]
MEMBERS = ["id", "type", "name", "description", "issuer", "proof", "credentialSubject", "urn:p"]
NAMES = st.sampled_from([*KEYWORDS, *MEMBERS])
VALUES = st.recursive(
    st.sampled_from([*KEYWORDS, "urn:a", "_:b0", "x", "", "did:example:a", 1, True, 1.5, None]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
HOLDING = {False: credential(), True: presentation(credential())}


def form_free(value: Any) -> list[Any]:
    """One and a list of one are the same; so are lists in another order."""
    if isinstance(value, list):
        return sorted((one for each in value for one in form_free(each)), key=repr)
    return [{name: form_free(inner) for name, inner in value.items()}] if isinstance(value, dict) else [value]


@settings(max_examples=100)
@given(st.booleans(), st.data())
def test_whatever_is_changed_is_refused_unless_it_is_form(presented: bool, data: st.DataObject) -> None:
    document = copy.deepcopy(HOLDING[presented])
    inside = [(), *(path for path in places(document))]
    place: Any = document
    for step in data.draw(st.sampled_from(inside)):
        place = place[step] if isinstance(place[step], dict | list) else place
    if isinstance(place, dict):
        place[data.draw(NAMES | st.sampled_from(sorted(place)))] = data.draw(VALUES)
    else:
        place[data.draw(st.integers(0, len(place) - 1))] = data.draw(VALUES)
    report = verify_presentation(document, policy(), NOW, LOGIN) if presented else verify(document)
    if report.verdict is Outcome.HOLDS:
        assert form_free(document) == form_free(HOLDING[presented])
