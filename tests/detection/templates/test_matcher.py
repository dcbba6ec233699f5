from __future__ import annotations

import math

import pytest

from detection.errors import EmbeddingRefusedError
from detection.templates.matcher import MAX_FACES
from detection.templates.sealed import FaceKey, Place
from detection.templates.thresholds import THRESHOLDS, Band
from ledger.ids import SubjectId, TenantId
from tests.detection.templates.registered import House, alike, all_alike, strangers


def test_a_face_is_found_in_its_band_and_nobody_else_is(house: House, tenant: TenantId) -> None:
    faces = strangers(20)
    owners = [house.register(tenant, face) for face in faces]
    for cosine, band in ((0.9, Band.CERTAIN), (0.7, Band.LIKELY), (0.6, Band.POSSIBLE), (0.5, Band.NO_MATCH)):
        matched = house.matcher.match(tenant, [alike(faces[7], cosine)])
        expected = [] if band is Band.NO_MATCH else [(owners[7], band)]
        assert [(match.owner, match.band) for match in matched.matches] == expected
        assert (matched.thresholds, matched.model, matched.other_models) == (THRESHOLDS.name, "faces@1", 0)


def test_the_cosine_is_the_exact_one_and_is_not_printed(house: House, tenant: TenantId) -> None:
    (face,) = strangers(1)
    house.register(tenant, face)
    (match,) = house.matcher.match(tenant, [alike(face, 0.625)]).matches
    assert match.cosine == pytest.approx(0.625, abs=1e-6)
    assert "0.62" not in repr(match)


def test_one_match_for_each_owner_the_most_alike_first(house: House, tenant: TenantId) -> None:
    one, other = strangers(2)
    first = house.register(tenant, alike(one, 0.9, 3), alike(one, 0.8, 4))
    second = house.register(tenant, other)
    matches = house.matcher.match(tenant, [alike(other, 0.6), one]).matches
    assert [(match.owner, round(match.cosine, 4)) for match in matches] == [(first, 0.9), (second, 0.6)]


def test_where_nobody_registered_there_is_no_match(house: House, tenant: TenantId) -> None:
    assert house.found(tenant, *strangers(2)) == []
    assert house.found(tenant) == []


def test_a_tenant_finds_its_own_alone(house: House, tenant: TenantId) -> None:
    (face,) = strangers(1)
    house.register(tenant, face)
    assert house.found(house.ledger.create_tenant("second"), face) == []


def test_only_those_asked_about_are_compared(house: House, tenant: TenantId) -> None:
    face, other = strangers(2)
    first, second = house.register(tenant, face), house.register(tenant, other)
    asked = [face, other]
    assert [match.owner for match in house.matcher.match(tenant, asked, among=[second]).matches] == [second]
    assert house.matcher.match(tenant, asked, among=[]).matches == ()
    assert house.index._tenants == {}  # no index is needed for that
    assert set(house.found(tenant, *asked)) == {first, second}


def test_who_is_near_by_chance_is_not_opened(house: House, tenant: TenantId, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of strangers that are in reach hardly one is, and whoever is alike still is found among them."""
    faces = strangers(1000)
    monkeypatch.setattr("detection.templates.matcher.REACH", 215)  # as many as there are among many more people
    owners = house.register_all(tenant, [[face] for face in faces])
    house.index.follow(tenant)
    opened: list[SubjectId] = []
    real = FaceKey.open_embedding

    def noted(self: FaceKey, place: Place, sealed: bytes) -> bytes:
        opened.append(self.owner.id)
        return real(self, place, sealed)

    monkeypatch.setattr(FaceKey, "open_embedding", noted)
    house.matcher.match(tenant, strangers(50, 9))
    few = len(opened)
    with monkeypatch.context() as patched:
        patched.setattr("detection.templates.matcher.LEAST", -1.0)
        house.matcher.match(tenant, strangers(50, 9))
    assert few <= 2
    assert len(opened) - few > 60
    assert [house.found(tenant, alike(faces[n], 0.6)) for n in range(30)] == [[owner] for owner in owners[:30]]


def test_of_many_who_are_alike_the_likeliest_are_opened(
    house: House, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where more may be somebody than are opened, whoever is comes first: by their bits alone one in four would not."""
    (probe,) = strangers(1)
    people = house.register_all(tenant, [[face] for face in all_alike([probe] * 50, 0.58)])
    house.register_all(tenant, [[face] for face in all_alike([probe] * 2000, 0.45, 2)])
    house.index.follow(tenant)
    monkeypatch.setattr("detection.templates.matcher.NEAREST", 80)
    assert len(set(house.found(tenant, probe)) & set(people)) >= 46


def test_what_is_no_embedding_is_refused(house: House, tenant: TenantId) -> None:
    (face,) = strangers(1)
    for wrong in (face[:64], [2 * one for one in face], [math.nan] * 128, [0.0] * 128, [*face[1:], math.inf]):
        with pytest.raises(EmbeddingRefusedError):
            house.matcher.match(tenant, [wrong])
        with pytest.raises(EmbeddingRefusedError):
            house.bank.prepared(house.ledger.subjects.system(tenant), [wrong])
    with pytest.raises(EmbeddingRefusedError, match=str(MAX_FACES)):
        house.matcher.match(tenant, [face] * (MAX_FACES + 1))
