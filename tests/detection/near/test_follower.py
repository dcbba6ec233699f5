"""What an index makes of changes."""

from __future__ import annotations

from detection.near.follower import Changed, Changes, Damaged, Index
from detection.near.generation import Generation

KIND = ("bits", 32)


def test_a_damaged_row_is_known_until_it_is_removed() -> None:
    index, damaged = Index(), [Damaged(2, "ten_1", "ast_1"), Damaged(3, "ten_2", "ast_2")]
    index.apply(Changes(3, 3, [Changed(1, KIND, bytes(32))], [], damaged=damaged), lambda _: Generation(32))
    assert list(index.damaged) == damaged
    index.apply(Changes(4, 4, [], [1, 2]), lambda _: Generation(32))
    assert list(index.damaged) == damaged[1:]
    assert len(index.generations[KIND]) == 0
