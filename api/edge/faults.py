"""What is wrong with the form of a request, in plain words: Pydantic speaks of tuples and inputs.

A kind of fault that is not listed keeps Pydantic's sentence; `tests/api/test_faults.py` holds what we take to the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.schemas.words import EXAMPLES

MAX_FAULTS = 20
"""Faults of one request that are told; a hostile one can have tens of thousands."""

TEXT, OBJECT, LIST, TRUTH = "must be text", "must be an object", "must be a list", "must be true or false"
TIME: Final = "must be a time with its zone, as 2026-11-24T12:00:00Z"

WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "unexpected_keyword_argument": "is not known here",
    "json_invalid": "is not JSON: {error}",
    "string_type": TEXT,
    "string_unicode": "must be text in UTF-8",
    "string_too_short": "is too short: at least {min_length}",
    "string_too_long": "is too long: at most {max_length} characters",
    "string_pattern_mismatch": "must be like {example}",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "bool_type": TRUTH,
    "bool_parsing": TRUTH,
    "model_type": OBJECT,
    "dataclass_type": OBJECT,
    "model_attributes_type": OBJECT,
    "dict_type": OBJECT,
    "tuple_type": LIST,
    "frozen_set_type": LIST,
    "too_short": "has too few: at least {min_length}",
    "too_long": "is too long: at most {max_length} items",
    "datetime_type": TIME,
    "datetime_parsing": TIME,
    "datetime_from_date_parsing": TIME,
    "datetime_object_invalid": TIME,
    "timezone_aware": TIME,
}


def told(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The field and the fault of each of the first errors that Pydantic found; the whole body is called `body`."""
    return [
        {"field": ".".join(map(str, error["loc"][1:])) or str(error["loc"][0]), "detail": _detail(error)}
        for error in errors[:MAX_FAULTS]
    ]


def _detail(error: Mapping[str, Any]) -> str:
    words = WORDS.get(error["type"])
    context = error.get("ctx", {})
    example = EXAMPLES.get(context.get("pattern"), context.get("pattern"))
    return (
        words.format_map({"example": example, **context}) if words else str(error["msg"]).removeprefix("Value error, ")
    )
