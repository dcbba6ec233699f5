"""The witnesses of our log: each gets the checkpoints that we sign, in a thread of its own.

Rules
- A checkpoint is offered to all of them alike, at most one in an interval: the newest then. So they sign the same ones,
  and a busy log does not hammer anybody. One that is slow or gone delays neither the others nor the log.
- The first thing each is asked after a start is the newest checkpoint, cosigned before or not: what has it seen? Before
  the first signature their answers are waited for, not longer than one may take; where the log waits for its quorum,
  until a quorum has answered.
- Of several processes the leader offers what it signs; the others ask once, when they start.
- While one of them objects (`ledger.cosigner`), nothing is signed, unless an operator went on without what it saw.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, insert, select

from keys.clock import Clock, system_clock
from ledger.errors import LedgerError, WitnessError, WitnessObjectsError
from ledger.ids import milliseconds
from ledger.publishing.publication import Publication, Shown, last_cosigned
from ledger.storage.database import Database
from ledger.storage.tables import Overruled
from ledger.storage.tenancy import SystemSession
from ledger.tree.note import Signature, parse_signatures
from ledger.tree.tile_store import latest_checkpoint, signed_size
from ledger.witnessing.cosignature import WitnessKey
from ledger.witnessing.cosigner import Cosigner
from ledger.witnessing.policy import ALONE, WitnessPolicy
from ledger.witnessing.witness_client import ANSWER_SECONDS, WitnessAddress

LONGEST_PAUSE: Final = 60.0
"""Seconds between two attempts at one that fails, at most; it begins with the interval."""

SETTLE_SECONDS: Final = ANSWER_SECONDS + 1
"""How long the first signature after a start waits for all of them to say what they have seen."""


@dataclass(frozen=True)
class Standing:
    """How one witness does."""

    key: WitnessKey
    size: int
    """Of the largest tree that it cosigned, as far as is known here."""

    time: int
    """When it cosigned last, in seconds since 1970 by its clock; 0 for never."""

    error: str = ""
    """Why the last attempt failed; empty when it did not."""

    objection: int | None = None
    """The size of a tree that it saw, and that is not ours."""

    asked: bool = False
    answered: bool = False
    """Since the start."""


class Witnesses:
    """All of them. `notice` is told of each new failure: of whom, why, and whether it is an objection."""

    def __init__(
        self,
        database: Database,
        policy: WitnessPolicy = ALONE,
        clock: Clock = system_clock,
        notice: Callable[[str, str, bool], object] = lambda _name, _reason, _objects: None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.policy, self._database, self._notice = policy, database, notice
        self._clock, self._timer = clock, timer
        self._proven: Callable[[int], object] = lambda _size: None
        self._changed = threading.Condition()
        # The rest is guarded by `_changed`.
        self._standings: dict[WitnessKey, Standing] = {}
        self._newest: Shown | None = None
        self._offered = Shown(-1, "")
        """What all are asked for now."""

        self._due = 0.0
        self._settled = False
        """Whether all were waited for once."""

        self._closing = False
        self._threads = [
            threading.Thread(target=self._run, args=(address,), name=f"witness-{number}", daemon=True)
            for number, address in enumerate(policy.addresses)
        ]

    def start(self, proven: Callable[[int], object]) -> None:
        """Begin; where the log waits, `proven` is told how many entries are. Raises DatabaseUnavailableError."""
        self._proven = proven
        with self._database.read(SystemSession.INTEGRATION) as connection:
            note, size = latest_checkpoint(connection), signed_size(connection)
            for address in self.policy.addresses:
                last, line = last_cosigned(connection, address.key)
                self._standings[address.key] = Standing(address.key, last, _time(line), asked=note is None)
        if note is not None:
            self.offer(Shown(size, note))
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Finish what is under way, and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        deadline = self._timer() + SETTLE_SECONDS  # one that hangs must not hold up the end
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(deadline - self._timer(), 0))

    def offer(self, shown: Shown) -> None:
        """A checkpoint was signed, and is in the database."""
        with self._changed:
            self._newest = shown
            self._changed.notify_all()

    def standings(self) -> tuple[Standing, ...]:
        """How each of them does."""
        with self._changed:
            return tuple(self._standings.values())

    def objections(self) -> tuple[Standing, ...]:
        """Those that saw what is not ours, and were not overruled."""
        return tuple(one for one in self.standings() if one.objection is not None)

    def check(self) -> None:
        """Whether a tree may be signed. Raises WitnessObjectsError; WitnessError while too few have answered."""
        with self._changed:
            if not self._settled:
                self._changed.wait_for(
                    lambda: self._closing or all(one.asked for one in self._standings.values()), SETTLE_SECONDS
                )
            self._settled = True
        for one in self.objections():
            raise WitnessObjectsError(one.error, one.objection or 0)
        heard = [one for one in self.standings() if one.answered or not self._offered.note]
        if self.policy.waits and len(heard) < self.policy.needed:
            raise WitnessError(
                f"nothing is signed before {self.policy.needed} witnesses say what they saw: {self.faults}"
            )

    @property
    def faults(self) -> str:
        """What is wrong with which of them; empty when all is well."""
        return "; ".join(f"{one.key.name}: {one.error}" for one in self.standings() if one.error)

    @property
    def reason(self) -> str:
        """Why the log does not show what it signed; empty while it does, or does not wait."""
        with self._changed:
            sizes = sorted((one.size for one in self._standings.values()), reverse=True)
            lagging = self.policy.waits and sizes[self.policy.needed - 1] < self._offered.size
        return f"fewer than {self.policy.needed} witnesses cosign: {self.faults}" if lagging and self.faults else ""

    def overrule(self, objections: Sequence[Standing]) -> None:
        """Go on without what these saw: an operator decided so. Raises DatabaseUnavailableError."""
        decided = {(str(one.key), one.objection) for one in objections}
        self._database.write(lambda connection: _overrule(connection, decided))
        with self._changed:
            for one in objections:
                self._standings[one.key] = replace(self._standings[one.key], objection=None, error="")

    def _run(self, address: WitnessAddress) -> None:
        cosigner, after, pause = Cosigner(self._database, address, self._clock), -1, self.policy.interval
        while (asked := self._next(after)) is not None:
            if self._attempt(cosigner, asked):
                after, pause = asked.size, self.policy.interval
            else:
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, pause)
                pause = min(2 * pause, max(LONGEST_PAUSE, self.policy.interval))

    def _next(self, after: int) -> Shown | None:
        """The checkpoint to ask for, once there is one larger than `after`; None when it is over."""
        with self._changed:
            while not self._closing:
                rest = self._due - self._timer()
                grew = self._newest is not None and self._newest.size > self._offered.size
                if self._newest is not None and grew and rest <= 0:
                    self._offered, self._due = self._newest, self._timer() + self.policy.interval
                    self._changed.notify_all()
                elif self._offered.size > after:
                    return self._offered
                else:
                    self._changed.wait(rest if grew else None)
        return None

    def _attempt(self, cosigner: Cosigner, asked: Shown) -> bool:
        """Ask one of them for one checkpoint; whether it is done with it."""
        key = cosigner.address.key
        try:
            signature = cosigner.obtain(asked)
            if signature is not None and self.policy.waits:
                with self._database.read(SystemSession.INTEGRATION) as connection:
                    self._proven(Publication.under(self.policy).size(connection))
        except WitnessObjectsError as error:
            self._objects(key, error)
        except LedgerError as error:
            self._failed(key, str(error))
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is said, and tried again
            self._failed(key, f"the fault is ours: {type(error).__name__}: {error}")
        else:
            self._well(key, asked.size, signature)
            return True
        return False

    def _well(self, key: WitnessKey, size: int, signature: Signature | None) -> None:
        def now(before: Standing) -> Standing:
            seen = (size, _time(signature.line)) if signature else (before.size, before.time)
            return Standing(key, *seen, asked=True, answered=True)

        self._change(key, now)

    def _objects(self, key: WitnessKey, error: WitnessObjectsError) -> None:
        def now(before: Standing) -> Standing:
            objection = None if error.overruled else error.size
            return replace(before, error=str(error), objection=objection, asked=True, answered=True)

        self._change(key, now)

    def _failed(self, key: WitnessKey, reason: str) -> None:
        """An objection is not taken back by saying nothing."""

        def now(before: Standing) -> Standing:
            return replace(before, error=before.error if before.objection is not None else reason, asked=True)

        self._change(key, now)

    def _change(self, key: WitnessKey, change: Callable[[Standing], Standing]) -> None:
        with self._changed:
            before = self._standings[key]
            now = self._standings[key] = change(before)
            self._changed.notify_all()
        if now.error and before.error != now.error:
            self._notice(key.name, now.error, now.objection is not None)

    def age(self, one: Standing) -> float:
        """Seconds since it cosigned last; NaN for never."""
        return milliseconds(self._clock()) / 1000 - one.time if one.time else float("nan")


def _overrule(connection: Connection, decided: set[tuple[str, int | None]]) -> None:
    before = {(row.witness, row.size) for row in connection.execute(select(Overruled.witness, Overruled.size))}
    if fresh := decided - before:
        connection.execute(insert(Overruled), [{"witness": witness, "size": size} for witness, size in fresh])


def _time(line: str) -> int:
    """Of a cosignature that was kept; 0 for none."""
    return int.from_bytes(parse_signatures(line)[0].body[:8], "big") if line else 0
