"""What the audited party, a mirror or a stranger writes, before what reads it: refused in the words of its module, or
taken for what it is; and the two readers we have, the library and the one file of nothing but Python, take the same.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from keys.errors import TimeStampError
from keys.time_stamps import read, verified
from ledger.auditing import bundle_verifier
from ledger.auditing.auditor import Notebook, read_notebook, write_notebook
from ledger.auditing.mirror import verify_mirror
from ledger.auditing.walk import Kept
from ledger.entry import parse_entry
from ledger.errors import (
    CheckpointError,
    CosignatureError,
    EntryMalformedError,
    NotebookError,
    ReceiptError,
    StampIndexError,
    TileError,
    TileNotFoundError,
    WitnessRefusedError,
)
from ledger.receipt import verify_receipt
from ledger.stamping.stamps import parse_index
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.tree.note import parse_note
from ledger.tree.tiles import pack_bundle, parse_tile_path, tile_path, unpack_bundle
from ledger.witnessing.add_checkpoint import AddCheckpoint
from ledger.witnessing.cosignature import Quorum, WitnessKey
from tests.hostile.shapes import anything
from tests.ledger.publishing import Published, remade
from tests.ledger.small_log import SmallLog

LOG: Final = SmallLog()
KEY, OTHER_READERS_KEY = str(LOG.key), bundle_verifier.read_key(str(LOG.key))
QUORUM: Final = Quorum.parse([LOG.witness.vkey])
WITNESSES: Final = bundle_verifier.read_witnesses([LOG.witness.vkey])
BUNDLE: Final = tile_path("entries", 0, LOG.size)
STAMP: Final = f"stamps/{LOG.size}.tsr"
FEW: Final = settings(max_examples=12)
"""For what takes milliseconds: curves in plain Python, archives, whole audits."""

SOME: Final = settings(max_examples=40)
"""For the rest: `make soak` has the fuzzer look longer."""

Text = TypeVar("Text", str, bytes)
Taken = TypeVar("Taken")
_bits = st.sampled_from(["\n", "\n\n", "— ", " ", "+", "=", "0", "1", "9" * 20, "\x00", "é", "\u0661", "\ud800"])


def edits(whole: str) -> st.SearchStrategy[str]:
    """The text with a few of its characters replaced, taken out or added."""
    spans = st.tuples(st.integers(0, len(whole)), st.integers(0, 12), _bits | st.text(max_size=12))
    return st.lists(spans, max_size=3).map(lambda changes: _edited(whole, changes))


def byte_edits(whole: bytes) -> st.SearchStrategy[bytes]:
    """The same of bytes."""
    spans = st.tuples(st.integers(0, len(whole)), st.integers(0, 12), st.binary(max_size=12))
    return st.lists(spans, max_size=3).map(lambda changes: _edited(whole, changes))


def _edited(whole: Text, changes: list[tuple[int, int, Text]]) -> Text:
    for start, length, new in changes:
        whole = whole[:start] + new + whole[start + length :]
    return whole


def taken(read_it: Callable[[], Taken], *refusals: type[Exception]) -> Taken | None:
    """What it makes of it; None where it refuses."""
    try:
        return read_it()
    except refusals:
        return None


UNSOUND: Final = bundle_verifier.UnsoundError


@example(note=LOG.note)
@SOME
@given(note=edits(LOG.note) | st.text())
def test_checkpoints(note: str) -> None:
    ours = taken(lambda: verify_checkpoint(note, LOG.key), CheckpointError)
    theirs = taken(lambda: bundle_verifier.read_checkpoint(note, OTHER_READERS_KEY), UNSOUND)
    assert (ours and (ours.size, ours.root)) == theirs
    assert ours is None or ours.text == LOG.own.partition("\n\n")[0] + "\n"


@example(note=LOG.note)
@FEW
@given(note=edits(LOG.note))
def test_cosignatures(note: str) -> None:
    ours = taken(lambda: QUORUM.judge(note, LOG.key), CheckpointError, CosignatureError)
    theirs = taken(lambda: bundle_verifier.read_cosignatures(note, OTHER_READERS_KEY, WITNESSES), UNSOUND)
    assert (ours is None) == (theirs is None)
    if ours is not None and theirs is not None:
        assert {one.witness: one.time for one in ours.by} == theirs[0]
        assert list(ours.unknown) == theirs[1]


@SOME
@given(note=edits(LOG.note) | st.text())
def test_notes(note: str) -> None:
    with suppress(CheckpointError):
        parsed = parse_note(note)
        assert parsed.text + "\n" + "".join(one.line for one in parsed.signatures) == note


@example(vkey="log.example/\ud800+00000000+" + KEY[-44:])
@SOME
@given(vkey=edits(KEY) | edits(LOG.witness.vkey) | st.text())
def test_verifier_keys(vkey: str) -> None:
    for ours, kind in ((VerifierKey.parse, bundle_verifier.LOG_TYPE), (WitnessKey.parse, bundle_verifier.WITNESS_TYPE)):
        known: Any = taken(partial(ours, vkey), CheckpointError)
        theirs = taken(partial(bundle_verifier.read_key, vkey, kind), UNSOUND)
        assert (known and (known.id, known.public_key)) == (theirs and theirs[1:])
        assert known is None or str(known) == vkey.strip()


@SOME
@given(path=edits("tile/entries/x001/x234/067.p/88") | edits("tile/0/000") | st.text())
def test_tile_paths(path: str) -> None:
    with suppress(TileNotFoundError):
        assert tile_path(*parse_tile_path(path)) == path


@SOME
@given(data=byte_edits(LOG.files[BUNDLE]) | st.binary(), width=st.integers(0, 256))
def test_bundles_of_entries(data: bytes, width: int) -> None:
    with suppress(TileError):
        entries = unpack_bundle(data, width)
        assert (pack_bundle(entries), len(entries)) == (data, width)


@example(data=LOG.entries[1])
@SOME
@given(data=byte_edits(LOG.entries[1]) | st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_entries(data: bytes) -> None:
    ours = taken(lambda: parse_entry(data), EntryMalformedError)
    theirs = taken(lambda: bundle_verifier.read_entry(data, 0), UNSOUND)
    assume(len(data) <= bundle_verifier.MAX_ENTRY)
    assert (ours and {"v": 1, **vars(ours)}) == theirs
    assert ours is None or ours.encode() == data


@example(text=LOG.receipt)
@SOME
@given(text=edits(LOG.receipt) | st.text())
def test_receipts(text: str) -> None:
    proven = taken(lambda: verify_receipt(text, KEY, QUORUM), ReceiptError)
    assert proven is None or (proven.index, proven.entry.encode()) == (2, LOG.entries[2])


@example(body=AddCheckpoint(3, (bytes(32), bytes(32)), LOG.note).body.encode())
@SOME
@given(
    body=edits(AddCheckpoint(3, (bytes(32), bytes(32)), LOG.note).body).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    )
    | st.binary()
)
def test_requests_to_a_witness(body: bytes) -> None:
    with suppress(WitnessRefusedError):
        assert AddCheckpoint.parse(body).body.encode() == body


@SOME
@given(data=edits("1\n5\n300\n").map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary())
def test_indexes_of_stamps(data: bytes) -> None:
    with suppress(StampIndexError):
        assert "".join(f"{size}\n" for size in parse_index(data)).encode() == data


@SOME
@given(response=byte_edits(LOG.files[STAMP]) | st.binary())
def test_stamps(response: bytes) -> None:
    message, good = LOG.own.encode(), LOG.files[STAMP]
    for judge in (lambda: read(response, message), lambda: verified(response, message, LOG.authority.anchors)):
        said = taken(judge, TimeStampError)
    assert said is None or said.time == read(good, message).time


@FEW
@given(path=st.sampled_from(sorted(LOG.files)), data=st.data())
def test_mirrors(path: str, data: st.DataObject) -> None:
    """Whatever one file of a mirror says, it is refused or the log is the same."""
    changed = data.draw(byte_edits(LOG.files[path]))
    shown = Published({**LOG.files, path: changed})
    report = taken(lambda: verify_mirror(shown, KEY, quorum=QUORUM), CheckpointError)
    assert report is None or report.fault or (report.entries, report.proven) == (LOG.size, LOG.size)


@example(data=LOG.bundle)
@FEW
@given(data=byte_edits(LOG.bundle))
def test_audit_bundles(data: bytes) -> None:
    _check_bundle(data)


_members = ("checkpoint", "bundle.json", "entries.jsonl", f"stamps/{LOG.size}.checkpoint")


@FEW
@given(name=st.sampled_from(_members), data=st.data())
def test_files_of_audit_bundles(name: str, data: st.DataObject) -> None:
    with zipfile.ZipFile(io.BytesIO(LOG.bundle)) as archive:
        content = archive.read(name)
    changed = data.draw(byte_edits(content))
    _check_bundle(remade(LOG.bundle, {name: lambda _: changed}))


@FEW
@given(
    members=st.dictionaries(st.sampled_from(["first", "end", "outside", "since", "stamps"]), anything | st.integers())
)
def test_descriptions_of_audit_bundles(members: dict[str, object]) -> None:
    _check_bundle(remade(LOG.bundle, {"bundle.json": lambda old: json.dumps(json.loads(old) | members).encode()}))


def _check_bundle(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bundle.zip"
        file.write_bytes(data)
        found = taken(lambda: bundle_verifier.verify(str(file), KEY), UNSOUND, *bundle_verifier.UNREADABLE)
    assert found is None or found[1].startswith("entries      1 to 3: all 3 are there")


@SOME
@given(size=st.integers(0, 9), damage=st.tuples(st.integers(0, 400), st.integers(0, 12), st.binary(max_size=12)))
def test_notebooks(size: int, damage: tuple[int, int, bytes]) -> None:
    book = Notebook(KEY, Kept(size, size, "0" * 64, 7, ((0, bytes(32)),), LOG.note), seen=LOG.note)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "notebook"
        write_notebook(file, book)
        assert read_notebook(file) == book
        file.write_bytes(_edited(file.read_bytes(), [damage]))
        with suppress(NotebookError):
            read_notebook(file)
