"""What a holder shows of a credential that was issued for showing parts of it: under a suite for selective disclosure,
or as an SD-JWT in an envelope.

The issuer's proof is not verified: a holder who wants to know what was issued verifies what was derived.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from identity.data_integrity.proof import proofs_of
from identity.enveloping.envelope import envelop, is_enveloped, token_in
from identity.enveloping.secured import Form
from identity.errors import CheckFailedError, CredentialRefusedError, SelectionError, TokenError
from identity.jsonld.context_library import PUBLISHED, ContextLibrary
from identity.jsonld.document import check_document
from identity.related_resource import POINTER, pinned_contexts
from identity.sd_jwt import credential as sd_jwt
from identity.selective import bbs, ecdsa_sd
from identity.selective.pointers import parse_pointer
from identity.vcdm import CREDENTIAL


def derive_credential(
    credential: Mapping[str, Any],
    pointers: Sequence[str],
    presentation_header: bytes | None = None,
    *,
    contexts: ContextLibrary = PUBLISHED,
) -> dict[str, Any]:
    """The mandatory part of a credential and what the pointers select, under a derived proof; and what it pins, where
    that says which edition of a context it was signed under.

    The presentation header binds a proof by bbs-2023 to one showing: the verifier's, or a random one. Raises
    SelectionError where there is not exactly one proof to derive from, nor an SD-JWT, or for a pointer that leads
    nowhere, and kinds of ProofError and DocumentError.
    """
    check_document(credential)
    if is_enveloped(credential, CREDENTIAL):
        return _shown_of_envelope(credential, pointers)
    document = {name: value for name, value in credential.items() if name != "proof"}
    proof = _base_proof(credential)
    pinned = pinned_contexts(document, contexts)
    if pinned is not contexts:  # nobody could verify it who is not shown under which edition it was signed
        pointers, contexts = [*pointers, POINTER], pinned
    if proof["cryptosuite"] == ecdsa_sd.CRYPTOSUITE:
        shown, derived = ecdsa_sd.derive(document, proof, pointers, contexts=contexts)
    else:
        header = secrets.token_bytes(16) if presentation_header is None else presentation_header
        shown, derived = bbs.derive(document, proof, pointers, header, contexts=contexts)
    return {**shown, "proof": derived}


def _shown_of_envelope(envelope: Mapping[str, Any], pointers: Sequence[str]) -> dict[str, Any]:
    try:
        token, form = token_in(envelope, CREDENTIAL)
        if form is not Form.SD_JWT:
            raise SelectionError(f"a credential in an envelope as vc+{form} is shown whole")
        paths = [tuple(map(_step, parse_pointer(pointer))) for pointer in pointers]
        shown = sd_jwt.present(token.decode(), paths, f"vc+{form}")
    except (TokenError, CredentialRefusedError, UnicodeDecodeError) as error:
        raise SelectionError(str(error)) from error
    return envelop(shown, form, CREDENTIAL)


def _step(token: str) -> str | int:
    return int(token) if token.isascii() and token.isdigit() else token


def _base_proof(credential: Mapping[str, Any]) -> dict[str, Any]:
    try:
        proofs = [proof for proof in proofs_of(credential) if isinstance(proof, dict)]
    except CheckFailedError as error:
        raise SelectionError(f"the credential has no proof to derive from: {error.detail}") from error
    fitting = [proof for proof in proofs if proof.get("cryptosuite") in {ecdsa_sd.CRYPTOSUITE, bbs.CRYPTOSUITE}]
    if len(fitting) != 1:
        raise SelectionError(
            f"the credential has {len(fitting)} proofs by {ecdsa_sd.CRYPTOSUITE} or {bbs.CRYPTOSUITE}, not one"
        )
    return fitting[0]
