"""A claim to be signed unseen, and the signature."""

from __future__ import annotations

import base64
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.schemas.assets import LedgerView, Strict
from cases.claims import Answer
from keys.signer import Algorithm, Signer
from provenance.claim_signer import MAX_CLAIM_BYTES
from provenance.unseen.signing import UnsignedClaim

MAX_ASSERTION_STORE: Final = 4 * 1024 * 1024
"""With its thumbnails; without, some kilobytes."""

MAX_BODY: Final = 2 * (MAX_ASSERTION_STORE + MAX_CLAIM_BYTES)
"""In base64, and room for what is around it."""

C2PA_NAMES: Final = {Algorithm.ES256: "es256", Algorithm.ED25519: "ed25519"}
"""Algorithms as C2PA's tools call them."""

STAMP_BYTES: Final = 10_000
PAD_BYTES: Final = 1000


def _in_base64(size: int) -> int:
    return (size + 2) // 3 * 4


def _bytes(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError("give it in base64, padded") from error
    return text


Base64 = AfterValidator(_bytes)


class ClaimToSign(Strict):
    """What a tool's C2PA library would have signed, and what that hashes."""

    model_config = ConfigDict(hide_input_in_errors=True)

    to_be_signed: Annotated[str, Field(max_length=_in_base64(MAX_CLAIM_BYTES)), Base64]
    """The COSE Sig_structure around the claim, in base64. Its protected header has to name `alg` and `sign_cert` of
    GET /v1/claims/signer, and nothing else.
    """

    assertion_store: Annotated[str, Field(max_length=_in_base64(MAX_ASSERTION_STORE)), Base64]
    """The JUMBF box `c2pa.assertions` of the same manifest, in base64."""

    @property
    def claim(self) -> UnsignedClaim:
        """For the inside."""
        return UnsignedClaim(*map(base64.b64decode, (self.to_be_signed, self.assertion_store)))


class SignerView(BaseModel):
    """What a C2PA library has to know of a signer; the members are those that c2patool asks a signer program for."""

    alg: str
    sign_cert: str
    """PEM, leaf first, the root left out. Its name says that the content was not seen."""

    reserve_size: int
    """Bytes that the signature may take with certificates and time-stamp."""

    key: str

    @classmethod
    def of(cls, signer: Signer) -> Self:
        """The view of the key that signs now."""
        reserve = STAMP_BYTES + PAD_BYTES + len(signer.chain)
        return cls(alg=C2PA_NAMES[signer.algorithm], sign_cert=signer.chain, reserve_size=reserve, key=str(signer.ref))


class SignatureView(BaseModel):
    """A signature over a claim."""

    signature: str
    """Base64: 64 bytes, r‖s or Ed25519's, as COSE has them."""

    time_stamp: str | None
    """Base64 of the token (DER) for `sigTst2`; null where no authority is set."""

    claim_sha256: str
    signed_with: str
    ledger: LedgerView

    @classmethod
    def of(cls, answer: Answer, ledger: LedgerView) -> Self:
        """The view of an answer."""
        said = answer.said
        return cls(
            signature=said.signature,
            time_stamp=said.time_stamp or None,
            claim_sha256=said.claim_sha256,
            signed_with=said.key,
            ledger=ledger,
        )
