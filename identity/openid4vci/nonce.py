"""Nonces that wallets sign into their proofs (OpenID4VCI 1.0, section 7).

Rules
- Anyone may ask for one, so nothing is kept of it: a nonce says itself until when it is good, under our MAC.
- One is spent by the first request whose proofs hold, whatever becomes of that; what is spent is kept until it would
  have ended.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, Index, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from identity.encoding import base64url
from identity.errors import TokenUnreadableError, WalletRefusedError
from identity.openid4vci.faults import Fault
from keys.clock import Clock, Entropy
from ledger.ids import milliseconds
from ledger.storage.database import Database
from ledger.storage.tables import BOOKKEEPING, Base

LASTS: Final = timedelta(minutes=5)
_TIME_BYTES: Final = 8
_RANDOM_BYTES: Final = 16
_MAC_BYTES: Final = 32


class SpentNonce(Base):
    """A nonce that was used, by its SHA-256."""

    __tablename__ = "spent_nonce"
    __table_args__ = (Index(None, "expires_at"), {"info": BOOKKEEPING})
    digest: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[int]


@dataclass(frozen=True)
class Nonces:
    """The nonces of a deployment. Safe to call from many threads and processes."""

    database: Database
    key: Callable[[], bytes]
    """32 bytes, the same in every process. Raises KeyStoreUnavailableError."""

    clock: Clock
    entropy: Entropy

    def fresh(self) -> str:
        """A nonce that is good for LASTS. Raises what `key` raises."""
        ends = milliseconds(self.clock() + LASTS).to_bytes(_TIME_BYTES)
        said = ends + self.entropy(_RANDOM_BYTES)
        return base64url.encode(said + self._mac(said))

    def spend(self, nonce: str) -> None:
        """Use a nonce up. Raises WalletRefusedError for one that is not ours, has ended or was used."""
        ends, now = self._ends(nonce), milliseconds(self.clock())
        digest = hashlib.sha256(nonce.encode()).hexdigest()

        def once(connection: Connection) -> bool:
            if connection.execute(select(SpentNonce.digest).where(SpentNonce.digest == digest)).first():
                return False
            connection.execute(insert(SpentNonce).values(digest=digest, expires_at=ends))
            return True

        if ends <= now or not self.database.write(once):
            raise WalletRefusedError(Fault.INVALID_NONCE, "the nonce has ended or was used: ask for another one")

    def _ends(self, nonce: str) -> int:
        try:
            data = base64url.decode(nonce, "the nonce")
        except TokenUnreadableError:
            data = b""
        said, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
        if len(said) != _TIME_BYTES + _RANDOM_BYTES or not hmac.compare_digest(mac, self._mac(said)):
            raise WalletRefusedError(Fault.INVALID_NONCE, "the nonce is not one of ours: ask for one")
        return int.from_bytes(said[:_TIME_BYTES])

    def _mac(self, said: bytes) -> bytes:
        return hmac.digest(self.key(), b"openid4vci/v1/nonce\0" + said, "sha256")


def forget_spent(connection: Connection, now: int) -> None:
    """Drop what has ended anyhow; bookkeeping."""
    connection.execute(delete(SpentNonce).where(SpentNonce.expires_at <= now))
