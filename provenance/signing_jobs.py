"""What a sandboxed worker signs and time-stamps: the jobs *sign*, *stamp* and *judge*. No module but this and `reading`
loads c2pa's native library.
"""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from c2pa import Builder, C2paError, C2paSigningAlg, Reader, Signer

from detection.frames import close_all
from detection.media import mapped
from detection.worker import Ask
from keys.errors import TimeStampError
from keys.time_stamps import TimeStamp, verified
from provenance.boxes import manifest_digests
from provenance.descent import DESCENT, Descent
from provenance.errors import ManifestBuildError, TimeStampRefusedError
from provenance.reading import STORE, policy, read
from provenance.report import TIME_STAMP, legible
from provenance.stamping import Signature, carried, place
from provenance.verdict import Verdict, worst

ALGORITHMS: Final = {"ES256": C2paSigningAlg.ES256, "EdDSA": C2paSigningAlg.ED25519}
"""By what `keys.signer.Algorithm` calls them; the claim's COSE header names the one that its key is for."""

_SIGNED: Final = (Verdict.TRUSTED, Verdict.UNTRUSTED)
"""What a file may be worth that was just signed: whom to trust is the operator's."""

BESIDE: Final = {"format": STORE, "identifier": "parent.c2pa"}
"""Where the Builder finds a parent's manifest store that is not in the parent."""


def sign(args: dict[str, Any], fds: list[int], ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """Sign one file. `args`: `manifest`, `parent` (or null), `mime`, `sidecar`, `algorithm`, `chain`, `trust`. A second
    file is the parent; with none the file itself is. A third is the manifest store beside the parent. With `sidecar`
    the file stays as it is.

    Answers with two memory files, the signed file and its manifest store, and `countersigned`: the bytes, base64, that
    a time-stamp would be over. Where it has a history, with its `descent`: to validate that takes long, and here it is
    done anyway. Raises ManifestBuildError.
    """
    output, store = _outputs()
    with closed_on_failure([output, store]):
        with (
            os.fdopen(fds[0], "rb", closefd=False) as upload,
            os.fdopen(fds[1 if len(fds) > 1 else 0], "rb", closefd=False) as parent,
            os.fdopen(output, "w+b", closefd=False) as signed,
            os.fdopen(store, "wb", closefd=False) as manifest,
        ):
            try:
                written = _sign(args, upload, parent, whole(fds[2]) if len(fds) > 2 else b"", signed, ask)
            except C2paError as error:
                raise ManifestBuildError(legible(str(error))) from error
            manifest.write(written)
        found = _read_back(output, written, args) if args["parent"] else None
        if found and found.report.verdict not in _SIGNED:
            codes = ", ".join(status.code for status in found.report.statuses.failure)
            raise ManifestBuildError(f"the signed file would be {found.report.verdict} ({codes})")
    countersigned = base64.b64encode(Signature.of(written).countersigned).decode()
    return {"countersigned": countersigned, **_made(written, found)}, [output, store]


def stamp(args: dict[str, Any], fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """Put a time-stamp into what *sign* made. `args`: `mime`, `sidecar`, `response` (base64), `nonce`, `trust`.

    Answers with two such files, their `descent` and the `time_stamp`. The signed file is read back: it must be worth
    what it was, and its time-stamp trusted.
    Raises TimeStampRefusedError.
    """
    before = whole(fds[1])
    signature, response = Signature.of(before), base64.b64decode(args["response"])
    roots = args["trust"]["authorities"]
    after = signature.stamped(before, _verified(response, signature.countersigned, roots, args["nonce"]).token)
    output, store = _outputs()
    with closed_on_failure([output, store]):
        with mapped(fds[0]) as file, os.fdopen(output, "wb", closefd=False) as written:
            written.write(file)
            if not args["sidecar"]:
                written.seek(place(file, args["mime"], before))
                written.write(carried(after, args["mime"]))
        with os.fdopen(store, "wb", closefd=False) as written:
            written.write(after)
        was = read(fds[0], args["trust"], before if args["sidecar"] else b"").report.verdict
        found = _read_back(output, after, args)
        trusted = [made for made in found.report.time_stamps if made.trusted]
        if worst((was, found.report.verdict)) is not was or not trusted:
            statuses = found.report.statuses
            codes = ", ".join(status.code for status in (*statuses.informational, *statuses.failure))
            raise TimeStampRefusedError(f"the file would be {found.report.verdict} with it ({codes})")
    return {"time_stamp": TIME_STAMP.dump_python(trusted[0], mode="json"), **_made(after, found)}, [output, store]


def judge(args: dict[str, Any], _fds: list[int], _ask: Ask) -> tuple[dict[str, Any], list[int]]:
    """Verify an authority's answer about some bytes. `args`: `message`, `response` (base64), `nonce`, `roots`.

    Answers with its `time`, RFC 3339, and its `token`, base64. Raises TimeStampRefusedError.
    """
    message, response = (base64.b64decode(args[name]) for name in ("message", "response"))
    found = _verified(response, message, args["roots"], args["nonce"])
    return {"time": found.time.isoformat(), "token": base64.b64encode(found.token).decode()}, []


def whole(fd: int) -> bytes:
    """All of a file."""
    with os.fdopen(fd, "rb", closefd=False) as file:
        return file.read()


def _read_back(output: int, store: bytes, args: dict[str, Any]) -> Descent:
    return read(output, args["trust"], store if args["sidecar"] else b"", traced=True)


def _made(store: bytes, found: Descent | None) -> dict[str, Any]:
    """What is said of a signed file; the manifest that was just written is the one that c2pa-rs puts last."""
    digest = list(manifest_digests(store).values())[-1]
    return {"manifest_sha256": digest, "descent": DESCENT.dump_python(found.within(), mode="json") if found else None}


def _verified(response: bytes, message: bytes, roots: str, nonce: str) -> TimeStamp:
    try:
        return verified(response, message, roots, int(nonce))
    except TimeStampError as error:
        raise TimeStampRefusedError(legible(str(error))) from error


@contextmanager
def closed_on_failure(outputs: list[int]) -> Iterator[None]:
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


def _sign(args: dict[str, Any], upload: BinaryIO, parent: BinaryIO, beside: bytes, signed: BinaryIO, ask: Ask) -> bytes:
    with Builder(args["manifest"], policy(args["trust"], reads_back=not args["parent"])) as builder:
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
