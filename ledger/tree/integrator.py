"""The integrator: the one thread that turns durable entries into proven ones.

Rules
- While the log grows, each interval it extends the tiles and signs one checkpoint over all of them.
- Before each signature it proves, with the verifier strangers use, that the new tree extends the last one
  signed, by the database and by the high-water mark outside it (`keys.high_water`), which is raised first. If it does
  not, nothing is signed and `status` says so (ForkError): an operator must look. The same where a witness objects.
- The first entry that is new names the tree's last leaf, or nothing more is integrated.
- Without the key store or the database, or after a fault of ours, it waits and tries again; entries stay durable and
  not yet proven.
- It takes its turn at writing like everyone (`Database`), so that it never starves.
- Of several processes the one that leads integrates and signs, the others look how far it is. Should two believe that
  they lead, both are right: a tree is stored only where the one before still stands, and neither signs what the other
  would not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from keys.errors import KeysError
from keys.high_water import Mark
from ledger.entry import FIRST_PREV, parse_entry
from ledger.errors import ForkError, LedgerError
from ledger.publishing.activity import store_days
from ledger.publishing.publication import Publication, Shown
from ledger.publishing.search import store_kinds
from ledger.storage.database import Database
from ledger.storage.tables import Checkpoint, Entry, stored_bytes
from ledger.storage.tenancy import SystemSession
from ledger.tree.checkpoint import TreeHead, sign_checkpoint, verify_checkpoint
from ledger.tree.guard import check_extends, check_mark
from ledger.tree.log_key import LogKey
from ledger.tree.merkle import leaf_hash
from ledger.tree.tile_store import (
    integrated_size,
    latest_checkpoint,
    leaf_at,
    signed_size,
    store_tiles,
    tile_reader,
)
from ledger.tree.tiles import Growth, Tiles
from ledger.witnessing.witnesses import Witnesses

CHECKPOINT_INTERVAL = 1.0
"""Seconds between checkpoints while the log grows."""

CHUNK = 4_096
"""Entries integrated in one transaction."""


_FROM = (
    select(Entry.index, stored_bytes(Entry.data))
    .where(Entry.index >= bindparam("size"))
    .order_by(Entry.index)
    .limit(CHUNK)
)
_KEPT = select(Checkpoint.size).where(Checkpoint.size == bindparam("of"))


@dataclass(frozen=True)
class Progress:
    """How far the integrator is."""

    integrated: int
    proven: int
    running: bool
    reason: str
    """Empty when all is well; otherwise why there is no newer checkpoint."""


class Integrator:
    """One thread over one log."""

    def __init__(
        self,
        database: Database,
        key: LogKey,
        interval: float = CHECKPOINT_INTERVAL,
        witnesses: Witnesses | None = None,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._key = key
        self._witnesses = witnesses or Witnesses(database)
        self._interval = interval
        self._leads = leads
        self._growth: Growth | None = None
        """The tree's right edge as stored; None when it must be read again. Owned by the thread."""

        self._held = False
        """Whether the tree was held to what is signed since it was last led here: a restored database may be idle."""

        self._led = False
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._integrated = 0
        self._proven = 0
        self._reason = ""
        """These three are guarded by `_changed`."""

        self._thread = threading.Thread(target=self._run, name="ledger-integrator", daemon=True)

    def start(self) -> None:
        """Begin. Raises DatabaseUnavailableError when the tree cannot be read."""
        self._look()
        self._thread.start()

    def close(self, *, led: bool = True) -> None:
        """Prove what is durable, if it `led` until now and the key store can, then stop."""
        self._led = led
        self._stop.set()
        self._thread.join()

    def progress(self) -> Progress:
        """How far it is, and what holds it up."""
        with self._changed:
            return Progress(self._integrated, self._proven, self._thread.is_alive(), self._reason)

    def wait(self, size: int, timeout: float) -> bool:
        """Wait until a checkpoint covers `size` entries; whether it does."""
        with self._changed:
            return self._changed.wait_for(lambda: self._proven >= size, timeout)

    def proved(self, size: int) -> None:
        """So many entries are shown under a checkpoint. Each witness's thread tells what it read, in any order: the
        less of two is the older.
        """
        with self._changed:
            self._proven = max(self._proven, size)
            self._changed.notify_all()

    def next(self, timeout: float) -> None:
        """Wait until there is news of how far it is, or until the time is over."""
        with self._changed:
            self._changed.wait(timeout)

    def step(self) -> None:
        """Integrate and sign once. Raises ForkError, WitnessError, TileError, KeysError, DatabaseUnavailableError."""
        while self._integrate():
            pass
        self._publish()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stop.wait(self._interval)
            try:
                self.step() if self._leads() or (stopping and self._led) else self._look()
            except (LedgerError, KeysError) as error:
                self._report(reason=str(error))
            except Exception as error:  # noqa: BLE001 -- whatever it is, proving must not end with it
                self._report(reason=f"the fault is ours: {type(error).__name__}: {error}")
            else:
                self._report(reason="")

    def _look(self) -> None:
        """See how far the leader is. Whoever leads later reads the tree's edge again, and holds it to its mark."""
        self._growth, self._held = None, False
        with self._database.read(SystemSession.INTEGRATION) as connection:
            proven = Publication.under(self._witnesses.policy).size(connection)
            self._report(integrated=integrated_size(connection), proven=proven)

    def _integrate(self) -> bool:
        """Append the next chunk of entries to the tree; whether there may be more."""
        with self._database.read(SystemSession.INTEGRATION) as connection:
            growth = self._growth or Growth(integrated_size(connection), tile_reader(connection))
            rows = connection.execute(_FROM, {"size": growth.size}).all()
            last = leaf_at(connection, growth.size - 1)
        if rows and [index for index, _ in rows] != list(range(growth.size, growth.size + len(rows))):
            raise ForkError(f"entries are missing after index {growth.size - 1}: run `sigillo ledger verify`")
        if rows:
            _check_follows(rows[0][1], growth.size, last)
            # Forgotten until stored: if the write fails, the edge is read again.
            self._growth, before = None, growth.size
            changed = growth.extend(leaf_hash(data) for _, data in rows)
            if not self._database.write(lambda connection: _store(connection, before, changed, rows)):
                return True
        self._growth = growth
        self._report(integrated=growth.size)
        return len(rows) == CHUNK

    def _publish(self) -> None:
        """Sign a checkpoint over the integrated tree, if it grew; hold it to what was signed before, once if it did
        not.
        """
        with self._database.read(SystemSession.INTEGRATION) as connection:
            signed = signed_size(connection)
            if integrated_size(connection) == signed and (self._held or not signed):
                return
        self._witnesses.check()
        # Asked for outside the snapshot: it may take long, and whoever truncates the write-ahead log waits for readers.
        key, signer = self._key.signer()
        high_water = self._key.high_water()
        # Before the snapshot: whoever raised it had stored its tree, which is then in there.
        mark = high_water.read()
        with self._database.read(SystemSession.INTEGRATION) as connection:
            tiles, size = Tiles(tile_reader(connection)), integrated_size(connection)
            note = latest_checkpoint(connection)
            head = TreeHead(key.origin, size, tiles.root(size))
            if note is not None:
                check_extends(head, verify_checkpoint(note, key), tiles, "a checkpoint")
            check_mark(head, mark, note, tiles)
        self._held = True
        if size == signed:
            return
        high_water.replace(mark, Mark(size, head.root.hex()))
        shown = Shown(size, sign_checkpoint(head, key, signer))
        row = {"size": size, "note": shown.note}
        self._database.write(lambda connection: _keep(connection, row))
        if not self._witnesses.policy.waits:
            self._report(proven=size)
        self._witnesses.offer(shown)

    def _report(self, *, integrated: int | None = None, proven: int | None = None, reason: str | None = None) -> None:
        with self._changed:
            self._integrated = self._integrated if integrated is None else integrated
            self._proven = self._proven if proven is None else proven
            self._reason = self._reason if reason is None else reason
            self._changed.notify_all()


def _check_follows(data: bytes, index: int, last: bytes) -> None:
    """An entry names the one before; if that is not the tree's last leaf, the two tell different histories, and neither
    goes on. Raises ForkError, EntryMalformedError.
    """
    if parse_entry(data).prev != (last.hex() if index else FIRST_PREV):
        raise ForkError(f"entry {index} does not follow the tree's last: run `sigillo ledger verify`")


def _store(
    connection: Connection,
    before: int,
    changed: Mapping[tuple[int, int], bytes],
    rows: Iterable[tuple[int, bytes]],
) -> bool:
    """Store what these entries make of the tree of `before` leaves; False where that is no longer what is stored."""
    if integrated_size(connection) != before:
        return False
    store_tiles(connection, changed)
    entries = [data for _, data in rows]
    store_kinds(connection, before, entries)
    store_days(connection, entries)
    return True


def _keep(connection: Connection, row: Mapping[str, Any]) -> None:
    """Keep a checkpoint, unless one of this tree was signed meanwhile: by the same key over the same bytes."""
    if connection.execute(_KEPT, {"of": row["size"]}).scalar() is None:
        connection.execute(insert(Checkpoint), row)
