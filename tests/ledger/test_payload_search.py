"""Payloads by what they hold: what is looked through is on record, and what was erased is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.commitment import commitment
from ledger.decisions import PayloadOpened
from ledger.errors import SearchRefusedError
from ledger.ids import EntryId, TenantId
from ledger.opening import payload_search
from ledger.opening.payload_search import Findings, search_payloads
from ledger.publishing.search import Cursor, Query
from tests.ledger.asking import asker, disclosures, openings
from tests.ledger.publishing import prove
from tests.ledger.world import ACTOR, LONG, World, running

NOTES = Query("note.written")


@pytest.fixture
def world(tmp_path: Path) -> World:  # type: ignore[misc]  # a generator, as pytest wants it
    with running(tmp_path / "log.db", interval=LONG * 10) as started:
        yield started


@pytest.fixture
def notes(world: World, tenant: TenantId) -> list[EntryId]:
    other = world.ledger.create_tenant("second")
    found: list[EntryId] = []
    for text in ("red", "blue", "red", "red"):
        found += world.write_note(tenant, text).entries
        world.write_note(other, "red")
    prove(world)
    return found


def look(world: World, tenant: TenantId, query: Query = NOTES, cursor: Cursor | None = None, **wanted: str) -> Findings:
    return search_payloads(disclosures(world), asker(tenant), query, wanted, cursor)


def test_matches_come_with_their_payloads_and_all_that_was_opened_is_on_record(
    world: World, tenant: TenantId, notes: list[EntryId]
) -> None:
    found = look(world, tenant, text="red")
    assert [one.at.entry.id for one in found.matches] == [notes[0], notes[2], notes[3]]
    for one in found.matches:
        assert commitment(one.disclosed.salt, one.disclosed.payload) == one.at.entry.commit
    assert (found.opened, found.erased, found.range.next) == (tuple(notes), (), None)
    assert found.opening is not None
    said = world.ledger.payloads.open(tenant, found.opening).payload
    assert said == PayloadOpened(tuple(notes), "search", "case 1", {"text": "red"})


def test_values_are_matched_whole_and_together(world: World, tenant: TenantId, notes: list[EntryId]) -> None:
    assert len(look(world, tenant, text="red", actor=ACTOR).matches) == 3
    wrong: list[dict[str, str]] = [
        {"text": "re"},
        {"text": "RED"},
        {"actor": "prn_x"},
        {"text": "red", "actor": "prn_x"},
    ]
    for wanted in wrong:
        found = search_payloads(disclosures(world), asker(tenant), NOTES, wanted)
        assert (found.matches, found.opened) == ((), tuple(notes))


def test_what_was_erased_is_named(world: World, tenant: TenantId, notes: list[EntryId]) -> None:
    world.erase(tenant, world.subject_of(tenant, notes[2]))
    found = look(world, tenant, text="red")
    assert [one.at.entry.id for one in found.matches] == [notes[0], notes[3]]
    assert found.erased == (notes[2],)
    for entry in (notes[0], notes[1], notes[3]):
        world.erase(tenant, world.subject_of(tenant, entry))
    before = openings(world, tenant)
    nothing = look(world, tenant, text="red")
    assert (nothing.opening, nothing.erased) == (None, tuple(notes))
    assert openings(world, tenant) == before, "nothing was there to open"


def test_only_kinds_that_can_match_are_opened(world: World, tenant: TenantId, notes: list[EntryId]) -> None:
    assert look(world, tenant, Query(), text="red").opened == tuple(notes)
    system = world.ledger.system_principal(tenant)
    by_actor = look(world, tenant, Query(), actor=system)
    assert [one.at.entry.kind for one in by_actor.matches] == ["tenant.created"]
    assert len(by_actor.opened) == 5
    before = openings(world, tenant)
    for query in (Query("tenant.created"), Query("no.such")):
        with pytest.raises(SearchRefusedError, match="cannot be searched by text"):
            look(world, tenant, query, text="red")
    assert openings(world, tenant) == before


def test_a_call_opens_few_and_goes_on(
    world: World, tenant: TenantId, notes: list[EntryId], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload_search, "MAX_OPENED", 3)
    first = look(world, tenant, text="red")
    assert (first.opened, len(first.matches)) == (tuple(notes[:3]), 2)
    assert first.range.next is not None
    rest = look(world, tenant, cursor=first.range.next, text="red")
    assert [one.at.entry.id for one in rest.matches] == [notes[3]]
    assert (rest.opened, rest.range.next, rest.range.first) == ((notes[3],), None, first.range.end)
    assert len(openings(world, tenant)) == 2


def test_anothers_entries_take_no_place(
    world: World, tenant: TenantId, notes: list[EntryId], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of what lies in the range is the other tenant's: it is neither opened nor counted."""
    monkeypatch.setattr(payload_search, "PAGES", 1)
    monkeypatch.setattr(payload_search, "MAX_OPENED", 3)
    first = look(world, tenant, text="red")
    assert [one.at.entry.id for one in first.matches] == [notes[0]]
    assert first.opened == tuple(notes[:2])
    assert first.range.next is not None
