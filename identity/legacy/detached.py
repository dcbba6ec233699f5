"""The same proofs by a did:web, whose key didkit would have to fetch and may not: verified here under the key that was
resolved. A test holds this against didkit's own proofs.

What is signed is what Data Integrity signs, the hashes of the proof and of the document in canonical form, as the
payload of a detached JWS (RFC 7797: `b64` is false).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from identity.data_integrity.cryptosuite import SUITES, hash_data, scheme_of
from identity.did.methods import BlsKey, VerificationKey
from identity.encoding import base64url
from identity.encoding.strict_json import read_object
from identity.errors import CheckFailedError, TokenInvalidError, TokenUnreadableError
from identity.jose.jwk import PublicKey
from identity.jose.jws import SCHEMES
from identity.jose.signature import P384, verify
from identity.jsonld.context_library import ContextLibrary
from identity.outcome import Check, Outcome

RDFC: Final = SUITES["eddsa-rdfc-2022"]
"""How both parts are brought into canonical form; the key decides the hash, as it does there."""


def check_detached(
    document: Mapping[str, object], proof: Mapping[str, object], key: VerificationKey, contexts: ContextLibrary
) -> None:
    """Of a proof that `LegacySuite.read` has read. Raises CheckFailedError, DocumentError's kinds."""
    if isinstance(key, BlsKey) or scheme_of(key) is P384:
        raise CheckFailedError(
            Check.SIGNATURE, "such proofs by P-384 are verified of a did:key or did:jwk alone", Outcome.UNREADABLE
        )
    head, signature = _read(str(proof["jws"]), key)
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    configuration = {name: value for name, value in proof.items() if name != "jws"}
    signed = head.encode() + b"." + hash_data(unsecured, configuration, RDFC, key, contexts)
    try:
        verify(scheme_of(key), key, signature, signed)
    except TokenInvalidError as error:
        raise CheckFailedError(Check.SIGNATURE, "it is not of this document by this key") from error


def _read(jws: str, key: PublicKey) -> tuple[str, bytes]:
    """The header as it stands, one that names the key's algorithm, and the signature. Raises CheckFailedError."""
    head, _, tail = jws.partition("..")
    try:
        header = read_object(base64url.decode(head, "its header"), "its header")
        signature = base64url.decode(tail, "its signature")
    except TokenUnreadableError as error:
        raise CheckFailedError(Check.SIGNATURE, str(error), Outcome.UNREADABLE) from error
    algorithm = str(header.get("alg"))
    if header != {"alg": algorithm, "b64": False, "crit": ["b64"]}:
        raise CheckFailedError(Check.SIGNATURE, "its header is not that of a detached JWS", Outcome.UNREADABLE)
    if algorithm not in SCHEMES or SCHEMES[algorithm] is not scheme_of(key):
        raise CheckFailedError(Check.SIGNATURE, "its algorithm is not that of the key")
    return head, signature
