"""With what a file that may be a copy is looked at: a worker's trace, and what an encoder makes of it, if one is set.

Rules
- What was not asked of a file is named, with the reason: that nothing was found by an embedding may be said only where
  one was compared.
- An encoder that fails, or whose workers are busy, keeps nothing else from being found.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from detection.embedding.embed import Embedder
from detection.embedding.embedding import Embedding
from detection.errors import SandboxError
from detection.memfd import Memfd
from detection.shares import Workers
from detection.trace import Trace, trace
from provenance.validation import examination_seconds


class Unasked(StrEnum):
    """Why a file was not compared by an embedding."""

    NO_ENCODER = "no-encoder"
    """None is set here."""

    NO_PICTURE = "no-picture"
    """It is no single picture."""

    FAINT = "faint"
    """Too little is to be seen in it."""

    UNAVAILABLE = "unavailable"
    """The encoder's workers are busy, or it failed."""


@dataclass(frozen=True)
class Seen:
    """What was seen of a file."""

    trace: Trace
    embedding: Embedding | Unasked


@dataclass(frozen=True)
class Eyes:
    """One holder's."""

    holder: str
    workers: Workers
    embedder: Embedder | None

    def see(self, file: Memfd) -> Seen:
        """All that something signed can be found by. Raises MediaError, SandboxError where even the trace failed."""
        seen = trace(self.workers, file, examination_seconds(file.size))
        return Seen(seen, self._embedded(file, seen))

    def _embedded(self, file: Memfd, seen: Trace) -> Embedding | Unasked:
        if self.embedder is None:
            return Unasked.NO_ENCODER
        if seen.moves:
            return Unasked.NO_PICTURE
        if not seen.pdq:
            return Unasked.FAINT
        try:
            return self.embedder.embed(self.holder, file)
        except SandboxError:
            return Unasked.UNAVAILABLE
