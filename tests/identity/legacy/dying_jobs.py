"""What didkit might do at its worst, by the id of the document."""

from __future__ import annotations

import os
import time
from typing import Any

from detection.worker import Ask


def _errors(args: dict[str, Any], _fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    match args["document"]["id"]:
        case "urn:aborts":
            os.abort()
        case "urn:hangs":
            time.sleep(3600)
        case "urn:swells":
            bytearray(1 << 40)
    return {"errors": []}, []


JOBS = {"errors": _errors}
