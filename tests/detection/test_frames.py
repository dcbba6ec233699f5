"""Frames survive any fragmentation, and limits hold before memory is spent."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.frames import (
    MAX_DESCRIPTORS,
    Channel,
    ChannelClosedError,
    FrameError,
    FrameTooLargeError,
    close_all,
    decode,
    encode,
)

Ends = tuple[Channel, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours), theirs


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_round_trip(message: dict[str, object]) -> None:
    assert decode(encode(message, 1 << 20)[4:]) == message


def test_a_frame_in_single_bytes_arrives(ends: Ends) -> None:
    channel, other = ends
    for byte in encode({"a": "ü"}, 100):
        other.send(bytes([byte]))
    assert channel.receive(100) == ({"a": "ü"}, [])


def test_a_large_frame_with_descriptors_arrives(ends: Ends) -> None:
    channel, other = ends
    message = {"text": "x" * 1_000_000}
    sent = [os.memfd_create("one"), os.memfd_create("two")]
    sender = threading.Thread(target=Channel(other).send, args=(encode(message, 1 << 20), sent))
    sender.start()
    received, descriptors = channel.receive(1 << 20)
    sender.join()
    assert received == message
    assert len(descriptors) == 2
    assert not any(os.get_inheritable(descriptor) for descriptor in descriptors)
    close_all(sent + descriptors)


def test_too_many_descriptors_are_closed(ends: Ends) -> None:
    channel, other = ends
    sent = [os.memfd_create("many") for _ in range(MAX_DESCRIPTORS + 1)]
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (a count of descriptors)
    Channel(other).send(encode({}, 100), sent)
    with pytest.raises(FrameError, match="descriptors"):
        channel.receive(100)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 (a count of descriptors)
    close_all(sent)


def test_limits_hold_on_both_sides(ends: Ends) -> None:
    channel, other = ends
    with pytest.raises(FrameTooLargeError):
        encode({"text": "x" * 100}, 50)
    Channel(other).send(encode({"text": "x" * 100}, 200))
    with pytest.raises(FrameTooLargeError) as caught:
        channel.receive(50)
    assert caught.value.limit == 50


def test_silence_and_deafness_end_at_the_deadline(ends: Ends) -> None:
    channel, _ = ends
    with pytest.raises(TimeoutError):
        channel.receive(50, time.monotonic() + 0.05)
    with pytest.raises(TimeoutError):
        channel.send(bytes(10_000_000), deadline=time.monotonic() + 0.05)
    with pytest.raises(TimeoutError):
        channel.send(b"x", deadline=time.monotonic() - 1)


def test_a_gone_neighbour_is_said(ends: Ends) -> None:
    channel, other = ends
    other.close()
    with pytest.raises(ChannelClosedError):
        channel.receive(50)
    with pytest.raises(ChannelClosedError):
        channel.send(encode({}, 50))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":"\\ud800"}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(FrameError):
        decode(body)


def test_an_end_closed_by_another_thread_is_closed_not_broken() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    channel.close()
    for attempt in (
        lambda: channel.receive(100, time.monotonic() + 1),
        lambda: channel.send(b"x", (), time.monotonic() + 1),
    ):
        with pytest.raises(ChannelClosedError):
            attempt()
    theirs.close()
