"""A portrait against a selfie: what is evidence, what is none, how often one may try, and that nothing is kept."""

from __future__ import annotations

import pytest
from PIL import Image

from detection.errors import MediaError
from detection.faces.quality import PhotoReason, PhotoRefusedError
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from identity.alike import Alike
from identity.assurance.account import Actor
from identity.assurance.errors import (
    AccountNotFoundError,
    EvidenceRefusedError,
    EvidenceUnknownError,
    TooManyRequestsError,
)
from identity.assurance.policy import Policy
from identity.assurance.portrait import METHOD, Compared
from identity.assurance.requests import MAX_PER_ACCOUNT
from identity.assurance.tier import EvidenceKind, Tier
from ledger.ids import SubjectId
from tests.detection.faces import photos
from tests.detection.faces.conftest import looker
from tests.identity.assurance.house import House, policy

__all__ = ["looker"]

PORTRAIT = photos.jpeg(photos.PORTRAIT)
SELFIE = photos.jpeg(photos.mirrored())
OTHER = photos.jpeg(photos.PORTRAIT.resize((photos.PORTRAIT.width * 22 // 10, photos.PORTRAIT.height)))
"""So wide that the model takes her for another person."""


class Comparing:
    """Somebody's account, and who compares pictures for it."""

    def __init__(self, house: House, by: Actor, looker: Sandbox) -> None:
        self.house, self.by, self.looker = house, by, looker
        self.account = house.accounts.named(by, "user-17")

    def __call__(
        self, *pictures: bytes | Image.Image, country: str = "FR", account: SubjectId | None = None
    ) -> Compared:
        files = [one if isinstance(one, bytes) else photos.jpeg(one) for one in pictures]
        with Memfd.of([files[0]]) as portrait, Memfd.of([files[1]]) as selfie:
            sent = (portrait, selfie)
            return self.house.portraits.compare(self.by, account or self.account, self.looker, sent, country)


@pytest.fixture
def comparing(house: House, platform: Actor, looker: Sandbox) -> Comparing:
    return Comparing(house, platform, looker)


def test_a_selfie_of_who_the_portrait_shows_is_evidence(house: House, platform: Actor, comparing: Comparing) -> None:
    compared = comparing(PORTRAIT, SELFIE)
    assert compared.verdict is Alike.MATCHES
    assert compared.granted is not None
    assert compared.granted.standing.tier is Tier.MEDIUM
    kinds = [(kind, said) for kind, said in house.entries(platform) if kind.startswith("assurance.")]
    assert [kind for kind, _ in kinds] == ["assurance.requested", "assurance.granted"]
    granted = kinds[1][1]
    assert (granted.kind, granted.method, granted.region, granted.tier) == ("portrait", METHOD, "EEA", "medium")
    assert not [said for _, said in kinds if any(isinstance(value, float) for value in vars(said).values())]


def test_somebody_else_is_none_and_that_is_on_record(house: House, platform: Actor, comparing: Comparing) -> None:
    compared = comparing(PORTRAIT, OTHER)
    assert (compared.verdict, compared.granted) == (Alike.DIFFERS, None)
    assert house.tier(platform, comparing.account) is Tier.NONE
    assert [kind for kind, _ in house.entries(platform)][-1] == "assurance.declined"


def test_one_picture_twice_shows_nothing(house: House, platform: Actor, comparing: Comparing) -> None:
    for again in (PORTRAIT, photos.lit(1.02)):
        with pytest.raises(EvidenceRefusedError, match="twice"):
            comparing(PORTRAIT, again)
    assert house.tier(platform, comparing.account) is Tier.NONE


@pytest.mark.parametrize(
    ("selfie", "reason"),
    [
        (photos.landscape(), PhotoReason.NO_FACE),
        (photos.crowd(2, 2), PhotoReason.SEVERAL_FACES),
        (photos.sized(40), PhotoReason.TOO_SMALL),
    ],
    ids=["nobody", "two", "small"],
)
def test_a_picture_that_will_not_do_is_refused_with_what_to_do(
    comparing: Comparing, selfie: Image.Image, reason: PhotoReason
) -> None:
    with pytest.raises(PhotoRefusedError) as refused:
        comparing(PORTRAIT, selfie)
    assert refused.value.reason is reason
    assert str(refused.value).startswith("the selfie: "), "which of the two"


def test_a_file_that_does_not_decode_is_refused(comparing: Comparing) -> None:
    with pytest.raises(MediaError):
        comparing(PORTRAIT, PORTRAIT[: len(PORTRAIT) // 2] + b"\0" * 2000)


def test_how_often_is_bounded_before_anybody_looks(house: House, comparing: Comparing) -> None:
    for _ in range(MAX_PER_ACCOUNT):
        with pytest.raises(PhotoRefusedError):
            comparing(photos.landscape(), SELFIE)
    with pytest.raises(TooManyRequestsError):
        comparing(b"not looked at", b"either")


def test_where_the_policy_grants_nothing_nobody_looks(house: House, platform: Actor, looker: Sandbox) -> None:
    regions = {"IL": {"countries": ["FR"], "evidence": {"portrait": None}}}
    rules: Policy = policy(policy="assurance@7", regions=regions)
    comparing = Comparing(house.under(rules), platform, looker)
    with pytest.raises(EvidenceUnknownError):
        comparing(b"not looked at", b"either")
    assert house.policy.rule(EvidenceKind.PORTRAIT, "").tier is Tier.MEDIUM


def test_of_another_tenants_account_nothing_is_compared(house: House, comparing: Comparing) -> None:
    account = house.accounts.named(house.platform(), "user-17")
    with pytest.raises(AccountNotFoundError):
        comparing(PORTRAIT, SELFIE, account=account)


def test_nothing_of_the_pictures_is_kept(house: House, comparing: Comparing) -> None:
    """Neither their bytes nor anything as long as an embedding is in the rows that came of it."""
    comparing(PORTRAIT, SELFIE)
    stored = b"".join(
        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
        for table in ("assurance_request", "assurance_evidence")
        for row in house.rows(f"SELECT * FROM {table} WHERE account_id = :account", account=comparing.account)
        for value in row
    )
    for picture in (PORTRAIT, SELFIE):
        assert picture[600:640] not in stored
    assert len(stored) < 2000, "an embedding alone has 512 bytes, and would show"
