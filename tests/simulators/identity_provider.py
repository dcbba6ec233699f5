"""An OpenID provider on this machine: real HTTP, real signatures; says what a test tells it to."""

from __future__ import annotations

import hashlib
import json
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk, jws

from identity.encoding import base64url
from tests.loopback import Quiet, listening

CLIENT: Final = "sigillo test"
SECRET: Final = "a secret: with +& signs"
REDIRECT: Final = "https://platform.example/back"


@dataclass(frozen=True)
class SigningKey:
    """One of the provider's keys, by the name that it publishes it under."""

    name: str
    algorithm: str
    private: Any = field(repr=False)

    @classmethod
    def new(cls, name: str, algorithm: str = "RS256", bits: int = 2048) -> SigningKey:
        rsa_key = algorithm == "RS256"
        private = rsa.generate_private_key(65537, bits) if rsa_key else ec.generate_private_key(ec.SECP256R1())
        return cls(name, algorithm, private)

    @property
    def public(self) -> dict[str, Any]:
        found: dict[str, Any] = jwk.construct(self.private, self.algorithm).public_key().to_dict()
        found = {part: value.decode() if isinstance(value, bytes) else value for part, value in found.items()}
        return {**found, "kid": self.name, "use": "sig"}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        token: str = jws.sign(claims, self.private, {"kid": self.name, **header}, self.algorithm)
        return token


@dataclass
class IdentityProvider:
    """A provider; what it answers is changed by changing it."""

    key: SigningKey
    published: list[dict[str, Any]] = field(default_factory=list)
    """Its keys; its own, when empty."""

    claims: dict[str, Any] = field(default_factory=dict)
    """Instead of, or beside, those that it would say; None leaves one out."""

    header: dict[str, Any] = field(default_factory=dict)
    forge: Any = None
    """From the claims to a token, instead of an honest one."""

    metadata: dict[str, Any] = field(default_factory=dict)
    broken: bool = False
    redirect: str = REDIRECT
    """Where its client said that people are sent back to."""

    now: Any = time.time
    url: str = ""
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def log_in(self, link: str, subject: str) -> str:
        """Somebody follows the platform's link and logs in: the code that they are sent back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(link).query, strict_parsing=True).items()}
        assert query["response_type"] == "code"
        assert query["scope"] == "openid"
        assert (query["client_id"], query["redirect_uri"]) == (CLIENT, self.redirect)
        assert query["code_challenge_method"] == "S256"
        code = f"code+{len(self._codes)}"
        self._codes[code] = {**query, "sub": subject}
        return code

    def answer(self, path: str, body: bytes, authorization: str) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if self.broken:
            return 500, {}
        if path == "/.well-known/openid-configuration":
            places = {"authorization_endpoint": "/authorize?v=1", "token_endpoint": "/token", "jwks_uri": "/jwks"}
            return 200, {"issuer": self.url, **{n: self.url + p for n, p in places.items()}, **self.metadata}
        if path == "/jwks":
            return 200, {"keys": self.published or [self.key.public]}
        return self._token(body, authorization)

    def _token(self, body: bytes, authorization: str) -> tuple[int, dict[str, Any]]:
        name, _, secret = b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote_plus(name), unquote_plus(secret)) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        form = {part: values[0] for part, values in parse_qs(body.decode()).items()}
        login = self._codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "")
        challenge = base64url.encode(hashlib.sha256(verifier.encode()).digest())
        if login is None or login["code_challenge"] != challenge or form["redirect_uri"] != self.redirect:
            return 400, {"error": "invalid_grant"}
        now = int(self.now())
        said = {"iss": self.url, "aud": CLIENT, "sub": login["sub"], "iat": now, "exp": now + 60}
        said |= {"nonce": login["nonce"], "email": "unmistakable@example.org", **self.claims}
        said = {part: value for part, value in said.items() if value is not None}
        token = self.forge(said) if self.forge else self.key.sign(said, **self.header)
        return 200, {"access_token": "dropped", "token_type": "Bearer", "id_token": token}

    @contextmanager
    def running(self) -> Iterator[IdentityProvider]:
        provider = self

        class Handler(Quiet, BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["content-length"])))

            def _answer(self, body: bytes) -> None:
                status, said = provider.answer(self.path, body, self.headers.get("authorization", ""))
                content = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        with listening(Handler) as self.url:
            yield self
