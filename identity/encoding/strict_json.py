"""JSON by strangers, read in one way only.

Rules
- RFC 8259 and no more: no NaN, no Infinity, no number that overflows to one.
- A member named twice is refused (RFC 7515, section 4; RFC 7519, section 4): of two readers one would take the other.
- A lone surrogate is refused: it has no UTF-8, so whatever is hashed later would not be what was read.
"""

from __future__ import annotations

import json
import math
from json.scanner import make_scanner
from typing import Final, NoReturn

from identity.errors import TokenUnreadableError

MAX_DEPTH: Final = 32
"""Of objects and arrays inside each other: far above any credential, far below what exhausts a stack."""


def read_json(data: bytes, what: str) -> object:
    """The value that these UTF-8 bytes are; `what` names them in the error. Raises TokenUnreadableError."""
    if not data:
        raise TokenUnreadableError(f"{what} is empty")
    try:
        text = data.decode()
        value = _parsed(text)
        if "\\" in text:  # else there is no lone surrogate: UTF-8 has none
            write_json(value)
    except (ValueError, StopIteration, RecursionError) as error:
        raise TokenUnreadableError(f"{what} is not JSON that can be read in one way only") from error
    if text.count("[") + text.count("{") > MAX_DEPTH:  # else it cannot be deeper
        _limit_depth(value, what)
    return value


def read_object(data: bytes, what: str) -> dict[str, object]:
    """As `read_json`, where only an object will do. Raises TokenUnreadableError."""
    value = read_json(data, what)
    if not isinstance(value, dict):
        raise TokenUnreadableError(f"{what} is not a JSON object")
    return value


def write_json(value: object) -> bytes:
    """UTF-8 without spaces. Raises ValueError or TypeError for what JSON cannot hold."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _limit_depth(value: object, what: str) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        inner = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = [item for items in inner for item in items]
        if not level:
            return
    if any(isinstance(item, dict | list) for item in level):
        raise TokenUnreadableError(f"{what} is nested deeper than {MAX_DEPTH}")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is named twice")
    return members


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parsed(text: str) -> object:
    value: object
    if text.startswith(("{", "[")):  # else white space may stand in front, which the scanner does not know
        value, end = _SCAN(text, 0)
        if end == len(text):
            return value
    value = _DECODER.decode(text)
    return value


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_float=_finite, parse_constant=_no_constant)
_SCAN: Final = make_scanner(_DECODER)  # type: ignore[arg-type]  # a decoder is what it takes
"""What the decoder scans with, without its looking for white space."""
