"""The rules a claim request must keep, checked before anything expensive runs.

Rules
- c2pa-rs checks neither action names, source types, times nor sizes: what passes here is what gets signed.
- Text is printable: no control characters, nothing that reorders or hides what a reader sees.
- The first broken rule is reported, naming its field; nothing is repaired or dropped silently.

C2PA Technical Specification 2.4, "Actions".
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from provenance.characters import blank, hidden
from provenance.creator import CreatorStatement
from provenance.creator_judging import Trusted, judged
from provenance.errors import ClaimRefusedError
from provenance.request import Action, ClaimRequest, Grant, Redaction
from provenance.verdict import Verdict
from provenance.vocabulary import ACTIONS, CREATED, GENERATIVE, OPENED, UNAVAILABLE_ACTIONS

MAX_TITLE: Final = 200
MAX_NAME: Final = 100
"""Characters of a tool's, model's, provider's or author's name, of a version, of an action's label."""

MAX_STATEMENT: Final = 2000
MAX_DESCRIPTION: Final = 500
MAX_ACTIONS: Final = 100
MAX_PARAMETERS_BYTES: Final = 4096
"""UTF-8 JSON, per action."""

MAX_PARAMETERS_DEPTH: Final = 8
MAX_NUMBER: Final = 2**53 - 1
"""What every JSON reader keeps exactly (RFC 8259, section 6)."""

MAX_REDACTED: Final = 20
NEVER_REDACTED: Final = (
    "c2pa.actions",
    "c2pa.hash.",
    "c2pa.ingredient",
    "c2pa.soft-binding",
    "c2pa.training-mining",
    "cawg.training-mining",
    "org.sigillo.content",
    "org.sigillo.likeness-check",
    "org.sigillo.model",
)
"""Beginnings of labels. C2PA forbids the first two; the others are what a file's origin, its maker's refusal and its
being made by AI are known by.
"""

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far ahead of ours a tool's clock may run."""

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
"""No file was made before."""

RESERVED_PARAMETERS: Final = frozenset(
    {
        "actions",
        "digitalSourceType",
        "ingredient",
        "ingredientIds",
        "ingredients",
        "instanceId",
        "org.cai.ingredientIds",
        "redacted",
        "relatedAssertions",
        "softwareAgent",
    }
)
"""Parameters that point into the manifest, or that would say beside an action what its own members say: a source
type, a tool. The service alone writes them.
"""

_VENDOR_LABEL = re.compile(r"(?!c2pa\.|cawg\.|stds\.)[a-z][a-z0-9-]*(\.[A-Za-z0-9_-]+){2,}")
_LABEL = re.compile(r"[a-z][A-Za-z0-9-]*(\.[A-Za-z0-9_-]+)+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def check_request(request: ClaimRequest, now: datetime) -> None:
    """Hold a request to every rule that needs no file. Raises ClaimRefusedError."""
    check_text("title", request.title, MAX_TITLE)
    check_text("tool.name", request.tool.name, MAX_NAME)
    check_text("tool.version", request.tool.version, MAX_NAME)
    if request.author is not None:
        check_text("author.name", request.author.name, MAX_NAME)
        check_text("author.statement", request.author.statement, MAX_STATEMENT, lines=True)
    if len(request.actions) > MAX_ACTIONS:
        raise ClaimRefusedError("actions", "too-many", f"at most {MAX_ACTIONS} actions can be declared")
    for index, action in enumerate(request.actions):
        _check_action(f"actions[{index}]", action, index, now)
    _check_model(request)
    if request.redaction is not None:
        _check_redaction(request.redaction)


def check_creator(request: ClaimRequest, sha256: str, now: datetime) -> None:
    """Hold what a creator signed to the file and to the request. Raises ClaimRefusedError."""
    if request.creator is None:
        return
    kinds = tuple(sorted({str(action.source_type) for action in request.actions if action.source_type}))
    wanted = CreatorStatement("", sha256, request.title, kinds)
    found = judged(asdict(request.creator), wanted, Trusted((), frozenset(), now))
    if found.verdict is not Verdict.UNTRUSTED:  # whether anybody vouches for the key is for whoever verifies
        raise ClaimRefusedError("creator_signature", f"creator-{found.verdict}", found.reason)


def check_change(request: ClaimRequest) -> None:
    """Hold the request of a transformation to saying what was done. Raises ClaimRefusedError."""
    if not any(action.name not in (CREATED, OPENED) for action in request.actions):
        detail = "say what the tool did to the file it opened, for example c2pa.cropped or c2pa.color_adjustments"
        raise ClaimRefusedError("actions", "no-change", detail)


def check_grant(request: ClaimRequest, grant: Grant) -> None:
    """Hold a request to what its key may assert. Raises ClaimRefusedError."""
    if request.tool.name != grant.tool:
        raise ClaimRefusedError("tool.name", "tool-not-granted", f"this key speaks for {grant.tool!r} only")
    for index, action in enumerate(request.actions):
        if action.source_type is not None and action.source_type not in grant.source_types:
            raise ClaimRefusedError(
                f"actions[{index}].source_type",
                "source-type-not-granted",
                f"this key may not assert {action.source_type}; ask the operator to grant it",
            )


def check_action_name(field: str, name: str) -> None:
    """That it is an action which can be declared here. Raises ClaimRefusedError."""
    if name in UNAVAILABLE_ACTIONS:
        detail = f"{name} cannot be declared: {UNAVAILABLE_ACTIONS[name]}"
        raise ClaimRefusedError(field, "action-unavailable", detail)
    if name not in ACTIONS and (len(name) > MAX_NAME or not _VENDOR_LABEL.fullmatch(name)):
        detail = "use an action of the C2PA specification, or a reverse-domain label such as com.example.remix"
        raise ClaimRefusedError(field, "action-unknown", detail)


def check_text(field: str, text: str, limit: int, *, lines: bool = False, may_be_blank: bool = False) -> None:
    """That a reader sees what it says, and not too much. Raises ClaimRefusedError."""
    if len(text) > limit:
        raise ClaimRefusedError(field, "too-long", f"at most {limit} characters are allowed")
    if not may_be_blank and blank(text):
        raise ClaimRefusedError(field, "blank", "this must not be blank")
    for character in text:
        if lines and character == "\n":
            continue
        if hidden(character):
            raise ClaimRefusedError(
                field, "hidden-character", f"U+{ord(character):04X} is a control or formatting character"
            )


def _check_redaction(redaction: Redaction) -> None:
    if not 0 < len(redaction.assertions) <= MAX_REDACTED:
        raise ClaimRefusedError("redact.assertions", "too-many", f"from one to {MAX_REDACTED} can be redacted")
    for index, label in enumerate(redaction.assertions):
        if len(label) > MAX_NAME or not _LABEL.fullmatch(label):
            detail = "give the label of an assertion, such as cawg.metadata"
            raise ClaimRefusedError(f"redact.assertions[{index}]", "label", detail)
        if label.startswith(NEVER_REDACTED):
            detail = f"{label} says where the file comes from, and stays"
            raise ClaimRefusedError(f"redact.assertions[{index}]", "never-redacted", detail)


def _check_action(field: str, action: Action, index: int, now: datetime) -> None:
    check_action_name(f"{field}.name", action.name)
    if action.name in (CREATED, OPENED) and index > 0:
        raise ClaimRefusedError(f"{field}.name", "not-first", f"{action.name} can only be the first action")
    if action.name == CREATED and action.source_type is None:
        detail = "c2pa.created must say where the pixels come from"
        raise ClaimRefusedError(f"{field}.source_type", "source-type-missing", detail)
    if action.when is not None:
        _check_time(f"{field}.when", action.when, now)
    if action.description is not None:
        check_text(f"{field}.description", action.description, MAX_DESCRIPTION)
    _check_parameters(f"{field}.parameters", action)


def _check_time(field: str, when: datetime, now: datetime) -> None:
    if when.tzinfo is None:
        raise ClaimRefusedError(field, "time-without-zone", "give the time with its offset from UTC")
    if when < EARLIEST:
        raise ClaimRefusedError(field, "time-out-of-range", f"give a time after {EARLIEST.year}")
    if when > now + CLOCK_SKEW:
        raise ClaimRefusedError(field, "time-in-future", "the time has not come yet")


def _check_parameters(field: str, action: Action) -> None:
    reserved = RESERVED_PARAMETERS.intersection(action.parameters)
    if reserved:
        raise ClaimRefusedError(field, "reserved", f"the service writes {', '.join(sorted(reserved))} itself")
    _check_value(field, dict(action.parameters), MAX_PARAMETERS_DEPTH)
    # The nesting is bounded by now, so the encoder cannot run out of stack.
    if len(json.dumps(dict(action.parameters), ensure_ascii=False).encode()) > MAX_PARAMETERS_BYTES:
        detail = f"the parameters take more than {MAX_PARAMETERS_BYTES} bytes"
        raise ClaimRefusedError(field, "too-large", detail)
    if action.name == "c2pa.translated":
        for key in ("sourceLanguage", "targetLanguage"):
            if not _LANGUAGE.fullmatch(str(action.parameters.get(key, ""))):
                raise ClaimRefusedError(f"{field}.{key}", "language", "give a BCP 47 language tag")


def _check_value(field: str, value: Any, depth: int) -> None:
    if depth == 0:
        raise ClaimRefusedError(field, "too-deep", f"at most {MAX_PARAMETERS_DEPTH} levels can be nested")
    match value:
        case dict():
            for key, inner in value.items():
                if not isinstance(key, str):
                    raise ClaimRefusedError(field, "not-json", "keys must be text")
                check_text(field, key, MAX_NAME, may_be_blank=True)
                _check_value(field, inner, depth - 1)
        case list():
            for inner in value:
                _check_value(field, inner, depth - 1)
        case str():
            check_text(field, value, MAX_PARAMETERS_BYTES, may_be_blank=True)
        case int() | float() if not abs(value) <= MAX_NUMBER:  # true of NaN, too
            raise ClaimRefusedError(field, "number", "numbers must be finite and below 2^53")
        case None | bool() | int() | float():
            return
        case _:
            raise ClaimRefusedError(field, "not-json", f"{type(value).__name__} is not a JSON value")


def _check_model(request: ClaimRequest) -> None:
    # A generative source type without a model passes: refusing it would tempt people to drop the marking.
    if request.model is None:
        return
    check_text("model.name", request.model.name, MAX_NAME)
    check_text("model.version", request.model.version, MAX_NAME)
    check_text("model.provider", request.model.provider, MAX_NAME)
    if not any(action.source_type in GENERATIVE for action in request.actions):
        detail = "name a model only with a generative source type on an action, such as trainedAlgorithmicMedia"
        raise ClaimRefusedError("model", "model-without-generative-source", detail)
