"""The yardstick: the same work on the same files in a bare thread pool, as a script would do it.

Signing: decode, hash, build and sign the manifest. Verifying: c2pa's Reader. No HTTP, no isolation of hostile bytes,
no database, no ledger, no blob, and the key lies in this process. One thread a core: more were slower.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

from c2pa import Builder, C2paSignerInfo, C2paSigningAlg, Context, Reader, Signer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from benchmarks.window import Done, Span, Window
from cases.signing import content
from detection.media import examine
from keys.certificates import development_ca
from provenance.manifest import define
from provenance.request import ClaimRequest, Tool
from provenance.verdict import Verdict

THREADS: Final = os.cpu_count() or 1


def repeated(work: Callable[[], None], window: Window) -> Done:
    """What the pool does again and again within the window."""

    def repeat() -> list[Span]:
        spans, now = list[Span](), time.monotonic()
        while now < window.end:
            began = now
            work()
            now = time.monotonic()
            spans.append((began, now))
        return spans

    with ThreadPoolExecutor(THREADS) as pool:
        threads = [pool.submit(repeat) for _ in range(THREADS)]
    return Done.within(window, [span for thread in threads for span in thread.result()])


def signing(file: bytes, mime: str, claim: ClaimRequest, generator: Tool) -> Callable[[], None]:
    """Signs the file once a call, with the manifest that the service would give it."""
    signer, context = _local_signer(), _context("")

    def sign() -> None:
        manifest = define(claim, content(examine(file, mime)), Verdict.ABSENT, generator).manifest
        with Builder(manifest, context) as builder:
            builder.sign(signer, mime, io.BytesIO(file), io.BytesIO())

    return sign


def verifying(signed: bytes, mime: str, anchors: str) -> Callable[[], None]:
    """Reads the signed file once a call. Raises ValueError at once when it is not trusted."""
    context = _context(anchors)

    def verify() -> None:
        with Reader(mime, io.BytesIO(signed), context=context) as reader:
            if reader.get_validation_state() != "Trusted":
                raise ValueError("the bare reader does not trust the file it is to read")
            reader.json()

    verify()
    return verify


def _local_signer() -> Signer:
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = development_ca(now).issue(public, now).encode()
    return Signer.from_info(C2paSignerInfo(C2paSigningAlg.ES256, chain, private, None))


def _context(anchors: str) -> Context:
    """As workers have it where it costs time: no thumbnail, nothing fetched, the signature checked after signing."""
    return Context.from_dict(
        {
            "trust": {"trust_anchors": anchors} if anchors else {},
            "verify": {"remote_manifest_fetch": False, "verify_after_sign": True},
            "builder": {"thumbnail": {"enabled": False}},
        }
    )
