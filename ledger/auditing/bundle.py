"""The audit bundle: a range of the log in one file, for somebody with nothing but Python (`bundle_verifier`).

    bundle.json      first, end (one beyond the last), size; `outside`: hashes of the largest subtrees outside the
                     range, from left to right; `since`: size of an earlier checkpoint and the proof that this one
                     extends it, or null; `stamps`: by the size of each stamped checkpoint, the same proof
    entries.jsonl    every entry of the range, a line each, in the bytes that are hashed
    checkpoint, log.vkey, verify.py
    stamps/          time-stamps that bear on the range: those of checkpoints that end in it, and the next one
                     (`ledger.stamps`)
    disclosed/       salt and payload of entries that were opened to the auditor

Rules
- Nothing is left out of a range; whoever wants less filters.
- It is made from published files, so anybody can make one, of a mirror too.
- The same range of the same checkpoint and its stamps is the same file, byte for byte.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import IO, Final

from ledger.auditing.faults import FaultError
from ledger.auditing.mirror import Mirror
from ledger.commitment import commitment
from ledger.entry import Entry, parse_entry
from ledger.errors import BundleError
from ledger.ids import EntryId
from ledger.payload import Disclosed
from ledger.publishing.source import CHECKPOINT_FILE, VKEY_FILE, Fetch, StoredStamp
from ledger.stamping.stamp_check import NO_STAMPS, Judge, StampsFound, judged
from ledger.stamping.stamps import ANCHORS_FILE, stamp_paths
from ledger.tree.checkpoint import TreeHead, VerifierKey, verify_checkpoint
from ledger.tree.merkle import consistency_proof, range_proof
from ledger.tree.tiles import WIDTH, Tiles

VERIFIER: Final = Path(__file__).with_name("bundle_verifier.py")
_MADE: Final = (1980, 1, 1, 0, 0, 0)
"""The least moment that a ZIP file knows: when it was made says nothing."""


@dataclass(frozen=True)
class BundleFacts:
    """What a bundle holds: entries [first, end) of a log of `size`."""

    origin: str
    first: int
    end: int
    size: int


def judge_bundle(file: Path, judge: Judge | None) -> StampsFound:
    """What its stamps are worth, of a bundle that the verifier found sound. Raises FaultError."""
    found = NO_STAMPS
    with zipfile.ZipFile(file) as archive:
        for size in sorted(int(size) for size in json.loads(archive.read("bundle.json")).get("stamps", {})):
            note, response = map(archive.read, stamp_paths(size))
            found = judged(StoredStamp(size, note, response), judge, found)
    return found


def verifier_digest() -> str:
    """SHA-256, hex, of the verifier that goes into bundles."""
    return sha256(VERIFIER.read_bytes()).hexdigest()


def write_bundle(
    fetch: Fetch,
    vkey: str,
    file: IO[bytes],
    first: int = 0,
    end: int | None = None,
    since: str = "",
    disclosed: Iterable[Disclosed] = (),
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> BundleFacts:
    """Write the bundle of entries [first, end), or to the log's end; `since` is an earlier checkpoint of it.

    Raises CheckpointError, BundleError for a range, an earlier checkpoint or disclosed payloads that this log does not
    have, TileError, StampIndexError, and what `fetch` raises.
    """
    key = VerifierKey.parse(vkey)
    mirror = Mirror.of(fetch, key)
    size = mirror.head.size
    facts = BundleFacts(key.origin, first, size if end is None else end, size)
    if not 0 <= first < facts.end <= size:
        raise BundleError(f"there is no range {first} to {facts.end - 1}: the log has {size} entries, from index 0 on")
    subtree, stamps = Tiles(mirror.tile).subtree, tuple(_stamps(mirror, facts))
    described = {
        "first": first,
        "end": facts.end,
        "size": size,
        "outside": [value.hex() for value in range_proof(first, facts.end, size, subtree)],
        "since": _since(mirror, verify_checkpoint(since, key)) if since else None,
        "stamps": {str(stamp.size): _growth(mirror, stamp.size) for stamp in stamps},
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _write(archive, "verify.py", VERIFIER.read_bytes())
        _write(archive, CHECKPOINT_FILE, mirror.note.encode())
        _write(archive, VKEY_FILE, f"{vkey.strip()}\n".encode())
        _write(archive, "bundle.json", json.dumps(described, indent=1).encode())
        for stamp in stamps:
            for path, data in zip(stamp_paths(stamp.size), (stamp.note, stamp.response), strict=True):
                _write(archive, path, data)
        if stamps:
            _write(archive, ANCHORS_FILE, fetch(ANCHORS_FILE) or b"")
        opened = {one.entry: one for one in disclosed}
        for one in opened.values():
            _write(archive, f"disclosed/{one.entry}.json", one.payload)
            _write(archive, f"disclosed/{one.entry}.salt", one.salt)
        _write_entries(archive, mirror, facts, opened, progress)
    return facts


def write_disclosed(folder: Path, disclosed: Disclosed) -> None:
    """Put an opened payload into a folder, for bundles and for whoever reads it: their owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for suffix, data in (("json", disclosed.payload), ("salt", disclosed.salt)):
        file = folder / f"{disclosed.entry}.{suffix}"
        file.touch(mode=0o600)
        file.write_bytes(data)


def read_disclosed(folder: Path) -> list[Disclosed]:
    """What `write_disclosed` put there. Raises OSError."""
    return [
        Disclosed(EntryId(file.stem), file.with_suffix(".salt").read_bytes(), file.read_bytes())
        for file in sorted(folder.glob("ent_*.json"))
    ]


def _since(mirror: Mirror, before: TreeHead) -> dict[str, object]:
    fault = mirror.contradicts(before)
    if fault is not None:
        raise BundleError(fault.reason)
    return {"size": before.size, "proof": _growth(mirror, before.size)}


def _growth(mirror: Mirror, size: int) -> list[str]:
    """The proof that the log grew from that size, in hex."""
    proof = consistency_proof(size, mirror.head.size, Tiles(mirror.tile).subtree) if size else []
    return [value.hex() for value in proof]


def _stamps(mirror: Mirror, facts: BundleFacts) -> Iterator[StoredStamp]:
    """That of the first checkpoint beyond the range dates all of it; those before, its beginning more closely."""
    for stamp in mirror.stamps(facts.first):
        yield stamp
        if stamp.size >= facts.end:
            return


def _write_entries(
    archive: zipfile.ZipFile,
    mirror: Mirror,
    facts: BundleFacts,
    opened: dict[EntryId, Disclosed],
    progress: Callable[[int, int], None],
) -> None:
    with archive.open(_described("entries.jsonl"), "w") as lines:
        try:
            for stored in islice(mirror.entries(facts.first), facts.end - facts.first):
                lines.write(stored.data + b"\n")
                if opened:
                    _tick_off(opened, parse_entry(stored.data))
                if (stored.index + 1) % WIDTH == 0:
                    progress(stored.index + 1 - facts.first, facts.end - facts.first)
        except FaultError as error:
            raise BundleError(f"{error}: run `sigillo ledger verify`") from error
    if opened:
        raise BundleError(f"{min(opened)} was disclosed and is not in the range: widen it, or leave that one out")


def _tick_off(opened: dict[EntryId, Disclosed], entry: Entry) -> None:
    one = opened.pop(entry.id, None)
    if one is not None and commitment(one.salt, one.payload) != entry.commit:
        raise BundleError(f"what is said to be the payload of {entry.id} is not what it committed to")


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(_described(name), data)


def _described(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _MADE)
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return info
