"""What each finding weighs: data, with a version, held to the one rule that makes a score mean anything.

Rules
- The better level of a signal never weighs less, and never allows less: so no improvement lowers a score.
- A policy is checked when it is read, and its name changes with it: scores are compared under one name only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, Self

HIGHEST: Final = 100

LEVELS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "manifest": ("invalid", "unreadable", "absent", "untrusted", "trusted"),
        "history": ("invalid", "unreadable", "untrusted", "none", "trusted"),
        "signer": ("revoked", "expired", "unknown", "trusted", "recorded"),
        "time_stamp": ("false", "none", "unproven", "trusted"),
        "tool": ("differs", "silent", "agrees"),
        "source": ("contradicted", "undeclared", "declared", "agrees"),
        "edits": ("undeclared", "none", "declared"),
        "capture": ("impossible", "silent", "plausible"),
        "recovered": ("none", "unsought", "similar", "same"),
    }
)
"""Every signal, and what may be found of it, from worst to best."""


class ConfidencePolicyError(ValueError):
    """A policy under which something better would count for less, or that does not say what something counts for."""


@dataclass(frozen=True)
class Policy:
    """Weights under a name."""

    name: str
    base: int
    signals: Mapping[str, Mapping[str, int]]
    """Points of each level."""

    caps: Mapping[str, Mapping[str, int]]
    """The highest score that a level allows, for the signals that bound it."""

    bands: Mapping[int, str]
    """What a score is called, by the lowest that is called so."""

    @classmethod
    def of(cls, read: Mapping[str, Any]) -> Self:
        """From a policy's JSON. Raises ConfidencePolicyError."""
        if set(read["signals"]) != set(LEVELS) or not set(read["caps"]) <= set(LEVELS):
            raise ConfidencePolicyError("it does not weigh each signal, and no other")
        for signal, weights in (*read["signals"].items(), *read["caps"].items()):
            _require_rising(signal, weights)
        bands = {int(score): name for score, name in read["bands"].items()}
        if 0 not in bands:
            raise ConfidencePolicyError("it has no word for the lowest score")
        return cls(read["name"], read["base"], read["signals"], read["caps"], bands)

    def band(self, score: int) -> str:
        """What a score is called."""
        return self.bands[max(lowest for lowest in self.bands if lowest <= score)]


@cache
def policy_in_force() -> Policy:
    """The one that comes with this version."""
    return Policy.of(json.loads(files(__package__).joinpath("policy.json").read_text()))


def _require_rising(signal: str, weights: Mapping[str, int]) -> None:
    levels = LEVELS[signal]
    if set(weights) != set(levels):
        raise ConfidencePolicyError(f"it does not weigh each level of {signal}")
    for worse, better in pairwise(levels):
        if weights[worse] > weights[better]:
            raise ConfidencePolicyError(f"{signal}: {better} would count for less than {worse}")
