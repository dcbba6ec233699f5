"""Words that people write into requests and read in lists and terminals."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from provenance.characters import hidden

MAX_REASON = 500


def legible(text: str) -> str:
    """Raises ValueError."""
    if any(map(hidden, text)):
        raise ValueError("control and formatting characters are not allowed")
    return text


Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON), AfterValidator(legible)]
"""Why, and by what authority: a case number, an order. It stays as long as the tenant does: it should name nobody."""
