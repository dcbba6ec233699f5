"""Who witnesses the log, as the operator says (`ledger.witnessing.witnesses`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.witnessing.cosignature import Quorum
from ledger.witnessing.witness_client import WitnessAddress

INTERVAL: Final = 10.0
"""Seconds between two checkpoints that a witness is asked for."""


@dataclass(frozen=True)
class WitnessPolicy:
    """Who witnesses the log, how many must, and whether it waits for them. Raises CheckpointError for no quorum."""

    addresses: tuple[WitnessAddress, ...] = ()
    needed: int = 0
    waits: bool = False
    interval: float = INTERVAL

    def __post_init__(self) -> None:
        _ = self.quorum

    @property
    def quorum(self) -> Quorum:
        """Whose cosignatures make a checkpoint proven under it."""
        return Quorum(tuple(address.key for address in self.addresses), self.needed)


ALONE: Final = WitnessPolicy()
