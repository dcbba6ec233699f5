"""The system calls a worker has no business with, by name, with their numbers on x86-64 and aarch64.

Landlock alone leaves gaps that these close: metadata of files (chmod, xattr), other processes of the same
user, sockets before its ABI 4, shared memory. Calls that only a capability allows are not listed: workers
hold none. None means that the architecture lacks the call. Numbers: asm/unistd_64.h and asm-generic/unistd.h.
"""

from __future__ import annotations

from dataclasses import dataclass

PR_SET_NAME = 15
CLONE_THREAD = 0x00010000
F_SETOWN, F_SETSIG, F_SETOWN_EX = 8, 10, 15
FIOSETOWN, SIOCSPGRP = 0x8901, 0x8902

FILES = {
    "open": (2, None),
    "openat": (257, 56),
    "openat2": (437, 437),
    "creat": (85, None),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "truncate": (76, 45),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "inotify_add_watch": (254, 27),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "uselib": (134, None),
}
NETWORK = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
}
PROCESSES = {
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "unshare": (272, 97),
    "setns": (308, 268),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "perf_event_open": (298, 241),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "prlimit64": (302, 261),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
}
SHARED_MEMORY = {
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
}
KERNEL = {
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "memfd_secret": (447, 447),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "syslog": (103, 116),
}
DENIED = FILES | NETWORK | PROCESSES | SHARED_MEMORY | KERNEL
"""These fail with EPERM."""

MISSING = {"clone3": (435, 435)}
"""These fail with ENOSYS: clone3 hides its flags in memory, and the C library falls back to clone."""


@dataclass(frozen=True)
class Guard:
    """A call allowed by one of its arguments, of which the low 32 bits count; otherwise it fails with
    EPERM.
    """

    numbers: tuple[int, int]
    argument: int
    only: int | None = None
    """Allowed when the argument is exactly this."""

    bits: int | None = None
    """Allowed when the argument has one of these bits."""

    never: tuple[int, ...] = ()
    """Allowed unless the argument is one of these."""


def guards(pid: int) -> tuple[Guard, ...]:
    """Threads, a thread's name, and signals to itself (abort) stay possible for the process `pid`."""
    return (
        Guard((56, 220), 0, bits=CLONE_THREAD),
        # Or it could take back the signal that ends it with its parent.
        Guard((157, 167), 0, only=PR_SET_NAME),
        Guard((62, 129), 0, only=pid),
        Guard((234, 131), 0, only=pid),
        # A descriptor's owner is sent signals of the setter's choice: kill by another name.
        Guard((72, 25), 1, never=(F_SETOWN, F_SETSIG, F_SETOWN_EX)),
        Guard((16, 29), 1, never=(FIOSETOWN, SIOCSPGRP)),
    )
