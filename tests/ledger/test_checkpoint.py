from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import example, given
from hypothesis import strategies as st

from keys.signer import Purpose
from ledger.errors import CheckpointError
from ledger.tree.checkpoint import (
    TreeHead,
    VerifierKey,
    check_origin,
    sign_checkpoint,
    verify_checkpoint,
)
from ledger.tree.note import MAX_NOTE_BYTES
from tests.simulators.key_store import SimulatedKeyStore

STORE = SimulatedKeyStore()
SIGNER = STORE.signer(Purpose.LOG)
_public = load_der_public_key(SIGNER.public_key)
assert isinstance(_public, Ed25519PublicKey)
KEY = VerifierKey("log.example/test", _public.public_bytes_raw())
HEAD = TreeHead(KEY.origin, 7, bytes(range(32)))
NOTE = sign_checkpoint(HEAD, KEY, SIGNER)


def signed(text: str) -> str:
    """Any text under the log's own valid signature: what only the log could make."""
    signature = b64encode(KEY.id + SIGNER.sign(text.encode())).decode()
    return f"{text}\n— {KEY.origin} {signature}\n"


def test_a_checkpoint_comes_back_as_it_was_signed() -> None:
    assert verify_checkpoint(NOTE, KEY) == HEAD
    assert VerifierKey.parse(str(KEY)) == KEY


def test_the_published_vector_of_the_note_format() -> None:
    # golang.org/x/mod/sumdb/note: the key, its id, and a note signed by it. It is no checkpoint, which is
    # only found out once the signature has verified.
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    with pytest.raises(CheckpointError, match="origin, size and root"):
        verify_checkpoint(note, key)
    with pytest.raises(CheckpointError, match="does not verify"):
        verify_checkpoint(note.replace("answer", "Answer"), key)


def test_unknown_signatures_are_ignored() -> None:
    witness = b64encode(b"\1\2\3\4" + bytes(72)).decode()
    text, _, ours = NOTE.rpartition("\n\n")
    strangers = f"— witness.example {witness}\n— {KEY.origin} {witness}\n"
    assert verify_checkpoint(f"{text}\n\n{strangers}{ours}", KEY) == HEAD
    with pytest.raises(CheckpointError, match="no signature"):
        verify_checkpoint(f"{text}\n\n{strangers}", KEY)


def test_a_bad_signature_by_our_key_spoils_the_note() -> None:
    forged = b64encode(KEY.id + bytes(64)).decode()
    with pytest.raises(CheckpointError, match="does not verify"):
        verify_checkpoint(f"{NOTE}— {KEY.origin} {forged}\n", KEY)


def test_another_key_or_name_is_refused() -> None:
    other = replace(KEY, public_key=bytes(32))
    for stranger in (other, replace(KEY, origin="log.example/other")):
        with pytest.raises(CheckpointError):
            verify_checkpoint(NOTE, stranger)
    with pytest.raises(CheckpointError, match="is of"):
        verify_checkpoint(signed(replace(HEAD, origin="log.example/other").text), KEY)


ROOT = b64encode(bytes(32)).decode()
LOOSE = b64encode(bytes(32)).decode().replace("A=", "B=")


@pytest.mark.parametrize(
    "text",
    [
        f"{KEY.origin}\n07\n{ROOT}\n",
        f"{KEY.origin}\n+7\n{ROOT}\n",
        f"{KEY.origin}\n-7\n{ROOT}\n",
        f"{KEY.origin}\n7 \n{ROOT}\n",
        f"{KEY.origin}\n\u0667\n{ROOT}\n",
        f"{KEY.origin}\n{2**63}\n{ROOT}\n",
        f"{KEY.origin}\n{'9' * 400}\n{ROOT}\n",
        f"{KEY.origin}\n7\n{ROOT[:-4]}\n",
        f"{KEY.origin}\n7\n{LOOSE}\n",
        f"{KEY.origin}\n7\n{ROOT}\nextension\n",
        f"{KEY.origin}\n7\n",
        f"\n7\n{ROOT}\n",
        f"{KEY.origin}\n7\n{ROOT}\x07\n",
        f"{KEY.origin}\r\n7\r\n{ROOT}\r\n",
    ],
)
def test_even_the_logs_own_signature_does_not_excuse_a_malformed_text(text: str) -> None:
    with pytest.raises(CheckpointError):
        verify_checkpoint(signed(text), KEY)


@pytest.mark.parametrize(
    "note",
    ["", "\n\n", NOTE[:-1], NOTE + "\n", NOTE.replace("— ", "- "), "x" * MAX_NOTE_BYTES * 2],
    ids=["empty", "blank", "cut", "longer", "no dash", "huge"],
)
def test_what_is_not_a_note_is_refused(note: str) -> None:
    with pytest.raises(CheckpointError):
        verify_checkpoint(note, KEY)


@given(st.integers(0, len(NOTE) - 1), st.characters())
@example(0, "\ud800")
def test_any_changed_character_is_refused(at: int, character: str) -> None:
    changed = NOTE[:at] + character + NOTE[at + 1 :]
    if changed == NOTE:
        return
    with pytest.raises(CheckpointError):
        verify_checkpoint(changed, KEY)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        str(KEY)[:-4],
        str(KEY).replace(KEY.id.hex(), "00000000"),
        str(KEY).replace("log.example", "log example"),
        str(replace(KEY, public_key=bytes(31))),
    ],
    ids=["empty", "bare name", "cut", "other id", "spaced name", "short key"],
)
def test_a_malformed_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(CheckpointError):
        VerifierKey.parse(vkey)


@pytest.mark.parametrize("origin", ["", "a b", "\ud800", "a+b", "a\nb", "x" * 256, "a\u2003b"])
def test_an_origin_that_cannot_name_a_log_is_refused(origin: str) -> None:
    with pytest.raises(CheckpointError):
        check_origin(origin)
