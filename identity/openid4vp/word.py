"""Whose word an answer to how old somebody is may be."""

from __future__ import annotations

from enum import StrEnum


class Word(StrEnum):
    """Whose word a kind of document is: each has authorities of its own to believe."""

    OURS = "attestation"
    """Issuers of age attestations, by their DIDs: this deployment's own, and those that the operator names."""

    PROOF_OF_AGE = "proof_of_age"
    DRIVING_LICENCE = "driving_licence"
    PID = "pid"
