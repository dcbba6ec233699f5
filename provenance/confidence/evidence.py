"""What is found of each signal: the manifest and its signer, and what the file's metadata say against it.

Rules
- Metadata are compared only with a manifest that can be read: where nothing is claimed, nothing is contradicted.
- Software counts as differing only if it is known to edit or to generate: a camera's firmware and a codec's library are
  in every file.
- A moment without an offset may be anywhere on earth.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache, cached_property
from importlib.resources import files
from typing import Final

from detection.metadata import Metadata
from provenance.confidence.score import Finding, Mismatch
from provenance.confidence.stated import Stated
from provenance.verdict import Verdict
from provenance.vocabulary import GENERATIVE, DigitalSourceType

ANYWHERE: Final = timedelta(hours=14)
"""How far a clock on the wall may be from UTC."""

CAPTURED: Final = frozenset(
    {
        DigitalSourceType.DIGITAL_CAPTURE,
        DigitalSourceType.COMPUTATIONAL_CAPTURE,
        DigitalSourceType.COMPOSITE_CAPTURE,
        DigitalSourceType.NEGATIVE_FILM,
        DigitalSourceType.POSITIVE_FILM,
        DigitalSourceType.PRINT,
    }
)
WHOLLY_GENERATED: Final = frozenset(
    {DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA, DigitalSourceType.TRAINED_ALGORITHMIC_DATA}
)

_UNSIGNED: Final = frozenset({Verdict.ABSENT, Verdict.UNREADABLE})
"""Of these nothing is known to be claimed, or to have been signed."""

_SHORT: Final = 3
"""A name of fewer letters is found in too many others."""


class Recovered(StrEnum):
    """What came of looking for where a file may have come from."""

    NONE = "none"
    UNSOUGHT = "unsought"
    SIMILAR = "similar"
    SAME = "same"


@dataclass(frozen=True)
class Evidence:
    """Of one file."""

    stated: Stated
    metadata: Metadata
    recovered: Recovered = Recovered.UNSOUGHT

    def findings(self) -> tuple[Finding, ...]:
        """One for each signal."""
        stated, against = self.stated, {mismatch.code for mismatch in self.mismatches()}
        stamp = {"standing": str(stated.time_stamp.standing)} if stated.time_stamp else {}
        return (
            Finding("manifest", stated.verdict),
            Finding("history", _history(stated.ancestry)),
            Finding("signer", stated.signer),
            Finding("time_stamp", stated.stamped, stamp),
            Finding("tool", "differs" if "software" in against else "agrees" if self._named else "silent"),
            Finding("source", self._source(against)),
            Finding("edits", "undeclared" if "editor" in against else "declared" if stated.edited else "none"),
            Finding("capture", self._capture(against)),
            Finding("recovered", self.recovered),
        )

    def mismatches(self) -> tuple[Mismatch, ...]:
        """Each thing that is not as the manifest says."""
        if self.stated.verdict in _UNSIGNED:
            return ()
        return (*self._software(), *self._origins(), *self._editors(), *self._times())

    def _software(self) -> Iterator[Mismatch]:
        claimed = ", ".join(dict.fromkeys(self.stated.tools)) or "nothing"
        for software in self.metadata.software:
            if (_among(software, "editors") or _among(software, "generators")) and not self._claimed(software):
                yield Mismatch.of("software", software=software, claimed=claimed)

    def _origins(self) -> Iterator[Mismatch]:
        declared, types = _short(self.stated.source_types) or "nothing", set(self.stated.source_types)
        if not types & GENERATIVE:
            traces = [software for software in self.metadata.software if _among(software, "generators")]
            traces += ["a prompt left in the file"] if self.metadata.prompted else []
            yield from (Mismatch.of("generator", trace=trace, declared=declared) for trace in traces)
            found = [kind for kind in self.metadata.source_types if kind in GENERATIVE]
            yield from (Mismatch.of("source_type", found=_short([kind]), declared=declared) for kind in found)
        if self.metadata.camera and types and types <= WHOLLY_GENERATED:
            yield Mismatch.of("camera", camera=self.metadata.camera)

    def _editors(self) -> Iterator[Mismatch]:
        for software in self.metadata.software:
            if _among(software, "editors") and not self.stated.edited and not self._claimed(software):
                yield Mismatch.of("editor", software=software)

    def _times(self) -> Iterator[Mismatch]:
        if self._captured and self._captured > self.stated.signed_by:
            signed = self.stated.signed_by.isoformat(timespec="seconds")
            yield Mismatch.of("capture_time", captured=str(self.metadata.captured_at), signed=signed)

    def _source(self, against: set[str]) -> str:
        types = set(self.stated.source_types)
        if not types:
            return "undeclared"
        if against & {"generator", "source_type", "camera"}:
            return "contradicted"
        generated = self.metadata.prompted or any(_among(one, "generators") for one in self.metadata.software)
        agrees = (types & CAPTURED and self.metadata.camera) or (types & GENERATIVE and generated)
        return "agrees" if agrees or types & set(self.metadata.source_types) else "declared"

    def _capture(self, against: set[str]) -> str:
        if "capture_time" in against:
            return "impossible"
        return "plausible" if self._captured and self.stated.verdict not in _UNSIGNED else "silent"

    @cached_property
    def _captured(self) -> datetime | None:
        """The earliest moment that the metadata's may be."""
        try:
            moment = datetime.fromisoformat(self.metadata.captured_at or "")
        except ValueError:
            return None
        try:
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC) - ANYWHERE
        except OverflowError:
            return None

    @property
    def _named(self) -> bool:
        return any(self._claimed(software) for software in self.metadata.software)

    def _claimed(self, software: str) -> bool:
        names = [name.casefold() for name in self.stated.tools if len(name) >= _SHORT]
        return any(name in software.casefold() for name in names)


def _history(ancestry: Verdict | None) -> str:
    return "none" if ancestry in {None, Verdict.ABSENT} else str(ancestry)


def _short(source_types: tuple[str, ...] | list[str]) -> str:
    return ", ".join(kind.rsplit("/", 1)[-1] for kind in source_types)


def _among(software: str, kind: str) -> bool:
    return any(name in software.casefold() for name in _known()[kind])


@cache
def _known() -> dict[str, list[str]]:
    """Names of software, in lower case, by what it does."""
    found: dict[str, list[str]] = json.loads(files(__package__).joinpath("software.json").read_text())
    return found
