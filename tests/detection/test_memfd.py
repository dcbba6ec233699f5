"""Memory files: once sealed they hold still, and only memory files are taken from others."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.memfd import CHUNK_BYTES, Memfd


@given(st.lists(st.binary(max_size=100)), st.integers(1, 64))
def test_what_goes_in_comes_out_in_pieces(chunks: list[bytes], length: int) -> None:
    with Memfd.of(chunks) as memfd:
        pieces = list(memfd.chunks(length))
        assert b"".join(pieces) == b"".join(chunks)
        assert memfd.size == len(b"".join(chunks))
        assert all(len(piece) == length for piece in pieces[:-1])


def test_a_sealed_file_cannot_change() -> None:
    with Memfd.of([b"x" * 10]) as memfd:
        assert memfd.sealed
        for change in (
            lambda: memfd.write(b"y"),
            lambda: os.pwrite(memfd.fileno(), b"y", 0),
            lambda: os.ftruncate(memfd.fileno(), 5),
            lambda: os.ftruncate(memfd.fileno(), 50),
        ):
            with pytest.raises(PermissionError):
                change()
        assert memfd.read(100) == b"x" * 10


def test_its_size_is_known_while_it_grows() -> None:
    with Memfd.create() as memfd:
        for size in (0, 3, 6):
            assert memfd.size == size
            memfd.write(b"abc")
        memfd.seal()
        assert memfd.size == memfd.size == 9


def test_a_reopened_descriptor_is_read_only_and_has_its_own_offset() -> None:
    with Memfd.of([b"abcdef"]) as memfd:
        one, other = memfd.reopened(), memfd.reopened()
        try:
            assert os.read(one, 3) == b"abc"
            assert os.read(other, 3) == b"abc"
            assert fcntl.fcntl(one, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
            assert not os.get_inheritable(one)
        finally:
            os.close(one)
            os.close(other)


def test_a_foreign_file_is_frozen_and_bounded() -> None:
    foreign = os.memfd_create("foreign", os.MFD_ALLOW_SEALING)
    os.write(foreign, b"12345")
    with Memfd.adopt(foreign, 5) as memfd:
        assert memfd.sealed
    large = os.memfd_create("large", os.MFD_ALLOW_SEALING)
    os.write(large, b"123456")
    with pytest.raises(ValueError, match="larger"):
        Memfd.adopt(large, 5)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(large)


def test_a_file_on_disk_is_no_memory_file(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    with pytest.raises(ValueError, match="not a memory file"):
        Memfd.adopt(descriptor, 5)


def test_chunks_are_the_segments_of_a_sealed_blob() -> None:
    with Memfd.of([bytes(CHUNK_BYTES), b"x"]) as memfd:
        assert [len(piece) for piece in memfd.chunks()] == [CHUNK_BYTES, 1]
