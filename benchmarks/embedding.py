"""Which edits of photographs an encoder carries, at its card's threshold, and how often it is wrong: for
`benchmarks/recovery.py --encoder CARD`.

Rules
- Searched as the service does: the same preparation, the same index, the card's reach, and of pictures that say enough
  to be known by. No worker is in between.
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
from detection.copies.fingerprint import LEAST_QUALITY
from detection.embedding.card import Form
from detection.embedding.embed import Encoder
from detection.embedding.network import Network
from detection.fingerprint import frame_hash
from detection.near.directions import COMPONENT_BYTES, as_template, directions
from detection.near.generation import Generation
from detection.pixels import normalised

SEED: Final = 2


@dataclass(frozen=True)
class Photo:
    """A photograph, or a quarter of one, and of which."""

    of: int
    picture: Image.Image


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
    every = photographs()
    photos = [Photo(whole(number), one) for number, one in enumerate(every) if _says_enough(one)]
    made, held = others(every, SEED), directions(COMPONENT_BYTES * encoder.card.dimensions)
    ours = [sight.of(one.picture) for one in photos]
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
        shares = (f"{row[key]:.3g}" for key in ("found", "photos", "blends"))
        shown.add_row(name, *shares, f"{row['cosine']:.2f}, {row['cosine_p10']:.2f}", f"{row['nearest_photo']:.2f}")
        found |= {f"recovered_{name}_embedding": row["found"], f"false_{name}_embedding": row["photos"]}
        found |= {f"blends_{name}_embedding": row["blends"], f"cosine_{name}_embedding": row["cosine"]}
        found |= {f"cosine_p10_{name}_embedding": row["cosine_p10"]}
        found |= {f"nearest_other_{name}_embedding": row["nearest_photo"]}
    return found


def _of_edit(
    edit: Edit, photos: list[Photo], sight: Sight, held: Generation, rows: NDArray[np.float32], reach: int
) -> Mapping[str, float]:
    hits, wrong, blended, cosines, nearest = list[bool](), 0, 0, list[float](), list[float]()
    for row, photo in enumerate(photos):
        direction = sight.of(edit(photo.picture))
        strangers = [one for one, other in enumerate(photos) if other.of != photo.of]
        near = set(held.near(as_template(direction), reach)[0].tolist())
        hits.append(row in near)
        wrong += len(near & set(strangers))
        blended += sum(one >= len(photos) for one in near)
        alike = rows[: len(photos)] @ direction
        cosines.append(float(alike[row]))
        nearest.append(float(alike[strangers].max(initial=0)))
    asked = len(photos)
    figures: dict[str, Any] = {"found": np.mean(hits), "photos": wrong / asked, "blends": blended / asked}
    middle, low = np.percentile(cosines, (50, 10))
    return {**figures, "cosine": float(middle), "cosine_p10": float(low), "nearest_photo": max(nearest)}


def _says_enough(photo: Image.Image) -> bool:
    return frame_hash(normalised(photo)).quality >= LEAST_QUALITY


def _timed(sight: Sight, photos: list[Photo]) -> Iterator[float]:
    for photo in photos:
        begun = time.perf_counter()
        sight.of(photo.picture)
        yield 1000 * (time.perf_counter() - begun)
