"""Which characters may stand in a text that people will read (Unicode Technical Report 36).

Control and formatting characters hide, reorder or end what a reader sees, on a page and in a terminal alike.
What we sign must not contain them; where a stranger's manifest does, they are shown as U+FFFD.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_JOINERS: Final = frozenset("\u200c\u200d")
"""Persian and Indic spelling, and emoji, need them."""

_EMPTY: Final = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")
"""Letters and marks that are drawn as nothing."""

REPLACEMENT: Final = "\ufffd"


def hidden(character: str) -> bool:
    """Whether a character hides, reorders or ends what a reader sees. A line break counts."""
    return unicodedata.category(character) in _HIDDEN and character not in _JOINERS


def blank(text: str) -> bool:
    """Whether a reader sees nothing: spaces, fillers, marks without a letter."""
    return all(c.isspace() or c in _EMPTY or c in _JOINERS or unicodedata.category(c) == "Mn" for c in text)


def legible(text: str, limit: int) -> str:
    """A stranger's text, cut to `limit` characters, with hidden ones replaced; line breaks stay."""
    text = text[:limit]
    if text.isprintable():
        return text
    return "".join(REPLACEMENT if hidden(c) and c != "\n" else c for c in text)
