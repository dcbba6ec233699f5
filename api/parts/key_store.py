"""The key store that the settings name, opened."""

from __future__ import annotations

from api.running.home import Home
from api.running.log import logger
from api.running.telemetry import Metrics
from api.running.vault_metrics import VaultMetrics
from api.settings import KeyStoreKind, Profile, Settings
from keys.approle import AppRole
from keys.clock import Clock, Entropy
from keys.local import WARNING, LocalKeyStore
from keys.observer import Observer, Unobserved
from keys.signer import KeyStore
from keys.steady_vault import SteadyVault
from keys.vault_login import Identity, PlainToken
from keys.vault_store import VaultKeyStore

IN_CLEAR = "INSECURE: what is said to Vault crosses the network without TLS, our token too; use an https:// address"


def open_keys(
    settings: Settings, home: Home, clock: Clock, entropy: Entropy, metrics: Metrics | None = None
) -> KeyStore:
    """The key store the settings name. Raises KeysError for an embedded one that does not open."""
    if settings.keys is KeyStoreKind.VAULT:
        observer = VaultMetrics(metrics.registry, clock) if metrics else Unobserved()
        identity = _identity(settings, home, clock, observer)
        vault = SteadyVault(
            settings.vault_url, identity, ca_file=settings.vault_ca, clock=clock, entropy=entropy, observer=observer
        )
        return VaultKeyStore(vault, clock)
    passphrase = settings.passphrase.get_secret_value() if settings.passphrase else None
    embedded = settings.profile is Profile.EMBEDDED
    return LocalKeyStore.open(home.keys, embedded_profile=embedded, passphrase=passphrase, clock=clock, entropy=entropy)


def _identity(settings: Settings, home: Home, clock: Clock, observer: Observer) -> Identity:
    """Who we are to Vault."""
    if settings.vault_token is not None:
        return PlainToken(settings.vault_token.get_secret_value())
    return AppRole(settings.vault_role_id, lambda: _wrapped_secret_id(settings), home.secret_id, clock, observer)


def _wrapped_secret_id(settings: Settings) -> str:
    """What the operator handed over last. A file that is gone was taken away after its use. Raises OSError."""
    if settings.vault_wrapped_secret_id is not None:
        return settings.vault_wrapped_secret_id.get_secret_value()
    file = settings.vault_wrapped_secret_id_file
    return file.read_text().strip() if file is not None and file.exists() else ""


def warn(settings: Settings) -> None:
    """Say what is insecure about it, at each start of a service."""
    if settings.keys is KeyStoreKind.EMBEDDED:
        logger("keys").warning(WARNING)
    if settings.vault_in_clear:
        logger("keys").warning(IN_CLEAR, url=settings.vault_url)
