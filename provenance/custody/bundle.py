"""The custody bundle: the custody of a file, for another deployment, in one JSON document (docs/custody-bundle.md).

    format      sigillo-custody/1
    word        what the exporting deployment says: `custody` (the graph), `manifests` (the manifest store, base64),
                `anchors` (PEM, under which its own signatures chain)
    export      that it said so: id of an entry of its log, with the payload and salt that the entry commits to, and in
                the payload the SHA-256 of `word`
    log         the log's verifier key
    receipts    by entry id, of the export and of every entry that the graph names

Rules
- It is RFC 8785 JSON: one bundle is one sequence of bytes. Nothing in it is compressed: it is as large as it looks.
- Whoever made it can have left out what they like, and said what they like of decisions: it is their word, which their
  log keeps them to. What nobody but them could say is bound: not a byte of `word` changes after the export.
- The log's key and the anchors in it prove nothing: whoever reads it brings their own.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from ledger.canonical import canonical
from ledger.errors import CanonicalFormError
from provenance.custody.graph import MAX_NODES, Custody
from provenance.errors import BundleMalformedError
from provenance.lineage import Digest
from provenance.manifest import MAX_MANIFEST_STORE_BYTES

FORMAT: Final = "sigillo-custody/1"
MEDIA_TYPE: Final = "application/vnd.sigillo.custody+json"
MAX_BUNDLE_BYTES: Final = 32 * 1024 * 1024
MAX_CUSTODY_BYTES: Final = 4 * 1024 * 1024
"""Of the graph, as it crosses from a worker; 500 files of ours take one."""

MAX_RECEIPT: Final = 80 * 1024
"""Characters: a proof, an entry, and a checkpoint with as many cosignatures as a note may have."""

_EntryId = Annotated[str, StringConstraints(pattern=r"^ent_[a-z2-7]{26}$")]
_Receipt = Annotated[str, StringConstraints(max_length=MAX_RECEIPT)]


@dataclass(frozen=True)
class Word:
    """What a deployment says of a file."""

    custody: Custody
    manifests: str
    anchors: Annotated[str, StringConstraints(max_length=256 * 1024)]


@dataclass(frozen=True)
class Export:
    """That it said so, in its log."""

    entry: _EntryId
    payload: Annotated[str, StringConstraints(max_length=16 * 1024)]
    salt: Digest


@dataclass(frozen=True)
class Bundle:
    """A bundle as it is read; none of it is verified."""

    format: Annotated[str, StringConstraints(pattern=f"^{FORMAT}$")]
    word: Word
    export: Export
    log: Annotated[str, StringConstraints(max_length=1024)]
    receipts: Annotated[dict[_EntryId, _Receipt], Field(max_length=MAX_NODES)]


_BUNDLE: Final = TypeAdapter(Bundle)


@dataclass(frozen=True)
class Read:
    """A bundle, and what of it is hashed."""

    bundle: Bundle
    sha256: str
    word_sha256: str
    store: bytes


def word_of(custody: Custody, store: bytes, anchors: str) -> Word:
    """What is said, as it goes into a bundle."""
    return Word(custody, b64encode(store).decode(), anchors)


def digest_of(word: object) -> str:
    """SHA-256 of its RFC 8785 JSON, hexadecimal."""
    return sha256(canonical(word)).hexdigest()


def written(word: Word, export: Export, log: str, receipts: Mapping[str, str]) -> bytes:
    """The bundle's one sequence of bytes."""
    return canonical({"format": FORMAT, "word": word, "export": export, "log": log, "receipts": dict(receipts)})


def read(data: bytes) -> Read:
    """A bundle from anybody. Raises BundleMalformedError."""
    members = _members(data)
    try:
        bundle = _BUNDLE.validate_python(members)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        raise BundleMalformedError(f"its member {where[:200]!r} is missing, or does not have its form") from error
    if len(canonical(members["word"]["custody"])) > MAX_CUSTODY_BYTES:
        raise BundleMalformedError(f"its graph takes more than {MAX_CUSTODY_BYTES} bytes")
    return Read(bundle, sha256(data).hexdigest(), digest_of(members["word"]), _store(bundle.word.manifests))


def _members(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_BUNDLE_BYTES:
        raise BundleMalformedError(f"it takes more than {MAX_BUNDLE_BYTES} bytes")
    if not data.startswith(b"{"):
        raise BundleMalformedError("it is no JSON document; a bundle is one, and is never compressed")
    try:
        members = json.loads(data)
        exact = canonical(members) == data
    except (ValueError, RecursionError, CanonicalFormError) as error:
        raise BundleMalformedError("it is no JSON in its one form (RFC 8785), or it ends too early") from error
    if not exact or members.keys() != {"format", "word", "export", "log", "receipts"}:
        raise BundleMalformedError("it is no JSON in its one form (RFC 8785) with the five members of a bundle")
    return dict(members)


def _store(text: str) -> bytes:
    if len(text) > MAX_MANIFEST_STORE_BYTES * 4 // 3 + 4:
        raise BundleMalformedError(f"its manifest store takes more than {MAX_MANIFEST_STORE_BYTES} bytes")
    try:
        store = b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise BundleMalformedError("its manifest store is not base64") from error
    if not store or b64encode(store).decode() != text:
        raise BundleMalformedError("its manifest store is empty, or base64 with stray bits")
    return store
