"""What one encoder makes of one picture, as it is kept."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import Field

from detection.embedding.card import MAX_DIMENSIONS, ModelCard
from detection.examination import Hex256


@dataclass(frozen=True)
class Embedding:
    """A direction and whose it is: those of two models are never compared."""

    model: Annotated[str, Field(max_length=201)]
    """Name and version."""

    digest: Hex256
    """Of the encoder's file."""

    halves: Annotated[str, Field(max_length=4 * MAX_DIMENSIONS)] = field(repr=False)
    """The direction as 16-bit floats, least byte first, in base64: a cosine moves by less than a thousandth."""

    @classmethod
    def of(cls, card: ModelCard, direction: Any) -> Self:
        """Of a direction of this encoder's, 32-bit floats."""
        return cls(str(card), card.digest, base64.b64encode(direction.astype("<f2").tobytes()).decode())

    @property
    def direction(self) -> Any:
        """(dimensions,), 32-bit floats, of unit length."""
        import numpy as np  # late: commands that read what is kept of an asset do without

        found = np.frombuffer(base64.b64decode(self.halves), "<f2").astype(np.float32)
        return found / np.float32(np.linalg.norm(found))
