"""A report with its lineage, and until when time alone changes neither: what a worker says of a manifest store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from detection.errors import WorkerProtocolError
from provenance.lineage import Lineage
from provenance.report import VerificationReport, without_lists

MAX_REPORT_BYTES: Final = 4 * 1024 * 1024
"""Of one report with its lineage; beyond it, its verdicts and what names the file are what remains."""


@dataclass(frozen=True)
class Descent:
    """What was found of a file, or of a manifest store alone."""

    report: VerificationReport
    lineage: Lineage = field(default_factory=Lineage)
    """Empty where it was not asked for."""

    lasts_until: AwareDatetime | None = None
    """Looking again before then finds the same, under the same trust; None where that is not known."""

    def within(self) -> Descent:
        """Itself, or what is left of it where it takes more bytes than are handed over."""
        if len(DESCENT.dump_json(self)) <= MAX_REPORT_BYTES:
            return self
        return Descent(without_lists(self.report), Lineage(truncated=True))


DESCENT: Final = TypeAdapter(Descent)


def parse_descent(answer: object) -> Descent:
    """A worker's account. Raises WorkerProtocolError."""
    try:
        return DESCENT.validate_python(answer)
    except ValidationError as error:
        reason = f"the report or its lineage has {error.error_count()} fields of the wrong shape"
        raise WorkerProtocolError(reason) from error
