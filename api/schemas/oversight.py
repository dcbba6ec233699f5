"""Entries found, payloads opened: what regulators ask and get."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.schemas import words
from api.schemas.assets import LedgerView, Strict
from api.schemas.words import Moment, Reason
from ledger import entry
from ledger.ids import milliseconds
from ledger.opening.disclosure import MAX_OPENED, Opening
from ledger.opening.payload_search import Findings
from ledger.payload import Disclosed
from ledger.publishing import search
from ledger.publishing.activity import Activity
from ledger.publishing.search import Cursor, Indexed, Page

MAX_CURSOR = 40
MAX_VALUE = 200

Kind = Annotated[str, Field(pattern=words.KIND, max_length=65)]
Policy = Annotated[str, Field(pattern=words.POLICY, max_length=80)]
CursorText = Annotated[str, Field(max_length=MAX_CURSOR)]
EntryName = Annotated[str, Field(pattern=words.ENTRY)]
Value = Annotated[str, Field(min_length=1, max_length=MAX_VALUE)]


def query_of(kind: str, policy: str, begins: Moment | None, ends: Moment | None) -> search.Query:
    """The query that these parameters word."""
    begins_at, ends_at = (milliseconds(moment) if moment else None for moment in (begins, ends))
    return search.Query(kind, policy, begins_at, ends_at)


def cursor_of(text: str) -> Cursor | None:
    """Where to go on; None to begin. Raises SearchRefusedError."""
    return Cursor.parse(text) if text else None


class EntryView(BaseModel):
    """A public entry, where it stands in the log, and where its receipt is."""

    index: int
    entry: dict[str, Any]
    """The eight members. Their RFC 8785 form is the leaf of the tree."""

    receipt: str

    @classmethod
    def of(cls, found: Indexed) -> Self:
        """The view of an entry."""
        members = {"v": entry.VERSION, **asdict(found.entry)}
        return cls(index=found.index, entry=members, receipt=f"/v1/receipts/{found.entry.id}")


class RangeView(BaseModel):
    """What an answer speaks of: all entries from `first` to before `end`, of the log as it was with `size` entries."""

    first: int
    end: int
    size: int
    checkpoint: str = "/ledger/checkpoint"
    """Covers at least `size` entries."""

    proof: str
    """How anybody can see that no match of this range was left out."""

    @classmethod
    def of(cls, page: Page) -> Self:
        """The view of a page's range."""
        proof = f"sigillo ledger bundle FILE --from {page.first} --to {page.end - 1}" if page.end > page.first else ""
        return cls(first=page.first, end=page.end, size=page.size, proof=proof)


class PageView(BaseModel):
    """Every match of a range; `next` is the cursor of the page after, null when the search is over."""

    entries: list[EntryView]
    range: RangeView
    next: str | None

    @classmethod
    def of(cls, page: Page) -> Self:
        """The view of a page."""
        after = str(page.next) if page.next else None
        return cls(entries=[EntryView.of(one) for one in page.entries], range=RangeView.of(page), next=after)


class KindActivityView(BaseModel):
    """One kind's entries, a number for each day."""

    kind: str
    total: int
    entries: tuple[int, ...]


class ActivityView(BaseModel):
    """Days in UTC, and the kinds that have entries in them, the most frequent first."""

    days: tuple[date, ...]
    kinds: tuple[KindActivityView, ...]

    @classmethod
    def of(cls, found: Activity) -> Self:
        """The view of what was counted."""
        kinds = (KindActivityView(kind=one.kind, total=one.total, entries=one.entries) for one in found.kinds)
        return cls(days=found.days, kinds=tuple(kinds))


class DisclosedView(BaseModel):
    """A payload. The entry's `commit` is HMAC-SHA256 over `ledger/v1/payload`, a zero byte and `payload` in UTF-8, with
    the salt as its key.
    """

    entry: str
    salt: str
    """32 bytes, hexadecimal."""

    payload: str
    """RFC 8785 JSON, in the very bytes that were committed to."""

    @classmethod
    def of(cls, disclosed: Disclosed) -> Self:
        """The view of an opened payload."""
        return cls(entry=disclosed.entry, salt=disclosed.salt.hex(), payload=disclosed.payload.decode())


class DisclosureRequest(Strict):
    """Which payloads to open, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"entries": ["ent_aaaaaaaaaaaaaaaaaaaaaaaaaa"], "reason": "case 2026-118, order of 3 March"}
        }
    )

    entries: Annotated[tuple[EntryName, ...], Field(min_length=1, max_length=MAX_OPENED)]
    reason: Reason


class OpeningView(BaseModel):
    """What was opened, and the entry that says so to everyone; null where nothing was there to open."""

    opening: LedgerView | None
    disclosed: list[DisclosedView]
    erased: list[str]
    """Asked for, and gone: the entries prove, what they committed to is destroyed."""

    damaged: list[str]
    """There, and not to be opened: the operator must look (`sigillo ledger verify`)."""

    @classmethod
    def of(cls, opening: Opening) -> Self:
        """The view of an opening."""
        disclosed = [DisclosedView.of(one) for one in opening.opened]
        on_record = LedgerView.of(opening.entry, proven=False) if opening.entry else None
        return cls(opening=on_record, disclosed=disclosed, erased=list(opening.erased), damaged=list(opening.damaged))


class SearchRequest(Strict):
    """Which payloads to look through, for what, and why. Values are matched whole."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "example": {
                "reason": "case 2026-118, order of 3 March",
                "kind": "asset.signed",
                "from": "2026-03-01T00:00:00Z",
                "to": "2026-04-01T00:00:00Z",
                "model": "example-diffusion",
            }
        },
    )

    reason: Reason
    kind: Kind = ""
    policy: Policy = ""
    begins: Annotated[Moment | None, Field(alias="from")] = None
    ends: Annotated[Moment | None, Field(alias="to")] = None
    actor: Value | None = None
    """The principal that acted, `prn_…`."""

    outcome: Value | None = None
    model: Value | None = None
    """The generative model's name."""

    cursor: CursorText = ""

    @property
    def wanted(self) -> dict[str, str]:
        """What payloads must hold."""
        asked = {"actor": self.actor, "outcome": self.outcome, "model": self.model}
        return {name: value for name, value in asked.items() if value is not None}

    @model_validator(mode="after")
    def _needs_payloads(self) -> Self:
        if not self.wanted:
            raise ValueError("name an actor, outcome or model: without them GET /v1/ledger/entries opens nothing")
        return self


class MatchView(EntryView):
    """An entry whose payload matches, with the payload."""

    disclosed: DisclosedView


class FindingsView(BaseModel):
    """Every match of a range, but for what was erased or does not open."""

    matches: list[MatchView]
    opening: LedgerView | None
    """The entry that says what was opened; null where nothing was."""

    opened: list[str]
    """Entries whose payloads were looked through, these matches among them."""

    erased: list[str]
    """Could not be searched: their payloads are destroyed."""

    damaged: list[str]
    """Could not be searched: their payloads do not open."""

    range: RangeView
    next: str | None

    @classmethod
    def of(cls, found: Findings) -> Self:
        """The view of what a search found."""
        matches = [
            MatchView(**EntryView.of(one.at).model_dump(), disclosed=DisclosedView.of(one.disclosed))
            for one in found.matches
        ]
        return cls(
            matches=matches,
            opening=LedgerView.of(found.opening, proven=False) if found.opening else None,
            opened=list(found.opened),
            erased=list(found.erased),
            damaged=list(found.damaged),
            range=RangeView.of(found.range),
            next=str(found.range.next) if found.range.next else None,
        )
