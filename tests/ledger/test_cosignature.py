"""Every verifier judges the cosignatures of the witnesses it is told to believe, and says of the others that it did
not.
"""

from __future__ import annotations

import io
import sys
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.auditing import bundle_verifier
from ledger.auditing.auditor import Auditor, Notebook
from ledger.auditing.bundle import write_bundle
from ledger.auditing.faults import FaultKind
from ledger.auditing.mirror import verify_mirror
from ledger.errors import CheckpointError, CosignatureError, ReceiptError
from ledger.receipt import verify_receipt
from ledger.tree.checkpoint import VerifierKey, sign_checkpoint, verify_checkpoint
from ledger.tree.note import parse_note
from ledger.witnessing.cosignature import Cosignature, Quorum, WitnessKey, cosign
from tests.ledger.publishing import Published, grow, publish
from tests.ledger.test_checkpoint import HEAD, KEY, NOTE, SIGNER
from tests.ledger.world import running
from tests.simulators.witness import NOW, SimulatedWitness

ONE, TWO, STRANGER = (SimulatedWitness(f"witness.example/{name}") for name in ("one", "two", "three"))
BOTH = (ONE.vkey, TWO.vkey)


def test_the_published_example() -> None:
    """The checkpoint of tlog-cosignature.md; the page does not say its keys."""
    note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyW"
        "E+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0"
        "xUe+mbIUBkBIfZ+qnA==\n"
    )
    line = parse_note(note).signatures[1]
    assert (line.name, line.key_id.hex(), len(line.body)) == ("witness.example.com/w1", "8d66cf3f", 8 + 64)
    assert int.from_bytes(line.body[:8], "big") == 1679315147


def test_a_witness_key_has_a_type_of_its_own() -> None:
    key = WitnessKey.parse(ONE.vkey)
    assert (str(key), key.id) == (ONE.vkey, ONE.key_id)
    with pytest.raises(CheckpointError, match="with an Ed25519 key"):
        VerifierKey.parse(ONE.vkey)
    with pytest.raises(CheckpointError, match="type 1, not 4"):
        WitnessKey.parse(str(KEY))
    material = b"\x06" + bytes(1312)
    post_quantum = replace(key, type=6, public_key=material[1:])
    with pytest.raises(CheckpointError, match="type 6, not 4"):
        WitnessKey.parse(str(post_quantum))


@settings(max_examples=20)
@given(st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_what_we_cosign_another_implementation_would_have(time: int, seed: bytes) -> None:
    other = SimulatedWitness("witness.example", Ed25519PrivateKey.from_private_bytes(seed))
    key = WitnessKey.parse(other.vkey)
    assert cosign(HEAD.text, key, time, other.private_key.sign).line == other.line(NOTE, time)
    judged = Quorum.parse([other.vkey]).require(NOTE + other.line(NOTE, time), KEY)
    assert judged.by == (Cosignature("witness.example", time),)


def test_the_log_and_its_witnesses_do_not_disturb_each_other() -> None:
    note = NOTE + ONE.line(NOTE) + STRANGER.line(NOTE)
    assert verify_checkpoint(note, KEY) == HEAD
    judged = Quorum.parse([ONE.vkey]).judge(note, KEY)
    assert judged.by == (Cosignature(ONE.name, NOW),)
    assert judged.unknown == (STRANGER.name,)
    assert Quorum().judge(note, KEY).unknown == tuple(sorted((ONE.name, STRANGER.name)))


def test_a_quorum_is_of_distinct_witnesses() -> None:
    for witnesses, needed in (([ONE.vkey, ONE.vkey], 1), (BOTH, 3), (BOTH, -1), ([], 1)):
        with pytest.raises(CheckpointError):
            Quorum.parse(list(witnesses), needed)
    twin = SimulatedWitness("witness.example/twin", ONE.private_key)
    with pytest.raises(CheckpointError, match="twice"):
        Quorum.parse([ONE.vkey, twin.vkey], 1)


def _blob(line: str) -> bytes:
    return b64decode(line.rsplit(" ", 1)[1])


def _line(line: str, blob: bytes) -> str:
    return f"{line.rsplit(' ', 1)[0]} {b64encode(blob).decode()}\n"


def _flipped(line: str, at: int) -> str:
    blob = bytearray(_blob(line))
    blob[at] ^= 1
    return _line(line, bytes(blob))


def _cut(line: str) -> str:
    return _line(line, _blob(line)[:-1])


def _plain(note: str) -> str:
    """The witness signs the checkpoint as a log would."""
    signature = ONE.private_key.sign((note.rpartition("\n\n")[0] + "\n").encode())
    return _line(ONE.line(note), ONE.key_id + NOW.to_bytes(8, "big") + signature)


FORGED: dict[str, Callable[[str], str]] = {
    "signature": lambda note: _flipped(ONE.line(note), -1),
    "time": lambda note: ONE.line(note, stated=NOW + 1),
    "no time": lambda note: ONE.line(note, 0),
    "time past the end": lambda note: ONE.line(note, stated=2**63),
    "another checkpoint": lambda note: ONE.line(note.replace("log.example", "log.elsewhere", 1)),
    "another witness": lambda note: replace(TWO, name=ONE.name).line(note, key_id=ONE.key_id),
    "cut": lambda note: _cut(ONE.line(note)),
    "log's own form": _plain,
}
IGNORED: dict[str, Callable[[str], str]] = {
    "nothing": lambda _: "",
    "key id": lambda note: ONE.line(note, key_id=b"\1\2\3\4"),
    "name": lambda note: replace(ONE, name="witness.example/other").line(note, key_id=ONE.key_id),
    "stranger": STRANGER.line,
}
"""What counts for nobody: too few are left."""


@dataclass(frozen=True)
class Cosignable:
    """One log as each verifier reads it, with any lines added to its checkpoint."""

    files: dict[str, bytes]
    vkey: str
    receipt: str
    folder: Path

    @property
    def note(self) -> str:
        return self.files["checkpoint"].decode()

    def published(self, lines: str) -> Published:
        return Published({**self.files, "checkpoint": (self.note + lines).encode()})

    def library(self, lines: str, quorum: Quorum) -> None:
        quorum.require(self.note + lines, VerifierKey.parse(self.vkey))

    def by_receipt(self, lines: str, quorum: Quorum) -> None:
        verify_receipt(self.receipt + lines, self.vkey, quorum)

    def mirror(self, lines: str, quorum: Quorum) -> None:
        report = verify_mirror(self.published(lines), self.vkey, quorum=quorum)
        if report.fault is not None:
            assert report.fault.kind in (FaultKind.COSIGNATURE, FaultKind.QUORUM)
            raise CosignatureError(report.fault.reason)
        assert (report.witnessed > 0) == bool(report.cosigned.by)

    def auditor(self, lines: str, quorum: Quorum) -> None:
        report = Auditor(self.published(lines), Notebook(self.vkey), quorum=quorum).visit()
        if report.fault is not None:
            raise CosignatureError(report.fault.reason)

    def bundle(self, lines: str, quorum: Quorum) -> None:
        file = self.folder / "bundle.zip"
        with file.open("wb") as out:
            write_bundle(self.published(lines), self.vkey, out)
        bundle_verifier.verify(str(file), self.vkey, None, [str(key) for key in quorum.witnesses], quorum.needed)


VERIFIERS = ["library", "by_receipt", "mirror", "auditor", "bundle"]
REFUSED = (CosignatureError, ReceiptError, bundle_verifier.UnsoundError)


@pytest.fixture(scope="module")
def cosignable(tmp_path_factory: pytest.TempPathFactory) -> Cosignable:
    folder = tmp_path_factory.mktemp("cosigned")
    with running(folder / "log.db", interval=300) as world:
        tenant = world.ledger.create_tenant("first")
        entry = world.write_note(tenant, "seen").entries[0]
        grow(world, 5)
        files = publish(world, folder / "out").files
        return Cosignable(files, world.ledger.vkey(), world.ledger.receipt(entry), folder)


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_enough_cosignatures_are_enough(cosignable: Cosignable, verifier: str) -> None:
    verify, note = getattr(cosignable, verifier), cosignable.note
    both = ONE.line(note) + TWO.line(note)
    verify(both + STRANGER.line(note), Quorum.parse(BOTH))
    verify(both + ONE.line(note, NOW + 5), Quorum.parse(BOTH))
    verify(TWO.line(note), Quorum.parse(BOTH, 1))
    verify("", Quorum.parse(BOTH, 0))
    verify(both, Quorum())


@pytest.mark.parametrize("verifier", VERIFIERS)
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_what_a_known_witness_did_not_sign_is_refused(
    cosignable: Cosignable, verifier: str, forged: Callable[[str], str]
) -> None:
    """Even where others are enough, and beside a good one by the same witness."""
    verify, note = getattr(cosignable, verifier), cosignable.note
    for lines in (forged(note) + TWO.line(note), ONE.line(note) + forged(note)):
        with pytest.raises(REFUSED, match=ONE.name.replace(".", r"\.")):
            verify(lines, Quorum.parse(BOTH, 1))
        verify(lines, Quorum())


@pytest.mark.parametrize("verifier", VERIFIERS)
@pytest.mark.parametrize("ignored", IGNORED.values(), ids=IGNORED)
def test_what_counts_for_nobody_leaves_too_few(
    cosignable: Cosignable, verifier: str, ignored: Callable[[str], str]
) -> None:
    verify, note = getattr(cosignable, verifier), cosignable.note
    for lines in (ignored(note) + TWO.line(note), TWO.line(note) + TWO.line(note, NOW + 9) + ignored(note)):
        with pytest.raises(
            REFUSED, match=r"cosignatures by 2 of the named witnesses are needed, and there are 1 .*two"
        ):
            verify(lines, Quorum.parse(BOTH))


def test_without_witnesses_it_is_said_what_was_not_judged(cosignable: Cosignable) -> None:
    published = cosignable.published(ONE.line(cosignable.note))
    report = verify_mirror(published, cosignable.vkey)
    assert (report.sound, report.witnessed, report.cosigned.unknown) == (True, 0, (ONE.name,))
    assert verify_receipt(cosignable.receipt + ONE.line(cosignable.note), cosignable.vkey).cosigned.unknown
    file = io.BytesIO()
    write_bundle(published, cosignable.vkey, file)
    (cosignable.folder / "named.zip").write_bytes(file.getvalue())
    found = bundle_verifier.verify(str(cosignable.folder / "named.zip"), cosignable.vkey)
    assert any(line.startswith("not checked") and ONE.name in line for line in found)
    with zipfile.ZipFile(file) as archive:
        assert ONE.line(cosignable.note) in archive.read("checkpoint").decode()


def test_a_strangers_name_does_not_reach_the_terminal_as_it_is(
    cosignable: Cosignable, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, key = cosignable.folder / "rude.zip", cosignable.folder / "log.vkey"
    key.write_text(cosignable.vkey)
    with file.open("wb") as out:
        write_bundle(cosignable.published(SimulatedWitness("rude\x9b2J").line(cosignable.note)), cosignable.vkey, out)
    monkeypatch.setattr(sys, "argv", ["verify.py", str(file), "--key", str(key)])
    assert bundle_verifier.main() == 0
    said = capsys.readouterr().out
    assert "signatures by rude?2J" in said
    assert "\x9b" not in said


def test_the_bundle_says_who_saw_it_and_when(cosignable: Cosignable) -> None:
    file = cosignable.folder / "seen.zip"
    with file.open("wb") as out:
        write_bundle(
            cosignable.published(ONE.line(cosignable.note) + TWO.line(cosignable.note, 2**62)), cosignable.vkey, out
        )
    found = bundle_verifier.verify(str(file), cosignable.vkey, witnesses=BOTH)
    assert f"witness      {ONE.name} saw this log at 2026-11-18 11:06:40 UTC" in found
    assert f"witness      {TWO.name} saw this log at second {2**62}" in found
    for wrong in (["nonsense"], [cosignable.vkey], [ONE.vkey, ONE.vkey]):
        with pytest.raises(bundle_verifier.UnsoundError):
            bundle_verifier.verify(str(file), cosignable.vkey, witnesses=wrong)
    with pytest.raises(bundle_verifier.UnsoundError, match="no quorum"):
        bundle_verifier.verify(str(file), cosignable.vkey, witnesses=BOTH, quorum=3)


def test_a_cosignature_is_of_one_text() -> None:
    """The same tree under the same key, signed again: the text is the same, and so the cosignature holds."""
    again = sign_checkpoint(HEAD, KEY, SIGNER)
    assert Quorum.parse([ONE.vkey]).require(again + ONE.line(NOTE), KEY).by
    grown = sign_checkpoint(replace(HEAD, size=HEAD.size + 1), KEY, SIGNER)
    with pytest.raises(CosignatureError):
        Quorum.parse([ONE.vkey]).judge(grown + ONE.line(NOTE), KEY)
