"""Claims hidden behind salted digests, for an issuer (RFC 9901, section 4.2).

Rules
- Each hidden claim has a salt of its own, or its digest could be guessed.
- How many claims are hidden does not show: digests are padded with decoys to a multiple of PADDED_TO; a member's are
  sorted, an element's decoys stand anywhere among the elements, whose order is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from identity.encoding import base64url
from identity.encoding.strict_json import write_json
from identity.errors import CredentialRefusedError
from identity.sd_jwt.disclosure import DEFAULT_HASH, DIGESTS, ELEMENT, HASH_NAME, RESERVED, digest
from keys.clock import Entropy

SALT_BYTES: Final = 16
"""128 bits, as RFC 9901, section 9.3 recommends."""

PADDED_TO: Final = 8
"""Digests of one object or array come in multiples of this."""


@dataclass(frozen=True)
class Disclosable:
    """A member's value or an array's element that the holder may show or not. What is inside may be so too."""

    value: object


def conceal(
    claims: Mapping[str, object], entropy: Entropy, padded_to: int = PADDED_TO
) -> tuple[dict[str, object], list[str]]:
    """The payload to sign, with a digest for each Disclosable, and their disclosures.

    Raises CredentialRefusedError for a reserved name, or a Disclosable that is neither a member nor an element.
    """
    concealer = _Concealer(entropy, padded_to)
    payload = concealer.members(claims)
    return (payload | {HASH_NAME: DEFAULT_HASH} if concealer.disclosures else payload), concealer.disclosures


@dataclass
class _Concealer:
    entropy: Entropy
    padded_to: int
    disclosures: list[str] = field(default_factory=list)

    def value(self, value: object) -> object:
        if isinstance(value, Disclosable):
            raise CredentialRefusedError("what is disclosable is a member or an element, not disclosable twice over")
        if isinstance(value, Mapping):
            return self.members(value)
        return self.elements(value) if isinstance(value, list | tuple) else value

    def members(self, members: Mapping[str, object]) -> dict[str, object]:
        if RESERVED & members.keys():
            raise CredentialRefusedError(f"no claim is named {', '.join(sorted(RESERVED & members.keys()))}")
        hidden = {name: value for name, value in members.items() if isinstance(value, Disclosable)}
        shown = {name: self.value(value) for name, value in members.items() if name not in hidden}
        digests = [self._hide(name, self.value(value.value)) for name, value in hidden.items()]
        return shown | {DIGESTS: sorted(digests + self._decoys(len(digests)))} if digests else shown

    def elements(self, elements: Sequence[object]) -> list[object]:
        hidden = sum(isinstance(element, Disclosable) for element in elements)
        shown = [
            {ELEMENT: self._hide(self.value(element.value))}
            if isinstance(element, Disclosable)
            else self.value(element)
            for element in elements
        ]
        for decoy in self._decoys(hidden):
            # Anywhere: behind the last element, one shown later would tell that all in front of it are real.
            shown.insert(int.from_bytes(self.entropy(8)) % (len(shown) + 1), {ELEMENT: decoy})
        return shown

    def _hide(self, *contents: object) -> str:
        salt = base64url.encode(self.entropy(SALT_BYTES))
        self.disclosures.append(base64url.encode(write_json([salt, *contents])))
        return digest(self.disclosures[-1], DEFAULT_HASH)

    def _decoys(self, digests: int) -> list[str]:
        missing = -digests % self.padded_to
        return [digest(base64url.encode(self.entropy(32)), DEFAULT_HASH) for _ in range(missing)]
