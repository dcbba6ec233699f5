"""The jobs of a sandboxed worker: *examine*, *sign*, *verify*. No other module loads c2pa's native library.

Rules
- Stateless: everything a job needs comes with it. Only the context prepared for a trust policy is kept.
- Nothing is fetched: no remote manifest, no OCSP, no did:web, no host at all; the sandbox would refuse too.
- A file's type is read from its bytes; names and declared types decide nothing here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, BinaryIO, Final

from c2pa import Builder, C2paError, C2paSigningAlg, Context, Reader, Signer

from detection.frames import close_all
from detection.jobs import examine as examine_media
from detection.worker import Ask, Job
from provenance.assessment import assess
from provenance.codes import GENERAL_ERROR, MANIFEST_INACCESSIBLE
from provenance.errors import FormatUnsupportedError, ManifestBuildError
from provenance.report import HISTORY, REPORT, History, Status, Statuses, VerificationReport, legible
from provenance.summary import summarise, word
from provenance.verdict import Verdict

POLICIES_KEPT: Final = 8
MAX_STORE_JSON: Final = 16 * 1024 * 1024
"""Characters of a manifest store written out; beyond it, the manifest counts as unreadable."""

BUFFER_BYTES: Final = 256 * 1024
"""c2pa-rs reads in steps that double from a few bytes on; each that misses the buffer is a system call."""

MAX_HISTORY_CODES: Final = 20
SVG: Final = "image/svg+xml"
ZIP: Final = "application/x-zip"
SNIFFED_BYTES: Final = 1024
"""c2pa-rs tells every type it reads from the first bytes, except SVG and the documents that are ZIP archives."""


def examine(args: dict[str, Any], fds: list[int], ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """What the file looks like, and what its own manifest is worth.

    `args`: `declared` (a media type or null), `trust`.
    Raises the subclasses of MediaError.
    """
    examination, outputs = examine_media(args, fds, ask)
    report = _read(fds[0], args["trust"])
    history = _history(report)
    return {"examination": examination, "history": HISTORY.dump_python(history, mode="json")}, outputs


def verify(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """The report on one file. `args`: `trust`."""
    report = _read(fds[0], args["trust"])
    return {"report": REPORT.dump_python(report, mode="json")}, []


def sign(args: dict[str, Any], fds: list[int], ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """Sign one file. `args`: `manifest`, `parent` (or null), `mime`, `chain`, `trust`.

    Answers with two memory files: the signed file and its manifest store.
    Raises ManifestBuildError.
    """
    output, store = (os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING) for name in ("signed", "store"))
    try:
        with (
            os.fdopen(fds[0], "rb", closefd=False) as upload,
            os.fdopen(output, "w+b", closefd=False) as signed,
            os.fdopen(store, "wb", closefd=False) as manifest,
        ):
            manifest.write(_sign(args, upload, signed, ask))
    except BaseException as error:
        # Nobody else knows of them, and this process goes on: an outage of the key store would use up its descriptors.
        close_all([output, store])
        if isinstance(error, C2paError):
            raise ManifestBuildError(legible(str(error))) from error
        raise
    return {}, [output, store]


JOBS: Final[Mapping[str, Job]] = {"examine": examine, "sign": sign, "verify": verify}


def _history(report: VerificationReport) -> History:
    own = [status.code for status in report.statuses.failure]
    ancestors = [code for ingredient in report.ingredients for code in ingredient.failures]
    failures = tuple(dict.fromkeys(own + ancestors))[:MAX_HISTORY_CODES]
    return History(report.verdict, report.ancestry, report.label, failures, word(summarise(report)))


def _sign(args: dict[str, Any], upload: BinaryIO, signed: BinaryIO, ask: Ask) -> bytes:
    with Builder(args["manifest"], _context(args["trust"]["anchors"], args["trust"]["usages"])) as builder:
        if args["parent"] is not None:
            builder.add_ingredient(args["parent"], args["mime"], upload)
            upload.seek(0)
        # No time-stamp authority: c2pa would open the connection itself.
        with Signer.from_callback(ask, C2paSigningAlg.ES256, args["chain"], None) as signer:
            return bytes(builder.sign(signer, args["mime"], upload, signed))


def _read(fd: int, trust: dict[str, str]) -> VerificationReport:
    context, digest = _context(trust["anchors"], trust["usages"]), trust["digest"]
    with os.fdopen(fd, "rb", BUFFER_BYTES, closefd=False) as file:
        try:
            with Reader(_hint(file), file, context=context) as reader:
                written, detail = reader.json(), reader.crjson()
        except C2paError.ManifestNotFound:
            return VerificationReport(Verdict.ABSENT, digest)
        except C2paError.NotSupported as error:
            raise FormatUnsupportedError from error
        except C2paError as error:
            return _unreadable(str(error), digest)
    if max(len(written), len(detail)) > MAX_STORE_JSON:
        return _unreadable(f"the manifest store takes more than {MAX_STORE_JSON} characters", digest)
    return assess(json.loads(written), json.loads(detail), digest)


def _unreadable(reason: str, digest: str) -> VerificationReport:
    # c2pa-python has no class for this one: its text is all there is.
    remote = reason.startswith("Remote: ")
    failure = Status(MANIFEST_INACCESSIBLE if remote else GENERAL_ERROR, None, legible(reason))
    return VerificationReport(Verdict.UNREADABLE, digest, statuses=Statuses(failure=(failure,)))


def _hint(file: BinaryIO) -> str | None:
    file.seek(0)
    head = file.read(SNIFFED_BYTES)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return ZIP
    head = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return SVG if head.startswith((b"<?xml", b"<svg", b"<!DOCTYPE svg", b"<!--")) and b"<svg" in head else None


@lru_cache(maxsize=POLICIES_KEPT)
def _context(anchors: str, usages: str) -> Context:
    trust = {"trust_anchors": anchors, "trust_config": usages} if anchors else {}
    return Context.from_dict(
        {
            "version": 1,
            "trust": trust,
            "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": True},
            "core": {
                "allowed_network_hosts": [],
                "allow_redirects": False,
                # An identity assertion may name a did:web to fetch; identity is judged by its own package.
                "decode_identity_assertions": False,
            },
            "builder": {"thumbnail": {"enabled": False}},
        }
    )
