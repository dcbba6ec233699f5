"""Status lists as rows and as published: no place twice, no status without its entry, nothing old once it changed."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from identity.errors import CredentialUnknownError, PlaceTakenError, RevokedForEverError, StatusListUnknownError
from identity.issuing.issuer import Issuer
from identity.outcome import Outcome
from identity.status import publishing
from identity.status.bitstring import entries, status
from identity.status.lists import ListId, Place, StatusListRow, StatusLists, StatusPlaceRow, change, standing, take
from identity.status.publishing import LIFE, RENEWED, Form, StatusPublication
from identity.status.status_list import MAX_DRAWS
from identity.status.token import Status, read_list, reference
from identity.verifier import verify_credential
from keys.clock import Entropy, system_entropy
from keys.errors import KeyNotFoundError, KeysError, KeyStoreUnavailableError
from ledger.ids import RANDOM_BYTES, TenantId
from ledger.payload import Draft
from tests.databases import BOTH
from tests.identity.issuing.ours import NOW, our_issuer, policy
from tests.ledger.world import HeldClock, World, running

ADDRESS = "https://issuer.example"


@pytest.fixture(scope="module", params=BOTH)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("status") / "log.db", kind=request.param, waits=False) as up:
        yield up


@pytest.fixture
def tenant(world: World) -> TenantId:
    return world.ledger.create_tenant("tenant")


def record(world: World, tenant: TenantId, *acts: Callable[[Connection], object]) -> None:
    def work(connection: Connection) -> Sequence[Draft]:
        for act in acts:
            act(connection)
        return []

    world.ledger.record(work, tenant)


def drawing(world: World, entropy: Entropy) -> StatusLists:
    """Draws places with that entropy, and names lists as always."""
    return StatusLists(world.database, lambda size: (system_entropy if size == RANDOM_BYTES else entropy)(size))


def issued(world: World, tenant: TenantId, credential: str, seed: int = 0) -> Place:
    """As whoever issues does it: draw, sign, take; and again where somebody was faster."""
    lists = drawing(world, random.Random(seed).randbytes)
    while True:
        place = lists.draw(tenant)
        with suppress(PlaceTakenError):
            record(world, tenant, partial(take, tenant=tenant, place=place, credential=credential))
            return place


def turned(world: World, tenant: TenantId, credential: str, to: Status) -> None:
    record(world, tenant, partial(change, tenant=tenant, credential=credential, to=to))


def stands(world: World, tenant: TenantId, credential: str) -> Status:
    with world.database.read(tenant) as connection:
        return standing(connection, tenant, credential).status


def test_many_at_once_never_share_a_place(world: World, tenant: TenantId) -> None:
    """All draw the same places in the same order, so that each is drawn by many."""
    got: list[Place] = []

    def issue(name: int) -> None:
        got.extend(issued(world, tenant, f"{name}.{number}", seed=number) for number in range(8))

    threads = [threading.Thread(target=issue, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 64
    with world.database.read(tenant) as connection:
        lists = select(func.count(StatusListRow.id)).where(StatusListRow.tenant_id == tenant)
        taken = select(StatusPlaceRow.list_id, StatusPlaceRow.place).where(StatusPlaceRow.tenant_id == tenant)
        assert {Place(ListId(row.list_id), row.place) for row in connection.execute(taken)} == set(got)
        assert connection.execute(lists).scalar_one() == len({place.list for place in got}) == 1


def test_of_two_that_drew_the_same_place_the_second_took_nothing(world: World, tenant: TenantId) -> None:
    first, second = (drawing(world, bytes).draw(tenant) for _ in range(2))
    assert first == second
    subject = world.ledger.subjects.create(tenant)
    record(world, tenant, partial(take, tenant=tenant, place=first, credential="one"))
    size = world.ledger.status().committed
    with pytest.raises(PlaceTakenError):
        record(
            world,
            tenant,
            lambda connection: world.ledger.subjects.insert(connection, subject),
            partial(take, tenant=tenant, place=second, credential="two"),
        )
    assert world.ledger.status().committed == size
    with pytest.raises(CredentialUnknownError):
        stands(world, tenant, "two")


def test_issuing_that_breaks_off_took_nothing(world: World, tenant: TenantId) -> None:
    place = drawing(world, bytes).draw(tenant)

    def broken(_connection: Connection) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        record(world, tenant, partial(take, tenant=tenant, place=place, credential="one"), broken)
    assert drawing(world, bytes).draw(tenant) == place


def test_where_so_many_are_taken_in_a_row_another_list_begins(world: World, tenant: TenantId) -> None:
    lists = drawing(world, random.Random(1).randbytes)
    places = [lists.draw(tenant) for _ in range(MAX_DRAWS)]
    for number, place in enumerate(places):
        record(world, tenant, partial(take, tenant=tenant, place=place, credential=str(number)))
    again = drawing(world, random.Random(1).randbytes).draw(tenant)
    assert {place.list for place in places} != {again.list}
    assert drawing(world, random.Random(2).randbytes).draw(tenant).list == again.list


def test_tenants_have_lists_of_their_own(world: World, tenant: TenantId) -> None:
    other = world.ledger.create_tenant("other")
    assert issued(world, tenant, "one").list != issued(world, other, "one").list
    issued(world, tenant, "two", seed=2)
    with pytest.raises(CredentialUnknownError):
        turned(world, other, "two", Status.INVALID)
    assert stands(world, tenant, "two") is Status.VALID


def test_suspended_ends_and_revoked_does_not(world: World, tenant: TenantId) -> None:
    issued(world, tenant, "one")
    for to in (Status.SUSPENDED, Status.SUSPENDED, Status.VALID, Status.SUSPENDED, Status.INVALID, Status.INVALID):
        turned(world, tenant, "one", to)
        assert stands(world, tenant, "one") is to
    for to in (Status.VALID, Status.SUSPENDED):
        with pytest.raises(RevokedForEverError):
            turned(world, tenant, "one", to)
    assert stands(world, tenant, "one") is Status.INVALID


@pytest.mark.parametrize("unknown", ["", "two", "one\0", "' OR 1=1 --"])
def test_a_credential_that_has_no_status(world: World, tenant: TenantId, unknown: str) -> None:
    issued(world, tenant, "one")
    with pytest.raises(CredentialUnknownError):
        turned(world, tenant, unknown, Status.INVALID)


@dataclass
class Publishing:
    """A tenant with two credentials, and its lists as anyone fetches them."""

    world: World
    tenant: TenantId
    clock: HeldClock
    broken: KeysError | None = None
    signer: Issuer = field(default_factory=our_issuer)

    def __post_init__(self) -> None:
        self.places = {name: issued(self.world, self.tenant, name, seed) for seed, name in enumerate(("one", "two"))}
        self.lists = StatusPublication(self.world.database, ADDRESS, self._issuer, self.clock)

    def _issuer(self) -> Issuer:
        if self.broken:
            raise self.broken
        return self.signer

    def fetch(self, form: Form) -> bytes:
        return self.lists.published(self.places["one"].list, form).content

    def says(self, name: str) -> tuple[int, int, int]:
        """What a verifier reads of a credential: revocation, suspension, and the token's status."""
        place, issuer, now = self.places[name], our_issuer(), self.clock()
        found: list[int] = []
        for entry in entries({"credentialStatus": self.lists.entries(place)}):
            at = self.lists.at(entry.uri)
            assert at is not None
            assert at.kind == "application/vc+ld+json"
            published: dict[str, Any] = json.loads(at.content)
            assert verify_credential(published, policy(issuer), now).verdict is Outcome.HOLDS
            assert published["credentialSubject"]["ttl"] == 60_000
            found.append(status(entry, published))
        referred = reference({"status": self.lists.claim(place)})
        assert referred is not None
        at = self.lists.at(referred.uri)
        assert at is not None
        assert at.kind == "application/statuslist+jwt"
        read = read_list(at.content.decode(), referred.uri, issuer.p256.key, now)
        assert read.fresh_until == now.timestamp() + 60
        revoked, suspended = found
        return revoked, suspended, read.statuses.status(referred.place)


@pytest.fixture
def public(world: World, tenant: TenantId) -> Publishing:
    return Publishing(world, tenant, HeldClock(NOW))


def test_what_changed_shows_at_once_in_every_form_and_in_every_process(public: Publishing) -> None:
    assert public.says("one") == (0, 0, Status.VALID)
    turned(public.world, public.tenant, "one", Status.SUSPENDED)
    assert public.says("one") == (0, 1, Status.SUSPENDED)
    turned(public.world, public.tenant, "one", Status.INVALID)
    assert public.says("one") == (1, 0, Status.INVALID)
    assert public.says("two") == (0, 0, Status.VALID)


def test_a_list_is_signed_once_until_it_changes_or_ages(public: Publishing) -> None:
    for form in Form:
        first = public.fetch(form)
        assert [public.fetch(form) for _ in range(3)] == [first] * 3
    seen = [public.fetch(Form.TOKEN)]
    issued(public.world, public.tenant, "three", seed=3)  # of which nobody sees anything
    assert public.fetch(Form.TOKEN) == seen[0]
    turned(public.world, public.tenant, "two", Status.INVALID)
    seen.append(public.fetch(Form.TOKEN))
    public.clock.move(RENEWED)
    seen.append(public.fetch(Form.TOKEN))
    public.signer = replace(public.signer)  # another edition of the DID document
    seen.append(public.fetch(Form.TOKEN))
    assert len(set(seen)) == 4


def test_without_the_key_store_what_is_known_to_be_wrong_is_not_given_out(public: Publishing) -> None:
    before = public.fetch(Form.TOKEN)
    public.broken = KeyStoreUnavailableError("sealed")
    public.clock.move(RENEWED)
    assert public.fetch(Form.TOKEN) == before
    public.clock.move(LIFE - RENEWED - publishing.KEPT)
    with pytest.raises(KeyStoreUnavailableError):
        public.fetch(Form.TOKEN)
    public.broken = None
    before = public.fetch(Form.TOKEN)
    public.broken = KeyStoreUnavailableError("sealed")
    turned(public.world, public.tenant, "one", Status.INVALID)
    with pytest.raises(KeyStoreUnavailableError):
        public.fetch(Form.TOKEN)
    public.broken = None
    assert public.fetch(Form.TOKEN) != before


def test_a_list_by_a_key_that_is_revoked_is_not_given_out(public: Publishing) -> None:
    for form in Form:
        public.fetch(form)
        public.broken = KeyNotFoundError("revoked")
        with pytest.raises(KeyNotFoundError):
            public.fetch(form)
        public.broken = None
        assert public.fetch(form)


def test_what_is_no_list_of_ours(public: Publishing) -> None:
    listed = public.places["one"].list
    assert public.lists.at(f"https://other.example/status/{listed}/token") is None
    for unknown in ("", "/", listed, f"{listed}/", f"{listed}/message", "stl_x/token", "\0/token", f"{listed}/token/"):
        with pytest.raises(StatusListUnknownError):
            public.lists.at(f"{ADDRESS}/status/{unknown}")


def test_only_so_many_lists_are_kept(public: Publishing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "MAX_KEPT", 1)
    first = public.fetch(Form.TOKEN)
    assert public.fetch(Form.TOKEN) == first
    public.fetch(Form.REVOCATION)
    assert public.fetch(Form.TOKEN) != first
