"""The verdicts, and which of several is the worst.

Rules
- *absent*, *unreadable*, *invalid* and *untrusted* are never merged; only *trusted* passes.
- Evidence of tampering outranks missing evidence, which outranks an unknown signer.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What a file's provenance is worth, from best to worst."""

    TRUSTED = "trusted"
    """Sound, and signed by someone under the trust policy's anchors."""

    ABSENT = "absent"
    """There is no manifest."""

    UNTRUSTED = "untrusted"
    """Sound, but its signer is not under the anchors."""

    UNREADABLE = "unreadable"
    """The file, or the manifest in it, cannot be read."""

    INVALID = "invalid"
    """Read, and it does not hold: content, claim or signature were changed, or the credential was bad."""


_SEVERITY = {verdict: severity for severity, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of some verdicts; *trusted* (no objection) of none."""
    return max(verdicts, key=_SEVERITY.__getitem__, default=Verdict.TRUSTED)
