"""What everybody has is nobody's: what ships is drawn by rule, and is known again however it is kept."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from detection.copies.common import CommonPictures, insert_common, shipped
from detection.copies.fingerprint import Fingerprint, from_hex
from detection.errors import FingerprintRefusedError
from detection.fingerprint import turned_hashes
from detection.pixels import normalised
from ledger.ids import EntryId, TenantId
from ledger.storage.tenancy import Access, Binding
from tests.detection.copies.drawn import SIZES, drawn, hashes, rendered
from tests.ledger.world import World


def of(picture: Image.Image) -> Fingerprint:
    return Fingerprint(*turned_hashes(normalised(picture.convert("RGB"))))


def noise(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((200, 150), Image.Resampling.BICUBIC)


@pytest.fixture
def common(world: World) -> CommonPictures:
    return CommonPictures(world.database)


def test_what_ships_is_what_is_drawn() -> None:
    assert shipped() == hashes()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", list(drawn()))
def test_a_common_picture_is_nobodys(common: CommonPictures, tenant: TenantId, name: str, size: int) -> None:
    found = of(rendered(drawn()[name], size).transpose(Image.Transpose.ROTATE_90))
    with pytest.raises(FingerprintRefusedError) as refused:
        common.require_own(tenant, found)
    assert refused.value.reason == "common"
    assert "register your face instead" in str(refused.value), "it says what to do"


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_a_common_photograph_is_known_however_it_is_kept(
    common: CommonPictures, tenant: TenantId, quality: int
) -> None:
    file = io.BytesIO()
    drawn()["astronaut"].resize((300, 300)).save(file, "JPEG", quality=quality)
    with pytest.raises(FingerprintRefusedError, match="many people have"):
        common.require_own(tenant, of(Image.open(file)))


def test_an_operator_adds_others_of_their_own_tenant(common: CommonPictures, world: World, tenant: TenantId) -> None:
    other, meme = world.ledger.create_tenant("other"), of(noise(1))
    common.require_own(tenant, meme)
    with world.database.writing(Binding(tenant, Access.FULL)) as connection:
        assert len(insert_common(connection, tenant, meme, EntryId("ent_one"))) == 8
        assert insert_common(connection, tenant, meme, EntryId("ent_two")) == []
    with pytest.raises(FingerprintRefusedError, match="many people have"):
        common.require_own(tenant, meme)
    common.require_own(other, meme)
    common.require_own(tenant, of(noise(2)))


def test_what_is_common_matches_nobody(common: CommonPictures, tenant: TenantId) -> None:
    mine = from_hex(list(of(noise(3)).forms[:1]))
    charts = from_hex([one for found in shipped().values() for one in found[:1]])
    left = common.without(tenant, np.concatenate([charts, mine, charts]))
    assert left.tolist() == mine.tolist()
