"""A deployment in miniature: it draws pictures, signs them and verifies what it is given."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

from PIL import Image

from detection.memfd import Memfd
from detection.sandbox import Sandbox
from keys.signer import Signer
from provenance.manifest import ContentAssertion, define
from provenance.report import VerificationReport
from provenance.request import ClaimRequest, Tool
from provenance.sign import SignedAsset, sign
from provenance.time_stamps import TimeStamps
from provenance.trust import TrustPolicy
from provenance.validation import verify

REQUEST = ClaimRequest("Harbour at noon", Tool("Brush", "3.1"))
GENERATOR = Tool("Sigillo", "0.1.0")
MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def draw(kind: str = "JPEG", size: tuple[int, int] = (64, 48)) -> bytes:
    """A picture whose every pixel differs from its neighbours; the same one every time."""
    picture = Image.frombytes("RGB", size, hashlib.shake_128(kind.encode()).digest(size[0] * size[1] * 3))
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def content(data: bytes, mime: str = "image/jpeg") -> ContentAssertion:
    """The measurements that examination would have made."""
    digest = hashlib.sha256(data).hexdigest()
    return ContentAssertion(mime, digest, digest, "sigillo/pixels/v1", "Pillow 13.0.0", 64, 48)


@dataclass(frozen=True)
class House:
    """One claim key, and a policy."""

    sandbox: Sandbox
    signer: Signer
    trust: TrustPolicy
    time_stamps: TimeStamps | None = None

    def sign(self, data: bytes, request: ClaimRequest = REQUEST, mime: str = "image/jpeg") -> SignedAsset:
        """Sign a file as an upload would be."""
        with Memfd.of([data]) as upload:
            history = verify(self.sandbox, upload, self.trust).verdict
            definition = define(request, content(data, mime), history, GENERATOR)
            return sign(self.sandbox, self.signer, upload, definition, self.trust, time_stamps=self.time_stamps)

    def signed(self, data: bytes, request: ClaimRequest = REQUEST, mime: str = "image/jpeg") -> bytes:
        """The signed file's bytes."""
        with self.sign(data, request, mime).content as file:
            return file.read(file.size)

    def verify(self, data: bytes, sidecar: bytes = b"") -> VerificationReport:
        """The report on some bytes, and on what is kept beside them."""
        with Memfd.of([data]) as file, Memfd.of([sidecar]) as beside:
            return verify(self.sandbox, file, self.trust, beside if sidecar else None)
