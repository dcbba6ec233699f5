"""One witness of our log, as we ask it: from the size it saw last, and what its answers mean.

Rules
- A conflict tells the size that the witness saw last: it is asked once more, from there.
- A witness that saw more of this log than is signed here, or another history, is evidence: this database was put back
  to an earlier state, or somebody else signs with its key. It is told as the fork it would be (ForkError), and with it
  whether the witness shows a checkpoint under our key: that one is proof, its word alone is not.
- What it answers counts once it verified under its key.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import select

from keys.clock import Clock
from ledger.errors import CheckpointError, WitnessError, WitnessObjectsError, WitnessRefusedError
from ledger.ids import milliseconds
from ledger.publishing.publication import Shown, keep, last_cosigned
from ledger.storage.database import Database
from ledger.storage.tables import LogIdentity, Overruled
from ledger.storage.tenancy import SystemSession
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.tree.guard import RECOVER
from ledger.tree.merkle import consistency_proof
from ledger.tree.note import Signature, parse_note, parse_signatures
from ledger.tree.tile_store import signed_size, tile_reader
from ledger.tree.tiles import Tiles
from ledger.witnessing.add_checkpoint import AddCheckpoint, Refusal
from ledger.witnessing.cosignature import verify_cosignature
from ledger.witnessing.witness_client import WitnessAddress, WitnessClient

MAX_AHEAD: Final = timedelta(hours=1)
"""How far a witness's clock may be ahead of ours."""


class Cosigner:
    """Asks one witness. Used by one thread."""

    def __init__(self, database: Database, address: WitnessAddress, clock: Clock) -> None:
        self.address, self._database, self._clock = address, database, clock
        self._client = WitnessClient(address.url)

    def obtain(self, asked: Shown) -> Signature | None:
        """Its cosignature of that checkpoint, kept; None where it has seen a later one of ours.

        Raises WitnessObjectsError, WitnessError, TileError, DatabaseUnavailableError.
        """
        with self._database.read(SystemSession.INTEGRATION) as connection:
            known, _ = last_cosigned(connection, self.address.key)
        try:
            signature = self._ask(min(known, asked.size), asked)
        except WitnessRefusedError as refused:
            if refused.size is None:
                raise
            if refused.size > asked.size:
                self._require_signed(refused.size)
                return None
            signature = self._ask(refused.size, asked)
        if known < asked.size:
            self._database.write(lambda connection: keep(connection, asked.size, self.address.key, signature))
        return signature

    def _ask(self, old: int, asked: Shown) -> Signature:
        with self._database.read(SystemSession.INTEGRATION) as connection:
            tree = Tiles(tile_reader(connection)).subtree
            proof = tuple(consistency_proof(old, asked.size, tree)) if old else ()
        try:
            lines = self._client.ask(AddCheckpoint(old, proof, asked.note))
        except WitnessRefusedError as refused:
            if old and refused.refusal == Refusal.INCONSISTENT:
                raise self._objection(f"saw another history of this log, of {old} entries", old) from refused
            raise
        return self._verified(lines, asked)

    def _verified(self, lines: str, asked: Shown) -> Signature:
        key = self.address.key
        try:
            ours = [one for one in parse_signatures(lines) if (one.name, one.key_id) == (key.name, key.id)]
            times = [verify_cosignature(one, parse_note(asked.note).text, key) for one in ours]
        except CheckpointError as error:
            raise WitnessError(f"its answer does not hold: {error}") from error
        if not ours:
            raise WitnessError("its answer has no cosignature by the key that we know")
        if times[0] > milliseconds(self._clock() + MAX_AHEAD) // 1000:
            raise WitnessError("its clock is more than an hour ahead of ours")
        return ours[0]

    def _require_signed(self, size: int) -> None:
        with self._database.read(SystemSession.INTEGRATION) as connection:
            signed = signed_size(connection)
        if size > signed:
            raise self._objection(f"has seen {size} entries of this log, and only {signed} are signed here", size)

    def _objection(self, what: str, size: int) -> WitnessObjectsError:
        witness = self.address.key
        decided = select(Overruled.size).where(Overruled.witness == str(witness), Overruled.size == size)
        with self._database.read(SystemSession.INTEGRATION) as connection:
            vkey = connection.execute(select(LogIdentity.vkey)).scalar() or ""
            overruled = connection.execute(decided).scalar() is not None
        shown = self._shown(VerifierKey.parse(vkey))
        return WitnessObjectsError(f"{witness.name} {what} ({shown}): {RECOVER}", size, overruled=overruled)

    def _shown(self, key: VerifierKey) -> str:
        """Whether it shows what it saw."""
        try:
            head = verify_checkpoint(self._client.shown(key.origin), key)
        except (WitnessError, CheckpointError) as error:
            return f"its word alone: it shows no checkpoint under our key, {error}"
        return f"it shows our signature over {head.size} entries, root {head.root.hex()}"
