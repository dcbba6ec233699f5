"""What wallets read first (OpenID4VCI 1.0, section 12.2; RFC 8414)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from identity.openid4vci.configuration import Configuration
from identity.openid4vci.key_proof import MAX_PROOFS
from identity.openid4vci.token import AUTHORISED, PRE_AUTHORISED

NAME: Final = "Sigillo"


def issuer_metadata(issuer: str, configurations: Iterable[Configuration]) -> dict[str, object]:
    """`/.well-known/openid-credential-issuer`. `issuer` is our URL, without a slash at its end."""
    return {
        "credential_issuer": issuer,
        "credential_endpoint": f"{issuer}/openid4vci/credential",
        "nonce_endpoint": f"{issuer}/openid4vci/nonce",
        "batch_credential_issuance": {"batch_size": MAX_PROOFS},
        "display": [{"name": NAME, "locale": "en"}],
        "credential_configurations_supported": {one.id: one.described() for one in configurations},
    }


def server_metadata(issuer: str, configurations: Iterable[Configuration]) -> dict[str, object]:
    """`/.well-known/oauth-authorization-server`: the issuer is its own. Wallets are public clients, not registered."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/openid4vci/authorize",
        "pushed_authorization_request_endpoint": f"{issuer}/openid4vci/par",
        "token_endpoint": f"{issuer}/openid4vci/token",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [AUTHORISED, PRE_AUTHORISED],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "pre-authorized_grant_anonymous_access_supported": True,
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": [one.id for one in configurations],
    }
