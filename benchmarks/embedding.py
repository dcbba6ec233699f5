"""Which edits of photographs an encoder carries, at its card's threshold, and how often it is wrong: for
`benchmarks/recovery.py --encoder CARD`.

Rules
- Searched as the service does: the same preparation, the same index, the card's reach. No worker is in between.
- A photograph and its quarters show parts of one another, which is no false match; another photograph is one, and a
  blend of two other crops is one, too. They are counted apart: whether a blend is a copy of what was blended into it is
  a matter of words.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.table import Table

from benchmarks.edits import EDITS, Edit, others, photographs, whole
from detection.embedding.card import Form
from detection.embedding.embed import Encoder
from detection.embedding.network import Network
from detection.near.directions import COMPONENT_BYTES, as_template, directions
from detection.near.generation import Generation
from detection.pixels import normalised

SEED: Final = 2


@dataclass(frozen=True)
class Sight:
    """A network, and how pictures are put before it."""

    network: Network
    form: Form

    def of(self, picture: Image.Image) -> NDArray[np.float32]:
        """Its direction."""
        return self.network.embed(normalised(picture), self.form)


def encoded(card: Path, count: int, shown: Table) -> dict[str, float]:
    """Of the encoder of a card: figures by name, and a row in the table for each edit, among so many blends."""
    encoder = Encoder.open(card)
    with closing(encoder.file) as file:
        sight = Sight(Network.load(file.read(file.size)), encoder.card.form)
    photos = photographs()
    made, held = others(photos, SEED), directions(COMPONENT_BYTES * encoder.card.dimensions)
    ours = [sight.of(one) for one in photos]
    taken = list(_timed(sight, photos))
    blends = np.stack([sight.of(next(made)[0]) for _ in range(count)])
    rows = np.concatenate([np.stack(ours), blends])
    held.put(range(len(rows)), [one.tobytes() for one in rows])
    for column in (
        "edit",
        str(encoder.card),
        "other photographs, a query",
        "blends, a query",
        "cosine",
        "nearest other",
    ):
        shown.add_column(column)
    found = {"embedding_threshold": encoder.card.threshold, "embedding_ms": median(taken)}
    for name, edit in EDITS.items():
        row = _of_edit(edit, photos, sight, held, rows, encoder.card.reach)
        cosines = (f"{row[key]:.3f}" for key in ("cosine", "nearest_photo"))
        shown.add_row(name, *(f"{row[key]:.3g}" for key in ("found", "photos", "blends")), *cosines)
        found |= {f"recovered_{name}_embedding": row["found"], f"false_{name}_embedding": row["photos"]}
        found |= {f"blends_{name}_embedding": row["blends"], f"cosine_{name}_embedding": row["cosine"]}
        found |= {f"nearest_other_{name}_embedding": row["nearest_photo"]}
    return found


def _of_edit(
    edit: Edit, photos: list[Image.Image], sight: Sight, held: Generation, rows: NDArray[np.float32], reach: int
) -> Mapping[str, float]:
    hits, wrong, blended, cosines, nearest = list[bool](), 0, 0, list[float](), list[float]()
    for row, photo in enumerate(photos):
        direction = sight.of(edit(photo))
        near = set(held.near(as_template(direction), reach)[0].tolist())
        hits.append(row in near)
        wrong += sum(one < len(photos) and not _of_same(one, row) for one in near)
        blended += sum(one >= len(photos) for one in near)
        alike = rows[: len(photos)] @ direction
        cosines.append(float(alike[row]))
        nearest.append(max((float(alike[one]) for one in range(len(photos)) if not _of_same(one, row)), default=0.0))
    asked = len(photos)
    figures: dict[str, Any] = {"found": np.mean(hits), "photos": wrong / asked, "blends": blended / asked}
    return {**figures, "cosine": float(np.median(cosines)), "nearest_photo": max(nearest)}


def _of_same(one: int, other: int) -> bool:
    return whole(one) == whole(other)


def _timed(sight: Sight, photos: list[Image.Image]) -> Iterator[float]:
    for photo in photos:
        begun = time.perf_counter()
        sight.of(photo)
        yield 1000 * (time.perf_counter() - begun)
