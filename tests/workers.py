"""Workers that outlive the deployment which started them: the next one in this process has them, and nobody beside it.

A worker imports for half a second of a core, and most tests need one for a file or two. Jobs are stateless, so who had
it before makes no difference; workers that are at work, condemned or dead when a deployment closes end with it.
"""

from __future__ import annotations

import atexit
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from detection.sandbox import Sandbox

_idle: defaultdict[tuple[Any, ...], list[_Lent]] = defaultdict(list)


class _Lent(Sandbox):
    """A pool that comes back when it is closed."""

    key: tuple[Any, ...]

    def close(self) -> None:
        if self in _idle[self.key]:
            return
        if self._free.qsize() == self._size and not self._closing.is_set():
            _idle[self.key].append(self)
        else:
            super().close()


def _lend(jobs: str, **chosen: Any) -> Sandbox:
    key = (jobs, *sorted(chosen.items()), *sys.path)
    if waiting := _idle[key]:
        return waiting.pop()
    lent = _Lent(jobs, **chosen)
    lent.key = key
    return lent


def _end() -> None:
    for waiting in _idle.values():
        for lent in waiting:
            Sandbox.close(lent)


@contextmanager
def lent_workers() -> Iterator[None]:
    """While this lasts, deployments of this process lend each other their pools of workers."""
    atexit.register(_end)
    with patch("api.pools.Sandbox", _lend):
        yield
