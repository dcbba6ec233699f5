"""Which checkpoint the log shows, with the cosignatures it has by then.

Rules
- The newest that is signed; where the operator told it to wait, the newest that a quorum of witnesses has cosigned.
- A receipt is made under the newest checkpoint with a quorum that covers its entry; where there is none yet, and the
  log does not wait, under the newest.
- Cosignatures are kept beside the checkpoint, which stays as it was signed; only those that verified are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, bindparam, func, insert, select

from ledger.storage.tables import Checkpoint, Cosignature
from ledger.tree.note import Signature
from ledger.tree.tile_store import signed_size
from ledger.witnessing.cosignature import NO_WITNESSES, Quorum, WitnessKey
from ledger.witnessing.policy import WitnessPolicy

# Built once: every receipt needs them.
_SHOWN = (
    select(Checkpoint.note, Cosignature.line)
    .outerjoin(Cosignature, Cosignature.size == Checkpoint.size)
    .where(Checkpoint.size == bindparam("size"))
    .order_by(Cosignature.witness)
)
_SEEN = (
    select(Cosignature.size)
    .where(Cosignature.witness.in_(bindparam("witnesses", expanding=True)))
    .group_by(Cosignature.size)
    .having(func.count(Cosignature.witness) >= bindparam("needed"))
    .order_by(Cosignature.size.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Shown:
    """A checkpoint, and how many entries it covers."""

    size: int
    note: str


@dataclass(frozen=True)
class Publication:
    """What is shown of a log."""

    quorum: Quorum = NO_WITNESSES
    waits: bool = False

    @classmethod
    def under(cls, policy: WitnessPolicy) -> Self:
        """What is shown under it."""
        return cls(policy.quorum, policy.waits)

    def size(self, connection: Connection) -> int:
        """How many entries are shown: all of them proven."""
        return self._seen_size(connection) if self.waits else signed_size(connection)

    def newest(self, connection: Connection) -> Shown | None:
        """The checkpoint to show; None before the first."""
        return cosigned(connection, self.size(connection))

    def over(self, connection: Connection, index: int) -> Shown | None:
        """A checkpoint to prove that entry under; None where none covers it yet."""
        seen = self._seen_size(connection)
        size = seen if seen > index else self.size(connection)
        return cosigned(connection, size) if size > index else None

    def _seen_size(self, connection: Connection) -> int:
        """How many entries the newest checkpoint covers that has a quorum, and one cosignature at least."""
        witnesses = [str(key) for key in self.quorum.witnesses]
        if not witnesses:
            return 0
        wanted = {"witnesses": witnesses, "needed": max(self.quorum.needed, 1)}
        return connection.execute(_SEEN, wanted).scalar() or 0


PLAIN = Publication()
"""No witnesses."""


def cosigned(connection: Connection, size: int) -> Shown | None:
    """The checkpoint of that size, with all its cosignatures."""
    rows = connection.execute(_SHOWN, {"size": size}).all()
    return Shown(size, rows[0].note + "".join(row.line or "" for row in rows)) if rows else None


def last_cosigned(connection: Connection, witness: WitnessKey) -> tuple[int, str]:
    """Size and line of the largest that this witness cosigned; 0 and nothing before the first."""
    theirs = select(Cosignature.size, Cosignature.line).where(Cosignature.witness == str(witness))
    row = connection.execute(theirs.order_by(Cosignature.size.desc()).limit(1)).one_or_none()
    return (row.size, row.line) if row else (0, "")


def keep(connection: Connection, size: int, witness: WitnessKey, signature: Signature) -> None:
    """Keep a cosignature that verified; the first of each witness stays."""
    theirs = select(Cosignature.size).where(Cosignature.size == size, Cosignature.witness == str(witness))
    if connection.execute(theirs).scalar() is not None:
        return
    row = {"size": size, "witness": str(witness), "line": signature.line}
    connection.execute(insert(Cosignature), row)
