"""What is freed is kept, as far as one says."""

from __future__ import annotations

import subprocess
import sys

import pytest

TURNS = """
import resource
from detection.allocation import keep_freed
{keep}
def turn():
    return len(b"x" * 200_000 + b"y" * 800_000)
turn()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(200):
    turn()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="of the GNU C library")
def test_what_is_freed_is_there_for_the_next() -> None:
    """By the pages that are asked of the kernel: some for all of it, instead of some for each."""

    def pages(keep: str) -> int:
        command = [sys.executable, "-c", TURNS.format(keep=keep)]
        return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    assert pages("keep_freed()") < 1000 < pages("")
