"""Only claims are signed, and failures of the key store reach the caller as themselves."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import KeyStoreSealedError
from keys.signer import Algorithm, KeyRef
from provenance.claim_signer import MAX_CLAIM_BYTES, SIG_STRUCTURE, ClaimSigner
from provenance.errors import ClaimBytesError

REF = KeyRef("sigillo-claim", 2)
CLAIM = SIG_STRUCTURE + b"\x43abc\x40\x43def"


@dataclass
class RecordingSigner:
    """Signs with a constant and remembers what it signed."""

    signed: list[bytes]
    algorithm: Algorithm = Algorithm.ES256
    chain: str = "PEM"
    ref: KeyRef = REF
    public_key: bytes = b""

    def sign(self, message: bytes) -> bytes:
        self.signed.append(message)
        return b"\1" * 64


def test_a_claim_is_signed_whole() -> None:
    signer = RecordingSigner([])
    claim_signer = ClaimSigner(signer)
    assert claim_signer.answer(CLAIM) == b"\1" * 64
    assert signer.signed == [CLAIM]
    assert (claim_signer.ref, claim_signer.chain) == (REF, "PEM")


@given(st.binary(max_size=200).filter(lambda message: not message.startswith(SIG_STRUCTURE)))
def test_nothing_but_a_claim_is_signed(message: bytes) -> None:
    signer = RecordingSigner([])
    with pytest.raises(ClaimBytesError):
        ClaimSigner(signer).answer(message)
    assert signer.signed == []


def test_a_claim_of_unreasonable_size_is_not_signed() -> None:
    signer = RecordingSigner([])
    with pytest.raises(ClaimBytesError):
        ClaimSigner(signer).answer(SIG_STRUCTURE + bytes(MAX_CLAIM_BYTES))
    assert signer.signed == []


def test_a_sealed_key_store_says_so() -> None:
    class SealedSigner(RecordingSigner):
        def sign(self, message: bytes) -> bytes:
            raise KeyStoreSealedError("unseal it")

    with pytest.raises(KeyStoreSealedError, match="unseal it"):
        ClaimSigner(SealedSigner([])).answer(CLAIM)


def test_the_log_key_signs_no_claims() -> None:
    for algorithm in Algorithm:
        with pytest.raises(ValueError, match="certificate"):
            ClaimSigner(RecordingSigner([], algorithm=algorithm, chain=""))
