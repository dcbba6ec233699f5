"""The JSON-LD contexts we know, as published. No other is loaded and none is fetched.

Each file is pinned by the SHA-256 of its bytes, which the specifications print (VCDM 2.0 §B.1, VC Data Integrity 1.0
§2.4.2). PyLD keeps what it made of a context, in a cache that is not safe between threads: each
thread has its own here, and a processed context is never seen by two.

Of some we know earlier editions besides, for documents that pin one. A library has one edition of each in force, and
its own caches: nothing that was made of one edition is ever used with another.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final, Self

from cachetools import LRUCache
from pyld import ContextResolver

from identity.errors import UnknownContextError

CREDENTIALS_V2: Final = "https://www.w3.org/ns/credentials/v2"
CREDENTIALS_V1: Final = "https://www.w3.org/2018/credentials/v1"
DATA_INTEGRITY_V2: Final = "https://w3id.org/security/data-integrity/v2"
ED25519_2020_V1: Final = "https://w3id.org/security/suites/ed25519-2020/v1"
JWS_2020_V1: Final = "https://w3id.org/security/suites/jws-2020/v1"
"""Of proofs from before Data Integrity (`identity.legacy`)."""

PINNED: Final = {
    CREDENTIALS_V2: (
        "credentials-v2.jsonld",
        "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    ),
    CREDENTIALS_V1: (
        "credentials-v1.jsonld",
        "ab4ddd9a531758807a79a5b450510d61ae8d147eab966cc9a200c07095b0cdcc",
    ),
    DATA_INTEGRITY_V2: (
        "data-integrity-v2.jsonld",
        "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4",
    ),
    ED25519_2020_V1: (
        "ed25519-2020-v1.jsonld",
        "b9e1ab971fd8bf2c7553e0c4a9438e0b9450afde1ea1ca5b2492368b9f549588",
    ),
    JWS_2020_V1: (
        "jws-2020-v1.jsonld",
        "1e9dda2334eb0cdae498f09c974006d9fa11eab3182262f9883c5d519ac25782",
    ),
}
"""URL → file under `identity/jsonld/contexts` and its SHA-256."""

EARLIER: Final = {
    CREDENTIALS_V2: (
        (
            "credentials-v2-2024-12-19.jsonld",
            "24a18c90e9856d526111f29376e302d970b2bd10182e33959995b0207d7043b9",
        ),
    ),
}
"""URL → editions that were published there before, as above. That of VCDM 2.0 is from July 2024 to February 2025 in
w3c/vc-data-model (contexts/credentials/v2 at ccbe4605); the Candidate Recommendation of 19 December 2024 prints its
digest (§B.1).
"""

CACHED_CONTEXTS: Final = 64
"""A thread keeps as many, those written out in documents included; the least used goes first."""

CACHED_SCOPES: Final = 256
"""A thread keeps as many contexts of single types and terms, as they came out where they were used."""


class ContextLibrary:
    """Contexts by URL. Immutable; may be used from any thread."""

    def __init__(self, documents: Mapping[str, bytes], others: Mapping[str, tuple[bytes, ...]] | None = None) -> None:
        """Those in force, and further editions of some of them."""
        self._documents: Final = dict(documents)
        self._others: Final = dict(others or {})
        self._of_thread: Final = threading.local()
        self._made: Final = dict[frozenset[tuple[str, bytes]], ContextLibrary]()

    @classmethod
    def published(cls) -> Self:
        """Those in this package. Raises UnknownContextError when a file is not the one that was published."""
        earlier = {url: tuple(_file(url, *each) for each in editions) for url, editions in EARLIER.items()}
        return cls({url: _file(url, *pinned) for url, pinned in PINNED.items()}, earlier)

    def including(self, documents: Mapping[str, bytes]) -> ContextLibrary:
        """A library with these besides."""
        return ContextLibrary({**self._documents, **documents}, self._others)

    def editions(self, url: str) -> tuple[bytes, ...]:
        """All that are known of a context, first the one in force; none of one that is not known."""
        if url not in self._documents:
            return ()
        return tuple(dict.fromkeys((self._documents[url], *self._others.get(url, ()))))

    def at(self, editions: Mapping[str, bytes]) -> ContextLibrary:
        """A library in which these editions, by their URLs, are in force: one for the same, as its caches are kept."""
        others = frozenset((url, content) for url, content in editions.items() if self._documents[url] != content)
        if not others:
            return self
        if others not in self._made:
            known = {url: self.editions(url) for url, _ in others}
            made = ContextLibrary({**self._documents, **dict(others)}, {**self._others, **known})
            self._made.setdefault(others, made)  # two threads may make it at once: the first is kept
        return self._made[others]

    def __contains__(self, url: object) -> bool:
        return url in self._documents

    def __getitem__(self, url: str) -> bytes:
        """A context as published. Raises UnknownContextError."""
        if url not in self._documents:
            raise UnknownContextError(f"the context {url!r} is not known here, and none is fetched")
        return self._documents[url]

    def definitions(self, context: object) -> dict[str, object]:
        """What a document's `@context`, or one of a type, says of each name and keyword; the last one counts.

        Raises UnknownContextError.
        """
        said: dict[str, object] = {}
        for each in context if isinstance(context, list) else [context]:
            said |= self._published(each) if isinstance(each, str) else each if isinstance(each, dict) else {}
        return said

    def _published(self, url: str) -> dict[str, object]:
        cache = self._cache("definitions", CACHED_CONTEXTS)
        if url not in cache:
            cache[url] = {}  # for one that leads back to itself
            cache[url] = self.definitions(json.loads(self[url]).get("@context"))
        published: dict[str, object] = cache[url]
        return published

    def resolver(self) -> ContextResolver:
        """For one operation of PyLD's, in this thread."""
        return ContextResolver(self._cache("contexts", CACHED_CONTEXTS), self.load)

    def scopes(self) -> LRUCache[Any, Any]:
        """What `identity.jsonld` keeps for this thread."""
        return self._cache("scopes", CACHED_SCOPES)

    def _cache(self, name: str, size: int) -> LRUCache[Any, Any]:
        cache: LRUCache[Any, Any] = self._of_thread.__dict__.setdefault(name, LRUCache(maxsize=size))
        return cache

    def load(self, url: str, _options: object) -> dict[str, Any]:
        """PyLD's document loader. Parsed anew each time, since PyLD writes into what it gets."""
        return {
            "contentType": "application/ld+json",
            "contextUrl": None,
            "documentUrl": url,
            "document": json.loads(self[url]),
            "tag": "static",
        }


def _file(url: str, name: str, digest: str) -> bytes:
    content = (files("identity.jsonld") / "contexts" / name).read_bytes()
    if sha256(content).hexdigest() != digest:
        raise UnknownContextError(f"contexts/{name} is not what {url} published: install Sigillo again")
    return content


PUBLISHED: Final = ContextLibrary.published()
