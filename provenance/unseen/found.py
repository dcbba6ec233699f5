"""What a worker finds in a claim that is to be signed, as it crosses to the parent, which checks it as it arrives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError, with_config

from detection.errors import WorkerProtocolError

MAX_ASSERTIONS: Final = 200
MAX_NAMES: Final = 1000
"""Tools, models, source types and actions that one claim names."""

MAX_PROTECTED: Final = 2 * 32_768
"""Digits; not in the pattern, which so many would take seventy milliseconds of every worker's start to compile."""

MAX_TEXT: Final = 500
MAX_TITLE: Final = 10_000
"""That a title is too long is told by whoever checks what it says."""

Text = Annotated[str, Field(strict=True, max_length=MAX_TEXT)]
Texts = Annotated[tuple[Text, ...], Field(max_length=MAX_NAMES)]
_CLOSED = ConfigDict(extra="forbid")


@with_config(_CLOSED)
@dataclass(frozen=True)
class FoundClaim:
    """One claim and its assertions, every hash of which holds."""

    claim_bytes: Annotated[int, Field(strict=True, ge=1)]
    """Of the claim, which is the end of the bytes to be signed."""

    protected: Annotated[str, Field(strict=True, max_length=MAX_PROTECTED, pattern=r"^([0-9a-f]{2})+\z")]
    """The protected header, hexadecimal."""

    generator: Text
    """Name of the tool that made the claim."""

    generator_version: Text
    title: Annotated[str, Field(strict=True, max_length=MAX_TITLE)]
    """Empty where it has none."""

    instance: Text
    manifest: Text
    """Its label, where the claim says it; else empty."""

    labels: Annotated[tuple[Text, ...], Field(max_length=MAX_ASSERTIONS)]
    """Of all its assertions, without numbers of instances, each once."""

    actions: Texts
    tools: Texts
    """Every software agent that an assertion names."""

    source_types: Texts
    models: Texts
    software: Texts
    """What metadata name as the software that made it (`xmp:CreatorTool`), with its version behind it."""

    latest: AwareDatetime | None
    """Of the times at which it says that something was done; None where it says none."""

    redacts: Annotated[bool, Field(strict=True)]
    """Whether it says that assertions were redacted."""

    binding_algorithm: Text
    binding_hash: Annotated[str, Field(strict=True, pattern=r"^([0-9a-f]{2}){0,64}\z")]
    """Of its hard binding, where that is one hash; else empty."""


_FOUND: Final = TypeAdapter(FoundClaim)


def to_result(found: FoundClaim) -> dict[str, Any]:
    """The JSON object of a job's result. Raises pydantic's ValidationError for what is beyond the limits."""
    plain: dict[str, Any] = _FOUND.dump_python(_FOUND.validate_python(found), mode="json")
    return plain


def parse_found(result: object) -> FoundClaim:
    """What a worker's JSON object says. Raises WorkerProtocolError when no honest worker could say so."""
    try:
        return _FOUND.validate_python(result)
    except ValidationError as error:
        raise WorkerProtocolError(f"not a claim: {error.error_count()} fields are wrong") from error
