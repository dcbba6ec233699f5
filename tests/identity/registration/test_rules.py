from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from identity.registration.errors import ConsentTextUnknownError, RegistrationRulesError
from identity.registration.refusal import Kind, Purpose, Refusal
from identity.registration.rules import DEFAULT_FOLDER, EVERYWHERE, default_rulebook, read_rulebook

PUBLISHED_TEXTS = {
    "face-eea@1.de": "2440a5f8134d403b",
    "face-eea@1.en": "a6ebf485a38d004a",
    "face-gb@1.en": "b77665afdf402052",
    "face-us-ca@1.en": "90cae86d8937724d",
    "face-us-il@1.en": "cad51248c82f31fe",
    "face-us-tx@1.en": "ec1d93d956b13c81",
    "face@1.en": "88bb3d7803f45418",
    "image@1.en": "850a1cf6cb0c7b01",
}
PUBLISHED_RULES = {
    "default@1": "d9486f8f6fa6fab8",
    "eea@1": "e028b09ae165f998",
    "gb@1": "e910d0f043ffc14b",
    "us-ca@1": "8f3cfd55783e19ea",
    "us-il@1": "4826cddc11e92cc9",
    "us-tx@1": "eaabe6c0e6d93c3c",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of what comes with this version, to be changed."""
    for part in ("regions", "texts"):
        shutil.copytree(DEFAULT_FOLDER / part, tmp_path / part)
    return tmp_path


def change(folder: Path, region: str, **members: Any) -> None:
    file = folder / "regions" / f"{region}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **members}))


def test_a_place_has_the_rules_of_the_narrowest_region() -> None:
    book = default_rulebook()
    names = {place: book.of(place).rules for place in ("US-IL", "US-TX", "US-CA", "US-NY", "US", "FR", "GB", "JP", "")}
    assert names == {
        "US-IL": "us-il@1", "US-TX": "us-tx@1", "US-CA": "us-ca@1", "US-NY": "default@1", "US": "default@1",
        "FR": "eea@1", "GB": "gb@1", "JP": "default@1", "": "default@1",
    }  # fmt: skip
    assert book.of("DE-BY").rules == "eea@1", "a part of a country that has no rules of its own has the country's"


def test_no_lawyer_is_said_to_have_reviewed_the_examples() -> None:
    book = default_rulebook()
    assert {rules.review for rules in book.regions.values()} == {"An example. No lawyer has reviewed it."}
    for text in book.texts.values():
        first = text.text.splitlines()[0]
        assert "no lawyer has reviewed" in first or "kein Jurist geprüft" in first


def test_matching_asks_both_places() -> None:
    book = default_rulebook()
    allowed = book.permitted("FR", "GB")
    assert (allowed.allowed, allowed.rules) == (True, ("eea@1", "gb@1"))
    skipped = book.permitted("FR", "US-IL")
    assert not skipped.allowed
    assert "740 ILCS 14" in skipped.reason
    assert book.permitted("US-IL", "FR").allowed, "who is there agreed; others' faces are elsewhere"
    assert not book.permitted(EVERYWHERE, "US-TX").allowed


def test_where_registering_is_not_allowed_nothing_is_matched(folder: Path) -> None:
    change(folder, "gb", registering={"allowed": False, "basis": "an order of yesterday"})
    book = read_rulebook(folder)
    found = book.permitted("GB", "FR")
    assert (found.allowed, found.reason) == (False, "an order of yesterday")
    assert book.permitted("FR", "GB").allowed


def test_a_text_is_found_by_place_kind_and_language() -> None:
    book = default_rulebook()
    german = book.consent("AT", Kind.FACE, "de")
    assert (german.name, german.language) == ("face-eea@1", "de")
    assert sha256(german.text.encode()).hexdigest() == german.digest
    assert "Artikel 9" in german.text
    assert book.consent("US-IL", Kind.FACE, "en").name == "face-us-il@1"
    assert book.consent("US-IL", Kind.IMAGE, "en").name == "image@1"
    with pytest.raises(ConsentTextUnknownError, match="de, en") as refused:
        book.consent("AT", Kind.FACE, "mt")
    assert refused.value.languages == ["de", "en"]


def test_published_texts_and_rules_do_not_change_under_their_name() -> None:
    """Whoever agreed to one agreed to these bytes. To say something else, add a version."""
    book = default_rulebook()
    texts = {f"{one.name}.{one.language}": one.digest[:16] for one in book.texts.values()}
    rules = {one.rules: one.digest[:16] for one in book.regions.values()}
    assert texts == PUBLISHED_TEXTS
    assert rules == PUBLISHED_RULES


def test_a_refusal_covers_what_was_declared() -> None:
    everything, some = Refusal(), Refusal(frozenset({Purpose.SEXUALISED, Purpose.POLITICAL}))
    assert all(everything.covers(one) for one in (*Purpose, None))
    assert [one for one in Purpose if some.covers(one)] == [Purpose.SEXUALISED, Purpose.POLITICAL]
    assert some.needs_word(None)
    assert not some.needs_word(Purpose.COMMERCIAL)
    assert not everything.needs_word(None)


FAULTS: dict[str, dict[str, Any]] = {
    "rules": {"rules": "GB"},
    "places.0": {"places": ["Britain"]},
    "registering.basis": {"registering": {"allowed": True, "basis": ""}},
    "matching": {"matching": True},
    "lasts_days": {"lasts_days": 0},
    "surplus": {"surplus": 1},
    "FR has rules in two files": {"places": ["FR"]},
    "everywhere else has rules in two files": {"places": []},
    "of which there is no text": {"consent": {"face": "face-none@1"}},
    "consent.voice": {"consent": {"voice": "face@1"}},
    "review": {"review": ""},
}


@pytest.mark.parametrize("where", FAULTS)
def test_what_cannot_be_read_is_refused_and_says_where(folder: Path, where: str) -> None:
    change(folder, "gb", **FAULTS[where])
    with pytest.raises(RegistrationRulesError) as refused:
        read_rulebook(folder)
    assert where in str(refused.value)


def test_a_folder_without_rules_for_everywhere_is_none(folder: Path) -> None:
    (folder / "regions" / "default.json").unlink()
    with pytest.raises(RegistrationRulesError, match="everywhere else"):
        read_rulebook(folder)
    with pytest.raises(RegistrationRulesError, match="1 to"):
        read_rulebook(folder / "nothing")


@pytest.mark.parametrize(
    ("name", "content"),
    [("face.txt", b"x"), ("face@1.english.txt", b"x"), ("face@2.en.txt", b" "), ("face@2.en.txt", b"\xff")],
)
def test_other_files_are_no_texts(folder: Path, name: str, content: bytes) -> None:
    (folder / "texts" / name).write_bytes(content)
    with pytest.raises(RegistrationRulesError, match="texts/"):
        read_rulebook(folder)
