"""Custody, put together: who tells it, to callers and to strangers, hand-overs, and bundles to and from others."""

from __future__ import annotations

from dataclasses import dataclass

from api.parts.encoder import Embedding
from api.parts.known_logs import known_logs
from api.settings import Settings
from cases.custody.custodian import Custodian
from cases.custody.exports import Exports
from cases.custody.handovers import Handovers
from cases.custody.imports import Imports
from cases.custody.trace_rows import TraceRows
from cases.custody.traces import Traces
from cases.library import Library
from cases.recovery.origins import Recovery
from detection.embedding.embed import Embedder
from detection.shares import Shares
from keys.clock import Clock, Entropy


@dataclass(frozen=True)
class CustodyDesk:
    """What the routes of custody call."""

    callers: Custodian
    strangers: Custodian
    """The same with the strangers' workers."""

    handovers: Handovers
    exports: Exports
    callers_imports: Imports
    strangers_imports: Imports
    """As above."""


def custody_of(
    settings: Settings,
    library: Library,
    traces: Traces,
    trace_rows: TraceRows,
    recovery: Recovery,
    callers: Shares,
    strangers: Shares,
    embedding: Embedding,
    clock: Clock,
    entropy: Entropy,
) -> CustodyDesk:
    """All of it over one library. Raises StartError for known logs that cannot be read."""
    ledger, database = library.ledger, library.database
    others = known_logs(settings.known_logs)

    def logs() -> tuple[str, ...]:
        return (ledger.vkey(), *others)

    def told(workers: Shares, embedder: Embedder | None) -> Custodian:
        return Custodian(library, database, ledger.subjects, recovery, workers, embedder, traces, trace_rows, clock)

    def brought(workers: Shares) -> Imports:
        return Imports(ledger, database, workers, logs, clock, entropy)

    mine = told(callers, embedding.callers)
    handovers, exports = Handovers(ledger, database, library, clock), Exports(ledger, mine)
    return CustodyDesk(
        mine, told(strangers, embedding.strangers), handovers, exports, brought(callers), brought(strangers)
    )
