"""Time-stamps in one service: who is asked, and the stamper of its ledger."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

from api.running.log import logger
from api.running.telemetry import Metrics
from api.settings import Settings
from detection.shares import Shares
from keys.clock import Clock
from ledger.publishing.publication import Publication
from ledger.stamping.stamper import Stamping
from ledger.storage.database import Database
from provenance.checkpoint_stamps import CheckpointStamps
from provenance.time_stamps import TimeStamps


@dataclass(frozen=True)
class Stamps:
    """Claims and checkpoints are stamped by the same authorities."""

    time_stamps: TimeStamps
    stamping: Stamping
    clock: Clock

    def measure(self, metrics: Metrics) -> None:
        """Bring the gauges up to date."""
        status = self.stamping.status()
        metrics.stamp_size.set(status.size)
        metrics.stamp_age.set((self.clock() - status.time).total_seconds() if status.time else nan)
        for authority in self.time_stamps.authorities:
            metrics.authority_failing.labels(authority.name).set(bool(authority.fault))


def stamps_of(settings: Settings, database: Database, workers: Shares, time_stamps: TimeStamps, clock: Clock) -> Stamps:
    """The stamps of a service with authorities. Raises OSError for the operator's file of their roots."""
    assert settings.tsa_anchors is not None  # settings without are refused
    obtain = CheckpointStamps(workers, time_stamps, settings.tsa_anchors.read_text(), clock)
    log = logger("stamps")

    def late(reason: str) -> None:
        log.warning("no stamp of the checkpoint", reason=reason)

    shown = Publication.under(settings.witness_policy)
    return Stamps(time_stamps, Stamping(database, obtain, clock, settings.stamp_every, late, shown), clock)
