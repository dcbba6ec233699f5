"""The jobs of a sandboxed worker: *active*, *claim*, *examine*, *trace*, *unbundle*, *verify*, and those that sign.

Rules
- Stateless: everything a job needs comes with it.
- Nothing is fetched, as `reading` has it; the sandbox would refuse too.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from detection import metadata
from detection.jobs import examine as examine_media
from detection.jobs import trace
from detection.media import mapped
from detection.metadata_reading import metadata_of
from detection.outlines.census import count
from detection.worker import Ask, Job
from provenance.custody.bundle import MAX_CUSTODY_BYTES
from provenance.custody.bundle import read as read_bundle
from provenance.custody.imported import BUNDLE_REPORT
from provenance.custody.verifying import verified as bundle_verified
from provenance.descent import DESCENT, MAX_REPORT_BYTES
from provenance.errors import ClaimInvalidError
from provenance.reading import read
from provenance.report import HISTORY, REPORT, without_lists
from provenance.signing_jobs import closed_on_failure, judge, sign, stamp, whole
from provenance.stamping import last_manifest
from provenance.summary import in_brief
from provenance.unseen import found as unseen
from provenance.unseen.claim import take_apart


def examine(args: dict[str, Any], fds: list[int], ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """What the file looks like, what its own manifest is worth, and its metadata.

    `args`: `declared` (a media type or null), `trust`.
    Raises the subclasses of MediaError.
    """
    examination, outputs = examine_media(args, fds, ask)
    history = in_brief(read(fds[0], args["trust"]).report)
    said = {"history": HISTORY.dump_python(history, mode="json"), "metadata": _metadata(fds[0])}
    return {"examination": examination, **said}, outputs


def verify(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """The report on one file. A second file is its manifest store, kept beside it.

    `args`: `trust`; where set, `alone`: the file is a manifest store without what it is about, of which nothing is
    said; `traced`: its lineage, too; `metadata`: the file's, too. Raises MediaTooLargeError, FormatUnsupportedError.
    """
    with mapped(fds[0]) as file:
        count(file)
    alone, traced = bool(args.get("alone")), bool(args.get("traced"))
    found = read(fds[0], args["trust"], whole(fds[1]) if len(fds) > 1 else b"", alone=alone, traced=traced)
    said = {"metadata": _metadata(fds[0])} if args.get("metadata") else {}
    return {"descent": DESCENT.dump_python(found.within(), mode="json"), **said}, []


def active(_args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """A manifest store with the last of its manifests, the active one, alone."""
    store = last_manifest(whole(fds[0]))
    output = os.memfd_create("store", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with closed_on_failure([output]), os.fdopen(output, "wb", closefd=False) as written:
        written.write(store)
    return {}, [output]


def unbundle(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """What a custody bundle is worth. `args`: `trust`, and `logs`, the verifier keys of those that are known.

    Raises BundleMalformedError, BundleInvalidError.
    """
    found = read_bundle(whole(fds[0]))
    store = os.memfd_create("store", os.MFD_CLOEXEC)
    with os.fdopen(store, "w+b") as file:
        file.write(found.store)
        file.flush()
        descent = read(store, args["trust"], alone=True, traced=True)
    report = descent.report
    if len(REPORT.dump_json(report)) > MAX_REPORT_BYTES - MAX_CUSTODY_BYTES // 2:
        report = without_lists(report)
    told = bundle_verified(found, args["logs"], report, descent.lineage)
    return {"bundle": BUNDLE_REPORT.dump_python(told, mode="json")}, []


def claim(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """What a claim says whose content stays elsewhere. `args`: `algorithm`, `chain` (DER, base64). The files are the
    bytes to be signed, and the assertion store.

    Answers with the `claim`. Raises ClaimInvalidError.
    """
    chain = [base64.b64decode(one) for one in args["chain"]]
    found = take_apart(whole(fds[0]), whole(fds[1]), args["algorithm"], chain)
    try:
        return {"claim": unseen.to_result(found)}, []
    except ValidationError as error:
        raise ClaimInvalidError("it names more, or longer, than is taken here") from error


JOBS: Final[Mapping[str, Job]] = {
    "active": active,
    "claim": claim,
    "examine": examine,
    "judge": judge,
    "sign": sign,
    "stamp": stamp,
    "trace": trace,
    "unbundle": unbundle,
    "verify": verify,
}


def _metadata(fd: int) -> dict[str, Any]:
    with mapped(fd) as file:
        return metadata.to_result(metadata_of(file))
