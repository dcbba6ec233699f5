"""The reference witness: what it cosigns, held to a model that knows every history; and that it forgets nothing."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ledger.witnessing.witness
from keys.clock import system_entropy
from keys.errors import LooseFileModeError
from ledger.errors import CheckpointError, WitnessRefusedError
from ledger.tree.checkpoint import TreeHead, VerifierKey, sign_checkpoint, verify_checkpoint
from ledger.tree.merkle import EMPTY_ROOT, Subtree, consistency_proof, leaf_hash, node_hash, split
from ledger.tree.note import MAX_NOTE_BYTES, encode
from ledger.witnessing.add_checkpoint import MAX_HASHES, AddCheckpoint, Refusal
from ledger.witnessing.cosignature import Quorum
from ledger.witnessing.witness import Witness, may_cosign
from ledger.witnessing.witness_key import open_witness_key
from tests.ledger.test_checkpoint import KEY, SIGNER, signed

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
MOST = 12


def subtree_of(branch: str, forks_at: int) -> Subtree:
    """Trees that share their first `forks_at` leaves and no other."""

    def subtree(lo: int, hi: int) -> bytes:
        if hi - lo == 1:
            return leaf_hash(f"{branch if lo >= forks_at else ''}{lo}".encode())
        middle = lo + split(hi - lo)
        return node_hash(subtree(lo, middle), subtree(middle, hi))

    return subtree


def head_of(tree: Subtree, size: int) -> TreeHead:
    return TreeHead(KEY.origin, size, tree(0, size) if size else EMPTY_ROOT)


def asked(tree: Subtree, old: int, size: int, **changed: object) -> AddCheckpoint:
    """What an honest log would ask with that tree."""
    proof = tuple(consistency_proof(old, size, tree)) if 0 < old <= size else ()
    made = AddCheckpoint(old, proof, sign_checkpoint(head_of(tree, size), KEY, SIGNER))
    return replace(made, **changed) if changed else made  # type: ignore[arg-type]


def body(request: AddCheckpoint) -> bytes:
    return request.body.encode()


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    signer = open_witness_key(tmp_path / "key", "witness.example/one", system_entropy)
    return Witness(tmp_path, signer, {KEY.origin: KEY}, lambda: NOW)


HONEST = subtree_of("", MOST)


def last(witness: Witness) -> str:
    found = witness.checkpoint(sha256(KEY.origin.encode()).hexdigest())
    return found.decode() if found else ""


def refused(witness: Witness, request: bytes) -> WitnessRefusedError:
    before = last(witness)
    with pytest.raises(WitnessRefusedError) as told:
        witness.add_checkpoint(request)
    assert last(witness) == before
    return told.value


@given(st.data(), st.integers(0, MOST), st.integers(0, MOST), st.integers(0, MOST), st.integers(0, MOST))
def test_it_cosigns_what_extends_the_last_and_nothing_else(
    data: st.DataObject, seen: int, old: int, size: int, forks_at: int
) -> None:
    """The model: two histories that share `forks_at` leaves. What was seen is of one, what is asked of the other."""
    other = subtree_of("other", forks_at)
    proof: Sequence[bytes] = consistency_proof(old, size, other) if 0 < old <= size else ()
    spoilt = data.draw(st.booleans())
    if spoilt:
        at = data.draw(st.integers(0, len(proof)))
        proof = [*proof[:at], bytes(32), *proof[at + 1 :]]
    expected = (
        Refusal.MALFORMED
        if old > size
        else Refusal.CONFLICT
        if old != seen
        else Refusal.INCONSISTENT
        if spoilt or (seen > forks_at)
        else None
    )
    decided: tuple[Refusal | None, int | None] = (None, None)
    try:
        may_cosign(head_of(other, size), old, proof, head_of(HONEST, seen))
    except WitnessRefusedError as error:
        decided = Refusal(error.refusal), error.size
    assert decided == (expected, seen if expected is Refusal.CONFLICT else None)


def test_it_follows_a_log_and_shows_what_it_saw(witness: Witness) -> None:
    assert last(witness) == ""
    for old, size in ((0, 3), (3, 3), (3, 8), (8, 9)):
        line = witness.add_checkpoint(body(asked(HONEST, old, size)))
        note = last(witness)
        assert note == sign_checkpoint(head_of(HONEST, size), KEY, SIGNER) + line
        assert Quorum((witness.signer.key,), 1).require(note, KEY).by[0].time == int(NOW.timestamp())
    assert witness.checkpoint("0" * 64) is None


def test_what_it_saw_outlives_it(witness: Witness) -> None:
    witness.add_checkpoint(body(asked(HONEST, 0, 5)))
    again = replace(witness, signer=open_witness_key(witness.folder / "key", "", system_entropy))
    assert again.signer.key == witness.signer.key
    assert refused(again, body(asked(HONEST, 0, 7))).size == 5
    again.add_checkpoint(body(asked(HONEST, 5, 7)))


def test_a_second_history_is_refused(witness: Witness) -> None:
    witness.add_checkpoint(body(asked(HONEST, 0, 6)))
    split_view = subtree_of("for others", 4)
    for old, size, status in ((6, 6, 422), (6, 9, 422), (0, 9, 409), (4, 9, 409)):
        assert refused(witness, body(asked(split_view, old, size))).refusal == status
    assert refused(witness, body(asked(HONEST, 6, 5))).refusal == 400
    # The first of the same size is kept: with the last that was cosigned, it convicts the log.
    (evidence,) = witness.folder.glob("*.fork")
    kept = verify_checkpoint(evidence.read_text(), KEY)
    assert (kept.size, kept) == (6, head_of(split_view, 6))
    assert kept != verify_checkpoint(last(witness), KEY)


def test_a_wrong_proof_by_a_stranger_takes_no_evidence_away(witness: Witness) -> None:
    witness.add_checkpoint(body(asked(HONEST, 0, 6)))
    assert "not proven" in str(refused(witness, body(asked(HONEST, 6, 9, proof=(bytes(32),)))))
    assert "convict" in str(refused(witness, body(asked(subtree_of("for others", 4), 6, 6))))
    (evidence,) = witness.folder.glob("*.fork")
    assert verify_checkpoint(evidence.read_text(), KEY).root != head_of(HONEST, 6).root


def test_what_it_remembers_can_be_read_again(witness: Witness) -> None:
    """The log's signature is public: a stranger can repeat it, in a note that is just not too long."""
    note = asked(HONEST, 0, 3).note
    line = note.rpartition("\n\n")[2]
    repeated = note + line * ((MAX_NOTE_BYTES - len(note.encode())) // len(line.encode()))
    witness.add_checkpoint(body(asked(HONEST, 0, 3, note=repeated)))
    assert last(witness).count(line) == 1
    extended = head_of(HONEST, 4).text + "x" * (MAX_NOTE_BYTES - 300) + "\n"
    assert refused(witness, body(asked(HONEST, 3, 4, note=signed(extended)))).refusal == 400
    witness.add_checkpoint(body(asked(HONEST, 3, 4)))


STRANGER = VerifierKey("log.example/stranger", KEY.public_key)
FIRST = asked(HONEST, 0, 3)


@pytest.mark.parametrize(
    ("request_body", "status"),
    [
        (b"", 400),
        (b"old 0\n", 400),
        (b"old 0\n\n", 400),
        (b"old 0\n\n\xff", 400),
        (body(FIRST).replace(b"old 0", b"old 00"), 400),
        (body(FIRST).replace(b"old 0", b"old +0"), 400),
        (body(FIRST).replace(b"old 0", b"old -1"), 400),
        (body(FIRST).replace(b"old 0", b"old " + b"9" * 30), 400),
        (body(FIRST).replace(b"old 0", b"new 0"), 400),
        (body(FIRST).replace(b"old 0\n", b"old 0\nAAAA\n"), 400),
        (body(FIRST).replace(b"old 0\n", b"old 0\nnot base64\n"), 400),
        (body(replace(FIRST, proof=(bytes(32),) * (MAX_HASHES + 1))), 400),
        (body(replace(FIRST, proof=(bytes(32),))), 422),
        (body(asked(HONEST, 4, 3)), 400),
        (body(asked(HONEST, 2, 3)), 409),
        (body(replace(FIRST, note=sign_checkpoint(TreeHead(STRANGER.origin, 3, bytes(32)), STRANGER, SIGNER))), 404),
        (body(replace(FIRST, note=FIRST.note.replace("\n3\n", "\n4\n"))), 403),
        (body(replace(FIRST, note=FIRST.note.replace("— log.example/test", "— log.example/tesT"))), 403),
        (body(replace(FIRST, note=f"{FIRST.note}— {KEY.origin} {encode(KEY.id + bytes(64))}\n")), 403),
        (body(replace(FIRST, note=signed(TreeHead(KEY.origin, 0, bytes(32)).text))), 422),
        (body(replace(FIRST, note=signed(f"{KEY.origin}\n3\n"))), 400),
    ],
)
def test_each_refusal_has_its_status(witness: Witness, request_body: bytes, status: int) -> None:
    assert refused(witness, request_body).refusal == status


def test_what_it_does_not_know_does_not_keep_it_from_cosigning(witness: Witness) -> None:
    """Signatures by others are ignored and not kept; lines that another log added are signed along."""
    witness.add_checkpoint(body(replace(FIRST, note=FIRST.note + f"— stranger.example {encode(bytes(76))}\n")))
    assert "stranger" not in last(witness)
    line = witness.add_checkpoint(body(AddCheckpoint(3, (), signed(head_of(HONEST, 3).text + "extension\n"))))
    assert last(witness).startswith(head_of(HONEST, 3).text + "extension\n\n")
    assert last(witness).endswith(line)


def test_of_two_requests_from_one_size_one_wins(witness: Witness) -> None:
    witness.add_checkpoint(body(asked(HONEST, 0, 1)))
    trees = [subtree_of(str(n), 1) for n in range(8)]

    def ask(tree: Subtree) -> str:
        try:
            return witness.add_checkpoint(body(asked(tree, 1, 9)))
        except WitnessRefusedError as error:
            return Refusal(error.refusal).name

    with ThreadPoolExecutor(len(trees)) as threads:
        answers = list(threads.map(ask, trees))
    (line,) = set(answers) - {Refusal.CONFLICT.name}
    assert answers.count(line) == 1
    assert line in last(witness)


def test_nothing_is_cosigned_that_is_not_remembered(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ledger.witnessing.witness, "replace_secret", full)
        with pytest.raises(OSError, match="No space"):
            witness.add_checkpoint(body(FIRST))
    assert last(witness) == ""
    witness.add_checkpoint(body(FIRST))
    (state,) = witness.folder.glob("*.checkpoint")
    state.write_text("damaged")
    with pytest.raises(CheckpointError):
        witness.add_checkpoint(body(asked(HONEST, 3, 4)))


def test_its_key_is_its_own(tmp_path: Path) -> None:
    file = tmp_path / "key"
    made = open_witness_key(file, "witness.example/one", system_entropy)
    assert file.stat().st_mode & 0o777 == 0o600
    assert open_witness_key(file, "witness.example/one", system_entropy).key == made.key
    with pytest.raises(CheckpointError, match="keeps its name"):
        open_witness_key(file, "witness.example/two", system_entropy)
    whole = file.read_text()
    other = "A" if whole[-4] != "A" else "B"
    for damaged in (whole[:-5], whole.replace("one", "two"), "", whole[:-4] + other + whole[-3:]):
        file.write_text(damaged)
        with pytest.raises(CheckpointError):
            open_witness_key(file, "", system_entropy)
    file.chmod(0o644)
    with pytest.raises(LooseFileModeError):
        open_witness_key(file, "", system_entropy)
    with pytest.raises(CheckpointError, match="cannot name"):
        open_witness_key(tmp_path / "other", "two words", system_entropy)


@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    for hostile in (data, b"old 0\n\n" + data, b"old 0\n" + data + b"\n\n" + FIRST.note.encode()):
        try:
            found = AddCheckpoint.parse(hostile)
        except WitnessRefusedError:
            continue
        assert found.body.encode() == hostile
