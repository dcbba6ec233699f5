"""Signing a claim whose content is not seen, in the parent: a worker takes it apart, this process answers for the key.

Rules
- What is signed is the very bytes that were taken apart, under the key whose certificate says that nothing was seen.
- Nothing that was sent is parsed here; the digest of the claim is made here.
- A time-stamp is asked for as of our own claims, and a worker verifies it; its token goes back to the tool, which has
  the file.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from detection.errors import WorkerProtocolError
from detection.memfd import Memfd
from detection.shares import Workers
from keys.signer import KeyRef, Signer
from provenance.claim_signer import ClaimSigner
from provenance.time_stamps import Answer, TimeStamps
from provenance.unseen.found import FoundClaim, parse_found


@dataclass(frozen=True)
class UnsignedClaim:
    """What a tool sends."""

    to_sign: bytes
    """A COSE Sig_structure around the claim."""

    assertion_store: bytes
    """The JUMBF box `c2pa.assertions`."""


@dataclass(frozen=True)
class Stamp:
    """A time-stamp over the signature."""

    token: bytes
    """DER, for `sigTst2`."""

    time: datetime


@dataclass(frozen=True)
class SignedClaim:
    """What goes back."""

    found: FoundClaim
    claim_sha256: str
    signature: bytes
    """64 bytes: r‖s, or Ed25519's."""

    key: KeyRef
    stamp: Stamp | None


def sign_claim(
    workers: Workers,
    signer: Signer,
    claim: UnsignedClaim,
    check: Callable[[FoundClaim], None],
    time_stamps: TimeStamps | None,
    roots: str,
) -> SignedClaim:
    """Sign it once `check` lets what was found of it pass. `roots` (PEM) are the time-stamp authorities'.

    Raises ClaimInvalidError, what `check` raises, KeyStoreUnavailableError, TimeStampUnavailableError, and what
    `Sandbox.run` raises.
    """
    claim_signer = ClaimSigner(signer)
    found = _taken_apart(workers, claim_signer, claim)
    check(found)
    if found.claim_bytes >= len(claim.to_sign):
        raise WorkerProtocolError("a worker names a claim that is not among the bytes to be signed")
    digest = hashlib.sha256(claim.to_sign[-found.claim_bytes :]).hexdigest()
    signature = claim_signer.answer(claim.to_sign)
    stamp = _stamped(workers, _countersigned(found, signature), time_stamps, roots) if time_stamps else None
    return SignedClaim(found, digest, signature, claim_signer.ref, stamp)


def certificates(signer: Signer) -> list[bytes]:
    """Its chain as DER, leaf first."""
    chain = x509.load_pem_x509_certificates(signer.chain.encode())
    return [certificate.public_bytes(Encoding.DER) for certificate in chain]


def _taken_apart(workers: Workers, signer: ClaimSigner, claim: UnsignedClaim) -> FoundClaim:
    chain = [base64.b64encode(one).decode() for one in certificates(signer.signer)]
    args = {"algorithm": signer.algorithm, "chain": chain}
    with (
        Memfd.of([claim.to_sign]) as to_sign,
        Memfd.of([claim.assertion_store]) as store,
        workers.run("claim", args, (to_sign, store)) as reply,
    ):
        return parse_found(reply.result.get("claim"))


def _countersigned(found: FoundClaim, signature: bytes) -> bytes:
    """What a time-stamp is over (`provenance.stamping`)."""
    return cbor2.dumps(["CounterSignature", bytes.fromhex(found.protected), b"", cbor2.dumps(signature)])


def _stamped(workers: Workers, message: bytes, time_stamps: TimeStamps, roots: str) -> Stamp | None:
    def judged(answer: Answer) -> Stamp:
        args = {
            "message": base64.b64encode(message).decode(),
            "response": base64.b64encode(answer.response).decode(),
            "nonce": str(answer.nonce),
            "roots": roots,
        }
        with workers.run("judge", args, begun=True) as reply:
            return _stamp(reply.result)

    return time_stamps.obtain(message, judged)


def _stamp(result: object) -> Stamp:
    match result:
        case {"time": str(time), "token": str(token)}:
            try:
                return Stamp(base64.b64decode(token, validate=True), datetime.fromisoformat(time))
            except ValueError as error:
                raise WorkerProtocolError("a worker that judges a time-stamp names token and moment") from error
    raise WorkerProtocolError("a worker that judges a time-stamp names token and moment")
