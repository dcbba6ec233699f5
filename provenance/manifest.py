"""The manifest of one upload, as the definition that c2pa's Builder takes.

Rules
- The first action is `c2pa.created`, or else `c2pa.opened` with a parent: the uploaded file, or for a
  transformation the file it was made from. A file's history is never dropped, and what arrives with a manifest
  cannot be claimed as newly created.
- A parent whose manifest cannot be read is still named as the parent, with a sentence that says so.
- *Created* assertions are what this service worked out itself (actions, content, a likeness check of its own); what
  the request states (model, author, training-mining) is *gathered*: carried, not vouched for.

C2PA Technical Specification 2.4, "Claims", "Actions", "Ingredient"; CAWG Metadata 1.1, CAWG Training and
Data Mining 1.1.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Any, Final

from detection.iscc import ALGORITHM
from provenance.creator import CREATOR_LABEL
from provenance.errors import ClaimRefusedError
from provenance.request import Action, AuthorStatement, ClaimRequest, LikenessCheck, Tool
from provenance.verdict import Verdict
from provenance.vocabulary import CREATED, OPENED, REDACTED, TRAINING_MINING_ENTRIES

CONTENT_LABEL: Final = "org.sigillo.content"
MODEL_LABEL: Final = "org.sigillo.model"
LIKENESS_CHECK_LABEL: Final = "org.sigillo.likeness-check"
SOFT_BINDING_LABEL: Final = "c2pa.soft-binding"

AUTHOR_LABEL: Final = "cawg.metadata"
TRAINING_MINING_LABEL: Final = "cawg.training-mining"
TOOL_KEY: Final = "org.sigillo.tool"
PARENT_LABEL: Final = "parent"
"""The Builder's name for the parent ingredient while it links the first action to it."""

MAX_MANIFEST_STORE_BYTES: Final = 16 * 1024 * 1024
"""Ours take 13 kB; a history of foreign manifests with thumbnails takes some megabytes. A larger one is neither read
nor made.
"""

UNREADABLE_PARENT: Final = "This file arrived with a manifest that could not be read."
_DUBLIN_CORE: Final = "http://purl.org/dc/elements/1.1/"


@dataclass(frozen=True)
class ContentAssertion:
    """`org.sigillo.content`: the uploaded file, measured. It names the content whatever wraps it later."""

    mime: str
    sha256: str
    """Of the uploaded bytes, hexadecimal."""

    content_hash: str
    """Of the decoded content in its normal form, hexadecimal."""

    normal_form: str
    decoder: str
    width: int | None = None
    height: int | None = None
    duration: int | None = None
    """Milliseconds, of what moves or sounds."""

    image_code: str | None = None
    """Of a picture that does not move, as an ISCC unit: goes into a soft binding of its own."""

    frames: tuple[tuple[int, str], ...] = ()
    """Of what moves: milliseconds from the beginning, and PDQ of the frame shown then."""

    windows: tuple[tuple[int, str], ...] = ()
    """Of what sounds: where each window begins, in milliseconds, and its SHA-256."""

    @property
    def data(self) -> dict[str, Any]:
        """As the assertion holds it: without what the medium lacks."""
        said = {name: value for name, value in vars(self).items() if value not in (None, ())}
        return {name: value for name, value in said.items() if name != "image_code"}

    @property
    def soft_binding(self) -> dict[str, Any] | None:
        """By what the content is known without its bytes; None of what no algorithm on C2PA's list is made of here."""
        if self.image_code is None:
            return None
        return {"alg": ALGORITHM, "blocks": [{"scope": {}, "value": self.image_code}]}


@dataclass(frozen=True)
class Definition:
    """What the signing worker builds."""

    mime: str
    manifest: dict[str, Any]
    """The Builder's JSON."""

    parent: dict[str, str] | None
    """The parent ingredient when the upload's own manifest goes along with it."""


def define(
    request: ClaimRequest,
    content: ContentAssertion,
    history: Verdict,
    generator: Tool,
    parent_mime: str = "",
    check: LikenessCheck | None = None,
    earlier: str = "",
) -> Definition:
    """The definition for a request that passed `rules`.

    `history` is the verdict on the parent's manifest; the parent is the uploaded file, or another of the type
    `parent_mime`. `generator` is this service, and `check` was verified by it. `earlier` is the label
    of the parent's manifest, of which the request may redact assertions.
    Raises ClaimRefusedError when a file with history is claimed as newly created.
    """
    created = bool(request.actions) and request.actions[0].name == CREATED
    if created and history is not Verdict.ABSENT:
        detail = "this file arrives with a manifest, so it was not created now: declare c2pa.opened or its edits"
        raise ClaimRefusedError("actions[0].name", "created-with-history", detail)
    binding = content.soft_binding
    redacted = [f"self#jumbf=/c2pa/{earlier}/c2pa.assertions/{label}" for label in _redacted(request)]
    manifest = {
        **({"redactions": redacted} if redacted else {}),
        "title": request.title,
        "claim_generator_info": [{**vars(generator), TOOL_KEY: {**vars(request.tool)}}],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [*_actions(request, opened=not created), *_redactions(request, redacted)]},
            },
            {"label": CONTENT_LABEL, "data": content.data, "created": True},
            *([{"label": SOFT_BINDING_LABEL, "data": binding, "created": True}] if binding else []),
            *([{"label": LIKENESS_CHECK_LABEL, "data": asdict(check), "created": True}] if check else []),
            *_stated(request),
        ],
    }
    if created:
        return Definition(content.mime, manifest, None)
    parent = {"label": PARENT_LABEL, "relationship": "parentOf", "format": parent_mime or content.mime}
    if history not in (Verdict.ABSENT, Verdict.UNREADABLE):
        return Definition(content.mime, manifest, parent)
    if history is Verdict.UNREADABLE:
        parent["description"] = UNREADABLE_PARENT
    return Definition(content.mime, {**manifest, "ingredients": [parent]}, None)


def _actions(request: ClaimRequest, *, opened: bool) -> list[dict[str, Any]]:
    declared = request.actions
    if opened and (not declared or declared[0].name != OPENED):
        declared = (Action(OPENED), *declared)
    written = [_action(action, request.tool) for action in declared]
    if opened:
        written[0].setdefault("parameters", {})["ingredientIds"] = [PARENT_LABEL]
    return written


def _redacted(request: ClaimRequest) -> tuple[str, ...]:
    return request.redaction.assertions if request.redaction else ()


def _redactions(request: ClaimRequest, uris: list[str]) -> list[dict[str, Any]]:
    reason, agent = request.redaction and str(request.redaction.reason), {**vars(request.tool)}
    return [
        {"action": REDACTED, "softwareAgent": agent, "reason": reason, "parameters": {"redacted": uri}} for uri in uris
    ]


def _action(action: Action, tool: Tool) -> dict[str, Any]:
    written: dict[str, Any] = {"action": action.name, "softwareAgent": {**vars(tool)}}
    if action.source_type is not None:
        written["digitalSourceType"] = str(action.source_type)
    if action.when is not None:
        written["when"] = action.when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if action.description is not None:
        written["description"] = action.description
    if action.parameters:
        written["parameters"] = dict(action.parameters)
    return written


def _stated(request: ClaimRequest) -> list[dict[str, Any]]:
    entries = {entry: {"use": str(request.training_mining)} for entry in TRAINING_MINING_ENTRIES}
    stated: list[dict[str, Any]] = [{"label": TRAINING_MINING_LABEL, "data": {"entries": entries}}]
    if request.model is not None:
        stated.append({"label": MODEL_LABEL, "data": asdict(request.model)})
    if request.creator is not None:
        stated.append({"label": CREATOR_LABEL, "data": asdict(request.creator)})
    if request.author is not None:
        # CAWG Metadata 1.1 demands a JSON box; the Builder would make it CBOR.
        stated.append({"label": AUTHOR_LABEL, "data": _dublin_core(request.author), "kind": "Json"})
    return stated


def _dublin_core(author: AuthorStatement) -> dict[str, Any]:
    return {
        "@context": {"dc": _DUBLIN_CORE},
        "dc:creator": [author.name],
        "dc:description": author.statement,
    }
