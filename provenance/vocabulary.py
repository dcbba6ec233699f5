"""The words a manifest may use: digital source types, actions, training-mining entries; and which media have no place
for one. Data, no behaviour.

Sources: C2PA Technical Specification 2.4, "Actions" and "Digital source type"; IPTC NewsCodes
`digitalsourcetype`; CAWG Training and Data Mining 1.1. c2pa-rs writes any string, so these lists decide.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

SIDECAR_TYPES: Final = frozenset({"video/webm", "audio/ogg"})
"""Media types that have no place for a manifest: it goes into a file beside, and the media stay as they are."""

_IPTC: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_C2PA: Final = "http://c2pa.org/digitalsourcetype/"


class DigitalSourceType(StrEnum):
    """Where the pixels come from: the current IPTC terms (retired ones left out) and C2PA's own two."""

    EMPTY = f"{_C2PA}empty"
    TRAINED_ALGORITHMIC_DATA = f"{_C2PA}trainedAlgorithmicData"
    DIGITAL_CAPTURE = f"{_IPTC}digitalCapture"
    COMPUTATIONAL_CAPTURE = f"{_IPTC}computationalCapture"
    NEGATIVE_FILM = f"{_IPTC}negativeFilm"
    POSITIVE_FILM = f"{_IPTC}positiveFilm"
    PRINT = f"{_IPTC}print"
    HUMAN_EDITS = f"{_IPTC}humanEdits"
    COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA = f"{_IPTC}compositeWithTrainedAlgorithmicMedia"
    ALGORITHMICALLY_ENHANCED = f"{_IPTC}algorithmicallyEnhanced"
    DIGITAL_CREATION = f"{_IPTC}digitalCreation"
    DATA_DRIVEN_MEDIA = f"{_IPTC}dataDrivenMedia"
    TRAINED_ALGORITHMIC_MEDIA = f"{_IPTC}trainedAlgorithmicMedia"
    ALGORITHMIC_MEDIA = f"{_IPTC}algorithmicMedia"
    SCREEN_CAPTURE = f"{_IPTC}screenCapture"
    VIRTUAL_RECORDING = f"{_IPTC}virtualRecording"
    COMPOSITE = f"{_IPTC}composite"
    COMPOSITE_CAPTURE = f"{_IPTC}compositeCapture"
    COMPOSITE_SYNTHETIC = f"{_IPTC}compositeSynthetic"


GENERATIVE: Final = frozenset(
    {
        DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA,
        DigitalSourceType.TRAINED_ALGORITHMIC_DATA,
        DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
        DigitalSourceType.COMPOSITE_SYNTHETIC,
        DigitalSourceType.VIRTUAL_RECORDING,
    }
)
"""The source types whose definition names generative AI: with these, and only these, a model may be named."""

IMITATING: Final = GENERATIVE | {
    DigitalSourceType.ALGORITHMIC_MEDIA,
    DigitalSourceType.COMPOSITE,
}
"""The source types with which a file says that what it shows need not have happened: made by a machine, or put together
from several pictures. Drawn or edited by hand (`digitalCreation`, `humanEdits`) is not among them: that is every
retouched photograph.
"""


class RedactionReason(StrEnum):
    """Why an assertion is redacted (C2PA 2.4, "Redaction of assertions")."""

    PERSONAL = "c2pa.PII.present"
    INVALID = "c2pa.invalid.data"
    TRADE = "c2pa.tradesecret.present"
    CONFIDENTIAL = "c2pa.government.confidential"


CREATED: Final = "c2pa.created"
REDACTED: Final = "c2pa.redacted"
OPENED: Final = "c2pa.opened"

ACTIONS: Final = frozenset(
    {
        CREATED,
        OPENED,
        "c2pa.addedText",
        "c2pa.adjustedColor",
        "c2pa.changedSpeed",
        "c2pa.converted",
        "c2pa.cropped",
        "c2pa.deleted",
        "c2pa.drawing",
        "c2pa.dubbed",
        "c2pa.edited",
        "c2pa.edited.metadata",
        "c2pa.enhanced",
        "c2pa.filtered",
        "c2pa.mastered",
        "c2pa.mixed",
        "c2pa.orientation",
        "c2pa.published",
        "c2pa.remixed",
        "c2pa.repackaged",
        "c2pa.resized",
        "c2pa.resized.proportional",
        "c2pa.transcoded",
        "c2pa.translated",
        "c2pa.trimmed",
        "c2pa.unknown",
        "c2pa.watermarked.unbound",
    }
)
"""The C2PA actions that a request may declare."""

UNAVAILABLE_ACTIONS: Final = MappingProxyType(
    {
        "c2pa.color_adjustments": "it is deprecated: use c2pa.adjustedColor",
        "c2pa.placed": "it must point at a second ingredient, and an upload brings only its parent",
        "c2pa.redacted": "it must point at a redacted assertion, and an upload redacts none",
        "c2pa.removed": "it must point at a second ingredient, and an upload brings only its parent",
        "c2pa.watermarked": "it is deprecated: use c2pa.watermarked.unbound",
        "c2pa.watermarked.bound": "it must point at a soft binding, and an upload brings none",
    }
)
"""C2PA actions that exist and cannot be declared here, with the reason to give."""

TRAINING_MINING_ENTRIES: Final = (
    "cawg.data_mining",
    "cawg.ai_inference",
    "cawg.ai_training",
    "cawg.ai_generative_training",
)


class TrainingMining(StrEnum):
    """One choice for all four entries of `cawg.training-mining`."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "notAllowed"
