"""What a worker does once somebody else owns it. Loaded by workers; the tests name its jobs."""

from __future__ import annotations

import base64
import ctypes
import errno
import fcntl
import hashlib
import os
import resource
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from detection.errors import MediaTooLargeError
from detection.worker import Ask

Fds = list[int]
Args = dict[str, Any]
Outcome = tuple[Args, Fds]

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def _call(function: Callable[..., int], *arguments: int) -> None:
    if function(*[ctypes.c_long(one) for one in arguments]) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _prctl_pdeathsig(_: str) -> None:
    _call(libc.prctl, 1, 0, 0, 0, 0)


def _own_parent(_: str) -> None:
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())


ATTEMPTS: dict[str, Callable[[str], object]] = {
    "read a file": lambda path: Path(path).read_bytes(),
    "write a file": lambda path: Path(path).write_bytes(b"x"),
    "make a file": lambda path: os.mknod(path + ".new"),
    "remove a file": os.unlink,
    "rename a file": lambda path: os.rename(path, path + ".moved"),  # noqa: PTH104
    "loosen a file": lambda path: os.chmod(path, 0o777),  # noqa: PTH101
    "touch a file": lambda path: os.utime(path, (1, 1)),
    "truncate a file": lambda path: os.truncate(path, 0),
    "make a folder": lambda path: os.mkdir(path + ".d"),  # noqa: PTH102
    "list a folder": lambda path: os.listdir(os.path.dirname(path)),  # noqa: PTH120, PTH208
    "read the parent's memory": lambda _: open(f"/proc/{os.getppid()}/mem", "rb"),  # noqa: PTH123, SIM115
    "read the parent's environment": lambda _: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "trace the parent": lambda _: _call(libc.ptrace, 16, os.getppid(), 0, 0),
    "copy the parent's memory": lambda _: _call(libc.process_vm_readv, os.getppid(), 0, 0, 0, 0, 0),
    "signal the parent": lambda _: os.kill(os.getppid(), 0),
    "limit the parent": lambda _: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (0, 0)),
    "slow the parent": lambda _: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    "signal by descriptor": _own_parent,
    "pidfd of the parent": lambda _: os.pidfd_open(os.getppid()),
    "outlive the parent": _prctl_pdeathsig,
    "open a TCP socket": lambda _: socket.create_connection(("127.0.0.1", 9), 1),
    "open a UDP socket": lambda _: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "open a Unix socket": lambda _: socket.socket(socket.AF_UNIX),
    "make a socket pair": lambda _: socket.socketpair(),
    "fork": lambda _: os._exit(0) if os.fork() == 0 else None,
    "vfork and execute": lambda _: os.posix_spawn("/bin/true", ["true"], {}),
    "execute": lambda _: os.execv("/bin/true", ["true"]),
    "new user namespace": lambda _: _call(libc.unshare, 0x10000000),
    "shared memory": lambda _: _call(libc.shmget, 0, 4096, 0o1600),
    "io_uring": lambda _: _call(libc.syscall, 425, 1, 0),
    "kernel log": lambda _: _call(libc.klogctl, 3, 0, 0),
    "change the host name": lambda _: socket.sethostname("hijacked"),
    "more descriptors": lambda _: resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)),
    "more memory": lambda _: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)),
    "change the root": lambda _: os.chroot("/"),
}


def attempt(args: Args, fds: Fds, ask: Ask) -> Outcome:
    try:
        ATTEMPTS[args["what"]](args["path"])
    except OSError as error:
        return {"refused": errno.errorcode[error.errno or 0]}, []
    except ValueError as error:  # how Python words a refused setrlimit
        return {"refused": str(error)}, []
    return {"allowed": True}, []


def echo(args: Args, fds: Fds, ask: Ask) -> Outcome:
    digests = [hashlib.sha256(os.pread(fd, 1 << 30, 0)).hexdigest() for fd in fds]
    return {"args": args, "digests": digests, "offsets": [os.lseek(fd, 0, os.SEEK_CUR) for fd in fds]}, []


def drain(args: Args, fds: Fds, ask: Ask) -> Outcome:
    digest = hashlib.sha256()
    while chunk := os.read(fds[0], 4096):
        digest.update(chunk)
    return {"digest": digest.hexdigest()}, []


def overwrite(args: Args, fds: Fds, ask: Ask) -> Outcome:
    os.pwrite(fds[0], b"forged", 0)
    return {}, []


def surroundings(args: Args, fds: Fds, ask: Ask) -> Outcome:
    held = []
    for fd in range(64):
        try:
            held.append(os.fstat(fd))
        except OSError:
            continue
    return {
        "environ": dict(os.environ),
        "held": len(held),
        "pid": os.getpid(),
        "session": os.getsid(0),
        "threads": _threads(),
    }, []


def _threads() -> int:
    seen: list[int] = []
    threads = [threading.Thread(target=seen.append, args=(1,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(seen)


def say(args: Args, fds: Fds, ask: Ask) -> Outcome:
    """Write bytes of one's own to the parent, and hang."""
    os.write(0, base64.b64decode(args["bytes"]))
    time.sleep(1000)
    return {}, []


def flood(args: Args, fds: Fds, ask: Ask) -> Outcome:
    os.write(0, struct.pack(">I", 8 * 1024 * 1024))
    while True:
        os.write(0, b" " * 65536)


def deep(args: Args, fds: Fds, ask: Ask) -> Outcome:
    body = b'{"result":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001
    os.write(0, struct.pack(">I", len(body)) + body)
    time.sleep(1000)
    return {}, []


def ask_twice(args: Args, fds: Fds, ask: Ask) -> Outcome:
    return {"answers": [ask(b"one").decode(), ask(b"two").decode()]}, []


def ask_once(args: Args, fds: Fds, ask: Ask) -> Outcome:
    return {"answer": ask(base64.b64decode(args["question"])).decode(), "pid": os.getpid()}, []


def ask_and_spin(args: Args, fds: Fds, ask: Ask) -> Outcome:
    ask(str(os.getpid()).encode())
    return spin(args, fds, ask)


def output(args: Args, fds: Fds, ask: Ask) -> Outcome:
    made = os.memfd_create("out", os.MFD_ALLOW_SEALING)
    os.write(made, args["text"].encode())
    return {}, [made]


_kept: list[int] = []


def keep_output(args: Args, fds: Fds, ask: Ask) -> Outcome:
    """Hand over a file and keep a second descriptor of it."""
    result = output(args, fds, ask)
    _kept.append(os.dup(result[1][0]))
    return result


def change_kept(args: Args, fds: Fds, ask: Ask) -> Outcome:
    os.pwrite(_kept.pop(), b"forged", 0)
    return {}, []


def descriptors(args: Args, fds: Fds, ask: Ask) -> Outcome:
    return {}, _DESCRIPTORS[args["kind"]]()


def _mapped() -> Fds:
    made = os.memfd_create("mapped", os.MFD_ALLOW_SEALING)
    os.ftruncate(made, 4096)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap(None, ctypes.c_size_t(4096), 3, 1, made, ctypes.c_long(0))
    return [made]


def _self_sealed() -> Fds:
    made = os.memfd_create("sealed", os.MFD_ALLOW_SEALING)
    fcntl.fcntl(made, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL)
    return [made]


_DESCRIPTORS: dict[str, Callable[[], Fds]] = {
    "pipe": lambda: list(os.pipe()),
    "socket": lambda: [os.dup(0)],
    "device": lambda: [os.dup(1)],
    "unsealable": lambda: [os.memfd_create("plain", 0)],
    "sealed against sealing": _self_sealed,
    "mapped for writing": _mapped,
    "too many": lambda: [os.memfd_create("many", os.MFD_ALLOW_SEALING) for _ in range(9)],
    "one bad among good": lambda: [os.memfd_create("good", os.MFD_ALLOW_SEALING), os.dup(0)],
}


def fail(args: Args, fds: Fds, ask: Ask) -> Outcome:
    if args["how"] == "typed":
        raise MediaTooLargeError(field="pixels", limit=1, actual=2)
    if args["how"] == "wordy":
        raise MediaTooLargeError(field="x" * 5000, limit=1, actual=2)
    raise RuntimeError("words of the file itself")


def allocate(args: Args, fds: Fds, ask: Ask) -> Outcome:
    hoard = []
    while True:
        hoard.append(bytes(64 * 1024 * 1024))


def endless_file(args: Args, fds: Fds, ask: Ask) -> Outcome:
    made = os.memfd_create("endless", os.MFD_ALLOW_SEALING)
    try:
        while True:
            os.write(made, bytes(1024 * 1024))
    finally:
        os.close(made)


def sparse_file(args: Args, fds: Fds, ask: Ask) -> Outcome:
    made = os.memfd_create("sparse", os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(made, args.get("size", 1 << 40))
    finally:
        os.close(made)
    return {}, []


def unspeakable(args: Args, fds: Fds, ask: Ask) -> Outcome:
    return {"value": {"set": object()}} if args["how"] == "object" else {"value": "x" * (9 << 20)}, []


def spin(args: Args, fds: Fds, ask: Ask) -> Outcome:
    while True:
        pass


def die(args: Args, fds: Fds, ask: Ask) -> Outcome:
    match args["how"]:
        case "exit":
            os._exit(7)
        case "exit cleanly":
            os._exit(0)
        case "segfault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
        case "real-time signal":
            os.kill(os.getpid(), 40)
        case "out of time":
            os.kill(os.getpid(), signal.SIGXCPU)
        case "stop":
            os.kill(os.getpid(), 19)
        case "killed":
            os.kill(os.getpid(), 9)
        case "hang up":
            os.close(0)
            time.sleep(1000)
    return {}, []


JOBS = {
    function.__name__: function
    for function in (
        allocate, ask_and_spin, ask_once, ask_twice, attempt, change_kept, deep, descriptors, die, drain, echo,
        endless_file, fail, flood, keep_output, output, overwrite, say, sparse_file, spin, surroundings, unspeakable,
    )
}  # fmt: skip
