"""The log's one name and one key, fixed in the database once known.

Rules
- The origin never changes: it is chosen at the first start, and a later setting that differs is refused.
- The key is taken from the key store when first needed, with its version; from then on every checkpoint is
  signed by that version, and a key store that offers another public key for it is refused.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sqlalchemy import Connection, Row, insert, select, update

from keys.clock import Entropy
from keys.high_water import HighWater
from keys.signer import KeyStore, Purpose, Signer
from ledger.errors import CheckpointError, ForkError
from ledger.ids import new_id
from ledger.storage.database import Database
from ledger.storage.tables import LogIdentity
from ledger.storage.tenancy import SystemSession
from ledger.tree.checkpoint import VerifierKey, check_origin

_KNOWN = select(LogIdentity.origin, LogIdentity.vkey, LogIdentity.key_version)


def fix_origin(database: Database, wanted: str | None, entropy: Entropy) -> str:
    """The log's origin: the stored one, else `wanted`, else `sigillo.local/<random>`.

    Raises CheckpointError when `wanted` cannot name a log, or the log already has another name.
    """
    with database.read(SystemSession.SETUP) as connection:
        stored = connection.execute(select(LogIdentity.origin)).scalar()
    if stored is None:
        chosen = check_origin(wanted or f"sigillo.local/{new_id('log', entropy)}")
        stored = database.write(lambda connection: _begun(connection, chosen))
    if wanted not in (None, stored):
        raise CheckpointError(f"this log is {stored!r} for ever; the settings call it {wanted!r}")
    return stored


def _begun(connection: Connection, origin: str) -> str:
    """Two processes may begin at once: the first one's origin is the log's."""
    stored: str | None = connection.execute(select(LogIdentity.origin)).scalar()
    if stored is None:
        connection.execute(insert(LogIdentity), {"origin": origin, "vkey": None, "key_version": None})
    return stored or origin


class LogKey:
    """The log's signing key, as far as it is known."""

    def __init__(self, database: Database, keys: KeyStore) -> None:
        self._database = database
        self._keys = keys

    def verifier(self) -> VerifierKey:
        """The public half. Asks the key store only the first time. Raises KeyStoreUnavailableError then."""
        known = self._known()
        return VerifierKey.parse(known.vkey) if known.vkey else self._learn(known.origin)

    def held(self) -> VerifierKey | None:
        """The key store's own word for the pinned version, whatever the database says; None before the first use.

        Raises KeyStoreUnavailableError, KeyNotFoundError, ForkError.
        """
        known = self._known()
        if known.key_version is None:
            return None
        return VerifierKey(known.origin, _raw(self._keys.signer(Purpose.LOG, known.key_version)))

    def signer(self) -> tuple[VerifierKey, Signer]:
        """The pinned version. Raises KeyStoreUnavailableError; ForkError when its public key has changed."""
        key = self.verifier()
        signer = self._keys.signer(Purpose.LOG, self._known().key_version)
        if _raw(signer) != key.public_key:
            raise ForkError(f"the key store's {signer.ref} is not the key this log was begun with: restore that key")
        return key, signer

    def high_water(self) -> HighWater:
        """Where the key store keeps how far this log was signed."""
        return self._keys.high_water(self._known().origin)

    def _known(self) -> Row[str, str | None, int | None]:
        with self._database.read(SystemSession.INTEGRATION) as connection:
            return connection.execute(_KNOWN).one()

    def _learn(self, origin: str) -> VerifierKey:
        signer = self._keys.signer(Purpose.LOG)
        key = VerifierKey(origin, _raw(signer))
        learned = update(LogIdentity).values(vkey=str(key), key_version=signer.ref.version)
        self._database.write(lambda connection: connection.execute(learned))
        return key


def _raw(signer: Signer) -> bytes:
    key = load_der_public_key(signer.public_key)
    if not isinstance(key, Ed25519PublicKey):
        raise ForkError(f"the log's key {signer.ref} is not Ed25519")
    return key.public_bytes_raw()
