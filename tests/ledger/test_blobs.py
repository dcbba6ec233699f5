from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from keys.clock import system_entropy
from keys.sealing import SEGMENT_BYTES
from ledger.errors import BlobDamagedError, BlobNotFoundError, BlobStoreUnavailableError
from ledger.forgetting.subjects import Subject
from ledger.ids import BlobId, SubjectId, TenantId
from ledger.storage.blobs import STRAYS_KEPT, BlobStore, read_chunks

SUBJECT = Subject(TenantId("tnt_a"), SubjectId("ast_a"), 1, b"k" * 32, b"")
OTHER = Subject(TenantId("tnt_a"), SubjectId("ast_b"), 1, b"o" * 32, b"")
SIZES = [0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 2 * SEGMENT_BYTES]


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs", system_entropy)


def files(store: BlobStore) -> list[Path]:
    return sorted(store._folder.iterdir())


@pytest.mark.parametrize("size", SIZES)
def test_a_blob_comes_back_whole_and_lies_sealed(store: BlobStore, size: int) -> None:
    plaintext = (b"plain as day " * (size // 13 + 1))[:size]
    chunks = [plaintext[at : at + 70_001] for at in range(0, size, 70_001)]
    blob = store.put(SUBJECT, chunks)
    assert (blob.size, blob.sha256) == (size, sha256(plaintext).digest())
    assert b"".join(store.open(SUBJECT, blob.id, size)) == plaintext
    assert [path.name for path in files(store)] == [blob.id]
    assert b"plain" not in files(store)[0].read_bytes()
    assert files(store)[0].stat().st_mode & 0o077 == 0


def test_a_descriptor_is_read_from_its_beginning_wherever_it_stands(store: BlobStore, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(b"x" * (SEGMENT_BYTES + 5))
    descriptor = os.open(path, os.O_RDONLY)
    os.lseek(descriptor, 7, os.SEEK_SET)
    blob = store.put(SUBJECT, read_chunks(descriptor))
    os.close(descriptor)
    assert blob.size == SEGMENT_BYTES + 5


@pytest.mark.parametrize("at", [0, 6, 7, 100, SEGMENT_BYTES + 100, -1])
def test_any_changed_byte_is_found(store: BlobStore, at: int) -> None:
    blob = store.put(SUBJECT, [bytes(SEGMENT_BYTES + 1000)])
    data = bytearray(files(store)[0].read_bytes())
    data[at] ^= 1
    files(store)[0].write_bytes(data)
    with pytest.raises(BlobDamagedError):
        list(store.open(SUBJECT, blob.id, blob.size))


def test_truncation_extension_and_a_wrong_size_are_found_before_a_byte_is_given(store: BlobStore) -> None:
    blob = store.put(SUBJECT, [bytes(3 * SEGMENT_BYTES)])
    path = files(store)[0]
    data = path.read_bytes()
    for changed in (data[:-1], data + b"\0", data[: -SEGMENT_BYTES - 16], b""):
        path.write_bytes(changed)
        with pytest.raises(BlobDamagedError):
            store.open(SUBJECT, blob.id, blob.size)
    path.write_bytes(data)
    with pytest.raises(BlobDamagedError):
        store.open(SUBJECT, blob.id, blob.size - 1)


def test_several_are_all_there_or_none(store: BlobStore) -> None:
    one, two = store.put_all([(SUBJECT, [b"mine"]), (OTHER, [b"theirs"])])
    assert b"".join(store.open(SUBJECT, one.id, one.size)) == b"mine"
    assert b"".join(store.open(OTHER, two.id, two.size)) == b"theirs"
    before = files(store)

    def breaks() -> Iterator[bytes]:
        yield b"x"
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError):
        store.put_all([(SUBJECT, [b"first"]), (OTHER, breaks())])
    assert files(store) == before


def test_another_subject_or_name_does_not_open(store: BlobStore) -> None:
    blob = store.put(SUBJECT, [b"mine"])
    with pytest.raises(BlobDamagedError):
        list(store.open(OTHER, blob.id, blob.size))
    moved = BlobId("blb_moved")
    files(store)[0].rename(store._folder / moved)
    with pytest.raises(BlobDamagedError):
        list(store.open(SUBJECT, moved, blob.size))
    with pytest.raises(BlobNotFoundError):
        store.open(SUBJECT, blob.id, blob.size)


def test_an_upload_that_breaks_off_leaves_nothing(store: BlobStore) -> None:
    class Hangup(Exception):  # noqa: N818 - stands for any source's own exception
        pass

    def breaks() -> Iterator[bytes]:
        yield bytes(SEGMENT_BYTES * 2)
        raise Hangup

    with pytest.raises(Hangup):
        store.put(SUBJECT, breaks())
    assert not files(store)


def test_names_appear_only_after_the_bytes_are_on_disk(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def fsync(_: int) -> None:
        seen.append([path.suffix for path in files(store)])

    monkeypatch.setattr(os, "fsync", fsync)
    store.put_all([(SUBJECT, [b"x"]), (OTHER, [b"y"])])
    assert seen == [[".part", ".part"], [".part", ".part"], ["", ""]]


def test_what_the_system_writes_in_part_is_written_whole(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, write = os.writev, os.write
    monkeypatch.setattr(os, "writev", lambda to, pieces: whole(to, [b"".join(pieces)[:100]]))
    monkeypatch.setattr(os, "write", lambda to, rest: write(to, rest[:70_000]))
    media = bytes(range(256)) * (3 * SEGMENT_BYTES // 256)
    blob = store.put(SUBJECT, [media])
    assert b"".join(store.open(SUBJECT, blob.id, blob.size)) == media


def test_delete_and_sweep(store: BlobStore) -> None:
    kept, deleted, stray = (store.put(SUBJECT, [bytes([n])]) for n in range(3))
    store.delete(deleted.id)
    store.delete(deleted.id)
    (store._folder / "blb_half.part").write_bytes(b"half")
    assert store.sweep({kept.id}) == 2
    assert [path.name for path in files(store)] == [kept.id]
    assert stray.id != kept.id


def test_what_was_set_aside_comes_back_when_a_row_names_it(store: BlobStore) -> None:
    """A service that was started with the wrong database, and then with the right one."""
    blob = store.put(SUBJECT, [b"media"])
    assert store.sweep(set()) == 1
    with pytest.raises(BlobNotFoundError):
        store.open(SUBJECT, blob.id, blob.size)
    assert store.sweep({blob.id}) == 0
    assert b"".join(store.open(SUBJECT, blob.id, blob.size)) == b"media"


def test_what_stays_aside_is_deleted_in_the_end(store: BlobStore) -> None:
    blob = store.put(SUBJECT, [b"media"])
    store.sweep(set())
    aside = store._folder.with_name(f"{store._folder.name}-strays") / blob.id
    store.sweep(set())
    assert aside.exists()
    long_ago = time.time() - STRAYS_KEPT.total_seconds() - 60
    os.utime(aside, (long_ago, long_ago))
    store.sweep(set())
    assert not aside.exists()


def test_a_young_file_is_nobodys_stray(store: BlobStore) -> None:
    """While uploads are served, a file may be there before its row."""
    store.put(SUBJECT, [b"media"])
    assert store.sweep(set(), timedelta(hours=1)) == 0
    assert len(files(store)) == 1


def test_a_folder_that_cannot_be_used_says_so(store: BlobStore, tmp_path: Path) -> None:
    store._folder.rmdir()
    for attempt in (lambda: store.put(SUBJECT, [b"x"]), lambda: store.sweep(set())):
        with pytest.raises(BlobStoreUnavailableError):
            attempt()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BlobStoreUnavailableError):
        BlobStore(tmp_path / "file", system_entropy)


def test_a_full_disk_is_typed_and_leaves_nothing(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BlobStoreUnavailableError, match="No space"):
        store.put(SUBJECT, [b"x"])
    assert not files(store)
