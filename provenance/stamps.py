"""Which time-stamps of a store count: c2pa-rs asks less of them than a time needs to be believed. Runs in the worker.

Rules
- c2pa-rs trusts an authority under any root it was given. One counts here only under a root for time-stamps, by a path
  that holds, with a certificate that is for time-stamping alone and says so critically (RFC 3161, section 2.3).
- A time that has not come yet is a lie, whoever tells it.
- What does not count is as if it were not there: a signature whose certificate has ended by now is then expired. Of a
  signer whom nobody trusts, an authority that nobody knows takes nothing away: the file stays *untrusted*, as other
  readers have it. A time that is a lie does.

C2PA Technical Specification 2.4, "Time-stamps", "Validate the time-stamp".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Self

import rfc3161_client
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.errors import CertificateMismatchError
from keys.path import led_to
from keys.profile import UNREADABLE, extension
from provenance.ancestry import Json, granted, objected, withdrawn
from provenance.codes import SIGNER_EXPIRED, SIGNER_TRUSTED, TIME_STAMP_TRUSTED, TIME_STAMP_UNTRUSTED
from provenance.report import StampStanding
from provenance.signers import Chain, Headers, Signatures, Signers, roots_of

SKEW: Final = timedelta(minutes=5)
"""Clocks differ a little; a time within it may be the present."""

ANSWERS_KEPT: Final = 64
UNREADABLE_STAMP: Final = "its token cannot be read"
_GRANTED: Final = b"\x30\x03\x02\x01\x00"
"""PKIStatusInfo: what stands before a token in an authority's answer."""

_STANDINGS: Final[Mapping[str, StampStanding]] = {
    "timeStamp.mismatch": StampStanding.MISMATCHED,
    "timeStamp.malformed": StampStanding.UNREADABLE,
    "timeStamp.outsideValidity": StampStanding.OUTSIDE_VALIDITY,
    TIME_STAMP_UNTRUSTED: StampStanding.UNTRUSTED,
}
"""By code, the first that was found; c2pa-rs has no code for the others."""


@dataclass(frozen=True)
class Stamps:
    """Those of one manifest store, under one policy, at one moment."""

    answers: Mapping[str, bytes]
    """Of their authorities, DER, by the label of the manifest."""

    roots: Chain = field(repr=False)
    """For time-stamps."""

    now: datetime

    @classmethod
    def of(cls, signatures: Signatures, authorities: str, now: datetime) -> Self:
        """From a store's signatures and the roots (PEM) for time-stamps of a trust policy."""
        return cls({label: _answer(headers) for label, headers in signatures.items()}, roots_of(authorities), now)

    def fault(self, label: str, time: datetime | None) -> str:
        """Why a time-stamp that c2pa-rs trusts does not count; empty where nothing speaks against it."""
        if self.is_to_come(time):
            return f"it says {time}, which has not come yet"
        return _fault(self.answers.get(label, b""), tuple(self.roots))

    def is_to_come(self, time: datetime | None) -> bool:
        """Whether it lies in the future, by more than clocks differ."""
        return time is not None and time > self.now + SKEW


def counted(store: Json, detail: Json, stamps: Stamps, signers: Signers) -> Json:
    """The store (`Reader.json`) without trust in time-stamps that do not count; `detail` is `Reader.crjson`."""
    times = {str(one.get("label")): time_of(one.get("signature") or {}) for one in detail.get("manifests") or ()}
    trusted = granted(store, TIME_STAMP_TRUSTED)
    faults = {label: fault for label in trusted if (fault := stamps.fault(label, times.get(label)))}
    if not faults:
        return store
    store = objected(withdrawn(store, TIME_STAMP_TRUSTED, faults), TIME_STAMP_UNTRUSTED, faults, failed=False)
    believed = granted(store, SIGNER_TRUSTED) | {label for label in faults if stamps.is_to_come(times.get(label))}
    ended = {label: why for label, why in faults.items() if label in believed and _ended(label, signers, stamps)}
    return objected(store, SIGNER_EXPIRED, ended)


def standing(codes: set[str], time: datetime | None, begins: datetime | None, stamps: Stamps) -> StampStanding:
    """What a time-stamp is worth, by the codes about its manifest and the moment its signer's certificate began."""
    if stamps.is_to_come(time):
        return StampStanding.FUTURE
    found = next((standing for code, standing in _STANDINGS.items() if code in codes), None)
    if found is None and time and begins and time < begins:
        return StampStanding.PREMATURE
    return found or (StampStanding.TRUSTED if TIME_STAMP_TRUSTED in codes else StampStanding.UNTRUSTED)


def time_of(signature: Json) -> datetime | None:
    """The moment that a signature's time-stamp names; None where it names none with a zone."""
    info: Mapping[str, Any] = signature.get("timeStampInfo") or {}
    return moment_in(info.get("timestamp"))


def moment_in(said: object) -> datetime | None:
    """A moment as c2pa-rs writes it; None where it is none, or has no zone."""
    try:
        moment = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _ended(label: str, signers: Signers, stamps: Stamps) -> bool:
    certificate = signers.certificate(label)
    return certificate is not None and certificate.not_valid_after_utc.astimezone(UTC) <= stamps.now


def _answer(headers: Headers) -> bytes:
    """What an authority answered; empty where there is nothing that could be it. Of several, the first counts."""
    for name, finished in _CONTAINERS.items():
        for header in headers:
            try:
                value = header[name]["tstTokens"][0]["val"]
            except (IndexError, KeyError, TypeError):
                continue
            return finished(value) if isinstance(value, bytes) else b""
    return b""


def _around(token: bytes) -> bytes:
    """The answer, DER, that a token came in."""
    content = _GRANTED + token
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return b"\x30" + (0x80 | len(length)).to_bytes() + length + content


@lru_cache(maxsize=ANSWERS_KEPT)
def _fault(answer: bytes, roots: Chain) -> str:
    try:
        chain = _chain(answer)
        _require_sole_purpose(chain[0])
        led_to(chain, roots, frozenset({ExtendedKeyUsageOID.TIME_STAMPING}))
    except CertificateMismatchError as error:
        return str(error)
    except (LookupError, *UNREADABLE):
        return UNREADABLE_STAMP
    return ""


def certificates_of(answer: bytes) -> Chain:
    """Those that an authority's answer carries. Raises what UNREADABLE lists."""
    data = rfc3161_client.decode_timestamp_response(answer).signed_data
    return [x509.load_der_x509_certificate(bytes(one)) for one in data.certificates]


def _chain(answer: bytes) -> Chain:
    """The signer's certificate, then those above it. Raises LookupError, and what UNREADABLE lists."""
    certificates = certificates_of(answer)
    (signer,) = rfc3161_client.decode_timestamp_response(answer).signed_data.signer_infos
    chain = [
        next(one for one in certificates if (one.serial_number, one.issuer) == (signer.serial_number, signer.issuer))
    ]
    while above := [one for one in certificates if one.subject == chain[-1].issuer and one not in chain]:
        chain.append(above[0])
    return chain


def _require_sole_purpose(authority: x509.Certificate) -> None:
    usage = extension(authority, x509.ExtendedKeyUsage)
    if usage is None or not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise CertificateMismatchError("its authority's certificate is not for time-stamping alone")


_CONTAINERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {"sigTst2": _around, "sigTst": bytes}
"""Headers of claims, and how what they hold becomes an answer: of C2PA 2.x a token, of 1.x an answer already."""
