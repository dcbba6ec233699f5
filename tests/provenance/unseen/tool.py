"""A creation tool with a C2PA library of its own, which keeps its files: it drafts, and has the claim signed."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from typing import Any

from c2pa import Builder, C2paSigningAlg, Context, Signer

from keys.signer import Algorithm

CREATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
SDK_NAMES = {Algorithm.ES256: C2paSigningAlg.ES256, Algorithm.ED25519: C2paSigningAlg.ED25519}


def definition(*assertions: Mapping[str, Any], tool: str = "Example Paint", source: str = CREATED) -> dict[str, Any]:
    """What such a tool says of a picture that it made."""
    agent = {"name": tool, "version": "4.2"}
    action = {"action": "c2pa.created", "digitalSourceType": source, "softwareAgent": agent}
    said = {"label": "c2pa.actions.v2", "data": {"actions": [action]}}
    return {"title": "Harbour", "claim_generator_info": [agent], "assertions": [said, *assertions]}


def any_signature(_claim: bytes) -> bytes:
    """A draft's."""
    return os.urandom(64)


def draft(
    content: bytes,
    chain: str,
    said: Mapping[str, Any],
    mime: str = "image/jpeg",
    algorithm: Algorithm = Algorithm.ES256,
    callback: Callable[[bytes], bytes] = any_signature,
) -> bytes:
    """The file as c2pa-python writes it, with `callback` for its signer."""
    settings = {
        "verify": {"verify_after_sign": False, "remote_manifest_fetch": False},
        "builder": {"thumbnail": {"enabled": False}},
    }
    written = io.BytesIO()
    with Signer.from_callback(callback, SDK_NAMES[algorithm], chain, None) as signer:
        Builder(dict(said), Context.from_dict(settings)).sign(signer, mime, io.BytesIO(content), written)
    return written.getvalue()
