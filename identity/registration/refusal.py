"""What a registered person refuses, and who says so for them: the same words in rows, credentials and answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is registered."""

    FACE = "face"
    """A person: a template of their face is matched."""

    IMAGE = "image"
    """One picture and its near copies: a fingerprint of it is matched."""


class Purpose(StrEnum):
    """What a likeness may be wanted for, as whoever asks declares it."""

    SEXUALISED = "sexualised"
    POLITICAL = "political"
    COMMERCIAL = "commercial"


class Right(StrEnum):
    """By which right somebody acts for the person."""

    SELF = "self"
    PARENT = "parent"
    """Of a minor, or their guardian."""

    AGENT = "agent"
    """Whom the person told to."""

    ESTATE = "estate"
    """Of somebody who has died."""


@dataclass(frozen=True)
class Refusal:
    """Any likeness, where no purpose is named; otherwise likenesses for these purposes."""

    purposes: frozenset[Purpose] = frozenset()

    @property
    def any_likeness(self) -> bool:
        """Whether it is for every purpose."""
        return not self.purposes

    def covers(self, declared: Purpose | None) -> bool:
        """Whether it refuses a likeness for what was declared; None: for another purpose, or none that was told.

        What was not told may be anything, so whoever refuses some purposes is not taken to allow it: ask a human
        (`needs_word`).
        """
        return self.any_likeness or declared in self.purposes

    def needs_word(self, declared: Purpose | None) -> bool:
        """Whether nothing can be said before a purpose is declared."""
        return not self.any_likeness and declared is None
