"""The job module of `identity.legacy.child`: *errors*, of one proof of one document. Only workers import it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from detection.worker import Ask, Job
from identity.legacy.in_worker import errors_in


def _errors(args: dict[str, Any], _fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    return {"errors": errors_in(args["document"], args["proof"])}, []


JOBS: Final[Mapping[str, Job]] = {"errors": _errors}
