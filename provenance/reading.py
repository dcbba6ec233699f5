"""A file's manifest store, read by c2pa-rs and judged: the report on it, and its lineage where that is wanted. Runs in
sandboxed workers only.

Rules
- Nothing is fetched: no remote manifest, no OCSP, no did:web, no host at all; the sandbox would refuse too.
- A file's type is read from its bytes; names and declared types decide nothing here.
- Only the context prepared for a trust policy is kept.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import BinaryIO, Final

from c2pa import C2paError, Context, Reader

from detection.errors import MediaError
from detection.kinds import MAGIC_BYTES, sniff
from keys.clock import system_clock
from provenance.assessment import assess, covered, judged, unbound
from provenance.boxes import manifest_digests
from provenance.codes import GENERAL_ERROR, MANIFEST_INACCESSIBLE
from provenance.coverage import in_base64
from provenance.descent import Descent
from provenance.errors import FormatUnsupportedError
from provenance.lasting import lasts_until
from provenance.manifest import MAX_MANIFEST_STORE_BYTES
from provenance.report import Status, Statuses, VerificationReport, legible
from provenance.signers import Signers, signatures_in
from provenance.stamps import Stamps
from provenance.tracing import lineage
from provenance.verdict import Verdict
from provenance.vocabulary import SIDECAR_TYPES

POLICIES_KEPT: Final = 8

MAX_STORE_JSON: Final = 16 * 1024 * 1024
"""Characters of a manifest store written out; beyond it, the manifest counts as unreadable."""

MAX_MANIFESTS: Final = 1000
"""Of a store in a file that has room for many: c2pa-rs writes them out one inside the call for the other, and a
worker's stack ends somewhere beyond that.
"""

STORE: Final = "application/c2pa"

_CERTIFICATE: Final = re.compile("-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n")

SVG: Final = "image/svg+xml"

ZIP: Final = "application/x-zip"

_NOTHING_FETCHED: Final = {"remote_manifest_fetch": False, "ocsp_fetch": False}

_CLOSED: Final = {
    "core": {
        "allowed_network_hosts": [],
        "allow_redirects": False,
        # An identity assertion may name a did:web to fetch; identity is judged by its own package.
        "decode_identity_assertions": False,
    }
}

SNIFFED_BYTES: Final = 1024
"""c2pa-rs tells every type it reads from the first bytes, except SVG and the documents that are ZIP archives."""

BUFFER_BYTES: Final = 256 * 1024
"""c2pa-rs reads in steps that double from a few bytes on; each that misses the buffer is a system call."""


def read(fd: int, trust: dict[str, str], sidecar: bytes = b"", *, alone: bool = False, traced: bool = False) -> Descent:
    """The report on a file, on its `sidecar`, or with `alone` on a manifest store without what it is about: nothing is
    said of that. With `traced` its lineage, and until when both last.

    Raises FormatUnsupportedError.
    """
    context, digest = policy(trust), trust["digest"]
    with os.fdopen(fd, "rb", BUFFER_BYTES, closefd=False) as file:
        hint = STORE if alone else _hint(file) or (_kind(file) if sidecar else None)
        carried = _carried(hint, file) if sidecar else None
        content = None if alone else Content(os.fstat(fd).st_size, carried, hint == SVG)
        try:
            if not sidecar:
                _require_small(hint, file, fd)
            with Reader(hint, file, sidecar or None, context=context) as reader:
                return _told(reader, trust, content, traced=traced)
        except C2paError.ManifestNotFound:
            return Descent(VerificationReport(Verdict.ABSENT, digest))
        except C2paError.NotSupported as error:
            if _kind(file) in SIDECAR_TYPES:
                return Descent(VerificationReport(Verdict.ABSENT, digest))
            raise FormatUnsupportedError from error
        except C2paError as error:
            return Descent(_unreadable(str(error), digest))


def _require_small(hint: str | None, file: BinaryIO, fd: int) -> None:
    """Raises C2paError where the manifest store in a file is larger than any that is accepted: found before it is
    validated, and looked for only where there is room for it.
    """
    if os.fstat(fd).st_size <= MAX_MANIFEST_STORE_BYTES:
        return
    with Reader(hint, file, context=_glancing()) as reader:
        store = json.loads(reader.json())
        if len(store["manifests"]) > MAX_MANIFESTS:
            raise C2paError(f"the manifest store has more than {MAX_MANIFESTS} manifests")
        if len(_written_out(reader, store["active_manifest"])) > MAX_MANIFEST_STORE_BYTES:
            raise C2paError(f"the manifest store takes more than {MAX_MANIFEST_STORE_BYTES} bytes")
    file.seek(0)


def _carried(hint: str | None, file: BinaryIO) -> int:
    """How large a manifest store is that a file carries, whatever it is worth; 0 where it carries none that is read."""
    try:
        with Reader(hint, file, context=_glancing()) as reader:
            store = json.loads(reader.json())
            few = len(store["manifests"]) <= MAX_MANIFESTS
            return len(_written_out(reader, store["active_manifest"])) if few else 0
    except C2paError:
        return 0
    finally:
        file.seek(0)


@dataclass(frozen=True)
class Content:
    """What a manifest store is about, as far as its size goes."""

    size: int
    carried: int | None
    """Where the store is kept beside it: how large one is that it carries all the same. None where it is its own."""

    text: bool
    """Whether the store is in it as base64."""

    def store_bytes(self, size: int) -> int:
        """What a store of that size takes in it."""
        taken = size if self.carried is None else self.carried
        return in_base64(taken) if self.text else taken


def _told(reader: Reader, trust: dict[str, str], content: Content | None, *, traced: bool) -> Descent:
    """What a reader found; `content`: None where it is not here."""
    written, detail_text = reader.json(), reader.crjson()
    if max(len(written), len(detail_text)) > MAX_STORE_JSON:
        reason = f"the manifest store takes more than {MAX_STORE_JSON} characters"
        return Descent(_unreadable(reason, trust["digest"]))
    store, detail = json.loads(written), json.loads(detail_text)
    if content is None:
        store = unbound(store)
    boxes = _written_out(reader, str(store.get("active_manifest")))
    size = content.store_bytes(len(boxes)) if content else len(boxes)
    store = covered(store, detail, size, content.size if content else None)
    signatures = signatures_in(boxes)
    signers = Signers.of(signatures, trust["anchors"], trust["usages"])
    stamps = Stamps.of(signatures, trust["authorities"], system_clock())
    store = judged(store, detail, trust["revoked"], signers, stamps)
    report = assess(store, detail, trust["digest"], trust["revoked"], signers, stamps)
    if not traced:
        return Descent(report)
    digests = manifest_digests(boxes) if boxes else {}
    found = lineage(store, detail, trust["revoked"], signers, stamps, digests, report)
    return Descent(report, found, lasts_until(detail, signatures, signers, stamps))


def _written_out(reader: Reader, label: str) -> bytes:
    """The manifest store that ends with this manifest, as c2pa-rs understood it; empty where it cannot be written."""
    store = BytesIO()
    try:
        reader.resource_to_stream(label, store)
    except C2paError:
        return b""
    return store.getvalue()


def _unreadable(reason: str, digest: str) -> VerificationReport:
    """The report on what cannot be read, and why."""
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


def _kind(file: BinaryIO) -> str | None:
    """The media type of an accepted kind: beside a manifest store c2pa-rs does not look for itself."""
    file.seek(0)
    head = file.read(MAGIC_BYTES)
    file.seek(0)
    try:
        return sniff(head).mime
    except MediaError:
        return None


def policy(trust: dict[str, str], *, reads_back: bool = True) -> Context:
    """What c2pa-rs is told of whom to trust, and whether it reads back what it signs."""
    return _context(trust["anchors"], trust["authorities"], trust["usages"], reads_back)


@lru_cache(maxsize=1)
def _glancing() -> Context:
    """For looking at what is there, and nothing else."""
    return Context.from_dict({"version": 1, **_CLOSED, "verify": {**_NOTHING_FETCHED, "verify_after_reading": False}})


@lru_cache(maxsize=POLICIES_KEPT)
def _context(anchors: str, authorities: str, usages: str, reads_back: bool) -> Context:
    # c2pa-rs trusts whatever root it has for signers and time-stamps alike: `signers` and `stamps` tell them apart.
    roots = anchors + "".join(pem for pem in _CERTIFICATE.findall(authorities) if pem not in anchors)
    trust = {"trust_anchors": roots, "trust_config": usages} if roots else {}
    return Context.from_dict(
        {
            "version": 1,
            "trust": trust,
            "verify": {**_NOTHING_FETCHED, "verify_after_sign": reads_back},
            **_CLOSED,
            "builder": {"thumbnail": {"enabled": False}},
        }
    )
