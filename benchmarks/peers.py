"""Other implementations of credentials, each of which takes its turns in a process of its own, or in this one.

A turn: the same work over and over for so many seconds; what counts is how often it was done in the time it took, and
in the processor time of all threads, which neighbours on the same machine change little.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

from tests.peers.age import NAMED, NOW
from tests.peers.node import HERE, installed


@dataclass(frozen=True)
class Rate:
    """How often."""

    second: float
    """In a second."""

    processor_second: float
    """In a second of the process's own."""


Turn: TypeAlias = Callable[[float], Rate]
"""For so many seconds."""

DIDKIT: Final = Path(__file__).parent / "didkit_turns.py"


class PeerError(Exception):
    """A peer ended, or failed at what it was asked."""


def here(work: Callable[[], object]) -> Turn:
    """In this process."""

    def turn(seconds: float) -> Rate:
        busy, begun, count = time.process_time(), time.perf_counter(), 0
        while (spent := time.perf_counter() - begun) < seconds:
            work()
            count += 1
        return Rate(count / spent, count / (time.process_time() - busy))

    return turn


class Peers:
    """The processes of peers, each started with its first turn. Ends them with `until`."""

    def __init__(self, until: ExitStack) -> None:
        self._until = until

    def node(self, peer: str, action: str, how: Mapping[str, Any]) -> Turn:
        """A peer that tests/peers/turns.mjs knows, and an action of its."""
        context = {"contexts": NAMED, "now": NOW.isoformat()}
        return self._turn(lambda: self._node, {"peer": peer, "here": context, "action": action, "how": how})

    def didkit(self, action: str, document: str) -> Turn:
        """An action of benchmarks/didkit_turns.py's, on a credential of VCDM 1.1."""
        return self._turn(lambda: self._didkit, {"action": action, "document": document})

    @cached_property
    def _node(self) -> subprocess.Popen[str]:
        return self._started([installed().binary, str(HERE / "turns.mjs")])

    @cached_property
    def _didkit(self) -> subprocess.Popen[str]:
        return self._started([sys.executable, str(DIDKIT)])

    def _started(self, command: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self._until.enter_context(process)

    def _turn(self, process: Callable[[], subprocess.Popen[str]], asked: Mapping[str, Any]) -> Turn:
        def turn(seconds: float) -> Rate:
            peer = process()
            assert peer.stdin is not None
            assert peer.stdout is not None
            peer.stdin.write(json.dumps({**asked, "seconds": seconds}) + "\n")
            peer.stdin.flush()
            answer = peer.stdout.readline()
            if not answer:
                raise PeerError(f"{asked['action']} failed: what it said stands above")
            done = json.loads(answer)
            return Rate(done["count"] / done["seconds"], done["count"] / done["processor"])

        return turn
