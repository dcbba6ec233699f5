"""What any document must keep to before something expensive looks at it: plain JSON within limits.

Rules
- Walked once, by a loop and not by recursion, before JSON-LD or JCS.
- What a signature would not cover is refused: JSON-LD drops null and empty lists, and what some keywords hold.
- What two implementations would write differently is refused: RDFC-1.0 escapes control characters that URDNA2015
  leaves alone, integers beyond 2^53-1 and lone surrogates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from identity.errors import DocumentLimitError, MalformedDocumentError, UnsignableValueError

MAX_CHARACTERS: Final = 512 * 1024
"""Of all keys and strings together: a credential with a portrait fits."""

MAX_VALUES: Final = 8192
"""Objects, lists and scalars."""

MAX_DEPTH: Final = 32
MAX_CONTEXTS: Final = 16
"""Entries of all `@context` members."""

MAX_CONTEXT_CHARACTERS: Final = 8192
"""Of contexts written out in the document: a long term used often is a large graph."""

MAX_NUMBER: Final = 2**53 - 1

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CONTEXT_KEYWORDS: Final = frozenset(
    {"@container", "@context", "@direction", "@id", "@index", "@language", "@nest"}
    | {"@prefix", "@protected", "@reverse", "@type", "@version", "@vocab"}
)
"""Of contexts. Not `@import`, by which PyLD writes into a context that others share; nor `@base`, by which relative
identifiers look absolute; nor `@propagate`, which nobody needs here.
"""

_DOCUMENT_KEYWORDS: Final = frozenset(
    {"@context", "@direction", "@graph", "@id", "@language", "@list", "@set", "@type", "@value"}
)
"""Not `@included`, `@index`, `@nest` and `@reverse`: what they hold can vanish, and credentials do without them."""


def check_document(document: Mapping[str, object]) -> int:
    """How many values it has.

    Raises DocumentLimitError, UnsignableValueError, or MalformedDocumentError for what is no JSON.
    """
    if not isinstance(document, dict):
        raise MalformedDocumentError("not a JSON object")
    characters = values = contexts = inline = 0
    # Each with its depth, and the depth at which the entries of the context around it stand, or 0.
    waiting: list[tuple[object, int, int]] = [(document, 1, 0)]
    while waiting:
        value, depth, in_context = waiting.pop()
        size = _checked(value, in_context=bool(in_context))
        values += 1
        characters += size
        if in_context:
            inline += size
            contexts += depth == in_context
        _check_limits(characters, values, contexts, inline, depth)
        if isinstance(value, dict):
            for key, member in value.items():
                entries = depth + (2 if isinstance(member, list) else 1) if key == "@context" else in_context
                waiting.append((member, depth + 1, entries))
        elif isinstance(value, list):
            waiting.extend([(item, depth + 1, in_context) for item in value])
    return values


def _check_limits(characters: int, values: int, contexts: int, inline: int, depth: int) -> None:
    if characters > MAX_CHARACTERS or values > MAX_VALUES:
        raise DocumentLimitError(f"larger than {MAX_CHARACTERS} characters or {MAX_VALUES} values")
    if contexts > MAX_CONTEXTS or inline > MAX_CONTEXT_CHARACTERS:
        raise DocumentLimitError(f"more than {MAX_CONTEXTS} contexts or {MAX_CONTEXT_CHARACTERS} characters in them")
    if depth > MAX_DEPTH:
        raise DocumentLimitError(f"nested deeper than {MAX_DEPTH}")


def _checked(value: object, *, in_context: bool) -> int:
    """The characters of the value itself; what it holds is left out."""
    if isinstance(value, str):
        if not value.isprintable():
            _check_text(value)
        return len(value)
    if isinstance(value, dict):
        _check_keys(value, in_context=in_context)
        return sum(map(len, value))
    if isinstance(value, (int, float)):
        if not abs(value) <= MAX_NUMBER:  # so written, NaN is refused too
            raise UnsignableValueError(f"{value} is beyond 2^53-1; write it as a string")
    elif value is None or value == []:
        if not in_context:
            raise UnsignableValueError("null and empty lists vanish from what is signed; leave the member out")
    elif not isinstance(value, list):
        raise MalformedDocumentError(f"{type(value).__name__} is no JSON")
    return 0


def _check_keys(value: dict[object, object], *, in_context: bool) -> None:
    for key in value:
        if not isinstance(key, str):
            raise MalformedDocumentError(f"the key {key!r} is not a string")
        if not key.isprintable():
            _check_text(key)
        if key.startswith("@") and key not in (_CONTEXT_KEYWORDS if in_context else _DOCUMENT_KEYWORDS):
            raise UnsignableValueError(f"{key} is not taken {'in a context of the document' if in_context else 'here'}")


def _check_text(text: str) -> None:
    if found := _CONTROL.search(text):
        raise UnsignableValueError(f"the character U+{ord(found[0]):04X} stands in a string")
