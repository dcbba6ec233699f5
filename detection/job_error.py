"""Errors that cross from a sandboxed worker to the parent, and arrive as the class that was raised.

A package gives its own errors a code and a sentence, and this module needs to know none of them by name:

    @dataclass(eq=False)
    class ManifestUnreadableError(ProvenanceError, JobError):
        code: ClassVar[str] = "manifest-unreadable"
        sentence: ClassVar[str] = "the manifest is unreadable ({reason})"
        reason: str

Rules
- Codes are unique and stable: they are part of the HTTP interface.
- Fields are `str` or `int` and nothing else, so an error carries no object and nothing is ever unpickled.
- What arrives is as hostile as any other byte of a worker: unknown codes, fields and types are refused.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, get_type_hints

MAX_DETAIL_CHARACTERS = 1000

_classes: dict[str, type[JobError]] = {}


class JobError(Exception):
    """What a job may raise. Subclasses are dataclasses whose fields are `str` or `int`."""

    code: ClassVar[str]
    sentence: ClassVar[str]
    """What a person reads, with the fields in braces."""

    def __init_subclass__(cls) -> None:
        if "code" not in vars(cls):
            return
        first = _classes.setdefault(cls.code, cls)
        if (first.__module__, first.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"{first.__qualname__} already has the code {cls.code}")

    @property
    def detail(self) -> dict[str, str | int]:
        """The fields by name."""
        return {name: getattr(self, name) for name in _fields(type(self))}

    def __str__(self) -> str:
        return self.sentence.format(**self.detail)


def to_message(error: JobError) -> dict[str, Any]:
    """The JSON object that stands for an error; long texts are cut."""
    detail = {
        name: value[:MAX_DETAIL_CHARACTERS] if isinstance(value, str) else value for name, value in error.detail.items()
    }
    return {"code": error.code, "detail": detail}


def from_message(message: object) -> JobError:
    """The error a worker's JSON stands for. Raises ValueError for anything `to_message` does not make."""
    match message:
        case {"code": str(code), "detail": dict(detail), **rest} if not rest and code in _classes:
            kind = _classes[code]
        case _:
            raise ValueError("no such error is known")
    hints = get_type_hints(kind)
    if detail.keys() != set(_fields(kind)) or any(type(detail[name]) is not hints[name] for name in detail):
        raise ValueError(f"{code} does not have these fields")
    if any(isinstance(value, str) and len(value) > MAX_DETAIL_CHARACTERS for value in detail.values()):
        raise ValueError(f"{code} says too much")
    return kind(**detail)


def _fields(kind: type[JobError]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else ()
