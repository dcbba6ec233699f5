"""Files a credential refers to and pins by digest (VCDM 2.0 §5.3). None is fetched: the caller has them, or not.

A context that we know is pinned as one of its editions, and the document that pins it is processed with that one: to
compare one file and to use another would be to say nothing (ADR 0045).
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Final

from identity.encoding import multibase
from identity.errors import CheckFailedError
from identity.jsonld.context_library import ContextLibrary
from identity.outcome import Check, Outcome
from identity.vcdm import listed

Resources = Callable[[str], bytes | None]
"""From a resource's id to its bytes; None where we do not have them."""

Pin = tuple[str, bytes]
"""A digest, after hashlib's name of what computes it."""

MEMBER: Final = "relatedResource"
POINTER: Final = f"/{MEMBER}"
"""Leads to what a document pins."""

MAX_RESOURCES: Final = 64

_SRI: Final = re.compile(r"(sha256(?=-.{44}$)|sha384(?=-.{64}$)|sha512(?=-.{88}$))-([A-Za-z0-9+/]+={0,2})")
_MULTIHASHES: Final = {b"\x12\x20": "sha256", b"\x20\x30": "sha384", b"\x13\x40": "sha512"}
"""Multihash prefix, which ends with the length of what follows → hashlib's name."""

_BARE: Final = 32
"""Bytes of a SHA-256 without a prefix. VC Data Integrity 1.0 (§2.6) wants a Multihash; the W3C's own suite for VCDM 2.0
pins so, and nothing else is of this length: a Multihash of SHA-256 has two bytes more.
"""


def pinned_contexts(document: Mapping[str, object], contexts: ContextLibrary) -> ContextLibrary:
    """What to process a document with: each context in the edition that it pins, where it pins one that is known, and
    as it is in force where not. Whether its pins are good is `check_resources`'s to say, of any document.
    """
    if MEMBER not in document:
        return contexts
    entries = [entry for entry in listed(document[MEMBER])[:MAX_RESOURCES] if isinstance(entry, dict)]
    pinned = {str(entry.get("id")): _edition(entry, contexts) for entry in entries}
    return contexts.at({url: content for url, content in pinned.items() if content is not None})


def check_resources(document: Mapping[str, object], contexts: ContextLibrary, resources: Resources) -> None:
    """Raises CheckFailedError: unreadable, invalid, or unchecked for one that we do not have."""
    entries = listed(document.get(MEMBER, []))
    if len(entries) > MAX_RESOURCES:
        raise CheckFailedError(Check.RESOURCES, f"there are more than {MAX_RESOURCES}", Outcome.UNREADABLE)
    ids = [entry.get("id") for entry in entries if isinstance(entry, dict)]
    if len(set(map(str, ids))) < len(entries):
        raise CheckFailedError(Check.RESOURCES, "two are the same")
    absent = [entry["id"] for entry in entries if isinstance(entry, dict) and not _check(entry, contexts, resources)]
    if absent:
        raise CheckFailedError(Check.RESOURCES, f"{absent[0]!r} is not here to be compared", Outcome.UNCHECKED)


def _check(entry: Mapping[str, object], contexts: ContextLibrary, resources: Resources) -> bool:
    """Whether it is here, and then what was pinned. Raises CheckFailedError."""
    name = str(entry["id"])
    pins = _pins(entry)
    if not pins:
        raise CheckFailedError(Check.RESOURCES, f"{name!r} is pinned by no digest")
    if None in pins:
        raise CheckFailedError(
            Check.RESOURCES, f"{name!r} is pinned by what is no digest that we compute", Outcome.UNREADABLE
        )
    if name in contexts:
        if _edition(entry, contexts) is None:
            raise CheckFailedError(Check.RESOURCES, f"{name!r} is known here, but in no edition that was pinned")
        return True
    content = resources(name)
    if content is not None and not _fits(content, pins):
        raise CheckFailedError(Check.RESOURCES, f"{name!r} is not what was pinned")
    return content is not None


def _edition(entry: Mapping[str, object], contexts: ContextLibrary) -> bytes | None:
    """The edition of a context that all its digests are of; None where it is no context, or no such one is known."""
    editions, pins = contexts.editions(str(entry.get("id"))), _pins(entry)
    return next((content for content in editions if pins and _fits(content, pins)), None)


def _fits(content: bytes, pins: list[Pin | None]) -> bool:
    algorithms = {pin[0] for pin in pins if pin}
    digests = {(algorithm, hashlib.new(algorithm, content).digest()) for algorithm in algorithms}
    return digests == set(pins)


def _pins(entry: Mapping[str, object]) -> list[Pin | None]:
    """None among them for what is no digest that we compute."""
    texts, multihashes = (listed(entry.get(name, [])) for name in ("digestSRI", "digestMultibase"))
    return [*map(_integrity, texts), *map(_multihash, multihashes)]


def _integrity(text: object) -> Pin | None:
    """Subresource Integrity's form."""
    form = _SRI.fullmatch(text) if isinstance(text, str) else None
    return (form[1], b64decode(form[2])) if form else None


def _multihash(text: object) -> Pin | None:
    try:
        data = multibase.decode(text) if isinstance(text, str) else b""
    except ValueError:
        return None  # what it was is told by whoever reads the pins
    if len(data) == _BARE:
        return "sha256", data
    algorithm = _MULTIHASHES.get(data[:2])
    return (algorithm, data[2:]) if algorithm and len(data) == 2 + data[1] else None
