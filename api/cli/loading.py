"""Whatever a command imports stays until it ends: to look for garbage among it meanwhile finds none, and took a quarter
of the time in which every command starts.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """While modules are loaded; afterwards as before, but never again among what is here by then."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collected:
            gc.enable()
