"""Disclosures, put back where their digests stand (RFC 9901, sections 4.2 and 7.1).

Rules
- Every digest stands once in the whole token, every disclosure belongs to exactly one digest; else nothing is shown.
- Names that mean something here (`RESERVED`) are nobody's claim, hidden or not.
- A digest that nothing was disclosed for goes: a decoy, or a claim that is not for us, and nobody can tell which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from identity.encoding import base64url
from identity.encoding.strict_json import MAX_DEPTH, read_json
from identity.errors import TokenInvalidError
from identity.outcome import Check

DIGESTS: Final = "_sd"
ELEMENT: Final = "..."
HASH_NAME: Final = "_sd_alg"
RESERVED: Final = frozenset({DIGESTS, ELEMENT, HASH_NAME})

HASHES: Final[Mapping[str, Callable[[bytes], hashlib._Hash]]] = {
    "sha-256": hashlib.sha256,
    "sha-384": hashlib.sha384,
    "sha-512": hashlib.sha512,
}
"""By the names of the IANA registry."""

DEFAULT_HASH: Final = "sha-256"

_CONTAINERS: Final = (dict, list)

Path: TypeAlias = tuple[str | int, ...]
"""Where a claim is: names of members and places in arrays, as they are once everything hidden is shown."""


@dataclass(frozen=True)
class Disclosure:
    """What a holder shows: `name` is None for an array's element."""

    encoded: str
    name: str | None
    value: object


@dataclass(frozen=True)
class Revealed:
    """A payload with everything put in its place that was disclosed, and everything else gone."""

    claims: Mapping[str, object]
    disclosures: Mapping[Path, Disclosure]
    """By where each was put."""


def digest(encoded: str, name: str) -> str:
    """base64url of the hash over a disclosure, or whatever else is bound to it, as it is written."""
    return base64url.encode(HASHES[name](encoded.encode()).digest())


def hash_name(payload: Mapping[str, object]) -> str:
    """The name of the hash that a token's payload says it uses. Raises TokenInvalidError for one unknown here."""
    name = payload.get(HASH_NAME, DEFAULT_HASH)
    if not isinstance(name, str) or name not in HASHES:
        raise TokenInvalidError(Check.ALGORITHM, f"the digests' hash ({HASH_NAME}) is not one of {', '.join(HASHES)}")
    return name


def reveal(payload: Mapping[str, object], encoded: Sequence[str]) -> Revealed:
    """Put what was disclosed into its place in a verified payload. The payload itself stays as it is.

    Raises TokenUnreadableError for a disclosure that is none, TokenInvalidError for one that does not fit.
    """
    name = hash_name(payload)
    by_digest = {digest(disclosure.encoded, name): disclosure for disclosure in map(_read, encoded)}
    if len(by_digest) != len(encoded):
        raise _misfit("a disclosure is given twice")
    revealer = _Revealer(by_digest)
    signed = dict(payload)
    signed.pop(HASH_NAME, None)
    claims = revealer.members(signed, ())
    if revealer.by_digest:
        raise _misfit("a disclosure belongs to no digest of the token")
    return Revealed(claims, revealer.placed)


def _read(encoded: str) -> Disclosure:
    contents = read_json(base64url.decode(encoded, "a disclosure"), "a disclosure")
    match contents:
        case [str(), str(name), value]:
            return Disclosure(encoded, name, value)
        case [str(), value]:
            return Disclosure(encoded, None, value)
    raise _misfit("a disclosure is a salt, a name where it is a member's, and a value")


@dataclass
class _Revealer:
    by_digest: dict[str, Disclosure]
    """What has no place yet."""

    seen: set[str] = field(default_factory=set)
    placed: dict[Path, Disclosure] = field(default_factory=dict)

    def value(self, value: object, path: Path) -> object:
        if not isinstance(value, _CONTAINERS):
            return value
        if len(path) >= MAX_DEPTH:
            raise _misfit(f"disclosures are nested deeper than {MAX_DEPTH}")
        return self.members(value, path) if isinstance(value, dict) else self.elements(value, path)

    def members(self, members: Mapping[str, object], path: Path) -> dict[str, object]:
        if ELEMENT in members or HASH_NAME in members:
            raise _misfit(f"a claim is named {ELEMENT} or {HASH_NAME}")
        shown = {
            name: self.value(value, (*path, name)) if isinstance(value, _CONTAINERS) else value
            for name, value in members.items()
            if name != DIGESTS
        }
        for disclosure in self._found(members[DIGESTS]) if DIGESTS in members else ():
            if disclosure.name is None or disclosure.name in RESERVED or disclosure.name in shown:
                raise _misfit("a disclosure is not of a member that has its place there")
            shown[disclosure.name] = self._place(disclosure, (*path, disclosure.name))
        return shown

    def elements(self, elements: Sequence[object], path: Path) -> list[object]:
        shown: list[object] = []
        for element in elements:
            if not (isinstance(element, dict) and ELEMENT in element):
                shown.append(self.value(element, (*path, len(shown))))
                continue
            if len(element) != 1:
                raise _misfit(f"an element with {ELEMENT} has nothing else")
            for disclosure in self._found([element[ELEMENT]]):
                if disclosure.name is not None:
                    raise _misfit("a disclosure of a member stands for an element")
                shown.append(self._place(disclosure, (*path, len(shown))))
        return shown

    def _found(self, digests: object) -> list[Disclosure]:
        """The disclosures for these digests, each of which is new. A digest without one is a decoy, or not for us."""
        if not isinstance(digests, list):
            raise _misfit(f"{DIGESTS} is not a list")
        found = []
        for text in digests:
            if not isinstance(text, str) or text in self.seen:
                raise _misfit("a digest is no text, or stands in the token twice")
            self.seen.add(text)
            if text in self.by_digest:
                found.append(self.by_digest.pop(text))
        return found

    def _place(self, disclosure: Disclosure, path: Path) -> object:
        self.placed[path] = disclosure
        return self.value(disclosure.value, path)


def _misfit(detail: str) -> TokenInvalidError:
    return TokenInvalidError(Check.DISCLOSURES, detail)
