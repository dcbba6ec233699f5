"""What assertions say, in CBOR or JSON that can be read in one way only. Runs in the worker; what it reads is hostile.

Rules
- JSON is what every reader reads alike (RFC 7493): UTF-8, each member once, no half characters, no NaN.
- One budget of values is for all that is read for one claim.
- No name can be given to another: what JSON-LD calls a context may shorten namespaces only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from provenance.errors import ClaimInvalidError
from provenance.unseen.cbor import Budget, decode
from provenance.unseen.jumbf import Box

READABLE: Final = (b"cbor", b"json")
CONTEXT: Final = "@context"
SCHEMA_ORG: Final = frozenset({"https://schema.org", "https://schema.org/", "http://schema.org", "http://schema.org/"})
"""The context that needs no look, since it is known to name nothing of C2PA's."""


def content_of(box: Box, budget: Budget) -> dict[str, Any]:
    """What an assertion says, where it says it in CBOR or JSON; else nothing. Raises ClaimInvalidError, CborError."""
    readable = [one for one in box.children if one.type in READABLE]
    if not readable and box.type[:4] not in READABLE:
        return {}
    if not readable or box.type[:4] != readable[0].type:
        raise ClaimInvalidError(f"the assertion {box.label[:100]!r} is described as something else than it is")
    if len(box.children) > len(("description", "content")):
        raise ClaimInvalidError(f"the assertion {box.label[:100]!r} has more than one content")
    found = readable[0]
    value = decode(found.content, budget) if found.type == b"cbor" else _json(found.content, budget)
    if not isinstance(value, dict):
        raise ClaimInvalidError(f"the assertion {box.label[:100]!r} is not an object")
    return value


def _json(content: bytes, budget: Budget) -> Any:
    """JSON that every reader reads alike (RFC 7493): UTF-8, each member once, no text that is none, no NaN."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ClaimInvalidError("a JSON object has a member twice")
        return found

    try:
        value = json.loads(content.rstrip(b"\0").decode(), object_pairs_hook=once)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise ClaimInvalidError("an assertion is not JSON, or holds half a character or no number") from error
    for _ in _values(value):
        budget.take()
    return value


def _values(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def members_of(value: Any) -> Iterator[tuple[str, tuple[Mapping[str, Any], Any]]]:
    """Every member of every object in it: its name, and the object with the member's value."""
    for one in _values(value):
        if isinstance(one, dict):
            yield from ((str(name), (one, member)) for name, member in one.items())


def require_plain(context: Any) -> None:
    """A context of JSON-LD shortens namespaces and renames nothing. Raises ClaimInvalidError."""
    for one in context if isinstance(context, list) else [context]:
        names = one.values() if isinstance(one, dict) else ()
        plain = isinstance(one, dict) and all(isinstance(name, str) and name.endswith(("/", "#")) for name in names)
        if not plain and not (isinstance(one, str) and one in SCHEMA_ORG):
            raise ClaimInvalidError(
                "a context of JSON-LD may shorten namespaces (they end with / or #), and nothing else"
            )


def local(name: str) -> str:
    """A name without the prefix or the address that JSON-LD puts before it."""
    return re.split(r"[:/#]", name)[-1].casefold()


def text(value: Any, name: str) -> str:
    """It, where it is text. Raises ClaimInvalidError."""
    if not isinstance(value, str):
        raise ClaimInvalidError(f"{name} is not text")
    return value
