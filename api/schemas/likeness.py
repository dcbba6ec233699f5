"""Likeness checks, held assets, and a registered person's own log, as they are asked and answered."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.schemas.assets import LedgerView, Strict
from api.schemas.words import NONCE, PLACE, legible
from cases.likeness.answers import SENTENCES, Answer, Checked
from cases.likeness.holds import LikenessHold
from cases.likeness.lines import Caller, Decision, Outcome
from cases.likeness.log import PAGE, Decided, Response, Seen
from cases.likeness.retroactive import Progress, Stage
from cases.likeness.tokens import expires_at
from cases.likeness.use import Use
from ledger.ids import EntryId, moment

MAX_STATEMENT: Final = 2000
Declared = Literal["sexualised", "political", "commercial", "other"]
"""What a tool may say: it says something."""


class CheckRequest(Strict):
    """The part `check`: what the tool wants to make, and for whom it asks."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"purpose": "commercial", "nonce": "kq0vX2mB6Yw", "place": "FR"}}
    )

    purpose: Declared
    nonce: Annotated[str, Field(pattern=NONCE)]
    """Yours, and new each time: it comes back in the token."""

    place: Annotated[str, Field(pattern=PLACE)] = ""
    """Where whoever asks is: ISO 3166-1 or -2."""


class CheckView(BaseModel):
    """The answer. Of whom, how sure, and on whose word, there is nothing in it."""

    id: str
    answer: Answer
    sentence: str
    purpose: Use
    skipped: list[str]
    """Rules of the place that did not allow looking for faces."""

    nonce: str
    commitment: str
    """HMAC-SHA256 of the picture's bytes under `salt`, hex. The token has it, and not the salt."""

    salt: str
    token: str
    expires_at: datetime
    ledger: LedgerView

    @classmethod
    def of(cls, checked: Checked, token: str) -> Self:
        """The view of a check."""
        return cls(
            id=checked.id,
            answer=checked.answer,
            sentence=SENTENCES[checked.answer],
            purpose=checked.use,
            skipped=list(checked.skipped),
            nonce=checked.nonce,
            commitment=checked.commitment,
            salt=checked.salt,
            token=token,
            expires_at=moment(expires_at(checked)),
            ledger=LedgerView.of(checked.entry, proven=False),
        )


class AppealRequest(Strict):
    """Why a held file should be given out, in its uploader's words."""

    model_config = ConfigDict(json_schema_extra={"example": {"statement": "She is our actor and has agreed to it."}})

    statement: Annotated[str, Field(min_length=1, max_length=MAX_STATEMENT), AfterValidator(legible)]


class HeldView(BaseModel):
    """A held asset, for who decides."""

    asset: str
    reason: str
    people: int
    """How many registrations hold it."""

    appeal: str | None
    placed_at: datetime
    refused_at: datetime | None
    """When it was decided that it stays."""

    @classmethod
    def of(cls, hold: LikenessHold) -> Self:
        """The view of a hold."""
        return cls(
            asset=hold.asset,
            reason=hold.reason,
            people=hold.people,
            appeal=hold.appeal or None,
            placed_at=moment(hold.placed_at),
            refused_at=moment(hold.refused_at) if hold.refused_at is not None else None,
        )


class HeldPage(BaseModel):
    """Held assets, by id."""

    holds: list[HeldView]
    next: str | None
    """Send it as `cursor`; null on the last page."""


class DecidedView(BaseModel):
    """Something was said or decided, and is on record."""

    ledger: LedgerView

    @classmethod
    def of(cls, entry: EntryId) -> Self:
        """The view of its entry."""
        return cls(ledger=LedgerView.of(entry, proven=False))


class ReviewView(BaseModel):
    """What a reviewer decided afterwards; who and why is not for the log."""

    decision: Decision
    at: datetime
    entry: str

    @classmethod
    def of(cls, decided: Decided) -> Self:
        """The view of a decision."""
        return cls(decision=decided.decision, at=moment(decided.at), entry=decided.entry)


class MatchView(BaseModel):
    """A line of a person's own log: nothing of what was shown, nor who asked."""

    id: str
    at: datetime
    caller: Caller
    outcome: Outcome
    purpose: Use
    entry: str
    """Of the decision."""

    held: bool
    """Whether something was held for it, which confirming ends."""

    response: Response | None
    review: ReviewView | None
    """Null where no reviewer decided."""

    @classmethod
    def of(cls, seen: Seen) -> Self:
        """The view of a line."""
        line = seen.line
        return cls(
            id=seen.id,
            at=moment(seen.at),
            caller=line.caller,
            outcome=line.outcome,
            purpose=line.use,
            entry=line.entry,
            held=bool(line.hold),
            response=seen.response,
            review=ReviewView.of(seen.decided) if seen.decided else None,
        )


class MatchPage(BaseModel):
    """A log, the newest first."""

    matches: list[MatchView]
    next: str | None

    @classmethod
    def of(cls, seen: Sequence[Seen]) -> Self:
        """The view of a page."""
        last = f"{seen[-1].at}.{seen[-1].id}" if len(seen) == PAGE else ""
        following = urlsafe_b64encode(last.encode()).decode().rstrip("=") if last else None
        return cls(matches=[MatchView.of(one) for one in seen], next=following)


class RetroactiveView(BaseModel):
    """How far what was kept before the registration is looked at. What was found is in the log."""

    stage: Stage
    """*waiting*: not begun, or the registration is held; *running*; *done*."""

    media: int
    """Kept by the platform when it began."""

    looked: int
    found: int
    unseen: int
    """That could not be looked at."""

    began_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, progress: Progress) -> Self:
        """The view of one."""
        began, ended = (moment(at) if at is not None else None for at in (progress.began_at, progress.ended_at))
        counts = {name: getattr(progress, name) for name in ("media", "looked", "found", "unseen")}
        return cls(stage=progress.stage, **counts, began_at=began, ended_at=ended)


class ResponseRequest(Strict):
    """*confirmed*: it is mine and may be, which ends what it holds; *objected*: it may not be. Said once."""

    model_config = ConfigDict(json_schema_extra={"example": {"response": "objected"}})

    response: Response


def before(cursor: str) -> tuple[int, str] | None:
    """What a page's `next` says; None for the first page. Raises ValueError."""
    if not cursor:
        return None
    at, _, name = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(".")
    return int(at), name
