"""What a request to a verifier or a holder says: JSON by strangers, read once (W3C CCG VC-API, sections 3.3 and 3.5).

Options that are not known here are passed over, as VC-API has it; those that are known have their form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from detection.job_error import JobError
from identity.encoding import multibase
from identity.encoding.strict_json import read_object
from identity.errors import IdentityError, TokenUnreadableError
from identity.selective.pointers import MAX_POINTERS

MAX_BODY: Final = 1024 * 1024
"""Bytes of a request: the largest document that is taken, with its whitespace."""

MAX_ISSUERS: Final = 64

MAX_CHECKS: Final = 16

CREDENTIAL: Final = "verifiableCredential"
PRESENTATION: Final = "verifiablePresentation"


@dataclass(eq=False)
class RequestUnreadableError(IdentityError, JobError):
    """The request is not of VC-API's form."""

    code: ClassVar[str] = "vc-api-request"
    sentence: ClassVar[str] = "{reason}"
    reason: str


@dataclass(frozen=True)
class Asked:
    """One request."""

    document: Mapping[str, object] | str
    """A text is a JWT of VCDM 1.1."""

    challenge: str | None = None
    domain: str | None = None
    header: bytes | None = None
    """The presentation header of proofs by bbs-2023."""

    issuers: frozenset[str] = frozenset()
    """DIDs that whoever asks believes besides."""

    pointers: tuple[str, ...] = ()
    """What to show besides what is mandatory."""

    proof_alone: bool = False
    """VC-API's `checks: ["proof"]`: whose the key is, whoever asks sees to."""


def read_request(body: bytes, member: str) -> Asked:
    """A request about the document in that member. Raises RequestUnreadableError."""
    try:
        request = read_object(body, "the body")
    except TokenUnreadableError as error:
        raise RequestUnreadableError(str(error)) from error
    document, options = request.get(member), request.get("options", {})
    if not isinstance(document, dict | str):
        raise RequestUnreadableError(f"send the document as the object {member!r}, or a JWT of VCDM 1.1 as a string")
    if not isinstance(options, dict):
        raise RequestUnreadableError("'options' is an object")
    return Asked(
        document=document,
        challenge=_text(options, "challenge"),
        domain=_text(options, "domain"),
        header=_octets(options, "presentationHeader"),
        issuers=frozenset(_texts(options, "issuers", MAX_ISSUERS)),
        pointers=_texts(options, "selectivePointers", MAX_POINTERS),
        proof_alone=_texts(options, "checks", MAX_CHECKS) == ("proof",),
    )


def _text(options: Mapping[str, object], name: str) -> str | None:
    value = options.get(name)
    if value is not None and not isinstance(value, str):
        raise RequestUnreadableError(f"options.{name} is a string")
    return value


def _texts(options: Mapping[str, object], name: str, most: int) -> tuple[str, ...]:
    value = options.get(name, [])
    texts = [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(texts) < len(value) or len(texts) > most:
        raise RequestUnreadableError(f"options.{name} is a list of at most {most} strings")
    return tuple(texts)


def _octets(options: Mapping[str, object], name: str) -> bytes | None:
    text = _text(options, name)
    try:
        return None if text is None else multibase.decode(text if text.startswith("u") else "")
    except ValueError as error:
        raise RequestUnreadableError(f"options.{name} is base64url behind a 'u'") from error
