"""bbs-2023: selective disclosure whose presentations nobody can link, not even the issuer.

The issuer signs all statements that are not mandatory with BBS, the proof configuration and the hash of the mandatory
ones as its header. A holder shows some of them with a proof in fresh bytes.

Rules
- Verifying raises, it never returns False.
- Only the baseline of the suite: proofs bound to a holder and pseudonyms are refused by their header.
- Presentations also carry labels and indexes, which follow from a shuffle of the credential's blank nodes and are the
  same in all of its presentations. So that they tell nobody apart, the issuer draws the key of the shuffle until it
  leaves the nodes in the order of the document: credentials of one shape then have labels and indexes in common. With
  more than MAX_ORDERED_NODES that would take too long, and the first key is taken, as the specification has it.

W3C vc-di-bbs, the cryptosuite bbs-2023 with the feature option `baseline`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from identity.errors import ProofInvalidError
from identity.jsonld.context_library import PUBLISHED, ContextLibrary
from identity.selective import bbs_proof, bbs_signature
from identity.selective.bbs_ciphersuite import SHA_256
from identity.selective.bbs_encoding import PUBLIC_KEY_BYTES
from identity.selective.bbs_proof import Randomness
from identity.selective.bbs_signature import SIGNATURE_BYTES, SecretKey
from identity.selective.disclosure import Grouped, disclose, group, proof_hash, recover
from identity.selective.labels import HMAC_KEY_BYTES, shuffled_labels
from identity.selective.proof_value import (
    Kind,
    decode,
    encode,
    read_indexes,
    read_numbers,
    read_octets,
    read_pointers,
)
from identity.selective.statements import Labels, prepare

CRYPTOSUITE: Final = "bbs-2023"

MAX_ORDERED_NODES: Final = 5
"""One key in 120 leaves so many in order."""

MAX_DRAWS: Final = 4096
"""Of keys, before one is taken as it comes: a chance of e^-34 with MAX_ORDERED_NODES."""


@dataclass(frozen=True)
class BaseProof:
    """What the issuer gives the holder."""

    signature: bytes
    header: bytes
    public_key: bytes
    hmac_key: bytes
    mandatory_pointers: tuple[str, ...]

    def encode(self) -> str:
        """The `proofValue`."""
        pointers = list(self.mandatory_pointers)
        return encode(Kind.BBS_BASE, [self.signature, self.header, self.public_key, self.hmac_key, pointers])

    @classmethod
    def decode(cls, value: object) -> Self:
        """Raises ProofUnreadableError, ProofLimitError."""
        signature, header, public_key, hmac_key, pointers = decode(Kind.BBS_BASE, value, 5)
        return cls(
            signature=read_octets(signature, SIGNATURE_BYTES),
            header=read_octets(header, 64),
            public_key=read_octets(public_key, PUBLIC_KEY_BYTES),
            hmac_key=read_octets(hmac_key, HMAC_KEY_BYTES),
            mandatory_pointers=tuple(read_pointers(pointers)),
        )


@dataclass(frozen=True)
class DerivedProof:
    """What the holder gives a verifier."""

    proof: bytes
    labels: Labels
    mandatory: tuple[int, ...]
    shown: tuple[int, ...]
    presentation_header: bytes

    def encode(self) -> str:
        """The `proofValue`."""
        labels = {int(one.removeprefix("c14n")): int(other.removeprefix("b")) for one, other in self.labels.items()}
        return encode(
            Kind.BBS_DERIVED,
            [self.proof, labels, list(self.mandatory), list(self.shown), self.presentation_header],
        )

    @classmethod
    def decode(cls, value: object) -> Self:
        """Raises ProofUnreadableError, ProofLimitError."""
        proof, labels, mandatory, shown, presentation_header = decode(Kind.BBS_DERIVED, value, 5)
        return cls(
            proof=read_octets(proof),
            labels={f"c14n{number}": f"b{place}" for number, place in read_numbers(labels).items()},
            mandatory=tuple(read_indexes(mandatory)),
            shown=tuple(read_indexes(shown)),
            presentation_header=read_octets(presentation_header),
        )


def issue(
    document: Mapping[str, Any],
    options: Mapping[str, Any],
    mandatory_pointers: Sequence[str],
    key: SecretKey,
    *,
    contexts: ContextLibrary = PUBLISHED,
    randomness: Randomness = secrets.token_bytes,
) -> dict[str, Any]:
    """The base proof of a document without a proof; `options` are its members but `proofValue`.

    Raises SelectionError, ProofLimitError, DocumentError's kinds.
    """
    prepared = prepare(document, contexts)
    hmac_key = _draw_hmac_key(tuple(prepared.nodes.values()), randomness)
    grouped = group(prepared.under(shuffled_labels(hmac_key)), mandatory_pointers)
    header = _header(document, options, grouped, contexts)
    proof = BaseProof(
        signature=bbs_signature.sign(SHA_256, key, header, _messages(grouped)),
        header=header,
        public_key=key.public,
        hmac_key=hmac_key,
        mandatory_pointers=tuple(mandatory_pointers),
    )
    return {**options, "proofValue": proof.encode()}


def derive(
    document: Mapping[str, Any],
    proof: Mapping[str, Any],
    selective_pointers: Sequence[str],
    presentation_header: bytes,
    *,
    contexts: ContextLibrary = PUBLISHED,
    randomness: Randomness = secrets.token_bytes,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The part of the document that is mandatory or selected, and its proof, bound to the presentation header.

    The issuer's signature is not verified: a holder who wants to know what was issued derives everything (the pointer
    `""`) and verifies that. Raises SelectionError, ProofUnreadableError, ProofLimitError,
    DocumentError's kinds.
    """
    base = BaseProof.decode(proof.get("proofValue"))
    disclosed = disclose(
        document, shuffled_labels(base.hmac_key), base.mandatory_pointers, selective_pointers, contexts
    )
    derived = DerivedProof(
        proof=bbs_proof.prove(
            SHA_256,
            base.public_key,
            base.signature,
            base.header,
            presentation_header,
            _messages(disclosed.grouped),
            disclosed.shown,
            randomness,
        ),
        labels=disclosed.labels,
        mandatory=disclosed.mandatory,
        shown=disclosed.shown,
        presentation_header=presentation_header,
    )
    return disclosed.document, {**proof, "proofValue": derived.encode()}


def verify(
    document: Mapping[str, Any],
    proof: Mapping[str, Any],
    public_key: bytes,
    *,
    contexts: ContextLibrary = PUBLISHED,
) -> bytes:
    """A derived proof of a document without a proof; returns the presentation header, for the caller to judge.

    Raises ProofInvalidError, ProofUnreadableError, ProofLimitError, KeyUnfitError, DocumentError's kinds.
    """
    derived = DerivedProof.decode(proof.get("proofValue"))
    grouped = recover(document, derived.labels, derived.mandatory, contexts)
    header = _header(document, proof, grouped, contexts)
    if len(grouped.others) != len(derived.shown):
        raise ProofInvalidError(
            f"{len(grouped.others)} statements are not mandatory, and {len(derived.shown)} are signed"
        )
    bbs_proof.verify_proof(
        SHA_256,
        public_key,
        derived.proof,
        header,
        derived.presentation_header,
        _messages(grouped),
        derived.shown,
    )
    return derived.presentation_header


def _draw_hmac_key(nodes: Sequence[str], randomness: Randomness) -> bytes:
    """`nodes` are canonical labels in the order of the document."""
    key = randomness(HMAC_KEY_BYTES)
    if len(nodes) <= MAX_ORDERED_NODES:
        for _ in range(MAX_DRAWS):
            labels = shuffled_labels(key)(nodes)
            if list(nodes) == sorted(nodes, key=labels.__getitem__):
                break
            key = randomness(HMAC_KEY_BYTES)
    return key


def _header(document: Mapping[str, Any], proof: Mapping[str, Any], grouped: Grouped, contexts: ContextLibrary) -> bytes:
    return proof_hash(document, proof, contexts) + grouped.mandatory_hash


def _messages(grouped: Grouped) -> list[bytes]:
    return [statement.encode() for statement in grouped.others]
