"""A log of a few entries without a database, a thread or a key store: files, a receipt and a bundle, made at once."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property, partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.auditing.bundle import write_bundle
from ledger.entry import FIRST_PREV, Entry, format_time
from ledger.ids import EntryId, new_id
from ledger.receipt import format_receipt
from ledger.stamping.stamps import ANCHORS_FILE, INDEX_FILE, stamp_paths
from ledger.tree.checkpoint import TreeHead, VerifierKey
from ledger.tree.merkle import inclusion_proof, leaf_hash
from ledger.tree.note import encode
from ledger.tree.tiles import ENTRIES, Growth, Tiles, pack_bundle, tile_path
from tests.ledger.publishing import Published
from tests.ledger.stamper import response_of
from tests.simulators.time_stamp_authority import TimeStampAuthority
from tests.simulators.witness import SimulatedWitness

ORIGIN = "log.example/small"
NOVEMBER = 1_795_000_000_000
"""UTC milliseconds, in 2026."""


def _same(value: int, count: int) -> bytes:
    return bytes([value]) * count


@dataclass(frozen=True)
class SmallLog:
    """Of so many entries, at most 256; stamped at its full size, and cosigned."""

    size: int = 5
    commit: str = "0" * 64

    @cached_property
    def private_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(b"l" * 32)

    @cached_property
    def witness(self) -> SimulatedWitness:
        return SimulatedWitness("witness.example", Ed25519PrivateKey.from_private_bytes(b"w" * 32))

    @cached_property
    def key(self) -> VerifierKey:
        return VerifierKey(ORIGIN, self.private_key.public_key().public_bytes_raw())

    @cached_property
    def authority(self) -> TimeStampAuthority:
        return TimeStampAuthority()

    @cached_property
    def entries(self) -> tuple[bytes, ...]:
        made: list[bytes] = []
        for index in range(self.size):
            prev = leaf_hash(made[-1]).hex() if made else FIRST_PREV
            entry_id = EntryId(new_id("ent", partial(_same, index)))
            time = format_time(NOVEMBER + index)
            made.append(Entry(entry_id, "note.written", time, "notes@1", self.commit, "f" * 64, prev).encode())
        return tuple(made)

    @cached_property
    def tiles(self) -> Tiles:
        hashes = Growth(0, lambda *_: b"").extend(map(leaf_hash, self.entries))
        return Tiles(lambda level, n: hashes[level, n])

    @cached_property
    def own(self) -> str:
        """The checkpoint with the log's own signature."""
        text = TreeHead(ORIGIN, self.size, self.tiles.root(self.size)).text
        return f"{text}\n— {ORIGIN} {encode(self.key.id + self.private_key.sign(text.encode()))}\n"

    @cached_property
    def note(self) -> str:
        return self.own + self.witness.line(self.own)

    @cached_property
    def files(self) -> dict[str, bytes]:
        own, stamp = stamp_paths(self.size)
        return {
            "checkpoint": self.note.encode(),
            "log.vkey": f"{self.key}\n".encode(),
            tile_path(0, 0, self.size): b"".join(map(leaf_hash, self.entries)),
            tile_path(ENTRIES, 0, self.size): pack_bundle(self.entries),
            INDEX_FILE: f"{self.size}\n".encode(),
            own: self.own.encode(),
            stamp: response_of(self.authority, self.own.encode()),
            ANCHORS_FILE: self.authority.anchors.encode(),
        }

    @cached_property
    def receipt(self) -> str:
        proof = inclusion_proof(2, self.size, self.tiles.subtree)
        return format_receipt(self.entries[2], 2, proof, self.note)

    @cached_property
    def bundle(self) -> bytes:
        file = io.BytesIO()
        write_bundle(Published(self.files), str(self.key), file, 1, 4)
        return file.getvalue()
