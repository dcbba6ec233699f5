"""Showing a credential to one verifier, now.

Rules
- What is bound to a key of the holder's is shown with a proof of that key, over the verifier's own words.
- What is bound to none is handed over as it is: a signature of the holder's would only tell who they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from identity.data_integrity.signing import ProofOptions, add_proof
from identity.did.methods import VerificationMethod, method_of, resolve
from identity.enveloping.checks import opened
from identity.enveloping.envelope import is_enveloped
from identity.errors import CredentialRefusedError, DidError, HolderKeyUnknownError
from identity.holding.wallet import Wallet
from identity.jose.jwk import read_jwk
from identity.jose.jws import read_jws
from identity.jsonld.context_library import CREDENTIALS_V2, PUBLISHED, ContextLibrary
from identity.sd_jwt import credential as sd_jwt
from identity.sd_jwt.disclosure import Path
from identity.sd_jwt.key_binding import Binding
from identity.vcdm import CREDENTIAL

SUITE: Final = "ecdsa-rdfc-2019"
"""Of a presentation's proof."""


def present_token(
    credential: str, shown: Collection[Path], wallet: Wallet, binding: Binding | None, now: datetime
) -> str:
    """An SD-JWT with these claims and no others, and the proof of the key that it is bound to, if it is to one.

    Raises TokenUnreadableError, TokenInvalidError, CredentialRefusedError, HolderKeyUnknownError.
    """
    presentation = sd_jwt.present(credential, shown)
    confirmation = read_jws(credential.partition("~")[0], sd_jwt.TYPE).payload.get("cnf")
    if confirmation is None:
        return presentation
    if binding is None:
        raise CredentialRefusedError("the credential is bound to a key: say to whom it is shown, and their nonce")
    jwk = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    return sd_jwt.bind(presentation, wallet.key_of(read_jwk(jwk)), binding, now)


def present_document(
    credential: Mapping[str, Any],
    wallet: Wallet,
    challenge: str,
    domain: str,
    now: datetime,
    contexts: ContextLibrary = PUBLISHED,
) -> dict[str, object]:
    """A credential whose subject is a key of the wallet's, in a presentation that this key signs.

    Raises HolderKeyUnknownError, DocumentError's kinds, CheckFailedError.
    """
    method = _subject(credential)
    key = wallet.key_of(method.key)
    presentation = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": method.controller,
        "verifiableCredential": [credential],
    }
    options = ProofOptions(SUITE, "authentication", now, challenge=challenge, domain=domain)
    return add_proof(presentation, options, method, key.sign, contexts)


def _subject(credential: Mapping[str, Any]) -> VerificationMethod:
    """The key that a credential is about, in whatever envelope. Raises HolderKeyUnknownError, CheckFailedError."""
    said = opened(credential, CREDENTIAL).document if is_enveloped(credential, CREDENTIAL) else credential
    subject = said.get("credentialSubject")
    did = subject.get("id") if isinstance(subject, dict) else None
    try:
        if isinstance(did, str):
            return resolve(method_of(did))
    except DidError as error:
        raise HolderKeyUnknownError(f"the credential is about {did}, which is no key of this wallet") from error
    raise HolderKeyUnknownError("the credential is bound to no key: hand it over as it is, or what you derive from it")
