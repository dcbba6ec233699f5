from __future__ import annotations

from datetime import UTC, datetime

import pytest

from identity.encoding.date_time import read_date_time, write_date_time


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-28T12:00:00Z", datetime(2026, 11, 28, 12, tzinfo=UTC)),
        ("2026-11-28T12:00:00.5+02:00", datetime(2026, 11, 28, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2024-02-29T23:59:59.123456789-00:30", datetime(2024, 3, 1, 0, 29, 59, 123_456, tzinfo=UTC)),
    ],
)
def test_moments_with_an_offset_are_read(text: str, moment: datetime) -> None:
    assert read_date_time(text) == moment
    assert read_date_time(write_date_time(moment)) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-28", "2026-11-28T12:00:00", "2026-11-28 12:00:00Z", "2026-11-28T12:00Z", "2026-11-28T12:00:00z"),
        *("2026-02-29T12:00:00Z", "2026-11-28T25:00:00Z", "2026-11-28T12:00:00Z\n", "0001-01-01T00:00:00+14:00"),
        *("\uff12026-11-28T12:00:00Z", "2026-W48-6T12:00:00Z", 5, None),
    ],
    ids=repr,
)
def test_what_is_no_moment_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="no "):
        read_date_time(text)
