"""RFC 3161 time-stamps: what must hold before an authority's answer counts, for a claim or for a checkpoint.

Rules
- An answer is granted, over the SHA-256 of this very message, with our nonce where we sent one, by a certificate for
  time-stamping alone, in force at the moment it names and under a root that we were given.
- What is not so has one of three names: *unreadable*, *invalid* (it is of something else, or does not hold),
  *untrusted* (it may hold, but its authority is under none of those roots). Without roots an answer is only *read*.
- Whether that moment is plausible is for whoever has a clock.

RFC 3161, sections 2.3 and 2.4.2. The library is strict DER: an answer in any other encoding is unreadable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from cryptography import x509
from rfc3161_client import TimeStampResponse, VerificationError, VerifierBuilder, decode_timestamp_response

from keys.errors import TimeStampError, TimeStampInvalidError, TimeStampUnreadableError, TimeStampUntrustedError
from keys.profile import UNREADABLE

_SHA256: Final = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_GRANTED: Final = 0
_NO_ROOT: Final = ("unable to get local issuer", "unable to get issuer", "self-signed certificate")
"""What OpenSSL says of a chain that leads to no root given; anything else is wrong with the answer itself."""


@dataclass(frozen=True)
class TimeStamp:
    """What an authority's answer says."""

    time: datetime
    """In UTC, to the second or finer."""

    token: bytes = field(repr=False)
    """The CMS structure in it, DER."""


def read(response: bytes, message: bytes) -> TimeStamp:
    """An answer (DER, a TimeStampResp) that is about `message`; nobody vouches for it yet.

    Raises TimeStampUnreadableError, TimeStampInvalidError.
    """
    return _read(_decoded(response), message)


def verified(response: bytes, message: bytes, roots: str, nonce: int | None = None) -> TimeStamp:
    """An answer about `message` from an authority under `roots`, PEM.

    Raises TimeStampUnreadableError, TimeStampInvalidError, TimeStampUntrustedError; ValueError for roots that are none.
    """
    authorities = x509.load_pem_x509_certificates(roots.encode())
    answer = _decoded(response)
    found = _read(answer, message)
    try:
        VerifierBuilder(roots=authorities, nonce=nonce).build().verify_message(answer, message)
    except (VerificationError, *UNREADABLE) as error:
        raise _refused(str(error)) from error
    return found


def _decoded(response: bytes) -> TimeStampResponse:
    try:
        return decode_timestamp_response(response)
    except ValueError as error:
        raise TimeStampUnreadableError(f"this is no time-stamp that can be read ({error})") from error


def _read(answer: TimeStampResponse, message: bytes) -> TimeStamp:
    if answer.status != _GRANTED:
        raise TimeStampInvalidError(f"the authority granted nothing (PKIStatus {answer.status})")
    try:
        info, token = answer.tst_info, answer.time_stamp_token()
        imprint, time = info.message_imprint, info.gen_time
    except ValueError as error:
        raise TimeStampUnreadableError(f"this is no time-stamp that can be read ({error})") from error
    if (imprint.hash_algorithm, imprint.message) != (_SHA256, sha256(message).digest()):
        raise TimeStampInvalidError("the time-stamp is of something else: its imprint is not the message's SHA-256")
    return TimeStamp(time, token)


def _refused(said: str) -> TimeStampError:
    if any(words in said for words in _NO_ROOT):
        return TimeStampUntrustedError(f"its authority is under none of the given roots ({said})")
    return TimeStampInvalidError(f"the time-stamp does not hold ({said})")
