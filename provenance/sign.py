"""Signing an upload, seen from the parent: the worker builds, this process answers for the key.

Rules
- The file is never parsed here: what comes back are two sealed memory files; the label is chosen here.
- The signature pins one key version, and the asset remembers which.
- A time-stamp is asked for between two jobs: no worker waits for an authority. Each job verifies what it made.
"""

from __future__ import annotations

import base64
import re
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from detection.errors import WorkerProtocolError
from detection.memfd import Memfd
from detection.process import Reply
from detection.shares import Workers
from keys.clock import Entropy, system_entropy
from keys.signer import KeyRef, Signer
from provenance.claim_signer import MAX_CLAIM_BYTES, ClaimSigner
from provenance.descent import Descent, parse_descent
from provenance.errors import ManifestBuildError
from provenance.manifest import MAX_MANIFEST_STORE_BYTES, Definition
from provenance.report import TimeStamp, parse_time_stamp
from provenance.time_stamps import Answer, TimeStamps
from provenance.trust import TrustPolicy
from provenance.vocabulary import SIDECAR_TYPES

COUNTER_SIGNATURE: Final = b"\x84\x70CounterSignature"
"""A CBOR array of four whose first element is the text `CounterSignature` (RFC 9052, section 4.4)."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class SignedAsset:
    """A signed file; close `content` when done."""

    content: Memfd
    """Sealed. For a type of SIDECAR_TYPES, the upload's own bytes."""

    manifest_store: bytes
    label: str
    """Of its active manifest."""

    manifest_sha256: str
    """Of that manifest's box (`provenance.boxes`), hexadecimal."""

    key: KeyRef
    time_stamp: TimeStamp | None
    """None where no authority is set, or none answered and none is required."""

    descent: Descent | None
    """What it was found to be; None where it has no history that would take long to validate again."""


@dataclass(frozen=True)
class Parent:
    """A file that another is made from."""

    content: Memfd
    """Sealed against writing."""

    beside: Memfd | None = None
    """Its manifest store, where that is not in the file. Sealed, too."""


def sign(
    workers: Workers,
    signer: Signer,
    upload: Memfd,
    definition: Definition,
    trust: TrustPolicy,
    *,
    parent: Parent | None = None,
    time_stamps: TimeStamps | None = None,
    entropy: Entropy = system_entropy,
) -> SignedAsset:
    """Sign an upload with the manifest defined for it, and have the signature time-stamped; `parent` is the file it was
    made from, if not itself.

    Raises ManifestBuildError, ClaimBytesError, KeyStoreUnavailableError, TimeStampUnavailableError, and what
    `Sandbox.run` raises.
    """
    claim_signer = ClaimSigner(signer)
    label = f"urn:c2pa:{uuid.UUID(bytes=entropy(16), version=4)}"
    args = {
        "manifest": {**definition.manifest, "label": label},
        "parent": definition.parent,
        "mime": definition.mime,
        "sidecar": definition.mime in SIDECAR_TYPES,
        "algorithm": claim_signer.algorithm,
        "chain": claim_signer.chain,
        "trust": trust.settings,
    }
    files = (upload,) if parent is None else (upload, parent.content, *([parent.beside] if parent.beside else []))
    made, time_stamp = _two_files(workers.run("sign", args, files, claim_signer.answer, begun=True)), None
    if time_stamps is not None:
        made, time_stamp = _stamped(workers, made, definition.mime, trust, time_stamps)
    content, store = made.fds
    with store:
        if store.size > MAX_MANIFEST_STORE_BYTES:
            content.close()
            raise ManifestBuildError(f"it takes more than {MAX_MANIFEST_STORE_BYTES} bytes with its history")
        return SignedAsset(
            content, store.read(store.size), label, _digest(made), claim_signer.ref, time_stamp, _descent(made)
        )


def _stamped(
    workers: Workers, signed: Reply, mime: str, trust: TrustPolicy, time_stamps: TimeStamps
) -> tuple[Reply, TimeStamp | None]:
    """The signed file with a time-stamp, or as it was where there is none to be had; the other one is closed."""

    def stamp(answer: Answer) -> tuple[Reply, TimeStamp]:
        response = base64.b64encode(answer.response).decode()
        kind = {"mime": mime, "sidecar": mime in SIDECAR_TYPES}
        args = {**kind, "response": response, "nonce": str(answer.nonce), "trust": trust.settings}
        with ExitStack() as unfinished:
            made = unfinished.enter_context(_two_files(workers.run("stamp", args, signed.fds, begun=True)))
            time_stamp = parse_time_stamp(made.result.get("time_stamp"))
            unfinished.pop_all()
        return made, time_stamp

    with ExitStack() as spent:
        spent.enter_context(signed)
        stamped = time_stamps.obtain(_countersigned(signed), stamp)
        if stamped is None:
            spent.pop_all()
    return stamped or (signed, None)


def _descent(made: Reply) -> Descent | None:
    found = made.result.get("descent")
    return None if found is None else parse_descent(found)


def _digest(made: Reply) -> str:
    digest = made.result.get("manifest_sha256")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise WorkerProtocolError("a signing worker gives the digest of the manifest that it made")
    return digest


def _two_files(reply: Reply) -> Reply:
    if len(reply.fds) != 2:
        with reply:
            raise WorkerProtocolError("a signing worker hands over two files")
    return reply


def _countersigned(signed: Reply) -> bytes:
    """What to time-stamp: what a worker names, if it has the form of a counter-signature."""
    try:
        message = base64.b64decode(signed.result.get("countersigned", ""), validate=True)
    except (TypeError, ValueError) as error:
        raise WorkerProtocolError("a signing worker names what to time-stamp in base64") from error
    if len(message) > MAX_CLAIM_BYTES or not message.startswith(COUNTER_SIGNATURE):
        raise WorkerProtocolError("a worker asked for a time-stamp over something that is not a claim's signature")
    return message
