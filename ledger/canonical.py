"""RFC 8785 (JCS) JSON for the subset we write: one value, one sequence of bytes.

Rules
- Objects with ASCII keys (dictionaries, dataclasses), lists, strings, integers within ±(2^53-1), booleans,
  null. No floats: a score is an integer in a named unit, so that no two languages can disagree about its digits.
- With ASCII keys, sorting by code point is sorting by UTF-16 unit, which lets the standard encoder do the
  work.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass

from ledger.errors import CanonicalFormError

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32
_SCALARS = frozenset({str, bool, type(None)})


def canonical(value: object) -> bytes:
    """The one UTF-8 encoding of `value`; a dataclass is the object of its fields. Raises CanonicalFormError."""
    _check(value, MAX_DEPTH)
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError as error:
        raise CanonicalFormError("a string holds a lone surrogate, which no UTF-8 can carry") from error


def _members(value: object) -> dict[str, object]:
    """The fields of a dataclass, by name."""
    if not is_dataclass(value) or isinstance(value, type):
        raise CanonicalFormError(f"{type(value).__name__} has no canonical form here")
    return {field.name: getattr(value, field.name) for field in fields(value)}


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_members)


def _check(value: object, depth: int) -> None:
    # By exact type first: this runs for every member of every entry and payload.
    if type(value) in _SCALARS or isinstance(value, str):
        return
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise CanonicalFormError(f"{value} is beyond 2^53-1; write it as a string")
        return
    if not depth:
        raise CanonicalFormError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, (list, tuple)):
        for item in value:
            _check(item, depth - 1)
        return
    for key, item in (value if isinstance(value, dict) else _members(value)).items():
        if not (isinstance(key, str) and key.isascii()):
            raise CanonicalFormError(f"the key {key!r} is not an ASCII string")
        _check(item, depth - 1)
