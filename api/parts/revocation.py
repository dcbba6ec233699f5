"""Who is asked about revocations: the key store's own CA, and whom the settings name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path

from cryptography import x509

from api.running.home import Home
from api.running.log import logger
from api.settings import KeyStoreKind, Settings
from keys.clock import Clock, Entropy
from keys.errors import KeyNotFoundError, KeyStoreUnavailableError
from keys.signer import KeyStore, Purpose
from keys.versions import chains, claim_versions
from provenance.errors import TrustPolicyError
from provenance.revocation_watch import ListSource, ResponderSource, Source, Watch, fetch

OWN_LISTS = {
    KeyStoreKind.VAULT: "Vault's revocation list",
    KeyStoreKind.EMBEDDED: "the development CA's revocation list",
}


def watch_of(settings: Settings, home: Home, keys: KeyStore, clock: Clock, entropy: Entropy) -> Watch:
    """The watch that the settings describe. Raises OSError, TrustPolicyError for the operator's files."""
    given = _certificates(settings.revocation_issuers) + _certificates(settings.trust_anchors)

    def issuers() -> Sequence[x509.Certificate]:
        with suppress(KeyStoreUnavailableError, KeyNotFoundError):
            ours = "".join((*chains(claim_versions(keys)).values(), keys.anchors()))
            return [*given, *x509.load_pem_x509_certificates(ours.encode())]
        return given

    def current(purpose: Purpose) -> Sequence[x509.Certificate]:
        return x509.load_pem_x509_certificates(keys.signer(purpose).chain.encode())

    def unseen() -> Sequence[x509.Certificate]:
        with suppress(KeyNotFoundError):  # a key store from before there was such a key
            return current(Purpose.CLAIM_UNSEEN)
        return []

    def listed(name: str, get: Callable[[], bytes], *, named: bool = True) -> ListSource:
        kept = home.revocations / f"{sha256(name.encode()).hexdigest()[:16]}.crl"
        return ListSource(name, get, issuers, kept, named)

    sources: list[Source] = [listed(place, _getting(place)) for place in settings.revocation_lists]
    sources.append(listed(OWN_LISTS[settings.keys], keys.revocation_list, named=False))
    if settings.ocsp_url:
        sources.append(ResponderSource(settings.ocsp_url, partial(current, Purpose.CLAIM), entropy))
        sources.append(ResponderSource(settings.ocsp_url, unseen, entropy, "for content not seen"))
    log = logger("revocation")
    return Watch(sources, clock, lambda name, reason: log.warning("no revocation status", source=name, reason=reason))


def _getting(place: str) -> Callable[[], bytes]:
    return Path(place).read_bytes if place.startswith("/") else partial(fetch, place)


def _certificates(file: Path | None) -> list[x509.Certificate]:
    if file is None:
        return []
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except ValueError as error:
        raise TrustPolicyError(f"{file}: no PEM certificate can be read there") from error
