"""What tells pictures and faces apart in a deployment, for its operator: models and fingerprints, and from where on two
count as alike.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel

from cases.recovery.search import CODE_REACH
from detection.copies.fingerprint import LEAST_QUALITY, PDQ, REACH
from detection.embedding.card import ModelCard
from detection.faces.found import FACE_MODEL
from detection.iscc import ALGORITHM
from detection.templates.thresholds import THRESHOLDS


class Does(StrEnum):
    """What it is for."""

    FACES = "faces"
    """Finds faces, and tells those of people who registered."""

    ENCODER = "encoder"
    """Tells edited copies of signed pictures."""

    COPIES = "copies"
    """Tells near copies of pictures."""


class Measure(StrEnum):
    """What a threshold is a number of."""

    COSINE = "cosine"
    """At least."""

    BITS = "bits"
    """Of 256, at most."""

    QUALITY = "quality"
    """Of 100, at least."""


class Called(StrEnum):
    """What something counts as from a threshold on."""

    POSSIBLE = "possible"
    LIKELY = "likely"
    CERTAIN = "certain"
    COPY = "copy"
    REGISTERED = "registered"
    """Good enough to be."""


class ThresholdView(BaseModel):
    """From where on something counts as what it is called."""

    called: Called
    value: float
    measure: Measure


class ModelView(BaseModel):
    """A model, or a fingerprint."""

    does: Does
    name: str
    version: str
    digest: str | None
    """SHA-256 of its files, which are held to it; null for what is arithmetic."""

    licence: str | None
    reason: str
    """Why it is not in use; empty where it is."""

    rules: str
    """The name of these thresholds, where they have one: what was judged by others names others."""

    thresholds: list[ThresholdView]

    @classmethod
    def faces(cls, reason: str) -> Self:
        """What finds faces and compares them."""
        bands = {
            Called.POSSIBLE: THRESHOLDS.possible,
            Called.LIKELY: THRESHOLDS.likely,
            Called.CERTAIN: THRESHOLDS.certain,
        }
        return cls(
            does=Does.FACES,
            name=FACE_MODEL.name,
            version=FACE_MODEL.version,
            digest=FACE_MODEL.digest,
            licence=FACE_MODEL.licence,
            reason=reason,
            rules=THRESHOLDS.name,
            thresholds=[
                ThresholdView(called=band, value=least, measure=Measure.COSINE) for band, least in bands.items()
            ],
        )

    @classmethod
    def encoder(cls, card: ModelCard) -> Self:
        """The operator's own."""
        return cls(
            does=Does.ENCODER,
            name=card.name,
            version=card.version,
            digest=card.digest,
            licence=card.licence,
            reason="",
            rules="",
            thresholds=[ThresholdView(called=Called.COPY, value=card.threshold, measure=Measure.COSINE)],
        )

    @classmethod
    def fingerprint(cls, name: str, version: str, *thresholds: ThresholdView) -> Self:
        """What needs no model."""
        return cls(
            does=Does.COPIES,
            name=name,
            version=version,
            digest=None,
            licence=None,
            reason="",
            rules="",
            thresholds=list(thresholds),
        )


class ModelsView(BaseModel):
    """All of them, in force now."""

    models: list[ModelView]

    @classmethod
    def of(cls, faces: str, encoder: ModelCard | None) -> Self:
        """With why faces cannot be looked for, and the encoder, where the operator set one."""
        pdq, version = PDQ.split("@")
        code, _, code_version = ALGORITHM.rpartition(".")
        distinct = ThresholdView(called=Called.REGISTERED, value=LEAST_QUALITY, measure=Measure.QUALITY)
        return cls(
            models=[
                ModelView.faces(faces),
                *([ModelView.encoder(encoder)] if encoder else []),
                ModelView.fingerprint(pdq, version, _copy(REACH), distinct),
                ModelView.fingerprint(code, code_version, _copy(CODE_REACH)),
            ]
        )


def _copy(bits: int) -> ThresholdView:
    return ThresholdView(called=Called.COPY, value=bits, measure=Measure.BITS)
