"""The jobs of a sandboxed worker: *active*, *claim*, *descent*, *examine*, *judge*, *sign*, *stamp*, *trace*,
*unbundle*, *verify*, *verify_alone*. No module but this and `reading` loads c2pa's native library.

Rules
- Stateless: everything a job needs comes with it.
- Nothing is fetched, as `reading` has it; the sandbox would refuse too.
"""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from c2pa import Builder, C2paError, C2paSigningAlg, Reader, Signer
from pydantic import ValidationError

from detection import metadata
from detection.frames import close_all
from detection.jobs import examine as examine_media
from detection.jobs import trace
from detection.media import mapped
from detection.metadata_reading import metadata_of
from detection.outlines.census import count
from detection.worker import Ask, Job
from keys.errors import TimeStampError
from keys.time_stamps import TimeStamp, verified
from provenance.boxes import manifest_digests
from provenance.custody.bundle import MAX_CUSTODY_BYTES, read
from provenance.custody.imported import BUNDLE_REPORT
from provenance.custody.verifying import verified as bundle_verified
from provenance.errors import ClaimInvalidError, ManifestBuildError, TimeStampRefusedError
from provenance.lineage import LINEAGE, Lineage
from provenance.reading import BUFFER_BYTES, STORE, policy, read_file, read_report, read_traced, unreadable
from provenance.report import HISTORY, REPORT, TIME_STAMP, legible, without_lists
from provenance.stamping import Signature, carried, last_manifest, place
from provenance.summary import in_brief
from provenance.unseen import found as unseen
from provenance.unseen.claim import take_apart
from provenance.verdict import worst

MAX_REPORT_BYTES: Final = 4 * 1024 * 1024
"""Of one report; beyond it, its verdicts and what names the file are what remains."""

ALGORITHMS: Final = {"ES256": C2paSigningAlg.ES256, "EdDSA": C2paSigningAlg.ED25519}
"""By what `keys.signer.Algorithm` calls them; the claim's COSE header names the one that its key is for."""

BESIDE: Final = {"format": STORE, "identifier": "parent.c2pa"}
"""Where the Builder finds a parent's manifest store that is not in the parent."""


def examine(args: dict[str, Any], fds: list[int], ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """What the file looks like, what its own manifest is worth, and its metadata.

    `args`: `declared` (a media type or null), `trust`.
    Raises the subclasses of MediaError.
    """
    examination, outputs = examine_media(args, fds, ask)
    history = in_brief(read_file(fds[0], args["trust"]))
    said = {"history": HISTORY.dump_python(history, mode="json"), "metadata": _metadata(fds[0])}
    return {"examination": examination, **said}, outputs


def verify(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """The report on one file. `args`: `trust`, and `metadata` where those are to be read too. A second file is its
    manifest store, kept beside it.

    Raises MediaTooLargeError, FormatUnsupportedError.
    """
    with mapped(fds[0]) as file:
        count(file)
    report = read_file(fds[0], args["trust"], _whole(fds[1]) if len(fds) > 1 else b"")
    if len(REPORT.dump_json(report)) > MAX_REPORT_BYTES:
        report = without_lists(report)
    said = {"metadata": _metadata(fds[0])} if args.get("metadata") else {}
    return {"report": REPORT.dump_python(report, mode="json"), **said}, []


def verify_alone(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """The report on a manifest store alone. `args`: `trust`."""
    with os.fdopen(fds[0], "rb", BUFFER_BYTES, closefd=False) as store:
        try:
            with Reader(STORE, store, context=policy(args["trust"])) as reader:
                report = read_report(reader, args["trust"], None)
        except C2paError as error:
            report = unreadable(str(error), args["trust"]["digest"])
    if len(REPORT.dump_json(report)) > MAX_REPORT_BYTES:
        report = without_lists(report)
    return {"report": REPORT.dump_python(report, mode="json")}, []


def active(_args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """A manifest store with the last of its manifests, the active one, alone."""
    store = last_manifest(_whole(fds[0]))
    output = os.memfd_create("store", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with _closed_on_failure([output]), os.fdopen(output, "wb", closefd=False) as written:
        written.write(store)
    return {}, [output]


def descent(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """The report on one file, as *verify* gives it, and its lineage; a second file is its manifest store. `args`:
    `trust`, and `alone`: the file is a manifest store without what it is about, so nothing is said of that.

    Raises MediaTooLargeError, FormatUnsupportedError.
    """
    with mapped(fds[0]) as file:
        count(file)
    sidecar = _whole(fds[1]) if len(fds) > 1 else b""
    report, traced = read_traced(fds[0], args["trust"], sidecar, alone=args["alone"])
    if len(REPORT.dump_json(report)) + len(LINEAGE.dump_json(traced)) > MAX_REPORT_BYTES:
        report, traced = without_lists(report), Lineage(truncated=True)
    return {
        "report": REPORT.dump_python(report, mode="json"),
        "lineage": LINEAGE.dump_python(traced, mode="json"),
    }, []


def unbundle(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """What a custody bundle is worth. `args`: `trust`, and `logs`, the verifier keys of those that are known.

    Raises BundleMalformedError, BundleInvalidError.
    """
    found = read(_whole(fds[0]))
    store = os.memfd_create("store", os.MFD_CLOEXEC)
    with os.fdopen(store, "w+b") as file:
        file.write(found.store)
        file.flush()
        report, traced = read_traced(store, args["trust"], alone=True)
    if len(REPORT.dump_json(report)) > MAX_REPORT_BYTES - MAX_CUSTODY_BYTES // 2:
        report = without_lists(report)
    told = bundle_verified(found, args["logs"], report, traced)
    return {"bundle": BUNDLE_REPORT.dump_python(told, mode="json")}, []


def sign(args: dict[str, Any], fds: list[int], ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """Sign one file. `args`: `manifest`, `parent` (or null), `mime`, `sidecar`, `algorithm`, `chain`, `trust`. A second
    file is the parent; with none the file itself is. A third is the manifest store beside the parent. With `sidecar`
    the file stays as it is.

    Answers with two memory files, the signed file and its manifest store, and `countersigned`: the bytes, base64, that
    a time-stamp would be over. Raises ManifestBuildError.
    """
    output, store = _outputs()
    with (
        _closed_on_failure([output, store]),
        os.fdopen(fds[0], "rb", closefd=False) as upload,
        os.fdopen(fds[1 if len(fds) > 1 else 0], "rb", closefd=False) as parent,
        os.fdopen(output, "w+b", closefd=False) as signed,
        os.fdopen(store, "wb", closefd=False) as manifest,
    ):
        try:
            written = _sign(args, upload, parent, _whole(fds[2]) if len(fds) > 2 else b"", signed, ask)
        except C2paError as error:
            raise ManifestBuildError(legible(str(error))) from error
        manifest.write(written)
        countersigned = base64.b64encode(Signature.of(written).countersigned).decode()
    return {"countersigned": countersigned, "manifest_sha256": _active_digest(written)}, [output, store]


def stamp(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """Put a time-stamp into what *sign* made. `args`: `mime`, `sidecar`, `response` (base64), `nonce`, `trust`.

    Answers with two such files and the `time_stamp`. The signed file is read back: it must be worth what it was, and
    its time-stamp trusted.
    Raises TimeStampRefusedError.
    """
    before = _whole(fds[1])
    signature, response = Signature.of(before), base64.b64decode(args["response"])
    roots = args["trust"]["authorities"]
    after = signature.stamped(before, _verified(response, signature.countersigned, roots, args["nonce"]).token)
    output, store = _outputs()
    with _closed_on_failure([output, store]):
        with mapped(fds[0]) as file, os.fdopen(output, "wb", closefd=False) as written:
            written.write(file)
            if not args["sidecar"]:
                written.seek(place(file, args["mime"], before))
                written.write(carried(after, args["mime"]))
        with os.fdopen(store, "wb", closefd=False) as written:
            written.write(after)
        beside = (before, after) if args["sidecar"] else (b"", b"")
        was, report = (read_file(fd, args["trust"], one) for fd, one in zip((fds[0], output), beside, strict=True))
        trusted = [made for made in report.time_stamps if made.trusted]
        if worst((was.verdict, report.verdict)) is not was.verdict or not trusted:
            codes = [status.code for status in (*report.statuses.informational, *report.statuses.failure)]
            raise TimeStampRefusedError(f"the file would be {report.verdict} with it ({', '.join(codes)})")
    time_stamp = TIME_STAMP.dump_python(trusted[0], mode="json")
    return {"time_stamp": time_stamp, "manifest_sha256": _active_digest(after)}, [output, store]


def judge(args: dict[str, Any], _fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """Verify an authority's answer about some bytes. `args`: `message`, `response` (base64), `nonce`, `roots`.

    Answers with its `time`, RFC 3339, and its `token`, base64. Raises TimeStampRefusedError.
    """
    message, response = (base64.b64decode(args[name]) for name in ("message", "response"))
    found = _verified(response, message, args["roots"], args["nonce"])
    return {"time": found.time.isoformat(), "token": base64.b64encode(found.token).decode()}, []


def claim(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """What a claim says whose content stays elsewhere. `args`: `algorithm`, `chain` (DER, base64). The files are the
    bytes to be signed, and the assertion store.

    Answers with the `claim`. Raises ClaimInvalidError.
    """
    chain = [base64.b64decode(one) for one in args["chain"]]
    found = take_apart(_whole(fds[0]), _whole(fds[1]), args["algorithm"], chain)
    try:
        return {"claim": unseen.to_result(found)}, []
    except ValidationError as error:
        raise ClaimInvalidError("it names more, or longer, than is taken here") from error


JOBS: Final[Mapping[str, Job]] = {
    "active": active,
    "claim": claim,
    "descent": descent,
    "examine": examine,
    "judge": judge,
    "sign": sign,
    "stamp": stamp,
    "trace": trace,
    "unbundle": unbundle,
    "verify": verify,
    "verify_alone": verify_alone,
}


def _metadata(fd: int) -> dict[str, Any]:
    with mapped(fd) as file:
        return metadata.to_result(metadata_of(file))


def _active_digest(store: bytes) -> str:
    """Of the manifest that was just written, which c2pa-rs puts last."""
    return list(manifest_digests(store).values())[-1]


def _verified(response: bytes, message: bytes, roots: str, nonce: str) -> TimeStamp:
    try:
        return verified(response, message, roots, int(nonce))
    except TimeStampError as error:
        raise TimeStampRefusedError(legible(str(error))) from error


@contextmanager
def _closed_on_failure(outputs: list[int]) -> Iterator[None]:
    """Nobody else knows of them, and this process goes on: an outage of the key store would use up its descriptors."""
    try:
        yield
    except BaseException:
        close_all(outputs)
        raise


def _outputs() -> tuple[int, int]:
    """Memory files for a signed file and its manifest store."""
    signed, store = (os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING) for name in ("signed", "store"))
    return signed, store


def _whole(fd: int) -> bytes:
    with os.fdopen(fd, "rb", closefd=False) as file:
        return file.read()


def _sign(args: dict[str, Any], upload: BinaryIO, parent: BinaryIO, beside: bytes, signed: BinaryIO, ask: Ask) -> bytes:
    with Builder(args["manifest"], policy(args["trust"])) as builder:
        if args["parent"] is not None:
            if beside:
                builder.add_resource(BESIDE["identifier"], io.BytesIO(beside))
                args["parent"] |= _history(args, parent, beside)
            builder.add_ingredient(args["parent"], args["parent"]["format"], parent)
            upload.seek(0)
        if args["sidecar"]:
            builder.set_no_embed()
        # No time-stamp authority: c2pa would open the connection itself, and a worker cannot.
        with Signer.from_callback(ask, ALGORITHMS[args["algorithm"]], args["chain"], None) as signer:
            return bytes(builder.sign(signer, args["mime"], upload, signed))


def _history(args: dict[str, Any], parent: BinaryIO, beside: bytes) -> dict[str, Any]:
    """What the Builder would find by itself in a parent that carries its manifest store."""
    with Reader(args["parent"]["format"], parent, beside, context=policy(args["trust"])) as reader:
        active, results = json.loads(reader.json())["active_manifest"], reader.get_validation_results()
    parent.seek(0)
    return {"active_manifest": active, "manifest_data": BESIDE, "validation_results": results}
