"""The operator's encoder in one service: its file in memory, and workers that run it, callers' and strangers'.

Strangers' files go to workers of their own here too, half as many as there are of others: each holds the network. They
start with the first picture. An encoder that was set and is not what its card says ends the start: what is signed
without it could never be found by it.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from api.parts.pools import share, start_workers
from api.running.home import StartError
from api.settings import Settings
from detection.embedding.card import ModelCard
from detection.embedding.embed import JOBS, Embedder, Encoder
from detection.errors import ModelCardError
from detection.shares import Shares


@dataclass(frozen=True)
class Embedding:
    """What embeds pictures; without an encoder nothing does."""

    card: ModelCard | None = None
    callers: Embedder | None = None
    strangers: Embedder | None = None

    @property
    def pools(self) -> tuple[Shares, ...]:
        """The workers."""
        return tuple(one.workers for one in (self.callers, self.strangers) if one)


def embedding_of(settings: Settings, until: ExitStack) -> Embedding:
    """File and workers end with `until`. Raises StartError."""
    if settings.encoder is None:
        return Embedding()
    try:
        encoder = Encoder.open(settings.encoder)
    except ModelCardError as error:
        raise StartError(f"SIGILLO_ENCODER: {error}") from error
    until.callback(encoder.file.close)
    size = max(settings.workers // 2, 1)
    callers, strangers = (Shares(partial(start_workers, settings, JOBS, size), share(size)) for _ in range(2))
    for pool in (callers, strangers):
        until.callback(pool.close)
    return Embedding(encoder.card, Embedder(encoder, callers), Embedder(encoder, strangers))
