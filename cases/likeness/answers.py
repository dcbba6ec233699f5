"""What a likeness check answers: one of three words, and never whom, how sure, or whether it was a person's refusal.

Rules
- The worst that holds for anybody in the picture is the answer. What a look-alike might be is for a human, and so is
  what could not be seen or may not be looked at.
- A use that this deployment refuses whatever is shown is refused in the same words, after the same work.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter

from cases.likeness.lines import Outcome
from cases.likeness.matching import Looked, Sighted
from cases.likeness.use import Stance, Use
from ledger.ids import EntryId


class Answer(StrEnum):
    """To a tool."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    ASK_A_HUMAN = "ask_a_human"


SENTENCES: Final = {
    Answer.ALLOWED: "Nobody recognised in this picture refuses this use here. This says nothing of people who are not "
    "registered here, nor of other rights.",
    Answer.REFUSED: "This picture may not be used for this: either this service allows that use of nobody's picture, "
    "or somebody in it refuses it. Which of the two is not said.",
    Answer.ASK_A_HUMAN: "This cannot be decided without a person: have one look before anything is made of it.",
}
"""What a tool can show to whoever asked it."""


@dataclass(frozen=True)
class Judged:
    """An answer and why, for the record."""

    answer: Answer
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """A check that was made."""

    id: str
    at: int
    """Unix milliseconds."""

    answer: Answer
    use: Use
    nonce: str
    commitment: str
    """HMAC-SHA256 of the picture's bytes under the salt, hex."""

    salt: str
    """Hex. With it, whoever has the picture can tell that it was that one."""

    skipped: tuple[str, ...]
    """Rules of the picture's place that did not allow looking for faces in it."""

    entry: EntryId


CHECKED: Final = TypeAdapter(Checked)


def judge(looked: Looked, use: Use, refused: Collection[Use]) -> Judged:
    """The answer to a tool; `refused` are this deployment's own."""
    by_policy = ["policy"] if use in refused else []
    outcomes = {outcome_of(one) for one in looked.sighted}
    reasons = by_policy + sorted(f"registration.{outcome}" for outcome in outcomes)
    reasons += [*(["rules"] if looked.skipped else []), *(["unseen"] if looked.unseen else [])]
    if by_policy or Outcome.REFUSED in outcomes:
        answer = Answer.REFUSED
    elif Outcome.ASKED in outcomes or looked.unseen or not looked.whole:
        answer = Answer.ASK_A_HUMAN
    else:
        answer = Answer.ALLOWED
    return Judged(answer, tuple(reasons or ["nobody"]))


def outcome_of(one: Sighted) -> Outcome:
    """What one person's registration says."""
    if one.stance is Stance.ALLOWS:
        return Outcome.ALLOWED
    return Outcome.REFUSED if one.sure and one.stance is Stance.REFUSES else Outcome.ASKED
