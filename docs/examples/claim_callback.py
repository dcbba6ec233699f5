"""A creation tool with c2pa-python whose files stay at home: its library drafts, Sigillo signs the claim.

    with Sigillo("https://sigillo.example", "sgk_…") as sigillo:      # a key with the scope claims:sign
        signed = sign(sigillo, definition, "image/jpeg", open("photo.jpg", "rb"))

The library asks its signer for a signature over the claim's bytes and hands over nothing else. So the callback answers
with 64 bytes that are no signature, and the draft is finished with the one that comes back for what it holds.
"""

from __future__ import annotations

import base64
import io
import os
from typing import Any, BinaryIO

from c2pa import Builder, C2paSigningAlg, Context, Signer

from provenance.unseen.drafts import Draft
from sigillo_client import Sigillo

ALGORITHMS = {"es256": C2paSigningAlg.ES256, "ed25519": C2paSigningAlg.ED25519}
SETTINGS = {"verify": {"verify_after_sign": False}}
"""A draft does not hold, and would be refused."""


def any_signature(_to_be_signed: bytes) -> bytes:
    """The callback."""
    return os.urandom(64)


def sign(sigillo: Sigillo, definition: dict[str, Any], mime: str, content: BinaryIO) -> bytes:
    """The signed file."""
    info = sigillo.claim_signer()
    drafted = io.BytesIO()
    with Signer.from_callback(any_signature, ALGORITHMS[info["alg"]], info["sign_cert"], None) as signer:
        Builder(definition, Context.from_dict(SETTINGS)).sign(signer, mime, content, drafted)
    file = drafted.getvalue()
    draft = Draft.in_file(file, mime)
    signed = sigillo.sign_claim(draft.to_sign, draft.assertion_store)
    time_stamp = base64.b64decode(signed["time_stamp"] or "")
    return draft.put(file, mime, draft.finished(base64.b64decode(signed["signature"]), time_stamp))
