"""Signing an upload, seen from the parent: the worker builds, this process answers for the key.

Rules
- The file is never parsed here: what comes back are two sealed memory files; the label is chosen here.
- The signature pins one key version, and the asset remembers which.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from detection.errors import WorkerProtocolError
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from keys.clock import Entropy, system_entropy
from keys.signer import KeyRef, Signer
from provenance.claim_signer import ClaimSigner
from provenance.errors import ManifestBuildError
from provenance.manifest import Definition
from provenance.trust import TrustPolicy

MAX_MANIFEST_STORE_BYTES: Final = 16 * 1024 * 1024
"""Ours take 13 kB; a history of foreign manifests with thumbnails takes some megabytes."""


@dataclass(frozen=True)
class SignedAsset:
    """A signed file; close `content` when done."""

    content: Memfd
    """Sealed."""

    manifest_store: bytes
    label: str
    """Of its active manifest."""

    key: KeyRef


def sign(
    sandbox: Sandbox,
    signer: Signer,
    upload: Memfd,
    definition: Definition,
    trust: TrustPolicy,
    *,
    parent: Memfd | None = None,
    entropy: Entropy = system_entropy,
) -> SignedAsset:
    """Sign an upload with the manifest defined for it; `parent` is the file it was made from, if not itself.

    Raises ManifestBuildError, ClaimBytesError, KeyStoreUnavailableError, and what `Sandbox.run` raises.
    """
    claim_signer = ClaimSigner(signer)
    label = f"urn:c2pa:{uuid.UUID(bytes=entropy(16), version=4)}"
    args = {
        "manifest": {**definition.manifest, "label": label},
        "parent": definition.parent,
        "mime": definition.mime,
        "chain": claim_signer.chain,
        "trust": trust.settings,
    }
    files = (upload,) if parent is None else (upload, parent)
    reply = sandbox.run("sign", args, files, claim_signer.answer)
    if len(reply.fds) != 2:
        with reply:
            raise WorkerProtocolError("a signing worker hands over two files")
    content, store = reply.fds
    with store:
        if store.size > MAX_MANIFEST_STORE_BYTES:
            content.close()
            raise ManifestBuildError(f"it takes more than {MAX_MANIFEST_STORE_BYTES} bytes with its history")
        return SignedAsset(content, store.read(store.size), label, claim_signer.ref)
