"""Every word a page says, by its code, in a person's language.

A catalogue is one JSON object a language, `words/<language>.json`: code to sentence, with `{named}` places. English is
complete; another may lack codes and says those in English. The words of verdicts are `provenance.summary`'s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("words")
FALLBACK: Final = "en"


@dataclass(frozen=True)
class Words:
    """One language's sentences."""

    language: str
    sentences: Mapping[str, str]

    def __call__(self, code: str, /, **places: object) -> str:
        """The sentence of a code. Raises KeyError for one that no catalogue has: a page must not show a code."""
        return self.sentences[code].format_map(places)

    def those(self, *prefixes: str) -> dict[str, str]:
        """The sentences that a page's script says, by their codes."""
        return {code: sentence for code, sentence in self.sentences.items() if code.startswith(prefixes)}

    def has(self, code: str) -> bool:
        """Whether there is a sentence."""
        return code in self.sentences


@cache
def languages() -> Sequence[str]:
    """Those that have a catalogue."""
    return sorted(file.stem for file in FOLDER.glob("*.json"))


@cache
def words_of(language: str = FALLBACK) -> Words:
    """The catalogue of a language that has one."""
    english: dict[str, str] = _read(FALLBACK)
    return Words(language, english if language == FALLBACK else english | _read(language))


def preferred(accepted: str) -> str:
    """The best of our languages for an `Accept-Language` (RFC 9110, section 12.5.4)."""
    wanted = sorted(map(_weighed, accepted.split(",")), key=lambda one: -one[1])
    ours = languages()
    return next((name for name, weight in wanted if weight and name in ours), FALLBACK)


def _weighed(part: str) -> tuple[str, float]:
    name, _, weight = part.strip().partition(";q=")
    try:
        return name.partition("-")[0].lower(), float(weight or 1)
    except ValueError:
        return name, 0.0


def _read(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text())
    return found
