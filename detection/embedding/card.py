"""A model card: what an encoder is, how pictures are put before it, and from which cosine two pictures are one.

Rules
- A card is a JSON file beside the encoder's own, an ONNX file, and pins its digest: another file is another model.
- Directions of two models mean nothing to each other, so all that is kept of one names the digest.
- The threshold is the card's, for no other model has the same, and says where it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from detection.errors import ModelCardError
from detection.examination import Hex256

MAX_CARD_BYTES: Final = 64 * 1024
MAX_DIMENSIONS: Final = 4096
STEPS: Final = 1000
"""In how many steps a cosine is told apart between 0 and 1."""

_CLOSED: Final = ConfigDict(extra="forbid")
_Word = Annotated[str, Field(strict=True, pattern=r"^[0-9A-Za-z][0-9A-Za-z ._+-]{0,99}\z")]
_Three = tuple[float, float, float]


class Fit(StrEnum):
    """How a picture that is no square becomes one."""

    CROP = "crop"
    """The largest square in its middle, as CLIP is trained."""

    SQUASH = "squash"
    """All of it, its sides made equal."""


@with_config(_CLOSED)
@dataclass(frozen=True)
class Form:
    """How a picture is put before an encoder: (1, 3, side, side), RGB of 0 to 1, less `mean`, over `std`; or, where its
    file takes bytes, (1, side, side, 3), RGB as it is.
    """

    side: Annotated[int, Field(strict=True, ge=8, le=1024)]
    fit: Fit = Fit.CROP
    mean: _Three = (0.0, 0.0, 0.0)
    std: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (
        1.0,
        1.0,
        1.0,
    )


@with_config(_CLOSED)
@dataclass(frozen=True)
class ModelCard:
    """One encoder."""

    name: _Word
    version: _Word
    licence: Annotated[str, Field(strict=True, min_length=1, max_length=200)]
    file: Annotated[str, Field(strict=True, max_length=200, pattern=r"^\.*[^./\\\x00][^/\\\x00]*\z")]
    """The ONNX file, beside the card: a name that is more than dots, and no path."""

    digest: Hex256
    """SHA-256 of that file."""

    dimensions: Annotated[int, Field(strict=True, ge=2, le=MAX_DIMENSIONS)]
    form: Form
    threshold: Annotated[float, Field(gt=0, lt=1)]
    """Cosine from which two pictures count as copies of one."""

    measured: Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
    """Where the threshold comes from, for whoever reads this."""

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def reach(self) -> int:
        """How far copies may be apart: steps of 1 less the cosine."""
        return round((1 - self.threshold) * STEPS)

    def to_json(self) -> str:
        """As it is kept in a file."""
        return CARD.dump_json(self, indent=2).decode() + "\n"

    @classmethod
    def of(cls, said: dict[str, object]) -> ModelCard:
        """Raises ModelCardError."""
        try:
            return CARD.validate_python(said)
        except ValidationError as error:
            raise ModelCardError(_wrong(error)) from error


CARD: Final = TypeAdapter(ModelCard)
FORM: Final = TypeAdapter(Form)


def read_card(path: Path) -> ModelCard:
    """Raises ModelCardError."""
    try:
        with path.open("rb") as file:
            return CARD.validate_json(file.read(MAX_CARD_BYTES))
    except OSError as error:
        raise ModelCardError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        raise ModelCardError(
            f"{path} is no model card: {_wrong(error)} (`sigillo models describe` writes one)"
        ) from error


def _wrong(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
