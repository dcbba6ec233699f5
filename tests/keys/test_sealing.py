from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import SealBrokenError
from keys.sealing import MAX_SEGMENTS, _nonce, derive, seal, seal_stream, unseal, unseal_stream

KEY = bytes(range(32))
RECORD = b"tenant/record"
chunks = st.lists(st.binary(min_size=1, max_size=64), max_size=6)


def sealed(plaintext: Sequence[bytes]) -> list[bytes]:
    return list(seal_stream(KEY, plaintext, RECORD))


def opened(segments: Sequence[bytes], key: bytes = KEY, associated: bytes = RECORD) -> bytes:
    return b"".join(unseal_stream(key, segments, associated))


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_a_record_opens_as_what_it_was(plaintext: bytes, associated: bytes) -> None:
    assert unseal(KEY, seal(KEY, plaintext, associated), associated) == plaintext


@given(st.binary(max_size=60), st.integers(min_value=0))
def test_a_flipped_bit_breaks_a_record(plaintext: bytes, bit: int) -> None:
    with pytest.raises(SealBrokenError):
        unseal(KEY, flip(seal(KEY, plaintext, RECORD), bit), RECORD)


@given(st.binary(max_size=60), st.integers(min_value=0, max_value=27))
def test_a_short_record_does_not_open(plaintext: bytes, length: int) -> None:
    with pytest.raises(SealBrokenError):
        unseal(KEY, seal(KEY, plaintext, RECORD)[:length], RECORD)


def test_a_record_opens_under_its_own_key_and_name_only() -> None:
    record = seal(KEY, b"secret", RECORD)
    for key, associated in ((bytes(32), RECORD), (KEY, b"other"), (KEY, b"")):
        with pytest.raises(SealBrokenError):
            unseal(key, record, associated)


@given(chunks)
def test_a_stream_opens_as_what_it_was(plaintext: list[bytes]) -> None:
    assert opened(sealed(plaintext)) == b"".join(plaintext)


@given(chunks, st.data())
def test_a_shortened_stream_fails(plaintext: list[bytes], data: st.DataObject) -> None:
    segments = sealed(plaintext)
    kept = data.draw(st.integers(min_value=0, max_value=len(segments) - 1))
    with pytest.raises(SealBrokenError):
        opened(segments[:kept])


@given(chunks, st.data())
def test_a_stream_without_one_of_its_segments_fails(plaintext: list[bytes], data: st.DataObject) -> None:
    segments = sealed(plaintext)
    lost = data.draw(st.integers(min_value=0, max_value=len(segments) - 1))
    with pytest.raises(SealBrokenError):
        opened(segments[:lost] + segments[lost + 1 :])


@given(st.lists(st.binary(min_size=1, max_size=64), min_size=2, max_size=6), st.data())
def test_a_reordered_stream_fails(plaintext: list[bytes], data: st.DataObject) -> None:
    prefix, *segments = sealed(plaintext)
    order = data.draw(st.permutations(range(len(segments))).filter(lambda order: list(order) != sorted(order)))
    with pytest.raises(SealBrokenError):
        opened([prefix, *(segments[index] for index in order)])


@given(chunks, st.data())
def test_an_extended_stream_fails(plaintext: list[bytes], data: st.DataObject) -> None:
    segments = sealed(plaintext)
    extra = data.draw(st.sampled_from([*segments[1:], b"", bytes(40)]))
    at = data.draw(st.integers(min_value=1, max_value=len(segments)))
    with pytest.raises(SealBrokenError):
        opened([*segments[:at], extra, *segments[at:]])


@given(chunks, st.data())
def test_a_flipped_bit_breaks_a_stream(plaintext: list[bytes], data: st.DataObject) -> None:
    segments = sealed(plaintext)
    index = data.draw(st.integers(min_value=0, max_value=len(segments) - 1))
    segments[index] = flip(segments[index], data.draw(st.integers(min_value=0)))
    with pytest.raises(SealBrokenError):
        opened(segments)


def test_a_segment_of_another_stream_fails() -> None:
    mine, other = sealed([b"a", b"b"]), sealed([b"a", b"b"])
    with pytest.raises(SealBrokenError):
        opened([mine[0], mine[1], other[2]])


def test_what_was_yielded_before_a_broken_segment_is_sound() -> None:
    segments = sealed([b"first", b"second", b"third"])
    segments[2] = flip(segments[2], 3)
    stream = unseal_stream(KEY, segments, RECORD)
    assert next(stream) == b"first"
    with pytest.raises(SealBrokenError, match="segment 1"):
        next(stream)


def test_a_stream_opens_under_its_own_key_and_name_only() -> None:
    for key, associated in ((bytes(32), RECORD), (KEY, b"other")):
        with pytest.raises(SealBrokenError):
            opened(sealed([b"secret"]), key, associated)


def test_a_stream_ends_before_its_counter_does() -> None:
    with pytest.raises(ValueError, match="segments"):
        _nonce(bytes(7), MAX_SEGMENTS, last=True)


def test_keys_are_derived_by_purpose() -> None:
    # HKDF-SHA256 without salt: RFC 5869, test case 3's construction, our own inputs, by an independent HMAC.
    import hashlib
    import hmac

    extracted = hmac.digest(bytes(32), KEY, hashlib.sha256)
    assert derive(KEY, "blob/v1/x") == hmac.digest(extracted, b"blob/v1/x\x01", hashlib.sha256)
    assert derive(KEY, "a") != derive(KEY, "b")
