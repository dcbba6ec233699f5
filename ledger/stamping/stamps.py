"""Stamps: RFC 3161 time-stamps of checkpoints, as files and as rows.

    stamps/index             the size of each stamped checkpoint, a line each, rising
    stamps/<N>.checkpoint    what was stamped: the note of size N with the log's own signature alone
    stamps/<N>.tsr           the authority's answer, DER
    stamps/anchors.pem       the roots they were verified under: the log's word; whoever judges brings their own

Rules
- Stamps are of the newest checkpoint, so each is of a larger one than those before; none is ever changed.
- A file of a size is the same for ever. The index grows; it may name sizes beyond the checkpoint a reader holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection, insert, select

from ledger.errors import StampIndexError
from ledger.publishing.source import Fetch, StoredStamp
from ledger.storage.tables import Checkpoint, Stamp, StampRoot, stored_bytes
from ledger.tree.checkpoint import MAX_SIZE

FOLDER: Final = "stamps"
INDEX_FILE: Final = f"{FOLDER}/index"
ANCHORS_FILE: Final = f"{FOLDER}/anchors.pem"
_FILE: Final = re.compile(rf"{FOLDER}/([1-9][0-9]{{0,18}})\.(checkpoint|tsr)")
_SIZE: Final = re.compile(r"[1-9][0-9]{0,18}")


def stamp_paths(size: int) -> tuple[str, str]:
    """Where the two files of a stamp lie: what was stamped, and the stamp."""
    return f"{FOLDER}/{size}.checkpoint", f"{FOLDER}/{size}.tsr"


def parse_index(data: bytes) -> tuple[int, ...]:
    """The sizes that an index names. Raises StampIndexError."""
    *lines, rest = data.decode("ascii", "replace").split("\n")
    if rest or not all(map(_SIZE.fullmatch, lines)):
        raise StampIndexError(f"{INDEX_FILE} is not one size a line")
    sizes = tuple(map(int, lines))
    if any(size > MAX_SIZE for size in sizes) or any(a >= b for a, b in pairwise(sizes)):
        raise StampIndexError(f"{INDEX_FILE} names sizes that do not rise, or that no log has")
    return sizes


def published_stamps(fetch: Fetch, first: int, last: int) -> Iterator[StoredStamp]:
    """The published stamps of sizes [first, last], from the smallest on. Raises StampIndexError, and as `fetch`."""
    for size in parse_index(fetch(INDEX_FILE) or b""):
        if first <= size <= last:
            note, response = (fetch(path) or b"" for path in stamp_paths(size))
            yield StoredStamp(size, note, response)


def stored_stamps(connection: Connection, after: int) -> Iterator[StoredStamp]:
    """The rows beyond that size, from the smallest on."""
    rows = select(Stamp.size, Checkpoint.note, stored_bytes(Stamp.response)).join(
        Checkpoint, Checkpoint.size == Stamp.size
    )
    for size, note, response in connection.execute(rows.where(Stamp.size > after).order_by(Stamp.size)):
        yield StoredStamp(size, note.encode(), response)


def stamp_file(connection: Connection, path: str) -> bytes | None:
    """One of the files above, of this snapshot; None where there is none."""
    if path == INDEX_FILE:
        sizes = connection.execute(select(Stamp.size).order_by(Stamp.size)).scalars()
        return "".join(f"{size}\n" for size in sizes).encode() or None
    if path == ANCHORS_FILE:
        return "".join(connection.execute(select(StampRoot.pem).order_by(StampRoot.digest)).scalars()).encode() or None
    found = _FILE.fullmatch(path)
    if found is None or int(found[1]) > MAX_SIZE:
        return None
    size, part = int(found[1]), found[2]
    if part == "tsr":
        return connection.execute(select(stored_bytes(Stamp.response)).where(Stamp.size == size)).scalar()
    stamped = select(Checkpoint.note).join(Stamp, Stamp.size == Checkpoint.size).where(Stamp.size == size)
    note = connection.execute(stamped).scalar()
    return note.encode() if note is not None else None


def store_stamp(connection: Connection, size: int, response: bytes, time: int, roots: str) -> None:
    """Add a stamp (`time` in UTC milliseconds), and those of its roots (PEM) that are new."""
    connection.execute(insert(Stamp), {"size": size, "response": response, "time": time})
    known = set(connection.execute(select(StampRoot.digest)).scalars())
    rows = [row for row in _roots(roots) if row["digest"] not in known]
    if rows:
        connection.execute(insert(StampRoot), rows)


def _roots(pem: str) -> Iterable[dict[str, object]]:
    for certificate in dict.fromkeys(x509.load_pem_x509_certificates(pem.encode())):
        text = certificate.public_bytes(Encoding.PEM).decode()
        yield {"digest": sha256(certificate.public_bytes(Encoding.DER)).digest(), "pem": text}
