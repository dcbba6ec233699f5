"""xsd:dateTimeStamp: a moment with its offset (XML Schema 1.1 part 2 §3.4.28), as credentials write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

AHEAD: Final = timedelta(seconds=60)
"""By which an issuer's clock may be ahead of ours: what begins within it has begun. An end is exact."""

_FORM: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def read_date_time(text: object) -> datetime:
    """In UTC, to the microsecond. Raises ValueError."""
    form = _FORM.fullmatch(text) if isinstance(text, str) else None
    if not form:
        raise ValueError(f"{text!r} is no date and time with an offset, such as 2026-11-28T12:00:00Z")
    seconds, fraction, offset = form.groups()
    try:
        return datetime.fromisoformat(f"{seconds}{(fraction or '.')[:7].ljust(7, '0')}{offset}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no moment of the calendar") from error


def write_date_time(moment: datetime) -> str:
    """In UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
