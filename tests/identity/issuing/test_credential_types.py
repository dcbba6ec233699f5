"""Our types: what follows from an age, coarse dates, and files that say what is enforced."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import CredentialRefusedError, UnknownContextError
from identity.issuing import vocabulary
from identity.issuing.credential_types import AGE_ATTESTATION, AGES, TYPES, CredentialType
from identity.issuing.vocabulary import CONTEXT_FILE, context, contexts_at, contexts_under, schema, written
from identity.jsonld.context_library import CREDENTIALS_V2
from identity.jsonld.expansion import to_dataset
from ledger.ids import moment

REGISTERED = {"registered": True, "registration": "reg", "covers": ["face"], "refuses": ["any_likeness"]}


@settings(max_examples=50)
@given(age=st.integers(0, 99), asked=st.sets(st.sampled_from(AGES), min_size=1))
def test_what_follows_from_what_is_known_is_true(age: int, asked: set[int]) -> None:
    said = AGE_ATTESTATION.subject_of({f"age_over_{years}": age >= years for years in asked})
    assert {f"age_over_{years}" for years in asked} <= said.keys()
    for name, value in said.items():
        assert value is (age >= int(name.removeprefix("age_over_")))
    assert list(said) == [f"age_over_{years}" for years in AGES if f"age_over_{years}" in said]


@pytest.mark.parametrize(
    ("kind", "claims"),
    [
        ("AgeAttestation", {}),
        ("AgeAttestation", {"age_over_18": 1}),
        ("AgeAttestation", {"age_over_18": None}),
        ("AgeAttestation", {"age_over_17": True}),
        ("AgeAttestation", {"age_over_16": False, "age_over_18": True}),
        ("AgeAttestation", {"age_over_18": True, "id": "did:example:ada"}),
        ("DoNotGenerateRegistration", {**REGISTERED, "covers": []}),
        ("DoNotGenerateRegistration", {**REGISTERED, "covers": ["gait"]}),
        ("DoNotGenerateRegistration", {**REGISTERED, "registration": "reg a"}),
        ("DoNotGenerateRegistration", {**REGISTERED, "registered": False}),
        ("DoNotGenerateRegistration", {**REGISTERED, "refuses": ["parody"]}),
        ("DoNotGenerateRegistration", {**REGISTERED, "region": "Illinois"}),
        ("DoNotGenerateRegistration", {**REGISTERED, "template": "00"}),
        ("DoNotGenerateRegistration", {**REGISTERED, "covers": ["image"]}),
        ("DoNotGenerateRegistration", {**REGISTERED, "refuses": ["near_copies"]}),
        ("DoNotGenerateRegistration", {**REGISTERED, "covers": ["image"], "refuses": ["near_copies", "political"]}),
        ("AccountAssurance", {"account": "a", "tier": "certain", "policy": "p@1"}),
        ("AccountAssurance", {"account": "a", "tier": "low"}),
        ("VerifiedCreator", {"name": "", "profile": "https://x.example"}),
        ("VerifiedCreator", {"name": "Ada", "profile": "x.example"}),
        ("VerifiedCreator", {"name": "Ada", "profile": "https://x.example", "born": "1990"}),
    ],
)
def test_a_subject_that_is_not_of_its_schema_is_refused(kind: str, claims: dict[str, Any]) -> None:
    with pytest.raises(CredentialRefusedError):
        TYPES[kind].subject_of(claims)


def test_a_refusal_repeats_nothing_of_what_was_said() -> None:
    with pytest.raises(CredentialRefusedError) as refused:
        TYPES["VerifiedCreator"].subject_of({"name": "Ada", "profile": "SurelyNobody"})
    assert "SurelyNobody" not in str(refused.value)
    assert "profile" in str(refused.value)


@settings(max_examples=50)
@given(st.integers(0, 4_000_000_000_000).map(moment))
def test_an_age_is_good_from_one_monday_to_another(now: datetime) -> None:
    begins, ends = AGE_ATTESTATION.period(now)
    assert begins <= now < begins + timedelta(days=7)
    assert ends - begins == timedelta(days=14)
    for bound in (begins, ends):
        assert (bound.weekday(), bound.hour, bound.minute, bound.second, bound.microsecond) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("of", TYPES.values(), ids=TYPES)
def test_the_schema_that_is_served_is_the_one_that_is_enforced(of: CredentialType) -> None:
    served = schema(of.slug)
    assert served is not None
    assert json.loads(served) == written(of)


@pytest.mark.parametrize("of", TYPES.values(), ids=TYPES)
def test_every_claim_is_a_term_of_our_context(of: CredentialType) -> None:
    terms = json.loads(context())["@context"]
    claims = set(of.subject.json_schema()["properties"]) - {"id", "name"}
    assert claims | {of.name} <= terms.keys()
    origin = "https://issuer.example"
    said = {
        "@context": [CREDENTIALS_V2, origin + vocabulary.CONTEXT_PATH],
        "type": ["VerifiableCredential", of.name],
        "issuer": "did:web:issuer.example",
        "credentialSubject": dict.fromkeys(claims, "https://x.example"),
    }
    dataset = str(to_dataset(said, contexts_at(origin)))
    assert all(f"urn:sigillo:term:{name}" in dataset for name in claims)


def test_a_file_that_was_changed_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vocabulary.PINNED, CONTEXT_FILE, "0" * 64)
    with pytest.raises(UnknownContextError, match="install"):
        context()


def test_our_context_is_known_under_the_address_of_every_deployment_believed() -> None:
    dids = ["did:web:one.example", "did:web:127.0.0.1%3A8081", "did:key:z6Mk", "did:web:10.0.0.1", "nonsense"]
    under = contexts_under(dids)
    assert sorted(under) == [
        "http://127.0.0.1:8081/contexts/credentials/v1",
        "https://one.example/contexts/credentials/v1",
    ]
    assert set(under.values()) == {context()}
