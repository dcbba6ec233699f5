"""Callers as those who act on accounts' assurance."""

from __future__ import annotations

from functools import partial

from cases.access import Caller, require_alive
from identity.assurance.account import Actor


def actor(caller: Caller) -> Actor:
    """The caller in the rooms of `identity/`; a key that was revoked meanwhile changes nothing there either."""
    return Actor(caller.tenant, caller.principal, partial(require_alive, caller=caller))
