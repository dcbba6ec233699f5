"""Identity providers (OpenID Connect): where they are, and which keys they sign with.

Rules
- A provider is named by the operator, with the one algorithm that it signs with. What it says of itself (discovery)
  must name the same issuer, and endpoints of the same kind of address.
- Keys are asked for again when a token names one that is not among them, and not more often than every half minute: who
  sends forged tokens makes us fetch no more.
- One that failed is left alone for some seconds. Nothing is fetched here; the callables given do that
  (`api.outside.fetching`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from identity.assurance.errors import EvidenceRefusedError, ProviderUnavailableError
from identity.assurance.tier import EvidenceKind
from identity.encoding import base64url
from identity.encoding.strict_json import read_object
from identity.errors import TokenUnreadableError
from keys.clock import Clock

DISCOVERY: Final = "/.well-known/openid-configuration"
ENDPOINTS_KEPT: Final = timedelta(hours=1)
KEYS_KEPT: Final = timedelta(minutes=10)
KEYS_AGAIN: Final = timedelta(seconds=30)
REST: Final = timedelta(seconds=10)
"""After a failure: whoever asks meanwhile does not wait for the next."""

MIN_RSA_BITS: Final = 2048
MAX_KEYS: Final = 64

Fetch = Callable[[str], bytes]
"""The JSON at a URL. Raises ProviderUnavailableError."""

KINDS: Final[Mapping[str, tuple[str, str]]] = {"RS256": ("RSA", ""), "ES256": ("EC", "P-256")}
"""By algorithm, the kind of key and its curve."""


@dataclass(frozen=True)
class Client:
    """Ourselves, as one provider knows us."""

    name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    """Empty for a public client, whose code is held by PKCE alone."""

    redirect_uri: str
    """The platform's page, to which the provider sends the person back."""

    evidence: EvidenceKind
    algorithm: str


@dataclass(frozen=True)
class Endpoints:
    """Where a provider does what."""

    authorization: str
    token: str
    jwks: str


@dataclass
class Directory:
    """What is known of one provider. Safe to use from many threads."""

    client: Client
    fetch: Fetch
    clock: Clock
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    # Under the lock.
    _endpoints: tuple[datetime, Endpoints] | None = field(default=None, init=False)
    _keys: tuple[datetime, list[Mapping[str, Any]]] | None = field(default=None, init=False)
    _failed: datetime | None = field(default=None, init=False)

    def endpoints(self) -> Endpoints:
        """Raises ProviderUnavailableError."""
        now = self.clock()
        with self._lock:
            if self._endpoints is None or now - self._endpoints[0] >= ENDPOINTS_KEPT:
                self._endpoints = now, self._discover()
            return self._endpoints[1]

    def key(self, name: object) -> Mapping[str, Any]:
        """The JWK that a token names by its `kid`; without one, the only key there is.

        Raises EvidenceRefusedError for one that the provider does not have, ProviderUnavailableError.
        """
        where, now = self.endpoints().jwks, self.clock()
        with self._lock:
            if self._keys is None or now - self._keys[0] >= KEYS_KEPT:
                self._keys = now, self._published(where)
            found = _named(self._keys[1], name)
            if not found and now - self._keys[0] >= KEYS_AGAIN:
                self._keys = now, self._published(where)
                found = _named(self._keys[1], name)
        if len(found) != 1:
            raise EvidenceRefusedError("the ID token is not signed by a key that its provider publishes")
        return found[0]

    def _discover(self) -> Endpoints:
        issuer = self.client.issuer
        said = self._read(issuer.rstrip("/") + DISCOVERY)
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        places = [str(said.get(name, "")) for name in names]
        scheme = urlsplit(issuer).scheme
        if said.get("issuer") != issuer or not all(place.startswith(f"{scheme}://") for place in places):
            raise ProviderUnavailableError(f"{self.client.name} describes itself otherwise than it is named here")
        return Endpoints(*places)

    def _published(self, where: str) -> list[Mapping[str, Any]]:
        listed = self._read(where).get("keys")
        if not isinstance(listed, list) or len(listed) > MAX_KEYS:
            raise ProviderUnavailableError(f"{self.client.name} publishes no list of keys that can be read")
        return [key for key in listed if isinstance(key, dict) and _signs(key, self.client.algorithm)]

    def _read(self, url: str) -> dict[str, object]:
        now = self.clock()
        if self._failed is not None and now - self._failed < REST:
            raise ProviderUnavailableError(f"{self.client.name} failed a moment ago and is left alone for some seconds")
        self._failed = now
        try:
            said = read_object(self.fetch(url), "what the provider says")
        except TokenUnreadableError as error:
            raise ProviderUnavailableError(f"{self.client.name}: {error}") from error
        self._failed = None
        return said


def _named(keys: list[Mapping[str, Any]], name: object) -> list[Mapping[str, Any]]:
    return [key for key in keys if name is None or key.get("kid") == name]


def _signs(key: Mapping[str, Any], algorithm: str) -> bool:
    """Whether it is a public key for this algorithm, of a size that holds."""
    kind, curve = KINDS[algorithm]
    fits = key.get("kty") == kind and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
    if not fits or "d" in key:
        return False
    return key.get("crv") == curve if curve else _bits(key.get("n")) >= MIN_RSA_BITS


def _bits(modulus: object) -> int:
    try:
        return int.from_bytes(base64url.decode(modulus, "n")).bit_length() if isinstance(modulus, str) else 0
    except TokenUnreadableError:
        return 0
