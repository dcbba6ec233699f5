"""Consent texts: what a person agrees to, word for word, and what of their agreement is kept.

Rules
- A text is a file `name@version.language.txt`; what the name stands for is fixed by the digest of its bytes. A text
  that is to say something else is another version.
- What somebody agrees to is one sequence of bytes (`statement`): the text by its digest, everything that they
  chose, and the photos or the fingerprint by theirs. A passkey, or a credential's holder, signs exactly
  these; a platform that attests says it saw them agreed to.
- How it is known is said for what it is: a signature, or a platform's word.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from identity.registration.errors import RegistrationRulesError
from ledger.canonical import canonical
from ledger.entry import POLICY

MAX_TEXTS: Final = 2000
MAX_BYTES: Final = 64 * 1024
_NAME: Final = re.compile(rf"({POLICY.pattern})\.([a-z]{{2}}(?:-[A-Z]{{2}})?)\.txt")
LANGUAGE: Final = "^[a-z]{2}(-[A-Z]{2})?$"


@dataclass(frozen=True)
class ConsentText:
    """One version in one language."""

    name: str
    """And version, such as `face-eea@1`."""

    language: str
    """BCP 47: `en`, `pt-BR`."""

    text: str = field(repr=False)
    digest: str
    """SHA-256 of its UTF-8 bytes, hex."""


class ConsentProof(StrEnum):
    """How it is known that somebody agreed."""

    PASSKEY = "passkey"
    """Their passkey signed the statement."""

    CREDENTIAL = "credential"
    """Its holder showed a credential that this service issued over the statement: of the account's assurance, or of
    the registration. Whoever had it issued said whose key that is."""

    ATTESTED = "attested"
    """A platform says so; nobody here has seen it."""


@dataclass(frozen=True)
class Consent:
    """What came with a registration."""

    text: str
    """Name and version."""

    language: str
    digest: str
    proof: ConsentProof
    signature: str = field(default="", repr=False)
    """The evidence, as `identity.passkeys.signing` or `identity.holder_signing` made it; empty where a platform
    attests."""


def statement(consent: Consent, said: Mapping[str, object]) -> bytes:
    """The bytes that are agreed to: RFC 8785 JSON of the text, and of everything chosen."""
    text = {"name": consent.text, "language": consent.language, "sha256": consent.digest}
    return canonical({"sigillo": "consent/v1", "text": text, **said})


def read_texts(folder: Path) -> dict[tuple[str, str], ConsentText]:
    """By name and language. Raises RegistrationRulesError, OSError."""
    files = sorted(folder.glob("*.txt"))
    if len(files) > MAX_TEXTS:
        raise RegistrationRulesError(f"{folder} has at most {MAX_TEXTS} texts")
    texts = map(_read, files)
    return {(one.name, one.language): one for one in texts}


def _read(file: Path) -> ConsentText:
    named, content = _NAME.fullmatch(file.name), file.read_bytes()
    if named is None:
        raise RegistrationRulesError(f"texts/{file.name}: a text is called name@version.language.txt")
    if not content.strip() or len(content) > MAX_BYTES:
        raise RegistrationRulesError(f"texts/{file.name}: a text has from 1 to {MAX_BYTES} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise RegistrationRulesError(f"texts/{file.name} is not UTF-8") from error
    return ConsentText(named[1], named[2], text, hashlib.sha256(content).hexdigest())
