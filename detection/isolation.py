"""What the kernel holds a worker to, from the moment its job module is loaded and before any hostile byte.

Rules
- Order: limits first, then imports, then `restrict`, then hostile bytes. Nothing is ever lifted again.
- `restrict` runs while the process has one thread: Landlock and capabilities bind the calling thread and
  those it starts, so an older thread would stay free.
- Landlock grants nothing (landlock(7)): no file opens, no TCP, no abstract socket or signal outside.
  seccomp(2) refuses the calls of `detection.syscalls` and kills foreign architectures.
- What cannot be applied is named in the report, never passed over; the parent decides by its policy.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from detection.allocation import keep_freed
from detection.syscalls import DENIED, MISSING, Guard, guards

MEMORY_BYTES = 3 * 1024**3
"""Address space of a worker."""

OUTPUT_BYTES = 128 * 1024 * 1024
"""The largest file a worker can make, where its pool says nothing else."""

OPEN_FILES = 64
CPU_SECONDS = 3600
"""For a worker's whole life; `detection.sandbox` retires an honest one long before."""

KEPT_BYTES = 64 * 1024**2
"""Freed memory that a worker keeps for its next picture: to get it from the kernel again, page by page, takes up
to a quarter of an examination.
"""

KEPT_BLOCK_BYTES = 32 * 1024**2
"""The most that the C library takes; larger blocks go back at once."""

_LIMITS = {
    resource.RLIMIT_AS: MEMORY_BYTES,
    resource.RLIMIT_NOFILE: OPEN_FILES,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_CPU: CPU_SECONDS,
}
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF, _LANDLOCK_VERSION = 444, 446, 1
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many file rights each Landlock ABI knows; 16 from the fifth on."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_X32_BIT = 0x40000000


@dataclass(frozen=True)
class Architecture:
    """Where its numbers stand in `detection.syscalls`, and how the kernel names it to a filter."""

    column: int
    audit: int


ARCHITECTURES = {"x86_64": Architecture(0, 0xC000003E), "aarch64": Architecture(1, 0xC00000B7)}


class Isolation(StrEnum):
    """What to do where the kernel cannot isolate workers."""

    REQUIRED = "required"
    """Refuse to start."""

    WARN = "warn"
    """Start with what there is; the report has a warning to log."""


@dataclass(frozen=True)
class IsolationReport:
    """What is in force in a worker, and what is missing and why."""

    in_force: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def warning(self) -> str:
        """Empty when nothing is missing."""
        if not self.missing:
            return ""
        lacking = "; ".join(self.missing)
        advice = "use Linux 5.13 or newer with Landlock, on x86-64 or aarch64"
        return f"hostile files are parsed without full isolation ({lacking}): {advice}"


def limit() -> None:
    """Die with the parent, and bound memory, files and time. The first thing a worker does."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for what, most in _LIMITS.items():
        _at_most(what, most)
    keep_freed(KEPT_BYTES, KEPT_BLOCK_BYTES)


def limit_output(size: int) -> None:
    """Let no file grow beyond `size` bytes. Before imports, as `limit`."""
    _at_most(resource.RLIMIT_FSIZE, size)


def restrict() -> IsolationReport:
    """Give up capabilities, files, network, other processes. Raises OSError for what every Linux can do."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_DUMPABLE, 0)
    steps: dict[str, Callable[[], None]] = {
        "single thread": _require_single_thread,
        "capabilities": _drop_capabilities,
        "landlock": _landlock,
        "seccomp": _seccomp,
    }
    in_force, missing = [], []
    for name, step in steps.items():
        try:
            step()
        except OSError as error:
            missing.append(f"{name}: {error.strerror}")
        else:
            in_force.append(name)
    return IsolationReport(tuple(in_force), tuple(missing))


def _at_most(what: int, most: int) -> None:
    granted = resource.getrlimit(what)[1]
    hard = most if granted == resource.RLIM_INFINITY else min(most, granted)
    # The soft limit on time comes first: it ends the worker with a signal that says so.
    soft = hard - 1 if what == resource.RLIMIT_CPU else hard
    resource.setrlimit(what, (soft, hard))


def _require_single_thread() -> None:
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise OSError(errno.EBUSY, "the job module started threads while loading")


def _drop_capabilities() -> None:
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _checked(_libc.capset(header, bytes(24)), "capset")


def _landlock() -> None:
    abi = _libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint(_LANDLOCK_VERSION)
    )
    if abi < 1:
        raise OSError(ctypes.get_errno(), "the kernel has no Landlock")
    files = (1 << _FILE_RIGHTS.get(abi, 16)) - 1
    ruleset = struct.pack("QQQ", files, 0b11, 0b11)[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    descriptor = _libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE_RULESET), ruleset, ctypes.c_size_t(len(ruleset)), ctypes.c_uint(0)
    )
    _checked(descriptor, "landlock_create_ruleset")
    try:
        _checked(
            _libc.syscall(ctypes.c_long(_LANDLOCK_RESTRICT_SELF), ctypes.c_int(descriptor), ctypes.c_uint(0)),
            "landlock_restrict_self",
        )
    finally:
        os.close(descriptor)


def _seccomp() -> None:
    architecture = ARCHITECTURES.get(os.uname().machine)
    if architecture is None or struct.calcsize("P") != 8:
        raise OSError(errno.ENOSYS, f"no table of system calls for {os.uname().machine}")
    instructions = program(architecture, guards(os.getpid()))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in instructions))
    filter_program = struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(code))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filter_program)


def program(architecture: Architecture, guarded: tuple[Guard, ...]) -> list[tuple[int, int, int, int]]:
    """The BPF filter as (code, jump if true, jump if false, operand) over `struct seccomp_data`."""
    refuse, allow = (_RETURN, 0, 0, _ERRNO | errno.EPERM), (_RETURN, 0, 0, _ALLOW)
    code = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture.audit), (_RETURN, 0, 0, _KILL)]
    code += [(_LOAD, 0, 0, 0), (_AT_LEAST, 0, 1, _X32_BIT), refuse]
    for calls, answer in ((DENIED, errno.EPERM), (MISSING, errno.ENOSYS)):
        for numbers in calls.values():
            if (number := numbers[architecture.column]) is not None:
                code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | answer)]
    for guard in guarded:
        block = [(_LOAD, 0, 0, 16 + 8 * guard.argument)]
        block += [one for value in guard.never for one in ((_EQUAL, 0, 1, value), refuse)]
        block += [] if guard.bits is None else [(_ANY_BIT, 1, 0, guard.bits), refuse]
        block += [] if guard.only is None else [(_EQUAL, 1, 0, guard.only), refuse]
        code += [(_EQUAL, 0, len(block) + 1, guard.numbers[architecture.column]), *block, allow]
    return [*code, allow]


def _prctl(option: int, *arguments: int | bytes) -> None:
    passed = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments]
    _checked(_libc.prctl(option, *passed, *[ctypes.c_ulong(0)] * (4 - len(passed))), f"prctl {option}")


def _checked(result: int, what: str) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
