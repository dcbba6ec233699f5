"""Every kind of picture: signed, read back, and the same to the eye as before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detection.kinds import MAGIC_BYTES, sniff
from detection.media import examine
from provenance.errors import ManifestBuildError
from provenance.verdict import Verdict
from tests.detection.pictures import SAMPLES, draw, heic
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


def test_tiles_with_an_index_that_c2pa_misreads_cannot_be_signed(house: House) -> None:
    """Once they can, `detection.outlines.places` need no longer refuse them; unsigned they verify as any other."""
    file = heic(draw(width=122, height=86), tile_size=64)
    assert house.verify(file).verdict is Verdict.ABSENT
    with pytest.raises(ManifestBuildError, match="failed to fill whole buffer"):
        house.signed(file, mime="image/heic")
