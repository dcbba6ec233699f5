from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.clock import system_entropy
from ledger.canonical import canonical
from ledger.entry import FIRST_PREV, MAX_BYTES, Entry, entry_milliseconds, format_time, parse_entry
from ledger.errors import EntryMalformedError
from ledger.ids import EntryId, milliseconds, moment, new_id

ENTRY = Entry(
    EntryId("ent_" + "a" * 26),
    "asset.signed",
    "2026-11-21T22:04:44.007Z",
    "intake@3",
    "0" * 64,
    "f" * 64,
    FIRST_PREV,
)


def test_the_exact_bytes() -> None:
    assert ENTRY.encode() == (
        b'{"actor":"' + b"f" * 64 + b'","commit":"' + b"0" * 64 + b'","id":"ent_' + b"a" * 26 + b'",'
        b'"kind":"asset.signed","policy":"intake@3","prev":"' + b"0" * 64 + b'",'
        b'"time":"2026-11-21T22:04:44.007Z","v":1}'
    )
    assert parse_entry(ENTRY.encode()) == ENTRY


@given(st.integers(0, 253_402_300_799_999))
def test_times_come_back(stored: int) -> None:
    assert entry_milliseconds(replace(ENTRY, time=format_time(stored))) == stored
    assert milliseconds(moment(stored)) == stored


@given(st.integers(0, len(ENTRY.encode()) - 1), st.integers(0, 255))
def test_a_changed_byte_is_another_entry_or_none(at: int, value: int) -> None:
    data = bytearray(ENTRY.encode())
    data[at] = value
    try:
        assert parse_entry(bytes(data)).encode() == bytes(data)
    except EntryMalformedError:
        return


MEMBERS = json.loads(ENTRY.encode())


@pytest.mark.parametrize("name", MEMBERS)
def test_the_member_that_is_wrong_is_named(name: str) -> None:
    with pytest.raises(EntryMalformedError, match=r"version 1" if name == "v" else f"'{name}' is malformed"):
        parse_entry(canonical(MEMBERS | {name: 2 if name == "v" else "é"}))


WITHOUT = {name: value for name, value in MEMBERS.items() if name != "actor"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b" " + ENTRY.encode(),
        ENTRY.encode() + b"\n",
        json.dumps(MEMBERS).encode(),
        json.dumps(dict(reversed(MEMBERS.items())), separators=(",", ":")).encode(),
        ENTRY.encode().replace(b'"v":1', b'"v":1,"v":1'),
        ENTRY.encode().replace(b'"v":1', b'"v":1.0'),
        canonical(MEMBERS | {"note": "x"}),
        canonical(WITHOUT),
        canonical(MEMBERS | {"v": 2}),
        canonical(MEMBERS | {"v": True}),
        canonical(MEMBERS | {"v": "1"}),
        canonical(MEMBERS | {"actor": None}),
        canonical(MEMBERS | {"prev": "F" * 64}),
        canonical(MEMBERS | {"commit": "0" * 63}),
        canonical(MEMBERS | {"id": "ent_short"}),
        canonical(MEMBERS | {"kind": "signed"}),
        canonical(MEMBERS | {"kind": "Asset.Signed"}),
        canonical(MEMBERS | {"policy": "intake"}),
        canonical(MEMBERS | {"policy": "intake@3\n"}),
        canonical(MEMBERS | {"time": "2026-02-30T00:00:00.000Z"}),
        canonical(MEMBERS | {"time": "2026-11-21T24:00:00.000Z"}),
        canonical(MEMBERS | {"time": "2026-11-21T22:04:60.000Z"}),
        canonical(MEMBERS | {"time": "2026-11-21T22:04:44Z"}),
        canonical(MEMBERS | {"time": "2026-11-21T22:04:44.007+00:00"}),
        canonical(MEMBERS | {"kind": "a." + "b" * MAX_BYTES}),
    ],
)
def test_anything_else_is_malformed(data: bytes) -> None:
    with pytest.raises(EntryMalformedError):
        parse_entry(data)


def test_ids_are_a_prefix_and_128_random_bits() -> None:
    assert new_id("ent", bytes) == "ent_" + "a" * 26
    made = {new_id("ent", system_entropy) for _ in range(100)}
    assert len(made) == 100
    assert {len(each) for each in made} == {30}
