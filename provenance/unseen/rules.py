"""What a key may claim over content that nobody here sees: its grant, held against the claim.

Rules
- A claim names one tool, the key's; a source type or a model only if it is granted.
- Nothing is redacted: it would be out of somebody's manifest that is not here, and whose nobody can tell.
- Assertions of the specification are allowed to all; others only by name. Those in which this service says what it saw
  itself are never signed unseen.
- What it says was done was done already, as far as clocks may differ.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from provenance.errors import ClaimRefusedError
from provenance.manifest import CONTENT_LABEL, LIKENESS_CHECK_LABEL, MODEL_LABEL
from provenance.request import Grant
from provenance.rules import CLOCK_SKEW, MAX_NAME, MAX_TITLE, check_action_name, check_text
from provenance.unseen.found import FoundClaim
from provenance.vocabulary import UNAVAILABLE_ACTIONS

STANDARD_LABELS: Final = frozenset(
    {
        "c2pa.actions",
        "c2pa.actions.v2",
        "c2pa.ai-disclosure",
        "c2pa.hash.bmff",
        "c2pa.hash.bmff.v2",
        "c2pa.hash.bmff.v3",
        "c2pa.hash.boxes",
        "c2pa.hash.collection.data",
        "c2pa.hash.data",
        "c2pa.ingredient",
        "c2pa.ingredient.v2",
        "c2pa.ingredient.v3",
        "c2pa.metadata",
        "c2pa.soft-binding",
        "c2pa.training-mining",
        "cawg.identity",
        "cawg.metadata",
        "cawg.training-mining",
        MODEL_LABEL,
    }
)
"""What any key may have signed."""

STANDARD_PREFIXES: Final = ("c2pa.thumbnail.claim", "c2pa.thumbnail.ingredient")
"""Labels that end with a format, in claims of old."""

OURS: Final = frozenset({CONTENT_LABEL, LIKENESS_CHECK_LABEL})
"""What this service says of content that it saw."""


REDACTED: Final = "c2pa.redacted"


def check_claim(found: FoundClaim, grant: Grant, now: datetime) -> None:
    """Hold a claim to what its key may assert now. Raises ClaimRefusedError."""
    _check_tools(found, grant)
    if found.title:
        check_text("dc:title", found.title, MAX_TITLE)
    if found.redacts or REDACTED in found.actions:
        detail = "nothing is redacted in a claim that is signed unseen: redact an asset of yours here (POST /v1/assets)"
        raise ClaimRefusedError("redacted_assertions", "redaction-unseen", detail)
    for source in found.source_types:
        if source not in grant.source_types:
            detail = f"this key may not assert {source}; ask the operator to grant it"
            raise ClaimRefusedError("actions.digitalSourceType", "source-type-not-granted", detail)
    for model in found.models:
        if model not in grant.models:
            detail = f"this key may not name the model {model!r}; ask the operator to grant it"
            raise ClaimRefusedError("model", "model-not-granted", detail)
    for action in found.actions:
        if action not in UNAVAILABLE_ACTIONS:  # to uploads: a tool that builds its own claim can point where it likes
            check_action_name("actions", action)
    _check_latest(found, now)
    for label in found.labels:
        _check_label(label, grant)


def _check_tools(found: FoundClaim, grant: Grant) -> None:
    for field, tool in (
        ("claim_generator_info.name", found.generator),
        *(("actions.softwareAgent", tool) for tool in found.tools),
    ):
        if tool != grant.tool:
            raise ClaimRefusedError(field, "tool-not-granted", f"this key speaks for {grant.tool!r} only")
    for software in found.software:
        if not re.fullmatch(rf"{re.escape(grant.tool)}( v?[0-9][0-9A-Za-z.()_-]*)?", software):
            raise ClaimRefusedError("CreatorTool", "tool-not-granted", f"this key speaks for {grant.tool!r} only")
    if found.generator_version:
        check_text("claim_generator_info.version", found.generator_version, MAX_NAME)


def _check_latest(found: FoundClaim, now: datetime) -> None:
    if found.latest and found.latest > now + CLOCK_SKEW:
        detail = f"it says that something was done at {found.latest.isoformat()}, and that time has not come yet"
        raise ClaimRefusedError("when", "time-in-future", detail)


def _check_label(label: str, grant: Grant) -> None:
    if label in OURS:
        detail = f"{label} says what this service saw, and it sees nothing of this content"
        raise ClaimRefusedError("assertions", "assertion-unseen", detail)
    if label not in STANDARD_LABELS | grant.assertions and not label.startswith(STANDARD_PREFIXES):
        detail = f"this key may not have the assertion {label!r} signed; ask the operator to grant it"
        raise ClaimRefusedError("assertions", "assertion-not-granted", detail)
