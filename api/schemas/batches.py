"""What the routes of batches take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.assets import Strict
from cases.batch import MAX_EXPECTED, MAX_NAME, Batch
from ledger.ids import moment


class BatchRequest(Strict):
    """What is going to be sent."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "archive 1998", "expected": 12000}})

    expected: Annotated[int, Field(ge=1, le=MAX_EXPECTED)]
    """How many files."""

    name: Annotated[str, Field(max_length=MAX_NAME)] = ""
    """What you call it; kept sealed."""


class RefusalView(BaseModel):
    """A file that was refused."""

    name: str
    """As its upload named it."""

    type: str
    """Of the problem."""

    detail: str


class BatchView(BaseModel):
    """How far a batch is."""

    id: str
    name: str
    expected: int
    done: int
    """Signed."""

    held: int
    """Of those, kept back for a person to decide."""

    refused: int
    left: int
    """Neither signed nor refused yet."""

    per_second: float
    """Files signed, over the last minute."""

    seconds_left: float | None
    """At that rate; null while nothing moves."""

    created_at: datetime
    expires_at: datetime
    """When it is forgotten; the assets are not."""

    refusals: list[RefusalView]
    """A page of them; one that is signed after all is no refusal any more."""

    next: str | None
    """The cursor of the page after; null after the last."""

    @classmethod
    def of(cls, batch: Batch) -> Self:
        """The view of a batch."""
        seconds = batch.seconds_left
        return cls(
            id=batch.id,
            name=batch.name,
            expected=batch.expected,
            done=batch.done,
            held=batch.held,
            refused=batch.refused,
            left=batch.left,
            per_second=round(batch.rate, 2),
            seconds_left=None if seconds is None else round(seconds, 1),
            created_at=moment(batch.created_at),
            expires_at=moment(batch.expires_at),
            refusals=[RefusalView(name=one.name, type=one.type, detail=one.detail) for one in batch.refusals],
            next=batch.next or None,
        )
