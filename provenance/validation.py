"""Verifying a file, and examining an upload, seen from the parent. All parsing happens in workers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final

from detection.errors import EmptyMediaError, WorkerProtocolError
from detection.examination import Examination, parse_examination
from detection.memfd import Memfd
from detection.metadata import Metadata, parse_metadata
from detection.process import Reply
from detection.shares import Workers
from provenance.custody.imported import BundleReport, parse_bundle_report
from provenance.descent import Descent, parse_descent
from provenance.report import History, VerificationReport, parse_history
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
    return _verified(workers, file, trust, sidecar).report


def inspect(
    workers: Workers, file: Memfd, trust: TrustPolicy, sidecar: Memfd | None = None
) -> tuple[Descent, Metadata]:
    """The same with its lineage, and what the file's metadata say. Raises as `verify`."""
    with _verifying(workers, file, trust, sidecar, "traced", "metadata") as reply:
        return parse_descent(reply.result.get("descent")), parse_metadata(reply.result.get("metadata"))


def trace(workers: Workers, file: Memfd, trust: TrustPolicy, sidecar: Memfd | None = None) -> Descent:
    """The same with its lineage alone. Raises as `verify`."""
    return _verified(workers, file, trust, sidecar, "traced")


def trace_alone(workers: Workers, store: Memfd, trust: TrustPolicy) -> Descent:
    """The same of a manifest store whose content is not here: of everything but whether that is what was signed. Raises
    as `verify`.
    """
    return _verified(workers, store, trust, None, "alone", "traced")


def active(workers: Workers, store: Memfd) -> bytes:
    """A store with its active manifest alone. Raises what `Sandbox.run` raises."""
    with workers.run("active", {}, (store,), timeout=VERIFY_SECONDS) as reply:
        if len(reply.fds) != 1:
            raise WorkerProtocolError("a worker hands over one manifest store")
        return reply.fds[0].read(min(reply.fds[0].size, store.size))


def unbundle(workers: Workers, bundle: Memfd, trust: TrustPolicy, logs: Sequence[str]) -> BundleReport:
    """What a custody bundle is worth under this trust, and to whoever knows these logs (verifier keys).

    Raises EmptyMediaError, BundleMalformedError, BundleInvalidError, and what `Sandbox.run` raises.
    """
    if not bundle.size:
        raise EmptyMediaError
    args = {"trust": trust.settings, "logs": list(logs)}
    with workers.run("unbundle", args, (bundle,), timeout=VERIFY_SECONDS) as reply:
        return parse_bundle_report(reply.result.get("bundle"))


def examine(
    workers: Workers, upload: Memfd, declared: str | None, trust: TrustPolicy
) -> tuple[Examination, History, Metadata]:
    """What an upload looks like, the manifest it arrived with, and its metadata; `declared` is its media type, if any.

    Raises MediaError, and what `Sandbox.run` raises.
    """
    args, seconds = {"declared": declared, "trust": trust.settings}, examination_seconds(upload.size)
    with workers.run("examine", args, (upload,), timeout=seconds) as reply:
        found = reply.result
        return (
            parse_examination(found.get("examination")),
            parse_history(found.get("history")),
            parse_metadata(found.get("metadata")),
        )


def examination_seconds(size: int) -> float:
    """How long a worker may take for an upload of `size` bytes."""
    return EXAMINE_SECONDS + EXAMINE_SECONDS_PER_MEBIBYTE * size / 2**20


def _verified(workers: Workers, file: Memfd, trust: TrustPolicy, sidecar: Memfd | None, *wanted: str) -> Descent:
    with _verifying(workers, file, trust, sidecar, *wanted) as reply:
        return parse_descent(reply.result.get("descent"))


def _verifying(
    workers: Workers, file: Memfd, trust: TrustPolicy, sidecar: Memfd | None, *wanted: str
) -> AbstractContextManager[Reply]:
    if not file.size:
        raise EmptyMediaError
    args, files = {"trust": trust.settings, **dict.fromkeys(wanted, True)}, (file, *([sidecar] if sidecar else []))
    return workers.run("verify", args, files, timeout=VERIFY_SECONDS)
