"""Workers that outlive whoever started them, a deployment or a command: the next one in this process has them, and
nobody beside it.

A worker imports for half a second of a core, and most tests need one for a file or two. Jobs are stateless, so who had
it before makes no difference; workers that are at work, condemned or dead when their pool closes end with it.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

from detection.sandbox import Sandbox

MOST: Final = 6
"""Pools that wait for a next deployment: each worker holds sixty megabytes."""

_STARTERS: Final = ("api.parts.pools", "api.cli.register_image", "api.cli.describing", "api.cli.evaluating")
"""Modules that start some."""

_idle: list[_Lent] = []
"""Those, the longest waiting first."""


class _Lent(Sandbox):
    """A pool that comes back when it is closed."""

    key: tuple[Any, ...]

    def close(self) -> None:
        if self in _idle:
            return
        if self._free.qsize() < self._size or self._closing.is_set():
            super().close()
            return
        _idle.append(self)
        if len(_idle) > MOST:
            Sandbox.close(_idle.pop(0))


def lend(jobs: str, **chosen: Any) -> Sandbox:
    """A pool that was closed, or a new one. As `detection.sandbox.Sandbox`."""
    key = (jobs, *sorted(chosen.items()), *sys.path)
    for at in reversed(range(len(_idle))):
        if _idle[at].key == key:
            return _idle.pop(at)
    lent = _Lent(jobs, **chosen)
    lent.key = key
    return lent


def _end() -> None:
    for lent in _idle:
        Sandbox.close(lent)


@contextmanager
def lent_workers() -> Iterator[None]:
    """While this lasts, deployments and commands of this process lend each other their pools of workers."""
    atexit.register(_end)
    with ExitStack() as patched:
        for module in _STARTERS:
            patched.enter_context(patch(f"{module}.Sandbox", lend))
        yield
