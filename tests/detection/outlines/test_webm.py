"""The outline of a WebM file: elements in their places, and the end of what says how long it is."""

from __future__ import annotations

import pytest

from detection.errors import (
    CorruptMediaError,
    MediaError,
    MediaTooLargeError,
    TruncatedMediaError,
    UnsupportedMediaError,
)
from detection.limits import MAX_METADATA_BYTES, MAX_SEGMENTS
from detection.outlines.webm import outline

UNKNOWN = b"\x01" + b"\xff" * 7
EBML, SEGMENT, TRACKS, CLUSTER = b"\x1aE\xdf\xa3", b"\x18S\x80g", b"\x16T\xaek", b"\x1fC\xb6u"
TAGS, BLOCK, VOID = b"\x12T\xc3g", b"\xa3", b"\xec"


def element(name: bytes, content: bytes = b"") -> bytes:
    return name + (1 << 56 | len(content)).to_bytes(8) + content


HEAD = element(EBML, element(b"B\x82", b"webm"))
WITHIN = element(TRACKS, b"t") + element(CLUSTER, element(b"\xe7", b"\0") + element(BLOCK, bytes(9)))
WHOLE = HEAD + element(SEGMENT, WITHIN)
LIVE = HEAD + SEGMENT + UNKNOWN + element(TRACKS, b"t") + 2 * (CLUSTER + UNKNOWN + element(BLOCK, bytes(9)))


def test_whole_files_pass_with_sizes_and_without() -> None:
    outline(WHOLE)
    outline(LIVE)
    outline(LIVE + element(TAGS, b"after the last cluster"))
    outline(WHOLE + b"what follows")


@pytest.mark.parametrize("file", [WHOLE, LIVE])
def test_a_cut_is_noticed_but_where_a_live_element_ends(file: bytes) -> None:
    ends = {len(LIVE) - len(element(BLOCK, bytes(9))), len(LIVE) - len(CLUSTER + UNKNOWN + element(BLOCK, bytes(9)))}
    ends.add(min(ends) - len(element(BLOCK, bytes(9))))
    for cut in range(1, len(file)):
        if file is LIVE and cut in ends:
            outline(file[:cut])
            continue
        with pytest.raises((TruncatedMediaError, UnsupportedMediaError)):
            outline(file[:cut])


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (element(EBML, element(b"B\x82", b"matroska")) + element(SEGMENT, WITHIN), UnsupportedMediaError),
        (element(EBML) + element(SEGMENT, WITHIN), UnsupportedMediaError),
        (HEAD + element(TRACKS, WITHIN), CorruptMediaError),
        (HEAD + element(SEGMENT, element(CLUSTER)), CorruptMediaError),
        (HEAD + element(SEGMENT, WITHIN + b"\x00"), CorruptMediaError),
        (HEAD + element(SEGMENT, element(TRACKS) + TAGS + UNKNOWN), CorruptMediaError),
        (HEAD + element(SEGMENT, WITHIN + element(CLUSTER, element(TRACKS))), CorruptMediaError),
        (HEAD + element(SEGMENT, WITHIN + element(CLUSTER, BLOCK + b"\x85")) + bytes(9), CorruptMediaError),
        (HEAD + element(SEGMENT, WITHIN + element(TAGS, bytes(MAX_METADATA_BYTES + 1))), MediaTooLargeError),
        (HEAD + element(SEGMENT, WITHIN + element(VOID) * MAX_SEGMENTS), MediaTooLargeError),
    ],
)
def test_each_damage_has_its_error(file: bytes, error: type[MediaError]) -> None:
    with pytest.raises(error):
        outline(file)
