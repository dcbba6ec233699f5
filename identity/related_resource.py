"""Files a credential refers to and pins by digest (VCDM 2.0 §5.3). None is fetched: the caller has them, or not."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Final

from identity.encoding import multibase
from identity.errors import CheckFailedError
from identity.outcome import Check, Outcome
from identity.vcdm import listed

Resources = Callable[[str], bytes | None]
"""From a resource's id to its bytes; None where we do not have them."""

MAX_RESOURCES: Final = 64

_SRI: Final = re.compile(r"(sha256(?=-.{44}$)|sha384(?=-.{64}$)|sha512(?=-.{88}$))-([A-Za-z0-9+/]+={0,2})")
_MULTIHASHES: Final = {b"\x12\x20": "sha256", b"\x20\x30": "sha384", b"\x13\x40": "sha512"}
"""Multihash prefix → hashlib's name."""


def check_resources(document: Mapping[str, object], resources: Resources) -> None:
    """Raises CheckFailedError: unreadable, invalid, or unchecked for one that we do not have."""
    entries = listed(document.get("relatedResource", []))
    if len(entries) > MAX_RESOURCES:
        raise CheckFailedError(Check.RESOURCES, f"there are more than {MAX_RESOURCES}", Outcome.UNREADABLE)
    ids = [entry.get("id") for entry in entries if isinstance(entry, dict)]
    if len(set(map(str, ids))) < len(entries):
        raise CheckFailedError(Check.RESOURCES, "two are the same")
    absent = [entry["id"] for entry in entries if isinstance(entry, dict) and not _check(entry, resources)]
    if absent:
        raise CheckFailedError(Check.RESOURCES, f"{absent[0]!r} is not here to be compared", Outcome.UNCHECKED)


def _check(entry: Mapping[str, object], resources: Resources) -> bool:
    """Whether it is here, and then what was pinned. Raises CheckFailedError."""
    name = str(entry["id"])
    pins = [_integrity(text) for text in listed(entry.get("digestSRI", []))]
    pins += [_multihash(text) for text in listed(entry.get("digestMultibase", []))]
    if not pins:
        raise CheckFailedError(Check.RESOURCES, f"{name!r} is pinned by no digest")
    content = resources(name)
    if content is None:
        return False
    if any(digest != hashlib.new(algorithm, content).digest() for algorithm, digest in pins):
        raise CheckFailedError(Check.RESOURCES, f"{name!r} is not what was pinned")
    return True


def _integrity(text: object) -> tuple[str, bytes]:
    """Subresource Integrity's form."""
    if not (isinstance(text, str) and (form := _SRI.fullmatch(text))):
        raise CheckFailedError(Check.RESOURCES, f"{text!r} is no digestSRI", Outcome.UNREADABLE)
    return form[1], b64decode(form[2])


def _multihash(text: object) -> tuple[str, bytes]:
    try:
        data = multibase.decode(text) if isinstance(text, str) else b""
    except ValueError as error:
        raise CheckFailedError(Check.RESOURCES, f"{text!r} is no digestMultibase", Outcome.UNREADABLE) from error
    if data[:2] not in _MULTIHASHES:
        raise CheckFailedError(Check.RESOURCES, f"{text!r} is no digest that we compute", Outcome.UNREADABLE)
    return _MULTIHASHES[data[:2]], data[2:]
