"""Times at which a claim says that something was done, so none of them is to come. Runs in the worker.

Rules
- When an action was done is said with its offset from UTC (RFC 3339), as an upload has to.
- Metadata may leave that out: then it is the earliest moment that can be meant. What is not written as XMP and C2PA
  write a time is not read.

C2PA Technical Specification 2.4, "Actions"; XMP Specification Part 1, "Date".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from provenance.errors import ClaimInvalidError
from provenance.unseen.contents import local

WHEN: Final = "when"
PAST: Final = frozenset(
    {"createdate", "datecreated", "datetime", "datetimedigitized", "datetimeoriginal", "metadatadate", "modifydate"}
)
"""Local names of members that say when something was done. Others, such as the end of a licence, may be to come."""

EARLIEST_OFFSET: Final = timezone(timedelta(hours=14))
"""Of all places, where the day begins first."""

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(?P<offset>Z|[+-]\d\d:\d\d)?)?", re.ASCII)


def latest_of(members: Iterable[tuple[str, tuple[Mapping[str, Any], Any]]]) -> datetime | None:
    """None where no time is stated. Raises ClaimInvalidError."""
    return max(_stated(members), default=None)


def _stated(members: Iterable[tuple[str, tuple[Mapping[str, Any], Any]]]) -> Iterator[datetime]:
    for name, (of, value) in members:
        if name == WHEN and "action" in of:
            moment, zoned = _read(value)
            if moment is None or not zoned:
                raise ClaimInvalidError("an action's when is not a time with its offset from UTC (RFC 3339)")
            yield moment
        elif local(name) in PAST and (moment := _read(value)[0]):
            yield moment


def _read(value: Any) -> tuple[datetime | None, bool]:
    """The moment, None where it is no time; and whether it has its offset."""
    shape = _TIME.fullmatch(value.upper()) if isinstance(value, str) else None
    if not shape:
        return None, False
    try:
        moment = datetime.fromisoformat(shape[0])
    except ValueError:
        return None, False
    return moment if shape["offset"] else moment.replace(tzinfo=EARLIEST_OFFSET), bool(shape["offset"])
