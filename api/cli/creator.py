"""A creator's own key beside the platform's: what `sigillo sign --creator-key` signs here, before anything is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from api.cli.output import Exit, fail
from provenance.creator import CreatorKeyError, CreatorStatement, sign_statement


@dataclass(frozen=True)
class Creator:
    """Who signs, and with which key."""

    name: str
    private: object
    chain: Sequence[x509.Certificate]

    @classmethod
    def of(cls, key: Path, certificate: Path | None, name: str) -> Self:
        """From PEM files; what cannot be used ends the command with a line."""
        if not name:
            raise fail("say who you are with --creator-name", Exit.USAGE)
        try:
            private = load_pem_private_key(key.read_bytes(), None)
            chain = x509.load_pem_x509_certificates(certificate.read_bytes()) if certificate else []
        except TypeError as error:
            raise fail(f"{key}: give a key without a passphrase", Exit.USAGE) from error
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            said = getattr(error, "strerror", None) or "not readable as PEM"
            raise fail(f"{key}{f' or {certificate}' if certificate else ''}: {said}", Exit.USAGE) from error
        return cls(name, private, chain)

    def cosigned(self, file: Path, claim: dict[str, Any]) -> dict[str, Any]:
        """The claim with what this creator signs of the file."""
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        statement = CreatorStatement(self.name, digest, *_stated(claim))
        try:
            signed = sign_statement(self.private, statement, self.chain)
        except CreatorKeyError as error:
            raise fail(str(error), Exit.USAGE) from error
        return {**claim, "creator_signature": asdict(signed)}


def _stated(claim: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """Title and source types as the manifest will have them; what is no such type the server tells."""
    from api.schemas.assets import UNTITLED, source_type  # late: half of the service, which hardly any command needs

    actions = claim.get("actions")
    named = [one.get("source_type") for one in actions if isinstance(one, dict)] if isinstance(actions, list) else []
    try:
        types = tuple(sorted({str(source_type(str(one))) for one in named if one}))
    except ValueError as error:
        raise fail(f"--claim: {error}", Exit.USAGE) from error
    return claim.get("title", UNTITLED), types
