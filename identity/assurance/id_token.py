"""ID tokens: what an identity provider says of who logged in (OpenID Connect Core 1.0, sections 2 and 3.1.3.7).

Rules
- python-jose holds the signature, under the one algorithm that the operator named for the provider and a key of that
  kind; every claim is read and checked here, in one way only, under our clock.
- Of everything that it says only one thing is handed on: which login it was.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from jose import jws
from jose.exceptions import JOSEError

from identity.assurance.errors import EvidenceRefusedError
from identity.assurance.provider import Client, Directory
from identity.encoding import base64url
from identity.encoding.strict_json import read_object
from identity.errors import TokenInvalidError, TokenUnreadableError
from identity.jose.lifetime import check_lifetime, seconds

MAX_CHARACTERS: Final = 16 * 1024
MAX_SUBJECT: Final = 255
OLDEST: Final = timedelta(minutes=10)
"""Since it was issued: it is read the moment it comes."""


def check_id_token(token: str, directory: Directory, nonce: str, now: datetime) -> str:
    """The provider's own name (`sub`) for who logged in. Raises EvidenceRefusedError, ProviderUnavailableError."""
    try:
        claims = _signed(token, directory)
        check_lifetime(claims, now, "iat", "exp")
    except (TokenUnreadableError, TokenInvalidError) as error:
        raise EvidenceRefusedError(f"the ID token does not hold: {error}") from error
    _check_parties(claims, directory.client)
    issued, stated, subject = seconds(claims, "iat"), claims.get("nonce"), claims.get("sub")
    if issued is None or now.timestamp() - issued > OLDEST.total_seconds():
        raise EvidenceRefusedError("the ID token was issued too long ago")
    if not (isinstance(stated, str) and hmac.compare_digest(stated.encode(), nonce.encode())):
        raise EvidenceRefusedError("the ID token is of another login (nonce)")
    if not (isinstance(subject, str) and 0 < len(subject) <= MAX_SUBJECT):
        raise EvidenceRefusedError("the ID token does not say who logged in (sub)")
    return subject


def _signed(token: str, directory: Directory) -> Mapping[str, object]:
    """The claims of a token that one of the provider's keys signed."""
    parts = token.split(".")
    if len(token) > MAX_CHARACTERS or len(parts) != 3:
        raise TokenUnreadableError("a signed token is three parts, and not endless")
    header = read_object(base64url.decode(parts[0], "the header"), "the token's header")
    algorithm = directory.client.algorithm
    if header.get("alg") != algorithm or "crit" in header:
        raise EvidenceRefusedError(f"the ID token is not signed as {algorithm}, as was agreed with its provider")
    key = directory.key(header.get("kid"))
    try:
        payload = jws.verify(token, dict(key), [algorithm])
    except (JOSEError, ValueError, TypeError) as error:  # the last two of keys that are none
        raise EvidenceRefusedError("the ID token is not signed by its provider") from error
    return read_object(payload, "the token's claims")


def _check_parties(claims: Mapping[str, object], client: Client) -> None:
    """By this provider, for us, and for nobody besides who could have passed it on."""
    audience, authorised = claims.get("aud"), claims.get("azp", client.client_id)
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != client.issuer:
        raise EvidenceRefusedError("the ID token is by another provider (iss)")
    if client.client_id not in audiences or not all(isinstance(one, str) for one in audiences):
        raise EvidenceRefusedError("the ID token is for somebody else (aud)")
    if authorised != client.client_id or (len(audiences) > 1 and "azp" not in claims):
        raise EvidenceRefusedError("the ID token is for several, and was not asked for by us (azp)")
