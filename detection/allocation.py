"""How much freed memory a process keeps for what it does next.

To get memory from the kernel again, page by page, takes several times as long as to copy into it what it is for; left
to itself the GNU C library gives back whatever was larger than 128 KiB. Elsewhere this changes nothing.
"""

from __future__ import annotations

import ctypes
from typing import Final

ARENAS: Final = 2
"""Each keeps memory of its own, and reserves 64 MiB of address space."""

SERVICE_BYTES: Final = 32 * 1024**2
"""Kept by each arena of a process that moves files on."""

SERVICE_BLOCK_BYTES: Final = 4 * 1024**2
"""The largest block that is kept: files go from hand to hand in pieces of 1 MiB."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_libc: Final = ctypes.CDLL(None)


def keep_freed(most: int = SERVICE_BYTES, block: int = SERVICE_BLOCK_BYTES) -> None:
    """Keep up to `most` bytes in each arena, in blocks of up to `block` bytes. Before other threads start."""
    if hasattr(_libc, "mallopt"):
        for parameter, value in ((_M_ARENA_MAX, ARENAS), (_M_TRIM_THRESHOLD, most), (_M_MMAP_THRESHOLD, block)):
            _libc.mallopt(parameter, value)
