"""Having a log's checkpoints time-stamped: the authorities are asked as for claims, a worker verifies the answer.

Rules
- What leaves the house is the SHA-256 of what is published anyway, and a nonce.
- An answer holds under the operator's roots, and the moment it names is now, give or take what clocks differ: a stamp
  is worth no more than its authority's clock. One that will not do is that authority's failure, and the next is asked.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from detection.errors import SandboxError, WorkerProtocolError
from detection.shares import Shares
from keys.clock import Clock
from keys.revocation import SKEW
from ledger.errors import StampUnavailableError
from ledger.stamping.stamper import Obtained
from provenance.errors import TimeStampRefusedError, TimeStampUnavailableError
from provenance.time_stamps import Answer, TimeStamps

HOLDER: Final = "checkpoint-stamps"
"""Whose share of workers it is."""


@dataclass(frozen=True)
class CheckpointStamps:
    """An `Obtain` of the ledger's stamper."""

    workers: Shares
    time_stamps: TimeStamps
    roots: str = field(repr=False)
    """PEM, of the authorities."""

    clock: Clock

    def __call__(self, note: bytes) -> Obtained:
        """Have a note stamped. Raises StampUnavailableError."""
        try:
            obtained = self.time_stamps.obtain(note, lambda answer: self._judged(note, answer))
        except (TimeStampUnavailableError, SandboxError) as error:
            raise StampUnavailableError(self._late(str(error))) from error
        if obtained is None:
            raise StampUnavailableError(self._late("no authority gives one"))
        return obtained

    def _judged(self, note: bytes, answer: Answer) -> Obtained:
        args = {
            "message": base64.b64encode(note).decode(),
            "response": base64.b64encode(answer.response).decode(),
            "nonce": str(answer.nonce),
            "roots": self.roots,
        }
        with self.workers.of(HOLDER).run("judge", args, begun=True) as reply:
            time = _moment(reply.result.get("time"))
        now = self.clock()
        if abs(time - now) > SKEW:
            raise TimeStampRefusedError(
                f"it says that it is {time:%Y-%m-%d %H:%M:%S} UTC: its clock, or ours, is wrong"
            )
        return Obtained(answer.response, time, self.roots)

    def _late(self, said: str) -> str:
        faults = "; ".join(f"{one.name}: {one.fault}" for one in self.time_stamps.authorities if one.fault)
        return f"the newest checkpoint is not stamped yet ({faults or said}): it is tried again"


def _moment(said: object) -> datetime:
    try:
        time = datetime.fromisoformat(str(said))
    except ValueError as error:
        raise WorkerProtocolError("a worker that judges a time-stamp names its moment") from error
    if time.tzinfo is None:
        raise WorkerProtocolError("a worker that judges a time-stamp names its moment in UTC")
    return time
