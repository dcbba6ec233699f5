"""What a wallet is sent: one request, in a link that says all of it, or in one that says where the signed one is.

Rules
- Nonce, state, address of the answer and the key it is encrypted to are of one session, and never used again.
- The verifier is known by the address that the answer goes to (`redirect_uri:`, which cannot be signed), or by our DID
  (`decentralized_identifier:`, which is always signed). What a wallet binds its answer to is the whole name.

OpenID4VP 1.0, sections 5 and 8; RFC 9101.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol, Self
from urllib.parse import quote, urlencode

from identity.did.methods import VerificationMethod
from identity.encoding import base64url
from identity.encoding.strict_json import write_json
from identity.jose.jwe import CIPHERS, DecryptionKey
from identity.jose.jws import JwsSigner, sign_jws
from identity.mdoc.device_signature import transcript
from identity.openid4vp.documents import Question
from keys.clock import Entropy

TYPE: Final = "oauth-authz-req+jwt"
MIME: Final = "application/oauth-authz-req+jwt"
AUDIENCE: Final = "https://self-issued.me/v2"
"""Of a request that any wallet may take up (section 5.8)."""

RANDOM_BYTES: Final = 32
"""Of a nonce and of a state."""


PLAIN: Final = ":/,@"
"""What a query holds as it is (RFC 3986, section 3.4): a link that says a whole request has to fit into a QR code."""


class Scheme(StrEnum):
    """Which wallets a link opens."""

    OPENID4VP = "openid4vp"
    HAIP = "haip-vp"
    """Those of the high assurance profile."""

    AGE = "av"
    """Those of the EU proof of age."""


class RequestSigner(JwsSigner, Protocol):
    """Signs requests: a key of the deployment's DID."""

    @property
    def method(self) -> VerificationMethod:
        """By which wallets find the key."""


@dataclass(frozen=True)
class Request:
    """What one wallet is asked, once."""

    question: Question
    response_uri: str
    nonce: str
    state: str
    key: DecryptionKey | None = field(repr=False)
    """The answer is encrypted to it; None where it comes as it is."""

    did: str = ""
    """Under which it is signed; empty where it is not."""

    @classmethod
    def draw(cls, question: Question, response_uri: str, entropy: Entropy, *, encrypted: bool, did: str = "") -> Self:
        """A new one."""
        nonce, state = (base64url.encode(entropy(RANDOM_BYTES)) for _ in range(2))
        return cls(question, response_uri, nonce, state, DecryptionKey.draw(entropy) if encrypted else None, did)

    @property
    def client_id(self) -> str:
        """Who asks, as wallets bind their answers to it."""
        return f"decentralized_identifier:{self.did}" if self.did else f"redirect_uri:{self.response_uri}"

    @property
    def transcript(self) -> bytes:
        """What the device signs that holds a mobile document, CBOR."""
        return transcript(self.client_id, self.nonce, self.response_uri, self.key.thumbprint if self.key else None)

    def parameters(self) -> dict[str, Any]:
        """The authorisation request."""
        metadata: dict[str, Any] = {"vp_formats_supported": self.question.formats()}
        if self.key:
            metadata |= {"jwks": {"keys": [self.key.jwk]}, "encrypted_response_enc_values_supported": list(CIPHERS)}
        return {
            "client_id": self.client_id,
            "response_type": "vp_token",
            "response_mode": "direct_post.jwt" if self.key else "direct_post",
            "response_uri": self.response_uri,
            "nonce": self.nonce,
            "state": self.state,
            "dcql_query": self.question.dcql(),
            "client_metadata": metadata,
        }

    def link(self, scheme: Scheme, request_uri: str) -> str:
        """What a wallet opens. `request_uri` is where the signed request is; of one that is not signed, nowhere."""
        if self.did:
            return _link(scheme, {"client_id": self.client_id, "request_uri": request_uri})
        return _link(scheme, self.parameters())

    def signed(self, signer: RequestSigner, now: datetime, life: timedelta) -> str:
        """The request object. Raises what the signer raises."""
        issued = int(now.timestamp())
        times = {"aud": AUDIENCE, "iat": issued, "exp": issued + int(life.total_seconds())}
        return sign_jws(signer, {"typ": TYPE, "kid": signer.method.id}, {**self.parameters(), **times})


def _link(scheme: Scheme, parameters: dict[str, Any]) -> str:
    texts = {name: one if isinstance(one, str) else write_json(one) for name, one in parameters.items()}
    return f"{scheme}://?{urlencode(texts, safe=PLAIN, quote_via=quote)}"
