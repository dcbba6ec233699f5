from __future__ import annotations

import pytest

from ledger.span import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"), (0, "0 seconds"), (119, "119 seconds"), (120, "2 minutes"), (121, "3 minutes"),
        (5400, "90 minutes"), (36 * 3600, "36 hours"), (30 * 86_400 - 5, "30 days"),
    ],
)  # fmt: skip
def test_a_span_is_told_in_the_unit_that_says_most(seconds: int, words: str) -> None:
    assert in_words(seconds) == words
