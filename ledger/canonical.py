"""RFC 8785 (JCS) JSON for the subset we write: one value, one sequence of bytes.

Rules
- Objects with ASCII keys (dictionaries, dataclasses), lists, strings, integers within ±(2^53-1), booleans,
  null. No floats: a score is an integer in a named unit, so that no two languages can disagree about its digits.
- With ASCII keys, sorting by code point is sorting by UTF-16 unit, which lets the standard encoder do the
  work.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from ledger.errors import CanonicalFormError

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32
_SCALARS = frozenset({str, bool, type(None)})


def canonical(value: object) -> bytes:
    """The one UTF-8 encoding of `value`; a dataclass is the object of its fields. Raises CanonicalFormError."""
    try:
        return _ENCODER.encode(_plain(value, MAX_DEPTH)).encode()
    except UnicodeEncodeError as error:
        raise CanonicalFormError("a string holds a lone surrogate, which no UTF-8 can carry") from error


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any, depth: int) -> object:
    """The same of dictionaries, lists and scalars alone, each of which may stand there."""
    # By exact type first: this runs for every member of every entry and payload.
    if type(value) in _SCALARS or isinstance(value, str):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise CanonicalFormError(f"{value} is beyond 2^53-1; write it as a string")
        return value
    if not depth:
        raise CanonicalFormError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth - 1) for item in value]
    if isinstance(value, dict):
        _require_ascii(value)
        return {key: _plain(item, depth - 1) for key, item in value.items()}
    return {name: _plain(getattr(value, name), depth - 1) for name in _names(value.__class__)}


@cache
def _names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass."""
    if not is_dataclass(kind) or issubclass(kind, type):
        raise CanonicalFormError(f"{kind.__name__} has no canonical form here")
    names = tuple(field.name for field in fields(kind))
    _require_ascii(names)
    return names


def _require_ascii(keys: Iterable[object]) -> None:
    for key in keys:
        if not (isinstance(key, str) and key.isascii()):
            raise CanonicalFormError(f"the key {key!r} is not an ASCII string")
