"""What an imitation is for, as whoever makes it declares, and what a registered person says to that."""

from __future__ import annotations

from enum import StrEnum

from identity.registration.refusal import Purpose, Refusal


class Use(StrEnum):
    """What is declared."""

    SEXUALISED = "sexualised"
    POLITICAL = "political"
    COMMERCIAL = "commercial"
    OTHER = "other"
    """None of these."""

    UNSAID = "unsaid"
    """Nothing was declared. It may be any of them."""


class Stance(StrEnum):
    """What a person says to it."""

    REFUSES = "refuses"
    ASKS = "asks"
    """They refuse some uses, and this one was not declared."""

    ALLOWS = "allows"


def stance(refusal: Refusal, use: Use) -> Stance:
    """What this refusal says to this use."""
    purpose = next((purpose for purpose in Purpose if purpose.value == use.value), None)
    if refusal.covers(purpose):
        return Stance.REFUSES
    return Stance.ASKS if use is Use.UNSAID and refusal.needs_word(None) else Stance.ALLOWS
