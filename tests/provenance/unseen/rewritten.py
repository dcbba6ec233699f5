"""A draft whose assertions say something else, every hash of which holds again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cbor2

from provenance.stamping import Signature
from provenance.unseen.drafts import SIGNATURE_BYTES, Draft
from provenance.unseen.jumbf import ASSERTIONS_TYPE, CLAIM_TYPE, SUFFIX, SUPERBOX, Box
from tests.provenance.unseen.test_jumbf import box

METADATA = "cawg.metadata"
LABELLED = b"\x03"
"""Toggles of a description without a salt."""


@dataclass(frozen=True)
class Rewritten:
    """What takes the place of a draft's claim and assertions."""

    draft: Draft
    claim: Mapping[str, Any]
    contents: Mapping[str, tuple[bytes, bytes, bytes]]
    """By label: the description's content, the type of the content box, and what is in it."""

    @classmethod
    def of(cls, draft: Draft) -> Rewritten:
        boxes = Box.parse(draft.assertion_store).children[1:]
        contents = {
            one.label: (one.children[0].content, one.children[1].type, one.children[1].content) for one in boxes
        }
        return cls(draft, cbor2.loads(cbor2.loads(draft.to_sign)[3]), contents)

    def said(self, label: str) -> Any:
        return cbor2.loads(self.contents[label][2])

    def saying(self, label: str, value: Any) -> Rewritten:
        """With an assertion that is changed, or new; `bytes` are its JSON."""
        kind, content = (b"json", value) if isinstance(value, bytes) else (b"cbor", cbor2.dumps(value))
        described = kind + SUFFIX + LABELLED + label.encode() + b"\0"
        return replace(self, contents={**self.contents, label: (described, kind, content)})

    def claiming(self, **members: Any) -> Rewritten:
        return replace(self, claim={**self.claim, **members})

    @property
    def assertion_store(self) -> bytes:
        described = Box.parse(self.draft.assertion_store).children[0].content
        return box(SUPERBOX, box(b"jumd", described) + b"".join(box(SUPERBOX, one) for one in self._bodies().values()))

    @property
    def to_sign(self) -> bytes:
        """Over a claim that lists every assertion."""
        listed = [
            {"url": f"self#jumbf=c2pa.assertions/{label}", "hash": hashlib.sha256(body).digest()}
            for label, body in self._bodies().items()
        ]
        claim = {**self.claim, "created_assertions": listed}
        claim.pop("gathered_assertions", None)
        protected = cbor2.loads(self.draft.to_sign)[1]
        return cbor2.dumps(["Signature1", protected, b"", cbor2.dumps(claim)])

    def store(self, signature: bytes) -> bytes:
        """The manifest store with it."""
        root = Box.parse(self.draft.store)
        manifest = root.children[-1]
        claim, last = manifest.child(CLAIM_TYPE), manifest.children[-1]
        assert claim is not None
        assert manifest.child(ASSERTIONS_TYPE) is not None
        signed = last.children[-1].content[:-SIGNATURE_BYTES] + signature
        assert Signature.of(self.draft.store)
        parts = (
            box(b"jumd", manifest.children[0].content),
            self.assertion_store,
            box(SUPERBOX, box(b"jumd", claim.children[0].content) + box(b"cbor", cbor2.loads(self.to_sign)[3])),
            box(SUPERBOX, box(b"jumd", last.children[0].content) + box(b"cbor", signed)),
        )
        return box(SUPERBOX, box(b"jumd", root.children[0].content) + box(SUPERBOX, b"".join(parts)))

    def _bodies(self) -> dict[str, bytes]:
        return {
            label: box(b"jumd", described) + box(kind, content)
            for label, (described, kind, content) in self.contents.items()
        }
