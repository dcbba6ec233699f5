"""The parent's half of signing: the answer to the one question a signing worker may ask.

Rules
- Only the bytes of a COSE Sig_structure are signed (RFC 9052, section 4.4), whatever a worker sends.
- The signature pins the key version whose certificate the worker was given.
- What is raised here reaches the caller unchanged: the sandbox keeps it from c2pa, which would swallow it.
"""

from __future__ import annotations

from typing import Final

from keys.signer import Algorithm, KeyRef, Signer
from provenance.errors import ClaimBytesError

SIG_STRUCTURE: Final = b"\x84\x6aSignature1"
"""A CBOR array of four whose first element is the text `Signature1`."""

MAX_CLAIM_BYTES: Final = 64 * 1024
"""A claim lists its assertions by hash, 100 bytes each; ours take two to three kilobytes."""


class ClaimSigner:
    """Answers for signing jobs, with one version of the claim key."""

    def __init__(self, signer: Signer) -> None:
        """Raises ValueError for a key that is not the claim key."""
        if not signer.chain:
            raise ValueError("claims are signed under a certificate")
        self.signer = signer

    @property
    def ref(self) -> KeyRef:
        return self.signer.ref

    @property
    def algorithm(self) -> Algorithm:
        return self.signer.algorithm

    @property
    def chain(self) -> str:
        """PEM certificates of this key version, leaf first."""
        return self.signer.chain

    def answer(self, question: bytes) -> bytes:
        """The signature over a claim, 64 bytes: r‖s, or Ed25519's. Raises ClaimBytesError, KeyStoreUnavailableError."""
        if len(question) > MAX_CLAIM_BYTES or not question.startswith(SIG_STRUCTURE):
            raise ClaimBytesError("a worker asked for a signature over something that is not a claim")
        return self.signer.sign(question)
