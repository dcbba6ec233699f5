"""What a worker wants of the world: it has no network, so its parent fetches.

A document is judged with what came along. Where something was missing, the parent is asked for all of it together, and
the document is judged again, as of then: what was fetched may be newer than the question. A status list may rest on a
document of its own, so there is a second question. What is missing after that counts as out of reach.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from identity.encoding.strict_json import read_object
from identity.errors import CheckFailedError, TokenUnreadableError
from identity.outcome import Check, Outcome
from keys.clock import Clock

QUESTIONS: Final = 2
MAX_WANTED: Final = 8
"""Things for one question."""

FETCHING: Final = timedelta(seconds=6)
"""For one question; then nothing more is begun. A worker waits meanwhile, which slow servers could keep for long."""

MAX_ANSWER: Final = 512 * 1024
"""Bytes of all that is fetched for one question: a frame holds them in base64."""

Fetch = Callable[[str], bytes | None]
"""From a URL to what lies there; None where it cannot be had now."""

Wanted = tuple[str, str]
"""Where from, a name of `Sources`, and the URL."""


@dataclass(frozen=True)
class Sources:
    """The parent's ways to fetch."""

    did_documents: Fetch
    status_lists: Fetch
    clock: Clock

    def answer(self, question: bytes) -> bytes:
        """To `Outside.ask`. Raises ValueError for what no honest worker asks."""
        ways = {"did_documents": self.did_documents, "status_lists": self.status_lists}
        asked, left, found = json.loads(question), MAX_ANSWER, list[str | None]()
        if len(asked) > MAX_WANTED:
            raise ValueError(f"a worker wants more than {MAX_WANTED} things")
        ends = self.clock() + FETCHING
        for way, url in asked:
            content = ways[way](str(url)) if self.clock() < ends else None
            fits = content is not None and len(content) <= left
            left -= len(content) if content is not None and fits else 0
            found.append(b64encode(content).decode() if content is not None and fits else None)
        return json.dumps({"now": self.clock().isoformat(), "found": found}).encode()


class Outside:
    """The worker's side: what is known of the world in one job."""

    def __init__(self) -> None:
        self._known: dict[Wanted, bytes | None] = {}
        self._wanted: list[Wanted] = []

    @property
    def lacks(self) -> bool:
        """Whether something was looked for that is not known yet."""
        return bool(self._wanted)

    def did_document(self, url: str) -> bytes | None:
        """For `did.web.resolver`."""
        return self._get(("did_documents", url))

    def status_list(self, url: str) -> Mapping[str, object] | None:
        """For `status.lookup`. Raises CheckFailedError for what is no JSON object."""
        content = self._get(("status_lists", url))
        try:
            return None if content is None else read_object(content, f"what lies at {url!r}")
        except TokenUnreadableError as error:
            raise CheckFailedError(Check.STATUS, str(error), Outcome.UNREADABLE) from error

    def ask(self, ask: Callable[[bytes], bytes]) -> datetime:
        """Have the parent fetch what is wanted; the time when it has."""
        answered = json.loads(ask(json.dumps(self._wanted).encode()))
        for wanted, text in zip(self._wanted, answered["found"], strict=True):
            self._known[wanted] = None if text is None else b64decode(text)
        self._wanted = []
        return datetime.fromisoformat(answered["now"])

    def _get(self, wanted: Wanted) -> bytes | None:
        if wanted in self._known:
            return self._known[wanted]
        if wanted not in self._wanted and len(self._wanted) < MAX_WANTED:
            self._wanted.append(wanted)
        return None
