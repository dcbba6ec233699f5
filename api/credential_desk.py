"""Verifying credentials in one service: who judges them, with what, and whom is believed.

As with files, strangers have workers, threads and memory of their own. The workers start with the first credential.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

from pydantic import TypeAdapter, ValidationError

from api.home import StartError
from api.settings import Settings
from api.sources import Sources as Fetched
from api.turns import Turns
from api.upload import SharedBudget
from detection.late import LateShares
from detection.sandbox import Sandbox
from identity.issuing.vocabulary import CONTEXT_PATH, context
from identity.vc_api.checking import Checking
from identity.vc_api.outside import Sources
from identity.vc_api.request import MAX_BODY
from keys.clock import Clock

JOBS: Final = "identity.vc_api.jobs"
"""What the workers can do."""

BODIES: Final = 32
"""Requests of the largest size that one kind of caller may have in memory, and half as many each of them."""

MAX_CONTEXTS: Final = 256 * 1024
"""Characters of the operator's contexts: workers are given them with each request."""

_CONTEXTS: Final = TypeAdapter(dict[str, dict[str, object]])


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
    fetched: Fetched,
    clock: Clock,
    until: ExitStack,
) -> tuple[CredentialDesk, CredentialDesk]:
    """Callers' and strangers', whose workers end with `until`. Raises OSError, StartError."""
    contexts = {**contexts_of(settings), settings.origin + CONTEXT_PATH: context().decode()}
    sources = Sources(fetched.did_documents.content, fetched.status_lists.content)

    def desk() -> CredentialDesk:
        workers = LateShares(partial(start, JOBS), share)
        until.callback(workers.close)
        checking = Checking(workers, sources, lambda: fetched.issuers, lambda: contexts, clock)
        return CredentialDesk(checking, turns(), SharedBudget(BODIES * MAX_BODY, each=BODIES * MAX_BODY // 2))

    return desk(), desk()


def contexts_of(settings: Settings) -> Mapping[str, str]:
    """The operator's further contexts, each as JSON. Raises OSError, StartError."""
    file = settings.credential_contexts
    if file is None:
        return {}
    try:
        found = _CONTEXTS.validate_json(file.read_bytes())
    except ValidationError as error:
        raise StartError(f"{file}: write one JSON object of JSON-LD contexts, each by its URL") from error
    contexts = {url: json.dumps(context) for url, context in found.items()}
    if sum(map(len, contexts.values())) > MAX_CONTEXTS:
        raise StartError(f"{file}: contexts of more than {MAX_CONTEXTS} characters do not go with each credential")
    return contexts
