"""Every refusal names its field and a stable code; everything else passes."""

from __future__ import annotations

import contextlib
import time
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import ClaimRefusedError
from provenance.request import Action, AuthorStatement, ClaimRequest, Grant, Model, Tool
from provenance.rules import check_grant, check_request
from provenance.vocabulary import ACTIONS, CREATED, OPENED, UNAVAILABLE_ACTIONS, DigitalSourceType

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REQUEST = ClaimRequest("Harbour at noon", Tool("Brush", "3.1"))
MODEL = Model("Painter", "2", "Acme")
GENERATED = Action(CREATED, DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA)


def edited(**changes: Any) -> ClaimRequest:
    return replace(REQUEST, actions=(Action("c2pa.edited", **changes),))


def parameters(**values: Any) -> ClaimRequest:
    return edited(parameters=values)


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


REFUSALS = [
    (replace(REQUEST, title=""), "title", "blank"),
    (replace(REQUEST, title=" \u3000"), "title", "blank"),
    *((replace(REQUEST, title=filler), "title", "blank") for filler in ("\u3164", "\u2800 ", "\u034f\ufe0f")),
    (replace(REQUEST, title="x" * 201), "title", "too-long"),
    (replace(REQUEST, title="a\x00b"), "title", "hidden-character"),
    (replace(REQUEST, title="a\nb"), "title", "hidden-character"),
    (replace(REQUEST, title="photo\u202egpj.exe"), "title", "hidden-character"),
    (replace(REQUEST, title="a\u2067b"), "title", "hidden-character"),
    (replace(REQUEST, title="a\u200bb"), "title", "hidden-character"),
    (replace(REQUEST, title="a\ud800b"), "title", "hidden-character"),
    (replace(REQUEST, title="a\ue000b"), "title", "hidden-character"),
    (replace(REQUEST, title="a\U000e0041b"), "title", "hidden-character"),
    (replace(REQUEST, tool=Tool("", "1")), "tool.name", "blank"),
    (replace(REQUEST, tool=Tool("Brush", "\x1b[31m")), "tool.version", "hidden-character"),
    (replace(REQUEST, author=AuthorStatement("x" * 101, "mine")), "author.name", "too-long"),
    (replace(REQUEST, author=AuthorStatement("Ann", "x" * 2001)), "author.statement", "too-long"),
    (replace(REQUEST, author=AuthorStatement("Ann", "a\rb")), "author.statement", "hidden-character"),
    (replace(REQUEST, actions=(GENERATED,), model=Model("", "1", "A")), "model.name", "blank"),
    (replace(REQUEST, actions=(GENERATED,), model=Model("P", "\t", "A")), "model.version", "blank"),
    (replace(REQUEST, actions=(GENERATED,), model=Model("P", "1", "x" * 101)), "model.provider", "too-long"),
    (replace(REQUEST, model=MODEL), "model", "model-without-generative-source"),
    (
        replace(REQUEST, model=MODEL, actions=(Action(CREATED, DigitalSourceType.DIGITAL_CAPTURE),)),
        "model",
        "model-without-generative-source",
    ),
    (replace(REQUEST, actions=(Action("c2pa.edited"),) * 101), "actions", "too-many"),
    (replace(REQUEST, actions=(Action("c2pa.painted"),)), "actions[0].name", "action-unknown"),
    (replace(REQUEST, actions=(Action("edited"),)), "actions[0].name", "action-unknown"),
    (replace(REQUEST, actions=(Action("example.edit"),)), "actions[0].name", "action-unknown"),
    (replace(REQUEST, actions=(Action("cawg.own.action"),)), "actions[0].name", "action-unknown"),
    (replace(REQUEST, actions=(Action("com.example.a b"),)), "actions[0].name", "action-unknown"),
    (replace(REQUEST, actions=(Action("com.example." + "a" * 90),)), "actions[0].name", "action-unknown"),
    (replace(REQUEST, actions=(Action(CREATED),)), "actions[0].source_type", "source-type-missing"),
    (replace(REQUEST, actions=(Action("c2pa.edited"), GENERATED)), "actions[1].name", "not-first"),
    (replace(REQUEST, actions=(GENERATED, Action(OPENED))), "actions[1].name", "not-first"),
    (edited(when=datetime(2026, 1, 1)), "actions[0].when", "time-without-zone"),  # noqa: DTZ001  that is the fault
    (edited(when=NOW + timedelta(minutes=6)), "actions[0].when", "time-in-future"),
    (edited(when=datetime.min.replace(tzinfo=UTC)), "actions[0].when", "time-out-of-range"),
    (
        edited(when=datetime.min.replace(tzinfo=timezone(timedelta(hours=9)))),
        "actions[0].when",
        "time-out-of-range",
    ),
    (edited(description="x" * 501), "actions[0].description", "too-long"),
    (edited(description="a\u2028b"), "actions[0].description", "hidden-character"),
    (parameters(ingredientIds=["parent"]), "actions[0].parameters", "reserved"),
    (parameters(ingredients=[]), "actions[0].parameters", "reserved"),
    (parameters(instanceId="parent"), "actions[0].parameters", "reserved"),
    (parameters(redacted="x"), "actions[0].parameters", "reserved"),
    (parameters(digitalSourceType="http://x/digitalCapture"), "actions[0].parameters", "reserved"),
    (parameters(softwareAgent="Another Tool"), "actions[0].parameters", "reserved"),
    (parameters(actions=[]), "actions[0].parameters", "reserved"),
    (parameters(a="x" * 4096), "actions[0].parameters", "too-large"),
    (edited(parameters=nested(9)), "actions[0].parameters", "too-deep"),
    (edited(parameters=nested(900)), "actions[0].parameters", "too-deep"),
    (parameters(a=float("nan")), "actions[0].parameters", "number"),
    (parameters(a=[float("inf")]), "actions[0].parameters", "number"),
    (parameters(a=2**53), "actions[0].parameters", "number"),
    (parameters(a=10**400), "actions[0].parameters", "number"),
    (parameters(a=b"bytes"), "actions[0].parameters", "not-json"),
    (edited(parameters={1: 2}), "actions[0].parameters", "not-json"),
    (parameters(a=["\u202e"]), "actions[0].parameters", "hidden-character"),
    (edited(parameters={"a\x07": 1}), "actions[0].parameters", "hidden-character"),
    (
        replace(REQUEST, actions=(Action("c2pa.translated"),)),
        "actions[0].parameters.sourceLanguage",
        "language",
    ),
    (
        replace(
            REQUEST,
            actions=(Action("c2pa.translated", parameters={"sourceLanguage": "en", "targetLanguage": "!"}),),
        ),
        "actions[0].parameters.targetLanguage",
        "language",
    ),
]


@pytest.mark.parametrize(("request_", "field", "code"), REFUSALS)
def test_a_broken_rule_is_refused_by_name(request_: ClaimRequest, field: str, code: str) -> None:
    with pytest.raises(ClaimRefusedError) as refused:
        check_request(request_, NOW)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert refused.value.detail


@pytest.mark.parametrize("action", sorted(UNAVAILABLE_ACTIONS))
def test_an_action_that_cannot_be_kept_is_refused_with_its_reason(action: str) -> None:
    with pytest.raises(ClaimRefusedError, match=UNAVAILABLE_ACTIONS[action].split(":")[0]) as refused:
        check_request(replace(REQUEST, actions=(Action(action),)), NOW)
    assert refused.value.code == "action-unavailable"


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST,
        replace(REQUEST, title="نیم‌فاصله 👩‍👩‍👧 Zażółć"),
        replace(REQUEST, author=AuthorStatement("Ann", "Mine.\nAll of it.")),
        replace(REQUEST, actions=(GENERATED,), model=MODEL),
        replace(REQUEST, actions=(GENERATED,)),
        replace(REQUEST, actions=(Action("com.example.remix-2"),)),
        edited(when=NOW + timedelta(minutes=4)),
        edited(when=datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=9)))),
        parameters(a=[1, 2.5, None, True, "x", {"b": []}], b=""),
        edited(parameters=nested(7)),
    ],
)
def test_what_keeps_the_rules_passes(request_: ClaimRequest) -> None:
    check_request(request_, NOW)


@pytest.mark.parametrize("action", sorted(ACTIONS - {CREATED, "c2pa.translated"}))
def test_every_offered_action_passes(action: str) -> None:
    check_request(replace(REQUEST, actions=(Action(action),)), NOW)


@given(st.text(max_size=250))
def test_any_title_passes_or_is_refused(title: str) -> None:
    with contextlib.suppress(ClaimRefusedError):
        check_request(replace(REQUEST, title=title), NOW)
        assert title.replace("\u200c", "").replace("\u200d", "").replace("\xa0", "").isprintable() or any(
            unicodedata.category(character) == "Zs" for character in title
        )


def test_ten_thousand_actions_are_refused_before_any_is_looked_at() -> None:
    request = replace(REQUEST, actions=(Action("c2pa.edited", parameters=nested(7)),) * 10_000)
    started = time.process_time()
    with pytest.raises(ClaimRefusedError, match="at most 100"):
        check_request(request, NOW)
    assert time.process_time() - started < 0.1


def test_a_key_speaks_for_its_own_tool_only() -> None:
    with pytest.raises(ClaimRefusedError) as refused:
        check_grant(REQUEST, Grant("Other", frozenset(DigitalSourceType)))
    assert (refused.value.field, refused.value.code) == ("tool.name", "tool-not-granted")


def test_no_key_claims_a_capture_that_it_was_not_granted() -> None:
    request = replace(
        REQUEST,
        actions=(Action(OPENED), Action("com.example.shot", DigitalSourceType.DIGITAL_CAPTURE)),
    )
    with pytest.raises(ClaimRefusedError) as refused:
        check_grant(request, Grant("Brush", frozenset({DigitalSourceType.HUMAN_EDITS})))
    assert (refused.value.field, refused.value.code) == ("actions[1].source_type", "source-type-not-granted")
    check_grant(request, Grant("Brush", frozenset({DigitalSourceType.DIGITAL_CAPTURE})))


def test_a_request_without_source_types_needs_no_grant_of_one() -> None:
    check_grant(REQUEST, Grant("Brush", frozenset()))
