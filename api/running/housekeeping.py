"""What a running service does by itself: ends retention, evidence and key epochs, makes templates anew where a rotation
key is renewed, watches the claim key and the keys of the issuer, looks for revocations, commits to what is in the
index, forgets spent keys, data keys, old logs and callers, sweeps, empties the write-ahead log.

Of several processes on one database, the one that leads its ledger does for all what one alone should do; the others
forget what they hold themselves, and learn of revocations.

One thread, one round every few seconds. A round that fails says so in the log and in `reason`, and the next one
tries again: nothing here is lost by waiting. But who left is promised a proof within a minute, and a round may take
longer (keys of a million people to re-wrap, a gateway that does not answer): generations have a thread of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from api.edge.throttle import Throttle
from api.parts.likeness import Likeness
from api.parts.workflows import Durable
from api.running.log import forget_old, logger
from cases.batches import forget_batches
from cases.claim_key import ClaimKeyRecord
from cases.deployment import Deployment
from cases.errors import CasesError
from cases.idempotency import forget_expired
from cases.library import Library
from cases.likeness.limits import forget_checks
from cases.likeness.lines import forget_lines
from cases.media import sweep_strays
from cases.revocation import Revocations
from cases.trust_lists import TrustLists
from detection.generations.absence import forget_absences
from detection.generations.generations import Generations
from detection.templates.renewing import Renewing
from identity.assurance.requests import forget_asked
from identity.assurance.review import Review
from identity.errors import IdentityError
from identity.issuing.record import IssuerRecord
from identity.openid4vci.nonce import forget_spent
from identity.openid4vci.offers import forget_offers
from identity.openid4vp.sessions import forget_requests
from identity.passkeys.challenges import forget_challenges
from identity.passkeys.tokens import forget_tokens
from identity.registration.notices import Notices
from identity.registration.renewing import Terms
from keys.clock import Clock
from keys.errors import KeysError
from ledger.errors import LedgerError
from ledger.forgetting.rewrapping import Rewrapping
from ledger.ids import milliseconds
from ledger.storage.database import Database

INTERVAL_SECONDS = 5.0
REST_SECONDS = 0.02
"""Between two batches of re-wrapping, as long as a batch takes: requests have the other half of the time."""

SWEEP_INTERVAL = timedelta(hours=1)
STRAY_AGE = timedelta(hours=1)
"""An upload's file is there before its row, for seconds; one that is older and has none is nobody's."""

FORGOTTEN = (
    *(forget_expired, forget_requests, forget_offers, forget_spent, forget_asked),
    forget_batches,
    *(forget_challenges, forget_tokens, forget_absences, forget_lines, forget_checks),
)
"""Rows that have had their time."""

FORESEEN = (KeysError, LedgerError, CasesError, IdentityError, OSError)
"""What a round may meet; anything else is a defect of ours, which is said and tried again all the same."""


@dataclass
class Housekeeping:
    """The rounds of one service."""

    deployment: Deployment
    library: Library
    likeness: Likeness
    durable: Durable
    assurance: Review
    generations: Generations
    terms: Terms
    notices: Notices
    rewrapping: Rewrapping
    renewing: Renewing
    claim_key: ClaimKeyRecord
    issuer: IssuerRecord
    revocations: Revocations
    trust_lists: TrustLists
    database: Database
    throttle: Throttle
    clock: Clock
    _reasons: dict[str, str] = field(default_factory=dict, init=False)
    """Why the last round failed, by thread, each of which writes its own."""

    _looks_back: bool = field(default=True, init=False)
    _next_sweep: int = field(default=0, init=False)
    _next_forgetting: int = field(default=0, init=False)
    _warned: dict[str, str] = field(default_factory=dict, init=False)
    """By logger."""

    _unproven: str = field(default="", init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        threads = (("housekeeping", self.round), ("generations", self._commit))
        self._threads = [
            threading.Thread(target=self._run, args=named, name=named[0], daemon=True) for named in threads
        ]

    @property
    def reason(self) -> str:
        """Why a last round failed; empty while they go well."""
        return next(filter(None, [*self._reasons.values()]), "")

    def start(self, *, looks_back: bool = True) -> None:
        """Begin with a first round at once. `looks_back`: begin the workflows that look at what was kept."""
        self._looks_back = looks_back
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Finish the rounds under way and stop."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def round(self) -> None:
        """Everything but generations once; what fails of the rest does not keep epochs from ending.

        Raises KeysError, LedgerError, CasesError; OSError when old logs cannot be deleted.
        """
        try:
            self._forget()
            self._tell_of_the_log()
            if self.library.ledger.leads:
                self._end()
                self._tidy()
            self.revocations.round()
            if self.library.ledger.leads:
                self._review()
                self.renewing.round(lambda: self._stop.wait(REST_SECONDS))
            else:
                self.durable.leave()
        finally:
            if self.library.ledger.leads:
                self.rewrapping.round(lambda: self._stop.wait(REST_SECONDS))

    def _forget(self) -> None:
        """What this process holds."""
        now = milliseconds(self.clock())
        self.library.ledger.epochs.forget()
        self.throttle.forget()
        if now >= self._next_forgetting:
            forget_old()
            self._next_forgetting = now + SWEEP_INTERVAL // timedelta(milliseconds=1)

    def _tidy(self) -> None:
        """What all share. Should two processes do it at once, for a moment, neither undoes what the other does."""
        now = milliseconds(self.clock())
        self.database.write(lambda connection: [forget(connection, now) for forget in FORGOTTEN])
        self.database.truncate_wal()
        if now >= self._next_sweep:
            sweep_strays(self.database, self.library.blobs, STRAY_AGE)
            self._next_sweep = now + SWEEP_INTERVAL // timedelta(milliseconds=1)
        # What needs the key store comes last: the rest must not wait for it.
        self.deployment.operator()
        if changed := self.claim_key.observe():
            logger("keys").info("claim key changed", key=changed.key, ends=changed.ends, reasons=changed.reasons)
        if issuer := self.issuer.observe():
            logger("keys").info("issuer key changed", reasons=issuer.reasons)
        self._warn()
        while self.library.end_retention() and not self._stop.is_set():
            pass

    def _end(self) -> None:
        """Registrations that are due, and what their owners are to be told."""
        while self.terms.round() and not self._stop.is_set():
            pass
        while self.notices.round() and not self._stop.is_set():
            pass

    def _commit(self) -> None:
        """To what is in the index, where that changed."""
        while self.library.ledger.leads and self.generations.round() and not self._stop.is_set():
            pass

    def _review(self) -> None:
        """Evidence of accounts that ends, and what was said of it; what registrations that ended hold; files that could
        not be looked at.
        """
        while self.assurance.round() and not self._stop.is_set():
            pass
        while self.likeness.holds.end_withdrawn() and not self._stop.is_set():
            pass
        self.likeness.unfinished.round()
        if self._looks_back:
            self.durable.begin()

    def _tell_of_the_log(self) -> None:
        """Whoever reads logs and asks nothing learns from them that nothing is proven."""
        reason = self.library.ledger.status().reason
        if reason and reason != self._unproven:
            logger("ledger").error("no checkpoint is signed", reason=reason)
        elif self._unproven and not reason:
            logger("ledger").info("checkpoints are signed again")
        self._unproven = reason

    def _warn(self) -> None:
        """Tell of a certificate that ends soon and of old trust lists, once a day: whenever there is something else to
        tell.
        """
        for name, warning in (("keys", self.claim_key.warning(self.clock())), ("trust", self.trust_lists.warning())):
            if warning and warning != self._warned.get(name):
                logger(name).warning(warning)
            self._warned[name] = warning

    def _run(self, name: str, once: Callable[[], None]) -> None:
        while True:
            try:
                once()
                self._reasons[name] = ""
            except FORESEEN as error:
                self._failed(name, str(error), None)
            except Exception as error:  # noqa: BLE001 -- whatever it is, retention must not end in silence
                self._failed(name, f"the fault is ours, and the log has it: {type(error).__name__}", error)
            if self._stop.wait(INTERVAL_SECONDS):
                return

    def _failed(self, name: str, reason: str, defect: Exception | None) -> None:
        if self._reasons.get(name) != reason:
            logger("housekeeping").warning("round failed", of=name, error=reason, exc_info=defect)
        self._reasons[name] = reason
