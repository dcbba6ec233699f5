"""Names at the top of a credential are defined one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from identity.errors import UndefinedTermError
from identity.jsonld.context_library import CREDENTIALS_V2, PUBLISHED
from identity.jsonld.naming import check_names
from tests.identity.published import CONTEXTS, EXAMPLES

OWN = "https://own.example/v1"
LOOP = "https://loop.example/v1"
DEFINED = {
    OWN: {"seal": "urn:own:seal", "Sealed": {"@id": "urn:own:Sealed", "@context": LOOP}},
    LOOP: [LOOP, {"wax": "urn:own:wax"}],
}
LIBRARY = CONTEXTS.including({url: json.dumps({"@context": context}).encode() for url, context in DEFINED.items()})


def credential(*contexts: object, **members: object) -> dict[str, Any]:
    return {"@context": [CREDENTIALS_V2, *contexts], "type": ["VerifiableCredential"], "issuer": "urn:x:y", **members}


def test_what_only_a_catch_all_defines_is_refused_at_the_top() -> None:
    with pytest.raises(UndefinedTermError, match="'validUntill'"):
        check_names(credential(EXAMPLES, validUntill="2026-12-01T00:00:00Z"), LIBRARY)


@pytest.mark.parametrize(
    "members",
    [
        {"validUntil": "2026-12-01T00:00:00Z", "evidence": {"type": "Seen", "verifier": "us"}},
        {"credentialSubject": {"degree": "a claim"}},
        {"seal": "gold"},
        {"type": ["VerifiableCredential", "Sealed"], "wax": "red"},
        {"urn:own:other": "an IRI", "@id": "urn:x:1"},
    ],
)
def test_what_is_defined_by_name_is_not(members: dict[str, object]) -> None:
    check_names(credential(EXAMPLES, OWN, **members), LIBRARY)


def test_a_name_that_a_type_defines_is_that_types_alone() -> None:
    with pytest.raises(UndefinedTermError, match="'wax'"):
        check_names(credential(EXAMPLES, OWN, wax="red"), LIBRARY)


def test_without_a_catch_all_expansion_looks_for_undefined_names() -> None:
    check_names(credential(validUntill="2026-12-01T00:00:00Z"), PUBLISHED)
