"""The index of what was signed here against whoever owns the database, and without its keys: never a wrong lead, never
*nothing* for what could not be looked up, and well again by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from threading import Event
from typing import Any

import httpx
import pytest

from cases.asset import AssetId
from cases.errors import RecoveryUnknownError
from cases.recovery.index import MAX_RETRIED, RecoveryIndex
from cases.recovery.repository import Repository
from cases.recovery.search import Found, Search
from detection.near import follower
from detection.near.follower import Damaged, Follower, Index
from detection.near.generation import Generation
from keys.errors import KeyNotFoundError, KeysError, KeyStoreDownError, KeyStoreSealedError
from ledger.errors import DatabaseUnavailableError
from tests.api.wire import change, proven, rows, signed, upload
from tests.deployment import Running
from tests.recovering import clouds
from tests.waiting import until

SEEDS = count(700)


@dataclass(frozen=True)
class Kept:
    """A public picture of some tenant's, and the file that is asked about."""

    file: bytes
    asset: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.asset["id"])


def kept(up: Running, *, new_tenant: bool = False) -> Kept:
    file = clouds(next(SEEDS))
    with up.http(up.key(new_tenant=new_tenant)) as http:
        asset, _ = signed(http, file, {"visibility": "public", "title": "ORIGINAL"})
    proven(up, asset["ledger"]["entry"])
    up.service.recovery.search.index.current()  # read as it was stored, before anybody owns the database
    return Kept(file, asset)


@pytest.fixture(scope="module")
def one(deployment: Running) -> Kept:
    return kept(deployment)


@pytest.fixture(scope="module", params=["one tenant", "two tenants"])
def other(deployment: Running, request: pytest.FixtureRequest) -> Kept:
    return kept(deployment, new_tenant=request.param == "two tenants")


@pytest.fixture(scope="module")
def anyone(deployment: Running) -> Iterator[httpx.Client]:
    with deployment.http() as client:
        yield client


def looked(http: httpx.Client, about: Kept) -> Any:
    """What a stranger is told of the bare file."""
    report = upload(http, about.file, path="/v1/verifications").json()
    assert report["verdict"] == "absent"
    return report["recovered"]


def anew(up: Running) -> RecoveryIndex:
    """As after a start: built of what the rows are now."""
    return RecoveryIndex(up.service.recovery.search.index._source)


@contextmanager
def changed(up: Running, table: str, column: str, values: dict[str, Any]) -> Iterator[None]:
    """These rows have these values meanwhile."""
    before = {name: value(up, table, column, name) for name in values}
    set_(up, table, column, values)
    try:
        yield
    finally:
        set_(up, table, column, before)


def value(up: Running, table: str, column: str, name: str) -> Any:
    return rows(up, f"SELECT {column} FROM {table} WHERE {NAMED.get(table, 'id')} = ?", name)[0][0]


def set_(up: Running, table: str, column: str, values: dict[str, Any]) -> None:
    for name, new in values.items():
        change(up, f"UPDATE {table} SET {column} = ? WHERE {NAMED.get(table, 'id')} = ?", new, name)


def swapped(up: Running, table: str, column: str, one: Kept, other: Kept) -> dict[str, Any]:
    """Each with the other's."""
    mine, theirs = (value(up, table, column, kept.id) for kept in (one, other))
    assert mine != theirs
    return {one.id: theirs, other.id: mine}


def started_anew(up: Running, monkeypatch: pytest.MonkeyPatch) -> RecoveryIndex:
    """The service's own index, until the test ends as if it had just started: it follows by itself from now on."""
    index = up.service.recovery.search.index
    monkeypatch.setattr(index, "_follower", Follower(index._source, Event()))
    return index


def mended(index: RecoveryIndex) -> None:
    """The next time that it looks again."""
    index._again = 0.0
    assert index._round() == ""
    assert not index.current().damaged


def warned(up: Running) -> str:
    """What an operator is told."""
    part = asyncio.run(up.service.readiness.parts())["recovery"]
    assert part["ready"]
    return part["warning"]


NAMED = {"manifest_store": "asset_id"}
"""Tables whose rows are not found by their `id`."""

DAMAGE = [("asset", "details"), ("subject_key", "wrapped")]


@pytest.mark.parametrize(("table", "column"), DAMAGE)
@pytest.mark.parametrize("how", ["a byte", "nothing", "swapped"])
def test_a_damaged_row_is_named_and_hides_itself_alone_until_it_is_mended(
    deployment: Running,
    anyone: httpx.Client,
    one: Kept,
    other: Kept,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    column: str,
    how: str,
) -> None:
    values = swapped(deployment, table, column, one, other)
    if how != "swapped":
        values = {one.id: values[other.id][:-1] + bytes([values[other.id][-1] ^ 1]) if how == "a byte" else b""}
    with changed(deployment, table, column, values):
        index = started_anew(deployment, monkeypatch)
        assert {row.name for row in index.current().damaged} == set(values)
        for kept in (one, other):
            found = looked(anyone, kept)
            if kept.id in values:
                assert (found["looked"], found["candidates"]) == ("unknown", [])
                assert "an operator must look" in found["sentence"]
            else:
                assert found["candidates"][0]["ledger"]["entry"] == kept.asset["ledger"]["entry"]
                assert "there may be more, and earlier ones" in found["sentence"]
        assert looked(anyone, Kept(clouds(next(SEEDS)), {}))["looked"] == "unknown", "it may be the damaged one"
    mended(index)
    for kept in (one, other):
        (candidate,) = looked(anyone, kept)["candidates"]
        assert candidate["ledger"]["entry"] == kept.asset["ledger"]["entry"]
    assert looked(anyone, Kept(clouds(next(SEEDS)), {}))["looked"] == "nothing"


@pytest.mark.parametrize(("table", "column"), DAMAGE)
def test_what_is_damaged_of_one_tenants_private_files_is_unknown_to_them_alone(
    deployment: Running, anyone: httpx.Client, monkeypatch: pytest.MonkeyPatch, table: str, column: str
) -> None:
    file = clouds(next(SEEDS))
    with deployment.http(deployment.key(new_tenant=True)) as http, deployment.http(deployment.key()) as others:
        asset, _ = signed(http, file, {"visibility": "private"})
        proven(deployment, asset["ledger"]["entry"])
        kept = Kept(file, asset)
        with changed(deployment, table, column, {kept.id: b"damaged"}):
            index = started_anew(deployment, monkeypatch)
            assert [looked(whose, kept)["looked"] for whose in (anyone, others, http)] == 2 * ["nothing"] + ["unknown"]
            for whose, status in ((anyone, 200), (others, 200), (http, 503)):
                assert whose.post("/matches/byContent", content=file).status_code == status
            assert index._round() == ""
            until(lambda: kept.id in warned(deployment))
        mended(index)
        until(lambda: not warned(deployment))
        assert looked(http, kept)["looked"] == "found"


@pytest.mark.parametrize(
    ("table", "column"),
    [("asset", "entry_id"), ("asset", "manifest_label"), ("manifest_store", "sealed"), ("asset", "created_at")],
)
def test_a_row_that_says_otherwise_than_the_log_leads_nowhere(
    deployment: Running, anyone: httpx.Client, one: Kept, other: Kept, table: str, column: str
) -> None:
    """A file would lead to another's manifest, or to its own under another's entry, name or time."""
    with changed(deployment, table, column, swapped(deployment, table, column, one, other)):
        for kept in (one, other):
            found = looked(anyone, kept)
            assert (found["looked"], found["candidates"]) == ("unknown", [])
    (candidate,) = looked(anyone, one)["candidates"]
    assert candidate["ledger"]["entry"] == one.asset["ledger"]["entry"]


TROUBLES = {
    "sealed": KeyStoreSealedError("sealed"),
    "down": KeyStoreDownError("down"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_key_store_that_cannot_be_had_is_unknown_and_passes(
    deployment: Running, anyone: httpx.Client, one: Kept, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """For an index that begins, and for one that is whole and finds what it cannot open."""

    def refuses(*_: object) -> None:
        raise TROUBLES[trouble]

    index, service = anew(deployment), deployment.service
    with monkeypatch.context() as patched:
        patched.setattr(type(service.keys), "open_epoch", refuses)
        service.ledger.epochs._held.clear()  # as an hour later
        with pytest.raises(RecoveryUnknownError) as unknown:
            index.current()
        assert isinstance(unknown.value.__cause__, KeysError)
        assert unknown.value.reason == "keys"
        assert index._round() != "", "and it says why it does not follow"
        found = looked(anyone, one)
        assert (found["looked"], found["candidates"]) == ("unknown", [])
    assert index._round() == ""
    assert index.current().known
    assert len(looked(anyone, one)["candidates"]) == 1


def test_a_tenant_whose_key_is_lost_hides_its_own_files_alone(
    deployment: Running, anyone: httpx.Client, one: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others' are found, with a word that there may be more; and the key store is asked once, not for each file."""
    token = deployment.key(new_tenant=True)
    with deployment.http(token) as http:
        file, private = clouds(next(SEEDS)), clouds(next(SEEDS))
        assets = [signed(http, each, {"visibility": "public"})[0] for each in (file, clouds(next(SEEDS)))]
        assets.append(signed(http, private, {"visibility": "private"})[0])
        for asset in assets:
            proven(deployment, asset["ledger"]["entry"])
        (tenant,) = {row[0] for row in rows(deployment, "SELECT tenant_id FROM asset WHERE id = ?", assets[0]["id"])}
        asked, service = list[str](), deployment.service
        opens = type(service.keys).open_epoch

        def lost(keys: Any, whose: str, wrapped: bytes | None = None) -> Any:
            if whose == tenant:
                asked.append(whose)
                raise KeyNotFoundError("there is no such key")
            return opens(keys, whose, wrapped)

        with monkeypatch.context() as patched:
            patched.setattr(type(service.keys), "open_epoch", lost)
            service.ledger.epochs._held.clear()  # as an hour later
            index = started_anew(deployment, patched)
            assert {row.name for row in index.current().damaged} == {asset["id"] for asset in assets}
            assert len(asked) == 1
            found = looked(anyone, one)
            assert found["candidates"][0]["ledger"]["entry"] == one.asset["ledger"]["entry"]
            assert "there may be more" in found["sentence"]
            assert looked(anyone, Kept(file, assets[0]))["looked"] == "unknown"
            assert index._round() == "", "it follows"
            assert assets[0]["id"] in warned(deployment)
            service.ledger.epochs._held.clear()
            patched.setattr(type(service.keys), "open_epoch", opens)
            mended(index)
            assert looked(anyone, Kept(file, assets[0]))["looked"] == "found"
            assert looked(http, Kept(private, assets[2]))["looked"] == "found"


def test_every_damaged_row_has_its_turn_to_be_looked_at_again(
    deployment: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenant whose key is lost for good has many, and keeps no other's from being found once they are mended."""
    index, asked = anew(deployment), list[int]()
    index._follower.index = Index(damaged=[Damaged(row, "", "") for row in range(1, 2 * MAX_RETRIED + 51)])
    monkeypatch.setattr(type(index._source), "mended", lambda _, some: asked.append(some[0].row))
    for _ in range(4):
        index._again = 0.0
        index._mend()
    assert asked == [1, MAX_RETRIED + 1, 2 * MAX_RETRIED + 1, 1]


def test_a_database_that_is_down_is_unknown(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> int:
        raise DatabaseUnavailableError("the disk is full")

    index = anew(deployment)
    with monkeypatch.context() as patched:
        patched.setattr(type(index._source), "counted", down)
        with pytest.raises(RecoveryUnknownError) as unknown:
            index.current()
    assert unknown.value.reason == "database"
    assert index.current().known


@pytest.mark.parametrize("ahead", [5, follower.AT_ONCE + 1])
def test_an_index_of_a_database_that_was_put_back_is_built_anew(deployment: Running, one: Kept, ahead: int) -> None:
    """What it had from then is gone; where that is much, it is unknown until the follower has built it."""
    index = anew(deployment)
    known = index.current()
    index._follower.index = Index(known.known + ahead, {("content", 32, ""): Generation(32)})
    if ahead > follower.AT_ONCE:
        with pytest.raises(RecoveryUnknownError) as unknown:
            index.current()
        assert unknown.value.reason == "index"
        assert index._round() == ""
    again = index.current()
    assert again.known == known.known
    assert {kind: len(part) for kind, part in again.generations.items()} == {
        kind: len(part) for kind, part in known.generations.items()
    }


def while_it_is_searched(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> list[bool]:
    """Once, between the parts of what is searched; whether it was."""
    near, done = Generation.near, list[bool]()

    def late(self: Generation, template: Any, reach: int) -> Any:
        found = near(self, template, reach)
        if not done:
            done.append(True)
            act()
        return found

    monkeypatch.setattr(Generation, "near", late)
    return done


def test_who_signs_or_erases_while_it_is_searched_hides_nobody_else(
    deployment: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is public lies apart from each tenant's own, and a search goes from one to the other: a row that could
    move between them meanwhile would be missed in both. None does: here what comes lands in a part that was not there,
    what goes is wiped from both, and the last takes its place.
    """
    token = deployment.key(new_tenant=True)
    file, index = clouds(next(SEEDS)), deployment.service.recovery.search.index
    with deployment.http(token) as http:
        first, kept, gone = (
            signed(http, file, {"visibility": visibility})[0] for visibility in ("public", "private", "public")
        )
        for asset in (first, kept, gone):
            proven(deployment, asset["ledger"]["entry"])

        def act() -> None:
            assert http.delete(gone["links"]["self"]).status_code == 200
            later = signed(http, file, {"visibility": "private"})[0]
            proven(deployment, later["ledger"]["entry"])
            index.current()

        found = of_each(deployment, monkeypatch, token, file, act)
    assert {first["id"], kept["id"]} <= found
    assert gone["id"] not in found


def of_each(
    up: Running, monkeypatch: pytest.MonkeyPatch, token: str, file: bytes, act: Callable[[], object]
) -> set[str]:
    """The ids of every asset that a search comes upon, before each who signed takes one place."""
    found: set[str] = set()
    read = Search._read

    def noted(self: Search, *asked: Any) -> list[Found]:
        answered = read(self, *asked)
        found.update(one.asset for one in answered)
        return answered

    with monkeypatch.context() as patched, up.http(token) as http:
        patched.setattr(Search, "_read", noted)
        done = while_it_is_searched(patched, act)
        assert upload(http, file, path="/v1/verifications").json()["recovered"]["looked"] == "found"
    assert done
    return found


def test_what_is_erased_once_it_was_found_is_left_out(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    token, file = deployment.key(), clouds(next(SEEDS))
    with deployment.http(token) as http, deployment.http() as anyone:
        asset, _ = signed(http, file, {"visibility": "public"})
        proven(deployment, asset["ledger"]["entry"])
        of = Repository.of

        def late(self: Repository, found: Found) -> bytes:
            store = of(self, found)
            assert found.asset == AssetId(asset["id"])
            assert http.delete(asset["links"]["self"]).status_code == 200
            return store

        with monkeypatch.context() as patched:
            patched.setattr(Repository, "of", late)
            assert upload(anyone, file, path="/v1/verifications").json()["recovered"]["looked"] == "nothing"
