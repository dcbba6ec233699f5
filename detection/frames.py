"""Messages between parent and worker: a 4-byte big-endian length, that many bytes of JSON, and descriptors.

Rules
- One socket, one conversation: each side speaks only when it is its turn, so a read never meets a second
  frame.
- Every frame has a size limit, given by the receiver; descriptors ride on the frame (SCM_RIGHTS), at most
  MAX_DESCRIPTORS, and are closed by `receive` whenever it raises.
- JSON only: depth, numbers and surrogates are checked by the parser, and nothing is ever unpickled.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Sequence
from math import ceil
from typing import Any

from pydantic_core import from_json

MAX_REQUEST_BYTES = 1024 * 1024
"""Parent to worker."""

MAX_REPLY_BYTES = 8 * 1024 * 1024
"""Worker to parent."""

MAX_ASK_BYTES = 64 * 1024
"""What a job may ask the parent about, and the answer, before base64."""

MAX_DESCRIPTORS = 8
READ_BYTES = 64 * 1024
_INT = struct.calcsize("i")
_ANCILLARY_BYTES = socket.CMSG_LEN(MAX_DESCRIPTORS * _INT)
LENGTH = struct.Struct(">I")
_TIMEVAL = struct.Struct("@ll")
_TICK_SECONDS = 0.125
"""How exactly waits are bounded. Zero would mean for ever to the kernel."""


class FrameError(Exception):
    """The other side broke the rules of this module."""


class FrameTooLargeError(FrameError):
    """A message exceeds its limit."""

    def __init__(self, limit: int, actual: int) -> None:
        super().__init__(f"a message of {actual} bytes, at most {limit} are allowed")
        self.limit, self.actual = limit, actual


class ChannelClosedError(FrameError):
    """The other side is gone."""


def encode(message: dict[str, Any], limit: int) -> bytes:
    """One frame. Raises FrameTooLargeError, and TypeError or ValueError for what JSON cannot say."""
    body = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    if len(body) > limit:
        raise FrameTooLargeError(limit, len(body))
    return LENGTH.pack(len(body)) + body


def decode(body: bytes) -> dict[str, Any]:
    """The JSON object of one frame. Raises FrameError."""
    try:
        message = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise FrameError(f"not JSON: {error}") from error
    if not isinstance(message, dict):
        raise FrameError("not a JSON object")
    return message


class Channel:
    """One end of the socket. Deadlines are of `time.monotonic`; none means to wait for ever."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._bounds: dict[int, int] = {}
        """Ticks that calls are bounded by now, by option."""

    def send(self, frame: bytes, descriptors: Sequence[int] = (), deadline: float | None = None) -> None:
        """Send one encoded frame. Raises ChannelClosedError, TimeoutError."""
        view, riding = memoryview(frame), list(descriptors)
        while view:
            self._arm(socket.SO_SNDTIMEO, deadline)
            try:
                sent = socket.send_fds(self._socket, [view], riding) if riding else self._socket.send(view)
            except BlockingIOError as error:
                raise TimeoutError from error
            except OSError as error:
                raise ChannelClosedError("the other side cannot be reached") from error
            view, riding = view[sent:], []

    def receive(self, limit: int, deadline: float | None = None) -> tuple[dict[str, Any], list[int]]:
        """One message and the descriptors that came with it, now the caller's to close.

        Raises FrameError (FrameTooLargeError, ChannelClosedError), TimeoutError.
        """
        descriptors: list[int] = []
        try:
            return decode(self._frame(limit, descriptors, deadline)), descriptors
        except BaseException:  # descriptors that arrived have no other owner yet
            close_all(descriptors)
            raise

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def _frame(self, limit: int, descriptors: list[int], deadline: float | None) -> bytes:
        data, expected = bytearray(), LENGTH.size
        while len(data) < expected:
            data += self._read(descriptors, deadline)
            if expected == LENGTH.size and len(data) >= expected:
                (length,) = LENGTH.unpack_from(data)
                if length > limit:
                    raise FrameTooLargeError(limit, length)
                expected += length
        if len(data) > expected:
            raise FrameError("more than one message")
        return bytes(memoryview(data)[LENGTH.size :])

    def _read(self, descriptors: list[int], deadline: float | None) -> bytes:
        self._arm(socket.SO_RCVTIMEO, deadline)
        try:
            # Not socket.recv_fds: it drops the flags, and descriptors would leak into other processes.
            data, ancillary, flags, _ = self._socket.recvmsg(READ_BYTES, _ANCILLARY_BYTES, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError as error:
            raise TimeoutError from error
        except OSError as error:
            raise ChannelClosedError("the other side cannot be reached") from error
        for _, _, content in ancillary:  # only SCM_RIGHTS can arrive: no option asks for more
            descriptors += memoryview(content[: len(content) // _INT * _INT]).cast("i")
        if flags & socket.MSG_CTRUNC or len(descriptors) > MAX_DESCRIPTORS:
            raise FrameError("too many descriptors")
        if not data:
            raise ChannelClosedError("the other side is gone")
        return data

    def _arm(self, option: int, deadline: float | None) -> None:
        """Bound the next call in the kernel, rounded up to a tick: no call at all where it is bounded so already, as
        for one job after another of the same kind, and no poll before every read.
        """
        if deadline is None:
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        ticks = ceil(left / _TICK_SECONDS)
        if self._bounds.get(option) == ticks:
            return
        seconds, fraction = divmod(ticks * _TICK_SECONDS, 1)
        bound = _TIMEVAL.pack(int(seconds), int(fraction * 1_000_000))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, option, bound)
            self._bounds[option] = ticks
        except OSError as error:  # closed by another thread, which ends the sandbox
            raise ChannelClosedError("this end is closed") from error


def close_all(descriptors: Sequence[int]) -> None:
    """Close each of them."""
    for descriptor in descriptors:
        os.close(descriptor)
