"""What can be checked of an enveloped document without opening what is in it. Each function raises CheckFailedError for
one check, so that a report can name it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from identity.data_integrity.proof import Expected, resolved
from identity.did.methods import BlsKey, Resolver, VerificationMethod, method_of
from identity.enveloping.envelope import open_envelope
from identity.enveloping.secured import AUTHOR, Secured, check_times
from identity.errors import CheckFailedError, DidError, TokenInvalidError, TokenUnreadableError
from identity.legacy.token import read_legacy_jwt
from identity.outcome import Check, Outcome
from identity.vcdm import listed, party


@contextmanager
def _as_check(check: Check) -> Iterator[None]:
    try:
        yield
    except TokenUnreadableError as error:
        raise CheckFailedError(check, str(error), Outcome.UNREADABLE) from error
    except TokenInvalidError as error:
        raise CheckFailedError(error.check, str(error)) from error


def opened(document: Mapping[str, object] | str, kind: str) -> Secured:
    """What is in an envelope, or in a JWT of VCDM 1.1."""
    with _as_check(Check.PROOF):
        return read_legacy_jwt(document, kind) if isinstance(document, str) else open_envelope(document, kind)


def check_time(secured: Secured, now: datetime) -> None:
    """The token's own times; the document has its own."""
    with _as_check(Check.PROOF_TIME):
        check_times(secured, now)


def check_signature(secured: Secured, method: VerificationMethod) -> None:
    """That the method's key signed the token."""
    assert not isinstance(method.key, BlsKey)
    with _as_check(Check.SIGNATURE):
        secured.verify(method.key)


def find_method(secured: Secured, kind: str, resolve: Resolver) -> VerificationMethod:
    """The method that `kid` names: a DID URL, or a fragment of the author's DID; a DID of one key needs none."""
    author, kid = party(secured.document.get(AUTHOR[kind])) or "", secured.kid
    try:
        if kid is None:
            name = method_of(author)
        else:
            name = kid if kid.startswith("did:") else f"{author}#{kid.removeprefix('#')}"
    except DidError as error:
        raise CheckFailedError(Check.METHOD, f"the token names no key (kid): {error}", Outcome.UNREADABLE) from error
    method = resolved(name, resolve)
    if isinstance(method.key, BlsKey):
        raise CheckFailedError(Check.METHOD, "no token is signed by such a key")
    return method


def check_purpose(method: VerificationMethod, expected: Expected) -> None:
    if expected.purpose not in method.purposes:
        raise CheckFailedError(Check.PURPOSE, f"its key may not be used for {expected.purpose!r}")


def check_challenge(secured: Secured, expected: Expected) -> None:
    """`nonce` is the challenge of a token."""
    if expected.challenge is not None and secured.claims.get("nonce") != expected.challenge:
        raise CheckFailedError(Check.CHALLENGE, "it answers another challenge (nonce), or none")
    if expected.header is not None:
        raise CheckFailedError(Check.CHALLENGE, "it has no presentation header")


def check_domain(secured: Secured, expected: Expected) -> None:
    """`aud` is the domain of a token."""
    if expected.domain is not None and expected.domain not in listed(secured.claims.get("aud")):
        raise CheckFailedError(Check.DOMAIN, "it was made for another audience (aud), or none")
