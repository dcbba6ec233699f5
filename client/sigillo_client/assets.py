"""Files signed and verified; claims signed whose files stay with their tool."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from sigillo_client.answers import Asset, ClaimSignature, Verification
from sigillo_client.batch_files import BatchFile, Form, parts
from sigillo_client.connection import Connection, waiting
from sigillo_client.problem import Problem
from sigillo_client.upload import Progress

_SETTLED: Final = frozenset({"asset", "problem"})
"""The first part about a file."""


class Assets(Connection):
    """Files signed and verified; claims signed whose files stay with their tool."""

    def sign(
        self,
        file: Path,
        claim: Mapping[str, Any] | None = None,
        idempotency_key: str = "",
        wait: int = 0,
        batch: str = "",
        name: str = "",
        progress: Progress | None = None,
    ) -> Asset:
        """Upload a file and have it signed; the asset. The answer waits up to `wait` seconds until its ledger entry is
        proven. In a `batch` it counts under its key, and `name` is what a refusal calls it. Raises Problem,
        UnreachableError.
        """
        headers = self._retries.keyed(idempotency_key) | waiting(wait)
        texts = {"batch": batch, "name": name} if batch else {}
        return cast(Asset, self._upload("/v1/assets", file, ("claim", claim or {}), headers, progress, texts))

    def begin_batch(self, expected: int, name: str = "") -> dict[str, Any]:
        """Begin a batch of so many files."""
        return self._json("POST", "/v1/batches", json={"expected": expected, "name": name})

    def batch(self, batch: str, cursor: str = "") -> dict[str, Any]:
        """How far a batch is, with a page of what was refused."""
        return self._json("GET", f"/v1/batches/{batch}", params={"cursor": cursor} if cursor else {})

    def sign_files(
        self,
        batch: str,
        files: Sequence[BatchFile],
        claim: Mapping[str, Any],
        save: Callable[[BatchFile, str, Iterable[bytes]], object],
        wait: int = 0,
    ) -> list[Asset | Problem | OSError]:
        """Upload several files of a batch in one request; what became of each. What is given out of one (`content`, and
        `manifest` where the file cannot carry it) is handed to `save` as it arrives, and what that raises as OSError
        is the file's. Sent again, they are the same assets. Raises Problem where all of them are refused,
        UnreachableError, and OSError for a file that cannot be read.
        """
        form = Form(claim, files)
        waits = iter(files)
        done = list[Asset | Problem | OSError]()
        path = f"/v1/batches/{batch}/files"
        with self._streamed(path, {**form.headers, **waiting(wait)}, form.chunks()) as answered:
            for part in parts(answered):
                if part.name in _SETTLED:
                    file, told = next(waits), json.loads(b"".join(part.chunks))
                    done.append(Problem(told["status"], told) if part.name == "problem" else cast(Asset, told))
                    continue
                try:
                    save(file, part.name, part.chunks)
                except OSError as error:
                    done[-1] = error
        return done

    def transform(
        self,
        asset: str,
        file: Path,
        claim: Mapping[str, Any],
        idempotency_key: str = "",
        wait: int = 0,
        progress: Progress | None = None,
    ) -> Asset:
        """Upload what a tool made from one of our assets; the claim's actions say what it did. The new asset; `wait` as
        in `sign`.
        """
        headers = self._retries.keyed(idempotency_key) | waiting(wait)
        return cast(
            Asset, self._upload(f"/v1/assets/{asset}/transformations", file, ("claim", claim), headers, progress)
        )

    def asset(self, asset: str) -> Asset:
        """One asset of ours."""
        return cast(Asset, self._json("GET", f"/v1/assets/{asset}"))

    def content(self, asset: str, to: BinaryIO) -> None:
        """Stream the signed file into `to`."""
        self._download(f"/v1/assets/{asset}/content", to)

    def manifest(self, asset: str) -> bytes:
        """The C2PA manifest store of an asset."""
        return self._send("GET", f"/v1/assets/{asset}/manifest").content

    def erase(self, asset: str) -> dict[str, Any]:
        """Destroy an asset's key and everything sealed under it."""
        return self._json("DELETE", f"/v1/assets/{asset}")

    def verify(
        self,
        file: Path,
        anchors: str = "",
        trust_config: str = "",
        manifest: Path | None = None,
        progress: Progress | None = None,
        *,
        confidence: bool = False,
    ) -> Verification:
        """The verification report of a file, with its `manifest` if that is kept beside it; `anchors` (PEM) and
        `trust_config` (OIDs) widen the trust; with `confidence`, how sure the server is, and why.
        """
        texts = {"anchors": anchors, "trust_config": trust_config}
        return cast(
            Verification, self._examine("/v1/verifications", file, manifest, texts, progress, confidence=confidence)
        )

    def claim_signer(self) -> dict[str, Any]:
        """What a claim has to name that is to be signed without its content: `alg`, `sign_cert`; `reserve_size`."""
        return self._json("GET", "/v1/claims/signer")

    def sign_claim(self, to_be_signed: bytes, assertion_store: bytes, idempotency_key: str = "") -> ClaimSignature:
        """A signature over a claim whose content stays here, and a time-stamp; both in base64."""
        sent = {"to_be_signed": to_be_signed, "assertion_store": assertion_store}
        body = {name: base64.b64encode(one).decode() for name, one in sent.items()}
        headers = self._retries.keyed(idempotency_key)
        return cast(ClaimSignature, self._json("POST", "/v1/claims/sign", json=body, headers=headers))
