"""Someone with a claim key and no scruples: manifests that say what an honest builder never would."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from c2pa import Builder, C2paSigningAlg, Context, Reader, Signer

from tests.provenance.house import House, draw

SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
CREATED = {"action": "c2pa.created", "digitalSourceType": SOURCE}
OPENED = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}}


def forge(
    house: House,
    definition: Mapping[str, Any],
    *,
    file: bytes | None = None,
    store: bytes | None = None,
    remote: str | None = None,
    mime: str = "image/jpeg",
) -> tuple[bytes, bytes]:
    """Sign any definition over a file; `store` is the manifest store that an ingredient's `p.c2pa` names.

    Gives the signed file and its manifest store. Nothing is checked after signing.
    """
    context = Context.from_dict(
        {
            "version": 1,
            "trust": {"trust_anchors": house.trust.anchors, "trust_config": house.trust.usages},
            "verify": {"verify_after_sign": False, "remote_manifest_fetch": False},
            "builder": {"thumbnail": {"enabled": False}},
        }
    )
    output = io.BytesIO()
    with (
        context,
        Builder({"claim_generator_info": [{"name": "Forger"}], **definition}, context) as builder,
        Signer.from_callback(house.signer.sign, C2paSigningAlg.ES256, house.signer.chain) as signer,
    ):
        if store is not None:
            builder.add_resource("p.c2pa", io.BytesIO(store))
        if remote is not None:
            builder.set_no_embed()
            builder.set_remote_url(remote)
        made = builder.sign(signer, mime, io.BytesIO(file or draw()), output)
    return output.getvalue(), made


def actions(*listed: Mapping[str, Any]) -> dict[str, Any]:
    """The actions assertion."""
    return {"label": "c2pa.actions.v2", "data": {"actions": list(listed)}}


def over(parent: bytes, results: Mapping[str, Any]) -> dict[str, Any]:
    """A definition whose parent has the manifest of the file `parent`, with `results` recorded of it."""
    ingredient = {
        "label": "parent",
        "relationship": "parentOf",
        "format": "image/jpeg",
        "active_manifest": label_of(parent),
        "validation_results": results,
        "manifest_data": {"format": "application/c2pa", "identifier": "p.c2pa"},
    }
    return {"assertions": [actions(OPENED)], "ingredients": [ingredient]}


def record(success: Sequence[str], failure: Sequence[str], label: str) -> dict[str, Any]:
    """Validation results about the signature of the manifest `label`, filed as told."""
    url = f"self#jumbf=/c2pa/{label}/c2pa.signature"
    lists = {"success": success, "informational": (), "failure": failure}
    return {
        "activeManifest": {kind: [{"code": c, "url": url} for c in codes] for kind, codes in lists.items()},
        "specVersion": "2.4.0",
    }


def label_of(file: bytes) -> str:
    """The label of a signed file's active manifest."""
    with Context() as context, Reader(None, io.BytesIO(file), context=context) as reader:
        return str(json.loads(reader.json())["active_manifest"])
