"""Every kind of picture: signed, read back, and the same to the eye as before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detection.kinds import MAGIC_BYTES, sniff
from detection.media import examine
from provenance.verdict import Verdict
from tests.detection.pictures import SAMPLES
from tests.provenance.house import House


def _signed(house: House, file: bytes) -> bytes:
    return house.signed(file, mime=sniff(file[:MAGIC_BYTES]).mime)


@pytest.mark.parametrize("name", SAMPLES)
def test_signing_changes_nothing_that_is_seen(house: House, name: str) -> None:
    signed = _signed(house, SAMPLES[name])
    assert house.verify(signed).verdict is Verdict.TRUSTED
    before, after = examine(SAMPLES[name], None), examine(signed, None)
    assert after == replace(before, size=len(signed), sha256=after.sha256)


@pytest.mark.parametrize("name", SAMPLES)
def test_any_change_to_what_is_seen_is_noticed(house: House, name: str) -> None:
    signed, piece = bytearray(_signed(house, SAMPLES[name])), _amid(SAMPLES[name])
    signed[signed.index(piece) + 8] ^= 1
    assert house.verify(bytes(signed)).verdict is Verdict.INVALID


def _amid(file: bytes) -> bytes:
    """Bytes from its middle, none of them near 255: what begins the segments of a JPEG."""
    pieces = (file[at : at + 16] for at in range(len(file) // 2, len(file)))
    return next(piece for piece in pieces if max(piece) < 0xFE)
