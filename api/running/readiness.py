"""Which part of the service is ready, and why another is not.

Anyone may ask, as often as they like, and the key store may be slow to say: it is asked by one caller at a time and
at most once a second; the others wait for that answer without holding a thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from anyio import CapacityLimiter, to_thread

from api.parts.faces import FaceDesk
from api.parts.stamps import Stamps
from api.running.housekeeping import Housekeeping
from cases.recovery.index import RecoveryIndex
from cases.revocation import Revocations
from cases.trust_lists import TrustLists
from detection.shares import Shares
from identity.issuing.record import IssuerRecord
from keys.errors import KeyStoreUnavailableError
from keys.signer import KeyStore, KeyStoreStatus
from ledger.errors import DatabaseUnavailableError
from ledger.forgetting.rewrapping import Rewrapping
from ledger.log import Ledger

READINESS_SECONDS = 1.0
"""How long the key store's answer is given again."""


class PartName(StrEnum):
    """What parts there are; `/operate` has words for each."""

    KEYS = "keys"
    LEDGER = "ledger"
    HOUSEKEEPING = "housekeeping"
    EPOCHS = "epochs"
    ISSUER = "issuer"
    REVOCATION = "revocation"
    TRUST = "trust"
    WORKERS = "workers"
    FACES = "faces"
    RECOVERY = "recovery"
    TIME_STAMPS = "time_stamps"
    WITNESSES = "witnesses"


class Part(TypedDict):
    """One part: `reason` says why it is not ready, and is empty when it is; `warning` what will keep it from being so
    one day, or should be looked at.
    """

    ready: bool
    reason: str
    warning: str


class Readiness:
    """Keeps what was found of the keys last. `timer` counts seconds, from anywhere."""

    def __init__(
        self,
        keys: KeyStore,
        ledger: Ledger,
        housekeeping: Housekeeping,
        rewrapping: Rewrapping,
        revocations: Revocations,
        trust_lists: TrustLists,
        issuer: IssuerRecord,
        pools: tuple[Shares, ...],
        faces: FaceDesk,
        recovery: RecoveryIndex,
        stamps: Stamps | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys, self._ledger, self._pools, self._stamps = keys, ledger, pools, stamps
        self._faces, self._recovery = faces, recovery
        self._housekeeping, self._rewrapping, self._revocations = housekeeping, rewrapping, revocations
        self._trust_lists, self._issuer, self._timer = trust_lists, issuer, timer
        self._one = CapacityLimiter(1)
        # Touched only by the thread that `_one` lets in.
        self._said: tuple[float, KeyStoreStatus, str] | None = None

    async def parts(self) -> dict[str, Part]:
        """Each part by name; what the key store said may be READINESS_SECONDS old."""
        return await to_thread.run_sync(self._parts, limiter=self._one)

    def _parts(self) -> dict[str, Part]:
        keys, issuer = self._keys_now()
        reasons = {
            PartName.KEYS: keys.reason,
            PartName.LEDGER: self._ledger.status().reason,
            PartName.HOUSEKEEPING: self._housekeeping.reason,
            PartName.EPOCHS: self._rewrapping.danger(),
            PartName.ISSUER: "",
            PartName.REVOCATION: self._revocations.reason,
            PartName.TRUST: "",
            PartName.WORKERS: next((pool.reason for pool in self._pools if pool.reason), ""),
            PartName.FACES: self._faces.reason,
            PartName.RECOVERY: "",
            **({PartName.TIME_STAMPS: self._stamps.time_stamps.reason} if self._stamps else {}),
            **({PartName.WITNESSES: self._ledger.witnesses.reason} if self._ledger.witnesses.policy.addresses else {}),
        }
        warnings = {
            PartName.KEYS: keys.warning,
            PartName.ISSUER: issuer,
            PartName.TRUST: self._trust_fault(),
            PartName.FACES: self._faces.warning,
            PartName.RECOVERY: self._recovery.reason or self._recovery.damage,
            PartName.TIME_STAMPS: self._stamps.stamping.reason if self._stamps else "",
            PartName.WITNESSES: self._ledger.witnesses.faults,
        }
        return {
            part: {"ready": not reason, "reason": reason, "warning": warnings.get(part, "")}
            for part, reason in reasons.items()
        }

    @property
    def certificate_ends(self) -> datetime | None:
        """When the current claim certificate ends; None where that is not known."""
        expires = self._said[1].certificate_expires if self._said else ""
        return datetime.fromisoformat(expires) if expires else None

    def _keys_now(self) -> tuple[KeyStoreStatus, str]:
        """What their store says, and which of the issuer's sign nothing."""
        if self._said is None or self._timer() - self._said[0] >= READINESS_SECONDS:
            status = self._keys.status()
            self._said = self._timer(), status, self._issuer_fault()
        return self._said[1:]

    def _trust_fault(self) -> str:
        try:
            return self._trust_lists.warning()
        except DatabaseUnavailableError as error:
            return f"which trust lists are in force is not known now: {error}"

    def _issuer_fault(self) -> str:
        try:
            return self._issuer.fault()
        except (DatabaseUnavailableError, KeyStoreUnavailableError) as error:
            return f"whether the issuer's keys sign is not known now: {error}"
