"""Verifying a file, and examining an upload, seen from the parent. All parsing happens in workers."""

from __future__ import annotations

from typing import Final

from detection.errors import EmptyMediaError
from detection.examination import Examination, parse_examination
from detection.memfd import Memfd
from detection.shares import Workers
from provenance.report import History, VerificationReport, parse_history, parse_report
from provenance.trust import TrustPolicy

EXAMINE_SECONDS: Final = 30.0
EXAMINE_SECONDS_PER_MEBIBYTE: Final = 2.0
"""A minute of film in 50 MB takes ten seconds of a core; the rest is for a slow core that others use, too."""

VERIFY_SECONDS: Final = 10.0
"""The largest upload takes one; a manifest of 5,000 assertions takes three, and c2pa-rs gets slower by the square."""


def verify(workers: Workers, file: Memfd, trust: TrustPolicy, sidecar: Memfd | None = None) -> VerificationReport:
    """The report on a file of any type that C2PA defines; of any type at all with its manifest store in a `sidecar`.

    Raises EmptyMediaError, MediaTooLargeError, FormatUnsupportedError, and what `Sandbox.run` raises.
    """
    if not file.size:
        raise EmptyMediaError
    files = (file,) if sidecar is None else (file, sidecar)
    with workers.run("verify", {"trust": trust.settings}, files, timeout=VERIFY_SECONDS) as reply:
        return parse_report(reply.result.get("report"))


def examine(workers: Workers, upload: Memfd, declared: str | None, trust: TrustPolicy) -> tuple[Examination, History]:
    """What an upload looks like, and the manifest it arrived with; `declared` is its media type, if any.

    Raises MediaError, and what `Sandbox.run` raises.
    """
    args, seconds = {"declared": declared, "trust": trust.settings}, examination_seconds(upload.size)
    with workers.run("examine", args, (upload,), timeout=seconds) as reply:
        return parse_examination(reply.result.get("examination")), parse_history(reply.result.get("history"))


def examination_seconds(size: int) -> float:
    """How long a worker may take for an upload of `size` bytes."""
    return EXAMINE_SECONDS + EXAMINE_SECONDS_PER_MEBIBYTE * size / 2**20
