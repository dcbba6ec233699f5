"""Audit bundles: every range verifies with nothing but Python, and no part of one can be changed unseen."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.auditing import bundle_verifier
from ledger.auditing.bundle import VERIFIER, verifier_digest, write_bundle
from ledger.commitment import commitment
from ledger.entry import parse_entry
from ledger.errors import BundleError, CheckpointError
from ledger.ids import EntryId
from ledger.payload import Disclosed
from ledger.tree.checkpoint import VerifierKey
from ledger.tree.merkle import consistency_proof, leaf_hash, node_hash, range_proof, split
from ledger.tree.note import decode, encode
from tests.ledger.publishing import Published, grow, publish, remade
from tests.ledger.small_log import SmallLog
from tests.ledger.world import LONG, running
from tests.simulators.key_store import SimulatedKeyStore

FEW, MORE = 300, 700


@dataclass(frozen=True)
class Log:
    keys: SimulatedKeyStore
    vkey: str
    before: Published
    after: Published

    def bundle(self, at: Published, *arguments: Any, **named: Any) -> bytes:
        file = io.BytesIO()
        write_bundle(at, self.vkey, file, *arguments, **named)
        return file.getvalue()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    folder = tmp_path_factory.mktemp("bundles")
    with running(folder / "log.db", interval=LONG * 10) as world:
        world.ledger.create_tenant("first")
        grow(world, FEW)
        before = publish(world, folder / "before")
        grow(world, MORE)
        return Log(world.keys, world.ledger.vkey(), before, publish(world, folder / "after"))


@pytest.fixture
def check(log: Log, tmp_path: Path) -> Callable[..., list[str]]:
    def run(data: bytes, since: bytes | None = None, vkey: str = "") -> list[str]:
        (tmp_path / "bundle.zip").write_bytes(data)
        if since is not None:
            (tmp_path / "since.zip").write_bytes(since)
        return bundle_verifier.verify(
            str(tmp_path / "bundle.zip"), vkey or log.vkey, str(tmp_path / "since.zip") if since is not None else None
        )

    return run


@pytest.mark.parametrize(("first", "end"), [(0, 1), (0, None), (0, 256), (255, 257), (256, 512), (699, 700), (1, 699)])
def test_every_range_verifies(log: Log, check: Callable[..., list[str]], first: int, end: int | None) -> None:
    found = check(log.bundle(log.after, first, end))
    assert f"all {(end or MORE) - first} are there and unchanged" in found[1]
    assert found[3] == "disclosed    payloads: 0"


def test_it_runs_on_nothing_but_python(log: Log, tmp_path: Path) -> None:
    before, after, key = (tmp_path / name for name in ("before.zip", "after.zip", "log.vkey"))
    before.write_bytes(log.bundle(log.before))
    after.write_bytes(log.bundle(log.after, FEW, since=(log.before("checkpoint") or b"").decode()))
    key.write_text(log.vkey)
    with zipfile.ZipFile(after) as archive:
        (tmp_path / "verify.py").write_bytes(archive.read("verify.py"))
    script = str(tmp_path / "verify.py")
    command = [sys.executable, "-I", "-S", "-W", "error", script, str(after), "--key", str(key)]
    done = subprocess.run([*command, "--since", str(before)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("SOUND\n")
    assert "grown; and this range begins where that one ended" in done.stdout
    assert "--since" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    damaged = after.read_bytes()
    after.write_bytes(damaged[: len(damaged) // 2])
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2


def test_it_imports_nothing_of_ours() -> None:
    found = set[str]()
    for statement in ast.walk(ast.parse(VERIFIER.read_text())):
        if isinstance(statement, ast.Import):
            found |= {name.name for name in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            found.add(str(statement.module))
    assert {name.partition(".")[0] for name in found} <= sys.stdlib_module_names


def test_its_digest_is_published() -> None:
    page = Path(__file__).parents[2] / "docs" / "verifying.md"
    assert verifier_digest() in page.read_text()


def test_the_same_range_is_the_same_file(log: Log) -> None:
    assert log.bundle(log.after, 7, 300) == log.bundle(log.after, 7, 300)


@pytest.mark.parametrize(("first", "end"), [(5, 5), (6, 5), (0, MORE + 1), (MORE, None), (-1, 5)])
def test_a_range_that_is_not_there_is_refused(log: Log, first: int, end: int | None) -> None:
    with pytest.raises(BundleError, match="there is no range"):
        log.bundle(log.after, first, end)


def test_an_earlier_checkpoint_must_be_of_this_log(log: Log, check: Callable[..., list[str]], tmp_path: Path) -> None:
    log.keys.mark = None  # whoever forks a log does not keep to its mark
    with running(tmp_path / "other.db", LONG * 10, log.keys) as other:
        other.ledger.create_tenant("first")
        grow(other, FEW)
        forked = publish(other, tmp_path / "other")
    note = (forked("checkpoint") or b"").decode()
    with pytest.raises(BundleError, match="they are the evidence"):
        log.bundle(log.after, since=note)
    with pytest.raises(BundleError, match="rolled back"):
        log.bundle(log.before, since=(log.after("checkpoint") or b"").decode())
    with pytest.raises(CheckpointError):
        log.bundle(log.after, since=note[:-9])
    # Whoever forked it makes the bundle: both are signed by the log's key.
    honest = log.bundle(log.after, since=(log.before("checkpoint") or b"").decode())
    with pytest.raises(bundle_verifier.UnsoundError, match="keep both bundles"):
        check(honest, log.bundle(forked))
    with pytest.raises(bundle_verifier.UnsoundError, match="ask for one"):
        check(log.bundle(log.after), log.bundle(log.before))


def facts(**changes: Any) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        return json.dumps(json.loads(data) | changes).encode()

    return change


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    return lambda data: b"".join(change(data.splitlines(keepends=True)))


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, 1)

    return change


def hash_changed(data: bytes) -> bytes:
    members = json.loads(data)
    members["outside"][-1] = members["outside"][-1][:-1] + ("0" if members["outside"][-1][-1] != "0" else "1")
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"entries.jsonl": lines(lambda all_: all_[:-1])}, "missing"),
        ({"entries.jsonl": lines(lambda all_: all_[1:])}, "missing"),
        ({"entries.jsonl": lines(lambda all_: [*all_, all_[-1]])}, "'prev'"),
        ({"entries.jsonl": lines(lambda all_: [*all_[:3], all_[4], all_[3], *all_[5:]])}, "'prev'"),
        ({"entries.jsonl": lambda data: data[:-1]}, "cut off"),
        ({"entries.jsonl": lambda data: data + b"x" * 2000}, "too long"),
        ({"entries.jsonl": lambda _: b""}, "missing"),
        ({"entries.jsonl": replaced(b"note.written", b"note.wrltten")}, "'prev'"),
        ({"entries.jsonl": replaced(b'"v":1', b'"v":2')}, "public members"),
        ({"entries.jsonl": replaced(b'"v":1', b'"v":1.0')}, "public members"),
        ({"entries.jsonl": replaced(b'"v":1', b'"v":true')}, "public members"),
        ({"entries.jsonl": replaced(b'{"actor"', b'{ "actor"')}, "canonical"),
        ({"entries.jsonl": replaced(b'"v":1', b'"v":1,"v":1')}, "canonical"),
        ({"entries.jsonl": replaced(b"notes@1", b"\\ud800@1")}, "canonical"),
        ({"entries.jsonl": replaced(b'"kind":"note.written"', b'"kind":["note.written"]')}, "'kind' is malformed"),
        ({"entries.jsonl": replaced(b"-21T", b"-99T")}, "no moment"),
        ({"bundle.json": hash_changed}, "root"),
        ({"bundle.json": facts(outside=[])}, "missing"),
        ({"bundle.json": facts(outside=["00" * 32] * 40)}, "more hashes"),
        ({"bundle.json": facts(outside=["zz"])}, "no list of hashes"),
        ({"bundle.json": facts(first=11)}, "more entries|missing"),
        ({"bundle.json": facts(first=True)}, "no number"),
        ({"bundle.json": facts(end=10)}, "range"),
        ({"bundle.json": facts(end=2**62)}, "range"),
        ({"bundle.json": facts(end=2**63)}, "no number"),
        ({"bundle.json": facts(end=-1)}, "no number"),
        ({"bundle.json": lambda _: b"[]"}, "no JSON object"),
        ({"bundle.json": lambda _: b"{"}, "no JSON object"),
        ({"checkpoint": replaced(b"\n700\n", b"\n701\n")}, "does not verify"),
        ({"checkpoint": replaced(b"log.example/test\n", b"log.example/tesT\n")}, "does not verify"),
        ({"checkpoint": lambda data: data[:-1]}, "no signed note"),
        ({"checkpoint": lambda data: data.partition(b"\n\n")[0]}, "no signed note"),
        ({"checkpoint": lambda data: data + b"x\n"}, "malformed signature line"),
        (
            {"checkpoint": lambda data: data.replace("— log.example/test ".encode(), "— other ".encode())},
            "not signed by",
        ),
    ],
)
def test_no_part_can_be_changed(
    log: Log, check: Callable[..., list[str]], changed: dict[str, Callable[[bytes], bytes]], reason: str
) -> None:
    whole = log.bundle(log.after, 10, 60)
    assert check(remade(whole, {}))
    with pytest.raises(bundle_verifier.UnsoundError, match=reason):
        check(remade(whole, changed))


def test_a_missing_file_is_named(log: Log, check: Callable[..., list[str]]) -> None:
    whole = log.bundle(log.after, 10, 60)
    for missing in ("checkpoint", "bundle.json", "entries.jsonl"):
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(made, "w") as new:
            for name in set(old.namelist()) - {missing}:
                new.writestr(name, old.read(name))
        with pytest.raises(bundle_verifier.UnsoundError):
            check(made.getvalue())


@pytest.mark.parametrize(
    ("name", "packing"),
    [
        ("entries.jsonl", zipfile.ZIP_DEFLATED),
        ("./entries.jsonl", zipfile.ZIP_DEFLATED),
        ("/entries.jsonl", zipfile.ZIP_DEFLATED),
        ("report.txt", zipfile.ZIP_DEFLATED),
        ("\x1b[2JSOUND", zipfile.ZIP_DEFLATED),
        ("Disclosed/ent_a.json", zipfile.ZIP_DEFLATED),
        ("disclosed/ent_" + "a" * 26 + ".json", zipfile.ZIP_BZIP2),
        ("disclosed/ent_" + "a" * 26 + ".json", zipfile.ZIP_LZMA),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_file_has_one_reading(log: Log, check: Callable[..., list[str]], name: str, packing: int) -> None:
    file = io.BytesIO(log.bundle(log.after, 10, 60))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, b"{}\n", packing)
    with pytest.raises(bundle_verifier.UnsoundError, match=r"one that no bundle has|packed as no") as told:
        check(file.getvalue())
    assert "\x1b" not in str(told.value)


def test_a_file_is_not_larger_than_it_says(log: Log, check: Callable[..., list[str]]) -> None:
    """The directory says ten bytes; what is packed is a hundred megabytes."""
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("checkpoint", bytes(100_000_000))
        archive.writestr("bundle.json", b'{"first": 0, "end": 1, "outside": []}')
        archive.writestr("entries.jsonl", b"")
    lying = bomb.getvalue().replace((100_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises((bundle_verifier.UnsoundError, *bundle_verifier.UNREADABLE)):
        check(lying)


def test_a_note_of_many_signatures_is_refused_unread(log: Log, check: Callable[..., list[str]]) -> None:
    def many(note: bytes) -> bytes:
        return note + note.splitlines(keepends=True)[-1] * 2_000

    with pytest.raises(bundle_verifier.UnsoundError, match="no signed note"):
        check(remade(log.bundle(log.after, 10, 60), {"checkpoint": many}))
    deep = remade(log.bundle(log.after, 10, 60), {"bundle.json": lambda _: b"[" * 100_000})
    with pytest.raises(bundle_verifier.UnsoundError, match="no JSON object"):
        check(deep)


def test_the_bundles_own_key_is_not_believed(log: Log, check: Callable[..., list[str]]) -> None:
    stranger = VerifierKey("log.example/test", Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    with pytest.raises(bundle_verifier.UnsoundError, match="not signed by"):
        check(log.bundle(log.after), vkey=str(stranger))
    for malformed in ("", "a+b", log.vkey[:-3], log.vkey.replace("+", "-", 1), log.vkey.replace("log", "gol", 1)):
        with pytest.raises(bundle_verifier.UnsoundError):
            check(log.bundle(log.after), vkey=malformed or "+")


def test_signatures_of_others_are_named_and_not_believed(log: Log, check: Callable[..., list[str]]) -> None:
    cosigned = remade(
        log.bundle(log.after), {"checkpoint": lambda data: data + f"— witness.example {encode(bytes(76))}\n".encode()}
    )
    assert "witness.example" in check(cosigned)[-1]


def test_disclosed_payloads_are_what_was_committed_to(log: Log, check: Callable[..., list[str]]) -> None:
    with zipfile.ZipFile(io.BytesIO(log.bundle(log.after))) as archive:
        entry = json.loads(archive.read("entries.jsonl").splitlines()[20])
    forged = Disclosed(EntryId(entry["id"]), bytes(32), b'{"kind":"note.written"}')
    with pytest.raises(bundle_verifier.UnsoundError, match="not what the entry committed to"):
        check(smuggled(log.bundle(log.after), forged))
    with pytest.raises(bundle_verifier.UnsoundError, match="no such entry"):
        check(smuggled(log.bundle(log.after, 30), forged))
    with pytest.raises(BundleError, match="not what it committed to"):
        log.bundle(log.after, disclosed=[forged])
    with pytest.raises(BundleError, match="is not in the range"):
        log.bundle(log.after, 30, disclosed=[forged])


def test_a_payload_has_one_reading(check: Callable[..., list[str]]) -> None:
    """A log that lies can commit to a member twice, and let each reader choose."""
    for payload, sound in ((b'{"kind":"note.written"}', True), (b'{"kind":"x.y","kind":"note.written"}', False)):
        log, file = SmallLog(commit=commitment(bytes(32), payload)), io.BytesIO()
        opened = Disclosed(parse_entry(log.entries[1]).id, bytes(32), payload)
        write_bundle(Published(log.files), str(log.key), file, disclosed=[opened])
        with nullcontext() if sound else pytest.raises(bundle_verifier.UnsoundError, match="a member twice"):
            check(file.getvalue(), vkey=str(log.key))


def smuggled(bundle: bytes, disclosed: Disclosed) -> bytes:
    """The bundle with a payload that its maker would have refused."""
    file = io.BytesIO(bundle)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"disclosed/{disclosed.entry}.json", disclosed.payload)
        archive.writestr(f"disclosed/{disclosed.entry}.salt", disclosed.salt)
    return file.getvalue()


@settings(max_examples=20)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
def test_signatures_agree_with_another_implementation(seed: bytes, message: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    bundle_verifier.check_signature(public, message, signature)
    for forged in (
        (public, message + b"x", signature),
        (public, message, signature[:40] + bytes([signature[40] ^ 1]) + signature[41:]),
        (public, message, bytes([signature[0] ^ 1]) + signature[1:]),
        (
            public,
            message,
            signature[:32] + (int.from_bytes(signature[32:], "little") + bundle_verifier.L).to_bytes(32, "little"),
        ),
        (public, message, signature + b"\0"),
        (public, message, b""),
    ):
        with pytest.raises(bundle_verifier.UnsoundError):
            bundle_verifier.check_signature(*forged)


@pytest.mark.parametrize(
    ("public", "message", "point", "scalar"),
    [
        # RFC 8032, section 7.1, tests 1 to 3.
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155",
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac",
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ],
)
def test_published_vectors(public: str, message: str, point: str, scalar: str) -> None:
    bundle_verifier.check_signature(*map(bytes.fromhex, (public, message, point + scalar)))


def _subtree(lo: int, hi: int) -> bytes:
    if hi - lo == 1:
        return leaf_hash(str(lo).encode())
    middle = lo + split(hi - lo)
    return node_hash(_subtree(lo, middle), _subtree(middle, hi))


@given(st.data(), st.integers(1, 130))
def test_any_range_of_any_tree_makes_its_root(data: st.DataObject, size: int) -> None:
    first = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(first + 1, size))
    leaves = (leaf_hash(str(n).encode()) for n in range(first, end))
    outside = iter(range_proof(first, end, size, _subtree))
    assert bundle_verifier.root_of_range(first, end, size, leaves, outside) == _subtree(0, size)
    assert next(outside, None) is None
    assert next(leaves, None) is None


@given(st.data(), st.integers(1, 130))
def test_any_growth_is_proven_and_no_other(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(old, new, _subtree)
    roots = _subtree(0, old), _subtree(0, new)
    bundle_verifier.check_consistency(old, new, proof, *roots)
    forged = [(proof[:-1], *roots)] if proof else []
    forged += [([*proof, bytes(32)], *roots), (proof, bytes(32), roots[1]), (proof, roots[0], bytes(32))]
    forged += [([*proof[:n], bytes(32), *proof[n + 1 :]], *roots) for n in range(len(proof))]
    for wrong in forged:
        with pytest.raises(bundle_verifier.UnsoundError):
            bundle_verifier.check_consistency(old, new, *wrong)
    if old < new:
        with pytest.raises((bundle_verifier.UnsoundError, IndexError)):
            bundle_verifier.check_consistency(new, old, proof, *roots[::-1])


def test_base64_has_one_spelling() -> None:
    assert bundle_verifier.decoded("AAA=", "x") == decode("AAA=")
    for other in ("AAB=", "AAA", "AA A=", "", "é"):
        with pytest.raises(bundle_verifier.UnsoundError):
            bundle_verifier.decoded(other, "x")


def test_a_payload_that_holds_is_counted(log: Log, check: Callable[..., list[str]], tmp_path: Path) -> None:
    """With a real payload, opened by the log's own keys."""
    with running(tmp_path / "log.db", LONG * 10) as world:
        tenant = world.ledger.create_tenant("first")
        note = world.write_note(tenant, "seen by the auditor").entries[0]
        grow(world, 3)
        opened = world.ledger.payloads.disclose(tenant, note)
        assert commitment(opened.salt, opened.payload) == world.ledger.entry(note).commit
        published = publish(world, tmp_path / "out")
        own = replace(log, vkey=world.ledger.vkey())
        found = check(own.bundle(published, disclosed=[opened]), vkey=own.vkey)
    assert found[3] == "disclosed    payloads: 1, all what their entries committed to"
    assert b"seen by the auditor" in opened.payload
