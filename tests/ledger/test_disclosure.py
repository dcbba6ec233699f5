"""Whoever is shown a payload is on record first, whatever happens next."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from ledger.commitment import commitment
from ledger.decisions import PayloadOpened
from ledger.errors import DatabaseUnavailableError, EntryNotFoundError, LogClosedError, PayloadErasedError
from ledger.ids import EntryId, TenantId
from ledger.opening.disclosure import Disclosures
from ledger.payload import Disclosed, Payloads
from ledger.storage.tables import Payload
from tests.ledger.asking import REGULATOR, asker, disclosures, openings
from tests.ledger.world import FULL, World

ROOT = Path(__file__).parents[2]


@pytest.fixture
def notes(world: World, tenant: TenantId) -> list[EntryId]:
    return [world.write_note(tenant, text).entries[0] for text in ("first", "second", "third")]


def test_what_is_disclosed_is_what_was_committed_to(world: World, tenant: TenantId, notes: list[EntryId]) -> None:
    opening = disclosures(world).disclose(asker(tenant), [*notes, notes[0]])
    assert [one.entry for one in opening.opened] == notes
    for one in opening.opened:
        assert commitment(one.salt, one.payload) == world.ledger.entry(one.entry).commit
    assert b'"first"' in opening.opened[0].payload
    assert opening.entry is not None
    said = world.ledger.payloads.open(tenant, opening.entry)
    assert said.payload == PayloadOpened(tuple(notes), "disclosure", "case 1")
    assert said.actor == REGULATOR
    assert said.subject == world.ledger.subjects.system(tenant).id
    assert b"first" not in repr(opening).encode()


def test_the_entry_is_durable_before_anything_is_opened(
    world: World, tenant: TenantId, notes: list[EntryId], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first opening somebody else already reads it from the database; and the crash there does not undo it."""
    seen: list[int] = []

    def crash(*_: object) -> Disclosed:
        seen.append(len(openings(world, tenant)))
        raise KeyboardInterrupt

    monkeypatch.setattr(Payloads, "disclose", crash)
    with pytest.raises(KeyboardInterrupt):
        disclosures(world).disclose(asker(tenant), notes)
    assert seen == [1]
    (entry,) = openings(world, tenant)
    assert world.ledger.payloads.open(tenant, entry).payload == PayloadOpened(tuple(notes), "disclosure", "case 1")


@pytest.mark.parametrize("error", [DatabaseUnavailableError("full"), LogClosedError("closed")])
def test_what_cannot_be_recorded_is_not_opened(
    world: World, tenant: TenantId, notes: list[EntryId], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise error

    def opened(*_: object) -> None:
        pytest.fail("it was opened")

    monkeypatch.setattr(world.ledger, "record", refuse)
    monkeypatch.setattr(Payloads, "disclose", opened)
    with pytest.raises(type(error)):
        disclosures(world).disclose(asker(tenant), notes)


def test_who_may_not_ask_any_more_is_refused_in_the_same_transaction(
    world: World, tenant: TenantId, notes: list[EntryId]
) -> None:
    def revoked(_: Connection) -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        disclosures(world).disclose(asker(tenant, revoked), notes)
    assert openings(world, tenant) == []


def test_an_unknown_entry_opens_nothing(world: World, tenant: TenantId, notes: list[EntryId]) -> None:
    other = world.ledger.create_tenant("second")
    foreign = world.write_note(other, "not yours").entries[0]
    for stranger in (foreign, EntryId("ent_none")):
        with pytest.raises(EntryNotFoundError, match=stranger):
            disclosures(world).disclose(asker(tenant), [notes[0], stranger])
    assert openings(world, tenant) == openings(world, other) == []


def test_erased_payloads_are_answered_as_such(world: World, tenant: TenantId, notes: list[EntryId]) -> None:
    world.erase(tenant, world.subject_of(tenant, notes[1]))
    with pytest.raises(PayloadErasedError):
        disclosures(world).disclose(asker(tenant), [notes[1]])
    assert openings(world, tenant) == []
    opening = disclosures(world).disclose(asker(tenant), notes)
    assert [one.entry for one in opening.opened] == [notes[0], notes[2]]
    assert opening.erased == (notes[1],)
    assert opening.entry is not None
    said: PayloadOpened = world.ledger.payloads.open(tenant, opening.entry).payload
    assert said.entries == tuple(notes), "what was attempted is on record, too"


def test_one_erased_between_record_and_opening_is_answered_as_erased(
    world: World, tenant: TenantId, notes: list[EntryId], monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, record = world.subject_of(tenant, notes[0]), world.ledger.record

    def overtaken(*arguments: object) -> object:
        recorded = record(*arguments)  # type: ignore[arg-type]  # as they come
        monkeypatch.setattr(world.ledger, "record", record)
        world.erase(tenant, subject)
        return recorded

    monkeypatch.setattr(world.ledger, "record", overtaken)
    opening = disclosures(world).disclose(asker(tenant), notes)
    assert opening.erased == (notes[0],)
    assert [one.entry for one in opening.opened] == notes[1:]


def test_a_damaged_payload_is_named_and_keeps_no_other_closed(
    world: World, tenant: TenantId, notes: list[EntryId]
) -> None:
    with world.database.writing(FULL) as connection:
        connection.execute(update(Payload).where(Payload.entry_id == notes[1]).values(sealed=bytes(80)))
    opening = disclosures(world).disclose(asker(tenant), notes)
    assert [one.entry for one in opening.opened] == [notes[0], notes[2]]
    assert (opening.erased, opening.damaged) == ((), (notes[1],))


OPENED_BY = {
    "ledger/opening/disclosure.py": {"disclose"},  # recorded first
    "cases/claims.py": {"open"},  # a tool is given again what it was given
    "cases/claim_key.py": {"open"},  # the service's own last word, shown to nobody
    "cases/recovery/origins.py": {"open"},  # compared with the row that leads to it, shown to nobody
    "ledger/auditing/fsck.py": {"unseal"},  # compared, and only equal or not is told
    "ledger/payload.py": {"unseal"},
}


def test_payloads_are_opened_nowhere_else() -> None:
    """A new place must go through `Disclosures`, or say in docs/privacy.md why it is no opening."""
    found: dict[str, set[str]] = {}
    for layer in ("api", "cases", "identity", "provenance", "detection", "ledger"):
        for file in (ROOT / layer).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Attribute) and node.attr in {"open", "disclose", "unseal"}:
                    owner = node.value.attr if isinstance(node.value, ast.Attribute) else ""
                    if owner in {"payloads", "_payloads"} or (file.stem == "payload" and node.attr == "unseal"):
                        found.setdefault(str(file.relative_to(ROOT)), set()).add(node.attr)
    assert found == OPENED_BY
    assert {"open", "disclose", "unseal"} <= vars(Payloads).keys()
    assert "disclose" in vars(Disclosures)
