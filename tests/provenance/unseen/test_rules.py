from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from provenance.errors import ClaimRefusedError
from provenance.request import Grant
from provenance.rules import CLOCK_SKEW
from provenance.unseen.found import FoundClaim
from provenance.unseen.rules import STANDARD_LABELS, check_claim
from provenance.vocabulary import DigitalSourceType

CAPTURE = DigitalSourceType.DIGITAL_CAPTURE
GRANT = Grant("Brush", frozenset({CAPTURE}), frozenset({"m-1"}), frozenset({"com.example.note"}))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOUND = FoundClaim(
    claim_bytes=1,
    protected="a0",
    generator="Brush",
    generator_version="1",
    title="Harbour",
    instance="xmp:iid:1",
    manifest="",
    labels=("c2pa.actions.v2", "c2pa.hash.data", "com.example.note"),
    actions=("c2pa.created", "c2pa.placed", "com.example.stir"),
    tools=("Brush",),
    source_types=(str(CAPTURE),),
    models=("m-1",),
    software=("Brush", "Brush 3.1"),
    latest=NOW + CLOCK_SKEW,
    redacts=False,
    binding_algorithm="sha256",
    binding_hash="",
)


def test_what_is_granted_passes() -> None:
    check_claim(FOUND, GRANT, NOW)
    check_claim(replace(FOUND, labels=tuple(STANDARD_LABELS), latest=None), GRANT, NOW)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"generator": "Camera"}, "tool-not-granted"),
        ({"tools": ("Brush", "Camera")}, "tool-not-granted"),
        ({"software": ("Brush Pro 3",)}, "tool-not-granted"),
        ({"software": ("Camera 1",)}, "tool-not-granted"),
        ({"generator_version": "1\u202e"}, "hidden-character"),
        ({"source_types": (str(DigitalSourceType.SCREEN_CAPTURE),)}, "source-type-not-granted"),
        ({"source_types": ("https://example.com/capture",)}, "source-type-not-granted"),
        ({"models": ("m-1", "m-2")}, "model-not-granted"),
        ({"actions": ("c2pa.invented",)}, "action-unknown"),
        ({"labels": ("com.example.other",)}, "assertion-not-granted"),
        ({"labels": ("org.sigillo.content",)}, "assertion-unseen"),
        ({"labels": ("org.sigillo.likeness-check",)}, "assertion-unseen"),
        ({"redacts": True}, "redaction-unseen"),
        ({"actions": ("c2pa.opened", "c2pa.redacted")}, "redaction-unseen"),
        ({"title": "photo\u202egpj.exe"}, "hidden-character"),
        ({"title": "a" * 201}, "too-long"),
        ({"title": " "}, "blank"),
        ({"latest": NOW + CLOCK_SKEW + timedelta(seconds=1)}, "time-in-future"),
    ],
)
def test_what_is_not_granted_is_refused(said: dict[str, Any], code: str) -> None:
    with pytest.raises(ClaimRefusedError) as refused:
        check_claim(replace(FOUND, **said), GRANT, NOW)
    assert refused.value.code == code


def test_nobody_is_granted_what_this_service_says_of_content_that_it_saw() -> None:
    grant = replace(GRANT, assertions=frozenset({"org.sigillo.content"}))
    with pytest.raises(ClaimRefusedError, match="sees nothing"):
        check_claim(replace(FOUND, labels=("org.sigillo.content",)), grant, NOW)
