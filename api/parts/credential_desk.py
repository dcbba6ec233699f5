"""Verifying credentials in one service: who judges them, with what, and whom is believed.

As with files, strangers have workers, threads and memory of their own. The workers start with the first credential.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

from api.edge.turns import Turns
from api.edge.upload import SharedBudget
from api.outside.sources import Sources as Fetched
from api.parts.contexts import contexts_of
from api.settings import Settings
from detection.sandbox import Sandbox
from detection.shares import Shares
from identity.issuing.vocabulary import CONTEXT_PATH, context
from identity.vc_api.checking import Checking
from identity.vc_api.outside import Sources
from identity.vc_api.request import MAX_BODY
from keys.clock import Clock

JOBS: Final = "identity.vc_api.jobs"
"""What the workers can do."""

BODIES: Final = 32
"""Requests of the largest size that one kind of caller may have in memory, and half as many each of them."""


@dataclass(frozen=True)
class CredentialDesk:
    """What one kind of caller, with a key or without, verifies credentials with."""

    checking: Checking
    turns: Turns
    bodies: SharedBudget


def desks(
    settings: Settings,
    start: Callable[[str], Sandbox],
    turns: Callable[[], Turns],
    share: int,
    fetched: tuple[Fetched, Fetched],
    clock: Clock,
    until: ExitStack,
) -> tuple[CredentialDesk, CredentialDesk]:
    """Callers' and strangers', whose workers end with `until`. Raises OSError, StartError."""
    contexts = {**contexts_of(settings), settings.origin + CONTEXT_PATH: context().decode()}

    def desk(fetched: Fetched) -> CredentialDesk:
        sources = Sources(fetched.did_documents.content, fetched.status_lists.content, clock)
        workers = Shares(partial(start, JOBS), share)
        until.callback(workers.close)
        checking = Checking(workers, sources, fetched.issuers, contexts, clock)
        return CredentialDesk(checking, turns(), SharedBudget(BODIES * MAX_BODY, each=BODIES * MAX_BODY // 2))

    callers, strangers = fetched
    return desk(callers), desk(strangers)
