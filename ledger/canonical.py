"""RFC 8785 (JCS) JSON for the subset we write: one value, one sequence of bytes.

Rules
- Objects with ASCII keys, lists, strings, integers within ±(2^53-1), booleans, null. No floats: a score is
  an integer in a named unit, so that no two languages can disagree about its digits.
- With ASCII keys, sorting by code point is sorting by UTF-16 unit, which lets the standard encoder do the
  work.
"""

from __future__ import annotations

import json

from ledger.errors import CanonicalFormError

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: object) -> bytes:
    """The one UTF-8 encoding of `value`. Raises CanonicalFormError."""
    _check(value, MAX_DEPTH)
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError as error:
        raise CanonicalFormError("a string holds a lone surrogate, which no UTF-8 can carry") from error


def _check(value: object, depth: int) -> None:
    match value:
        case None | bool() | str():
            return
        case int():
            if abs(value) > MAX_INTEGER:
                raise CanonicalFormError(f"{value} is beyond 2^53-1; write it as a string")
        case list() | tuple() | dict() if not depth:
            raise CanonicalFormError(f"nested deeper than {MAX_DEPTH}")
        case list() | tuple():
            for item in value:
                _check(item, depth - 1)
        case dict():
            for key, item in value.items():
                if not (isinstance(key, str) and key.isascii()):
                    raise CanonicalFormError(f"the key {key!r} is not an ASCII string")
                _check(item, depth - 1)
        case _:
            raise CanonicalFormError(f"{type(value).__name__} has no canonical form here")
