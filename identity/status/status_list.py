"""Status lists: many credentials' statuses in one string of bits that says nothing about any of them.

Two forms of the same thing, and where they differ:
- W3C Bitstring Status List v1.0: place 0 is the left-most bit; GZIP; multibase `u`; at least 131,072 places.
- IETF Token Status List: place 0 is the least significant bit; ZLIB; bare base64url.

Rules
- A place outside the list has no status: an error, never *valid*. Negative ones do not count from the end.
- What a list unpacks to is bounded before it is unpacked; nothing may follow its compressed stream.
- Places are drawn at random, so that a place tells neither when nor with whom a credential was issued.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from identity.encoding import base64url
from identity.errors import StatusIndexError, StatusListFullError, TokenUnreadableError
from keys.clock import Entropy

MAX_OCTETS: Final = 4 * 1024 * 1024
"""Of an unpacked list: 33 million credentials of one bit. A few kilobytes could unpack to as much as they like."""

MAX_CHARACTERS: Final = 6 * 1024 * 1024
"""Of a packed one: the most that MAX_OCTETS of noise would take."""

MAX_DRAWS: Final = 16
"""So many in vain say that a list is taken, without anybody counting: of 131,072 places some 77,000 are given away
before it happens. Or the entropy is stuck.
"""


@dataclass(frozen=True)
class Form:
    """What differs between the specifications."""

    order: Literal["big", "little"]
    """Which bit of an octet comes first: the most significant, or the least."""

    container: int
    """What is around the deflated octets, as zlib's `wbits`."""

    prefix: str
    """In front of the base64url."""

    widths: frozenset[int]
    """Bits that a status may have."""

    fewest: int
    """Places that a list must have, for its readers' privacy."""


BITSTRING: Final = Form("big", 16 + zlib.MAX_WBITS, "u", frozenset(range(1, 9)), 131_072)
TOKEN: Final = Form("little", zlib.MAX_WBITS, "", frozenset({1, 2, 4, 8}), 1)


@dataclass(frozen=True)
class StatusList:
    """The statuses of `places` credentials, each `width` bits."""

    form: Form
    width: int
    octets: bytes = field(repr=False)

    @property
    def places(self) -> int:
        return len(self.octets) * 8 // self.width

    def status(self, place: int) -> int:
        """The status there, from 0 to 2^width - 1. Raises StatusIndexError."""
        first, last, shift = self._where(place)
        return int.from_bytes(self.octets[first:last], self.form.order) >> shift & self._mask

    def with_status(self, statuses: Mapping[int, int]) -> StatusList:
        """The list with these statuses at these places. Raises StatusIndexError, ValueError for a status too wide."""
        octets = bytearray(self.octets)
        for place, status in statuses.items():
            if not 0 <= status <= self._mask:
                raise ValueError(f"a status of {self.width} bits is 0 to {self._mask}, not {status}")
            first, last, shift = self._where(place)
            others = int.from_bytes(octets[first:last], self.form.order) & ~(self._mask << shift)
            octets[first:last] = (others | status << shift).to_bytes(last - first, self.form.order)
        return StatusList(self.form, self.width, bytes(octets))

    def encode(self) -> str:
        """As the form's specification writes it; the same list gives the same text."""
        packer = zlib.compressobj(9, zlib.DEFLATED, self.form.container)
        return self.form.prefix + base64url.encode(packer.compress(self.octets) + packer.flush())

    @property
    def _mask(self) -> int:
        return (1 << self.width) - 1

    def _where(self, place: int) -> tuple[int, int, int]:
        """The octets that hold the status, from and up to, and how far their number is shifted to it."""
        if not 0 <= place < self.places:
            raise StatusIndexError(f"the list has places 0 to {self.places - 1}, and none numbered {place}")
        start = place * self.width
        first, last = start // 8, (start + self.width + 7) // 8
        return first, last, last * 8 - start - self.width if self.form.order == "big" else start - first * 8


def empty(form: Form, places: int, width: int = 1) -> StatusList:
    """A list in which all is well (0). Raises ValueError for a size or width that the form does not have."""
    if width not in form.widths or not form.fewest <= places <= MAX_OCTETS * 8 // width:
        raise ValueError(
            f"no list of {places} places of {width} bits: at least {form.fewest}, {sorted(form.widths)} bits"
        )
    return StatusList(form, width, bytes((places * width + 7) // 8))


def decode(form: Form, text: str, width: int = 1) -> StatusList:
    """Read a list that somebody else wrote. Raises TokenUnreadableError."""
    if width not in form.widths:
        raise TokenUnreadableError(f"a status has {', '.join(map(str, sorted(form.widths)))} bits, not {width}")
    if len(text) > MAX_CHARACTERS or not text.startswith(form.prefix):
        raise TokenUnreadableError("the status list is too long, or not in the base it should be")
    read = StatusList(form, width, _unpacked(base64url.decode(text[len(form.prefix) :], "the status list"), form))
    if read.places < form.fewest:
        raise TokenUnreadableError(f"the status list has {read.places} places: fewer than {form.fewest} tell too much")
    return read


def _unpacked(packed: bytes, form: Form) -> bytes:
    unpacker = zlib.decompressobj(form.container)
    try:
        octets = unpacker.decompress(packed, MAX_OCTETS + 1)
    except zlib.error as error:
        raise TokenUnreadableError("the status list does not unpack") from error
    if len(octets) > MAX_OCTETS or not unpacker.eof or unpacker.unused_data:
        raise TokenUnreadableError(f"the status list is cut off, runs on, or unpacks to more than {MAX_OCTETS} bytes")
    return octets


def draw_place(places: int, is_taken: Callable[[int], bool], entropy: Entropy) -> int:
    """A free place, each as likely as any other. Raises StatusListFullError where MAX_DRAWS draws find none."""
    octets = (places.bit_length() + 7) // 8
    for _ in range(MAX_DRAWS):
        # Bits beyond the largest place are cut off and what is still too large drawn again: a remainder would favour
        # low places.
        place = int.from_bytes(entropy(octets)) & ((1 << (places - 1).bit_length()) - 1)
        if place < places and not is_taken(place):
            return place
    raise StatusListFullError(f"no free place found in {MAX_DRAWS} draws: begin another list")
