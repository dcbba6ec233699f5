"""What a wallet is told when it is refused: the codes of OAuth 2.0 and of OpenID4VCI, which its software acts on."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """By the names that go over the wire."""

    # RFC 6749, sections 4.1.2.1 and 5.2
    INVALID_REQUEST = "invalid_request"
    INVALID_GRANT = "invalid_grant"
    INVALID_SCOPE = "invalid_scope"
    UNSUPPORTED_GRANT = "unsupported_grant_type"
    UNSUPPORTED_RESPONSE = "unsupported_response_type"

    # RFC 6750, section 3.1
    INVALID_TOKEN = "invalid_token"  # noqa: S105 -- the name of an error

    # OpenID4VCI 1.0, section 8.3.1
    INVALID_CREDENTIAL_REQUEST = "invalid_credential_request"
    UNKNOWN_CONFIGURATION = "unknown_credential_configuration"
    UNKNOWN_IDENTIFIER = "unknown_credential_identifier"
    INVALID_PROOF = "invalid_proof"
    INVALID_NONCE = "invalid_nonce"
    INVALID_ENCRYPTION = "invalid_encryption_parameters"
    DENIED = "credential_request_denied"
