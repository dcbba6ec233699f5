"""Every part of the evidence, forged: what a log shows, what is changed in it, and how the answer names it.

A log shows itself in three forms, each with verifiers of its own: as published files (a *mirror*), as one file for an
auditor (a *bundle*), and as the proof of one entry (a *receipt*). The database behind it has its own table
(`tests.ledger.test_fsck`). "Signed again" is what only the log's key, and the witness's, could make.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from keys.signer import Purpose
from ledger.auditing.bundle import write_bundle
from ledger.entry import parse_entry
from ledger.stamping.stamps import INDEX_FILE, stamp_paths
from ledger.tree.checkpoint import VerifierKey
from ledger.tree.merkle import leaf_hash
from ledger.tree.note import decode, encode
from ledger.tree.tiles import ENTRIES, WIDTH, Growth, pack_bundle, tile_path, unpack_bundle
from tests.ledger.publishing import Change, Published, grow, publish, remade
from tests.ledger.stamper import Desk, response_of
from tests.ledger.world import LONG, running
from tests.simulators.time_stamp_authority import TimeStampAuthority
from tests.simulators.witness import NOW, SimulatedWitness

EARLIER, DISCLOSED, STAMPED, SIZE = 250, 255, 280, 300
FIRST, END = 250, 290
"""The range of the bundle."""

PROVEN: Final = 270
"""The entry of the receipt."""

LEAF: Final = 5
"""An entry under the mirror's full tile."""

WITNESS: Final = SimulatedWitness("witness.example/one")
NOTE, STAMP = stamp_paths(STAMPED)
FULL, PARTIAL = tile_path(0, 0), tile_path(0, 1, SIZE - WIDTH)
TOP: Final = tile_path(1, 0, 1)
FULL_BUNDLE, PARTIAL_BUNDLE = tile_path(ENTRIES, 0), tile_path(ENTRIES, 1, SIZE - WIDTH)


@dataclass(frozen=True)
class Evidence:
    """What one honest log shows, and what its keys can be made to sign."""

    vkey: str
    files: Mapping[str, bytes]
    bundle: bytes
    before: bytes
    """An earlier bundle, for `--since`."""

    receipt: str
    authority: TimeStampAuthority
    _sign: Callable[[bytes], bytes] = field(repr=False)

    @property
    def text(self) -> str:
        """What the log signed."""
        return self.files["checkpoint"].decode().partition("\n\n")[0] + "\n"

    def signed(self, text: str) -> str:
        """Any text under the log's own key."""
        key = VerifierKey.parse(self.vkey)
        return f"{text}\n— {key.origin} {encode(key.id + self._sign(text.encode()))}\n"

    def cosigned(self, text: str) -> str:
        """By the witness, too."""
        note = self.signed(text)
        return note + WITNESS.line(note)


def evidence(folder: Path) -> Evidence:
    """A log of 300 entries: one full tile and a partial one, cosigned, stamped at 280; entry 255 is disclosed."""
    with running(folder / "log.db", interval=LONG * 10) as world:
        tenant = world.ledger.create_tenant("first")
        desk, vkey = Desk(world), world.ledger.vkey()
        grow(world, EARLIER)
        before = publish(world, folder / "before")
        grow(world, DISCLOSED)
        note = world.write_note(tenant, "seen by the auditor").entries[0]
        opened = world.ledger.payloads.disclose(tenant, note)
        grow(world, STAMPED)
        desk.stamp()
        grow(world, SIZE)
        files = publish(world, folder / "after").files
        line = WITNESS.line(files["checkpoint"].decode())
        files["checkpoint"] += line.encode()
        entry = parse_entry(unpack_bundle(files[PARTIAL_BUNDLE], SIZE - WIDTH)[PROVEN - WIDTH])
        since = before.files["checkpoint"].decode()
        return Evidence(
            vkey,
            files,
            bundled(files, vkey, FIRST, END, since, [opened]),
            bundled(before.files, vkey),
            world.ledger.receipt(entry.id) + line,
            desk.authority,
            world.keys.signer(Purpose.LOG).sign,
        )


def bundled(files: Mapping[str, bytes], vkey: str, *arguments: Any) -> bytes:
    file = io.BytesIO()
    write_bundle(Published(dict(files)), vkey, file, *arguments)
    return file.getvalue()


Forge: TypeAlias = Callable[[Evidence], Any]
"""Another mirror (files by path), bundle (bytes) or receipt (text)."""


@dataclass(frozen=True)
class Forgery:
    """One part, forged in one form."""

    part: str
    form: str
    forge: Forge
    named: str
    """How the answer names it: a pattern."""


def flipped(data: bytes, at: int = -1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def replaced(old: bytes, new: bytes) -> Change:
    def change(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, 1)

    return change


# Checkpoints, in whatever form they are shown.
def size_of(new: str) -> Callable[[str], str]:
    return lambda text: text.replace(f"\n{SIZE}\n", f"\n{new}\n")


def root_of(text: str) -> str:
    origin, size, root, _ = text.split("\n")
    return f"{origin}\n{size}\n{encode(flipped(decode(root)))}\n"


def origin_of(text: str) -> str:
    return text.replace("log.example", "log.examine", 1)


def edited(change: Callable[[str], str], one: Evidence) -> str:
    """The text is changed; the signatures are as they were."""
    note = one.files["checkpoint"].decode()
    return note.replace(one.text, change(one.text))


def again(change: Callable[[str], str], one: Evidence) -> str:
    return one.cosigned(change(one.text))


def blob_of(change: Callable[[bytes], bytes], line: int, one: Evidence) -> str:
    """One signature line, the log's (0) or the witness's (1), with another blob."""
    head, _, block = one.files["checkpoint"].decode().rpartition("\n\n")
    lines = block.splitlines(keepends=True)
    name, _, blob = lines[line].rpartition(" ")
    lines[line] = f"{name} {encode(change(decode(blob.strip())))}\n"
    return f"{head}\n\n{''.join(lines)}"


def later(one: Evidence) -> str:
    note = one.signed(one.text)
    return note + WITNESS.line(note, NOW, stated=NOW + 1)


CHECKPOINTS: tuple[tuple[str, Callable[[Evidence], str], str], ...] = (
    ("size", partial(edited, size_of("301")), "log's signature does not verify|the checkpoint's signature"),
    ("size", partial(again, size_of(str(2**63))), "the (tree|checkpoint's) size is (not a|no) plain decimal number"),
    ("size", partial(again, size_of(str(2**64))), "the (tree|checkpoint's) size is (not a|no) plain decimal number"),
    ("size", partial(again, size_of("0300")), "the (tree|checkpoint's) size is (not a|no) plain decimal number"),
    ("size", partial(again, size_of("-300")), "the (tree|checkpoint's) size is (not a|no) plain decimal number"),
    ("root", partial(edited, root_of), "log's signature does not verify|the checkpoint's signature"),
    ("root", partial(again, root_of), "has another root than its|the root that is signed|leads to another root"),
    ("origin", partial(edited, origin_of), "log's signature does not verify|the checkpoint's signature"),
    ("origin", partial(again, origin_of), "the checkpoint is of 'log.examine/test', not of"),
    (
        "key id",
        partial(blob_of, lambda blob: flipped(blob, 0), 0),
        "no signature by log.example|not signed by log.exam",
    ),
    ("signature", partial(blob_of, flipped, 0), "log's signature does not verify|the checkpoint's signature"),
    ("cosignature", partial(blob_of, flipped, 1), "cosignature by witness.example/one"),
    ("cosignature time", later, "cosignature by witness.example/one"),
    (
        "cosignature",
        lambda one: one.signed(one.text),
        "cosignatures by 1 of the named witnesses are needed, and there are 0",
    ),
)


def checkpoint_forgeries() -> Iterator[Forgery]:
    """Each in every form."""
    for part, note, named in CHECKPOINTS:
        for form, show in (("mirror", _in_mirror), ("bundle", _in_bundle), ("receipt", attested)):
            yield Forgery(part, form, partial(show, note), named)


def _in_mirror(note: Callable[[Evidence], str], one: Evidence) -> dict[str, bytes]:
    return mirrored(one, {"checkpoint": note(one).encode()})


def _in_bundle(note: Callable[[Evidence], str], one: Evidence) -> bytes:
    return packed(one, {"checkpoint": lambda _: note(one).encode()})


# Mirrors.
def mirrored(one: Evidence, changed: Mapping[str, bytes | None]) -> dict[str, bytes]:
    return {path: data for path, data in {**one.files, **changed}.items() if data is not None}


def file(path: str, change: Change | None) -> Forge:
    return lambda one: mirrored(one, {path: change(one.files[path]) if change else None})


def entry(index: int, change: Change) -> Forge:
    """One entry of the mirror's bundles."""
    n, at = divmod(index, WIDTH)
    width = min(WIDTH, SIZE - n * WIDTH)

    def edit(bundle: bytes) -> bytes:
        entries = unpack_bundle(bundle, width)
        return pack_bundle([*entries[:at], change(entries[at]), *entries[at + 1 :]])

    return file(tile_path(ENTRIES, n, width), edit)


def consistent_liar(one: Evidence) -> dict[str, bytes]:
    """The last entry is another, and every hash of it is made to fit; all but the signature."""
    entries = unpack_bundle(one.files[FULL_BUNDLE], WIDTH) + unpack_bundle(one.files[PARTIAL_BUNDLE], SIZE - WIDTH)
    entries[-1] = replaced(b"notes@1", b"notes@2")(entries[-1])
    tiles = Growth(0, lambda *_: b"").extend(map(leaf_hash, entries))
    hashes = {PARTIAL: tiles[0, 1], FULL: tiles[0, 0], TOP: tiles[1, 0]}
    return mirrored(one, hashes | {PARTIAL_BUNDLE: pack_bundle(entries[WIDTH:])})


def stamped(note: bytes, one: Evidence) -> dict[str, bytes]:
    """A good stamp, by an authority that the auditor believes, of something else."""
    return mirrored(one, {NOTE: note, STAMP: response_of(one.authority, note)})


def moved(one: Evidence) -> bytes:
    """The stamped checkpoint as a log would have it that forked before."""
    text = one.files[NOTE].decode().partition("\n\n")[0] + "\n"
    return one.signed(root_of(text)).encode()


PREV: Final = replaced(b'"prev":"', b'"prev":"0')
"""One digit too many; the next rows change one."""


def other_prev(data: bytes) -> bytes:
    members = json.loads(data)
    members["prev"] = members["prev"][1:] + ("0" if members["prev"][0] != "0" else "1")
    return json.dumps(members, separators=(",", ":"), sort_keys=True).encode() + data[len(data.rstrip()) :]


MIRRORS: tuple[tuple[str, Forge, str], ...] = (
    ("leaf", entry(LEAF, replaced(b"notes@1", b"notes@2")), "index 5, tile: tile/0/000 hash 5 is not what"),
    ("leaf", entry(SIZE - 1, replaced(b"notes@1", b"notes@2")), "index 299, tile: tile/0/001 hash 43 is not what"),
    ("leaf", consistent_liar, "checkpoint: the checkpoint of size 300 has another root than its entries"),
    ("leaf", entry(LEAF, replaced(b"{", b"{ ")), "index 5, entry: the entry is not canonical JSON"),
    ("leaf", entry(LEAF, replaced(b'"v":1', b'"v":1,"v":1')), "index 5, entry: the entry is not canonical JSON"),
    ("prev", entry(LEAF, other_prev), "index 5, prev: `prev` is not the hash of the entry before"),
    ("prev", entry(LEAF, PREV), "index 5, entry: the entry's 'prev' is malformed"),
    ("tile", file(FULL, lambda hashes: flipped(hashes, 9 * 32)), "index 9, tile: tile/0/000 hash 9 is not what"),
    ("tile", file(FULL, None), "index 0, tile: tile/0/000 lacks hash 0"),
    ("tile", file(TOP, flipped), "index 0, tile: tile/1/000 hash 0 is not what"),
    ("partial", file(PARTIAL, flipped), "index 299, tile: tile/0/001 hash 43 is not what"),
    ("partial", file(PARTIAL, lambda hashes: hashes[:-32]), "index 299, tile: tile/0/001 lacks hash 43"),
    ("partial", file(PARTIAL_BUNDLE, None), "index 256, gap: tile/entries/001.p/44 is missing"),
    ("partial", file(PARTIAL_BUNDLE, lambda data: data[:-1]), "index 256, entry: tile/entries/001.p/44: .* exactly 44"),
    ("bundle", file(FULL_BUNDLE, None), "index 0, gap: tile/entries/000 is missing"),
    (
        "bundle",
        file(FULL_BUNDLE, lambda data: data + b"\0\0"),
        "index 0, entry: tile/entries/000: .* exactly 256 entries",
    ),
    ("size", lambda one: mirrored(one, {"checkpoint": again(size_of("301"), one).encode()}), "001.p/45 is missing"),
    ("stamp", file(STAMP, flipped), "index 279, stamp: the stamp of 280 entries: the time-stamp does not hold"),
    ("stamp", file(STAMP, lambda data: data[:-1]), "index 279, stamp: the stamp of 280 entries: .* can be read"),
    ("stamp", file(NOTE, flipped), "index 279, stamp: the stamp of 280 entries: its checkpoint is not of this log"),
    ("stamp", lambda one: stamped(moved(one), one), "index 279, stamp: .* its checkpoint is not of this log .* roots"),
    (
        "stamp",
        lambda one: stamped(one.files["checkpoint"], one),
        "index 279, stamp: .* its checkpoint is of 300 entries",
    ),
    ("stamp", file(INDEX_FILE, lambda _: b"279\n280\n"), "index 278, stamp: the stamp of 279 entries: its checkpoint"),
    ("stamp", file(INDEX_FILE, lambda _: b"0280\n"), "stamp: stamps/index is not one size a line"),
)


# Bundles.
def packed(one: Evidence, changed: Mapping[str, Change | None], added: Mapping[str, bytes] | None = None) -> bytes:
    return remade(one.bundle, changed, added or {})


def member(name: str, change: Change | None) -> Forge:
    return lambda one: packed(one, {name: change})


def line(index: int, change: Change) -> Forge:
    """One entry of the bundle's range."""

    def edit(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        lines[index - FIRST] = change(lines[index - FIRST])
        return b"".join(lines)

    return member("entries.jsonl", edit)


def facts(edit: Callable[[dict[str, Any]], object]) -> Forge:
    def change(data: bytes) -> bytes:
        members = json.loads(data)
        edit(members)
        return json.dumps(members).encode()

    return member("bundle.json", change)


def hash_at(at: int, *names: str) -> Forge:
    """One hash of a list in the bundle's description."""

    def edit(members: dict[str, Any]) -> None:
        found: Any = members
        for name in names:
            found = found[name]
        found[at] = flipped(bytes.fromhex(found[at])).hex()

    return facts(edit)


def opened(suffix: str, change: Change | None) -> Forge:
    """The disclosed payload, or its salt."""

    def forge(one: Evidence) -> bytes:
        entries = unpack_bundle(one.files[FULL_BUNDLE], WIDTH)
        return packed(one, {f"disclosed/{parse_entry(entries[DISCLOSED]).id}.{suffix}": change})

    return forge


def sized(name: str, value: object) -> Forge:
    return facts(lambda members: members.update({name: value}))


BUNDLES: tuple[tuple[str, Forge, str], ...] = (
    ("leaf", line(END - 1, replaced(b"notes@1", b"notes@2")), "the entries do not make the root that is signed"),
    (
        "leaf",
        line(LEAF + FIRST, replaced(b"notes@1", b"notes@2")),
        "entry 256: 'prev' is not the hash of the entry before",
    ),
    ("leaf", line(FIRST, replaced(b"{", b"{ ")), "entry 250 is not canonical JSON"),
    ("leaf", line(FIRST, replaced(b'"v":1', b'"v":1,"v":1')), "entry 250 is not canonical JSON"),
    ("prev", line(FIRST, other_prev), "entry 251: 'prev'|the root|entry 250: 'prev' is not the hash of the earlier"),
    (
        "prev",
        line(LEAF + FIRST, other_prev),
        "entry 255: 'prev' is not the hash of the entry",
    ),
    ("bundle", member("entries.jsonl", lambda data: data[: data.rindex(b"{")]), "an entry of the range, .* is missing"),
    ("bundle", member("entries.jsonl", None), "the bundle has no entries"),
    ("size", sized("end", 2**63), "'end' is no number"),
    ("size", sized("end", 2**64), "'end' is no number"),
    ("size", sized("first", -1), "'first' is no number"),
    ("size", sized("first", FIRST - 1), "missing|more hashes"),
    ("size", sized("since", {"size": 0, "proof": []}), "not made to follow that bundle, whose log had 250 entries"),
    ("payload", opened("json", replaced(b"auditor", b"auditeur")), "ent_.*json: it is not what the entry committed to"),
    ("payload", opened("json", lambda data: data + b" "), "ent_.*json: it is not what the entry committed to"),
    ("salt", opened("salt", flipped), "ent_.*json: it is not what the entry committed to"),
    ("salt", opened("salt", None), "the bundle lacks 'disclosed/ent_.*salt'"),
    ("stamp", member(STAMP, flipped), "the stamp of 280 entries: the time-stamp does not hold"),
    ("stamp", member(STAMP, None), "the bundle holds other stamps than it says"),
    ("stamp", member(NOTE, flipped), "the stamp of 280 entries: its checkpoint is not this log's"),
    ("stamp", lambda one: packed(one, {NOTE: lambda _: moved(one)}), "the stamp of 280 entries: its checkpoint"),
    (
        "stamp",
        lambda one: packed(one, {NOTE: lambda _: one.files["checkpoint"]}),
        "280 entries: its checkpoint .*it is of 300 entries",
    ),
)


def proof_forgeries(one: Evidence) -> Iterator[Forgery]:
    """Each hash of each proof, wherever one is shown."""
    with zipfile.ZipFile(io.BytesIO(one.bundle)) as archive:
        described = json.loads(archive.read("bundle.json"))
    lists: tuple[tuple[tuple[str, ...], list[str], str], ...] = (
        (("outside",), described["outside"], "the entries do not make the root that is signed"),
        (("since", "proof"), described["since"]["proof"], "the log is not the earlier one, grown"),
        (("stamps", "280"), described["stamps"]["280"], "the stamp of 280 entries: its checkpoint is not this log's"),
    )
    for names, hashes, named in lists:
        for at in range(len(hashes)):
            yield Forgery(f"hash {at} of {names[0]}", "bundle", hash_at(at, *names), named)
    for at in range(3, one.receipt.split("\n").index("")):
        yield Forgery(
            f"hash {at - 3} of the receipt", "receipt", row(at, another), "inclusion proof leads to another root"
        )


# Receipts.
def attested(note: Callable[[Evidence], str], one: Evidence) -> str:
    return one.receipt.partition("\n\n")[0] + "\n\n" + note(one)


def row(at: int, change: Callable[[str], str]) -> Forge:
    """One line of the receipt."""

    def forge(one: Evidence) -> str:
        lines = one.receipt.split("\n")
        lines[at] = change(lines[at])
        return "\n".join(line for line in lines if line != GONE)

    return forge


GONE: Final = "gone"


def another(text: str) -> str:
    return encode(flipped(decode(text)))


def other_extra(change: Change) -> Callable[[str], str]:
    return lambda text: f"extra {encode(change(decode(text.removeprefix('extra '))))}"


ROOT: Final = "inclusion proof leads to another root"
RECEIPTS: tuple[tuple[str, Forge, str], ...] = (
    ("leaf", row(1, other_extra(replaced(b"notes@1", b"notes@2"))), ROOT),
    ("leaf", row(1, other_extra(replaced(b"{", b"{ "))), ROOT),
    ("prev", row(1, other_extra(other_prev)), ROOT),
    ("hash", row(3, lambda _: GONE), "the proof is too short|leads to another root"),
    ("hash", row(3, lambda text: f"{text}\n{text}"), "the proof is too long|leads to another root"),
    ("hash", row(3, lambda text: text[:-4]), "every hash has 32 bytes"),
    ("index", row(2, lambda _: "index 271"), f"{ROOT}|too long|too short"),
    ("index", row(2, lambda _: f"index {SIZE}"), "index 300 is not in a tree of 300"),
    ("index", row(2, lambda _: f"index {2**63}"), "index 9223372036854775808 is not in a tree of 300"),
    ("index", row(2, lambda _: f"index {2**64}"), "the receipt's index or proof is malformed"),
    ("index", row(2, lambda _: "index 0270"), "the receipt's index or proof is malformed"),
    ("size", partial(attested, partial(again, size_of("270"))), "index 270 is not in a tree of 270"),
)

FORGERIES: Final = (
    *checkpoint_forgeries(),
    *(Forgery(part, "mirror", forge, named) for part, forge, named in MIRRORS),
    *(Forgery(part, "bundle", forge, named) for part, forge, named in BUNDLES),
    *(Forgery(part, "receipt", forge, named) for part, forge, named in RECEIPTS),
)

CHECKPOINT: Final = frozenset(("size", "root", "origin", "key id", "signature", "cosignature", "cosignature time"))
CARRIED: Final = {
    "mirror": CHECKPOINT | {"leaf", "prev", "tile", "partial", "bundle", "stamp"},
    "bundle": CHECKPOINT | {"leaf", "prev", "bundle", "stamp", "payload", "salt"},
    "receipt": CHECKPOINT | {"leaf", "prev", "hash", "index"},
}
"""Which parts each form has, besides the hashes of its proofs; all of them are forged."""
