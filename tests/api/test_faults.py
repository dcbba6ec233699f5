from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from api.edge.faults import WORDS, told
from api.routers.access import KeyRequest
from api.routers.holds import HoldRequest
from api.routers.keys import RevocationRequest
from api.schemas.assets import ClaimBody
from api.schemas.assurance_requests import (
    AccountRequest,
    CodeAnswer,
    CodeRequest,
    KycRequest,
    LoginAnswer,
    LoginRequest,
    PresentationRequest,
    StepUpRequest,
    WithdrawalRequest,
)
from api.schemas.likeness import CheckRequest
from api.schemas.oversight import DisclosureRequest, SearchRequest
from api.schemas.words import EXAMPLES, HOLD, KIND
from tests.api.wire import problem
from tests.deployment import Running, picture
from tests.hostile.shapes import anything

BODIES: tuple[type[BaseModel], ...] = (
    ClaimBody,
    KeyRequest,
    RevocationRequest,
    DisclosureRequest,
    SearchRequest,
    HoldRequest,
    AccountRequest,
    CodeRequest,
    CodeAnswer,
    KycRequest,
    LoginAnswer,
    LoginRequest,
    PresentationRequest,
    StepUpRequest,
    WithdrawalRequest,
    CheckRequest,
)
_members = sorted({name for body in BODIES for name in body.model_fields} | {"name", "version", "when", "source_type"})
_inner = st.recursive(
    anything | st.sampled_from(["2026-01-01", "2026-01-01T00:00:00", "digitalCapture", "sign"]),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.sampled_from(_members), some, max_size=4),
    max_leaves=12,
)


def faults(body: type[BaseModel], sent: Any) -> list[Any]:
    try:
        body.model_validate(sent)
    except ValidationError as error:
        return list(error.errors())
    return []


@example(body=ClaimBody, sent={"creator_signature": {"name": None}})  # of a dataclass, in Pydantic's words once
@given(body=st.sampled_from(BODIES), sent=st.dictionaries(st.sampled_from(_members), _inner) | _inner)
def test_every_fault_a_body_can_have_is_in_our_words(body: type[BaseModel], sent: Any) -> None:
    found = faults(body, sent)
    assert {fault["type"] for fault in found} <= {*WORDS, "value_error"}
    for fault in told([{**fault, "loc": ("body", *fault["loc"])} for fault in found]):
        assert fault["field"]
        assert "should" not in fault["detail"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"tool": 1}, "tool: must be text"),
        ({"tool": ""}, "tool: is missing"),
        ({"tool": "x", "scope": []}, "scope: is not known here"),
        ({"tool": "x", "scopes": "sign"}, "scopes: must be a list"),
        ({"tool": "x", "new_tenant": "maybe"}, "new_tenant: must be true or false"),
        ({}, "tool: is missing"),
        ({"tool": "x", "principal": "me"}, "principal: must be like `prn_` and 26 letters or digits"),
        ([], "body: must be an object"),
    ],
)
def test_a_fault_says_what_is_wanted(deployment: Running, sent: object, said: str) -> None:
    with deployment.http(deployment.key()) as http:
        assert problem(http.post("/v1/api-keys", json=sent), 422, "request-invalid")["detail"] == said


def test_a_signature_that_is_no_object_is_told(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        sent: Any = {"file": ("photo.jpg", picture()), "claim": (None, '{"creator_signature": []}', "application/json")}
        said = problem(http.post("/v1/assets", files=sent), 422, "request-invalid")["detail"]
    assert "creator_signature.CreatorSignature: must be an object" in said


def test_what_is_too_short_is_told(deployment: Running) -> None:
    sent = {"name": "case-1", "assets": [], "reason": ""}
    with deployment.http(deployment.key()) as http:
        said = problem(http.post("/v1/holds", json=sent), 422, "request-invalid")["detail"]
    assert said == "assets: has too few: at least 1; reason: is too short: at least 1"


def test_every_form_that_a_request_must_have_comes_with_an_example(deployment: Running) -> None:
    with deployment.http() as http:
        found = set(_patterns(http.get("/openapi.json").json()))
    assert {HOLD, KIND} <= found <= set(EXAMPLES)


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _patterns(inner)


def test_a_fault_that_is_not_listed_keeps_its_sentence() -> None:
    assert told([{"type": "new", "loc": ("body", "a"), "msg": "Wrong"}]) == [{"field": "a", "detail": "Wrong"}]
