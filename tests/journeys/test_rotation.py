"""The claim key is rotated under 32 clients, certified by an outside CA and retired: not one upload fails, and each
file stays trusted. With both key stores.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest

from cases.decisions import ClaimKeyChanged
from keys.certificates import subject_name
from keys.local import LocalKeyStore
from keys.openbao import OpenBao
from keys.rotation import ClaimKeys, certificate_request, install_chain, retire, rotate
from keys.signer import Algorithm
from keys.vault_claims import SETTLING_TIME, VaultClaimKeys
from keys.vault_store import METADATA_LIFE
from keys.versions import Version
from ledger.ids import EntryId
from tests.api.wire import PATIENCE, rows, upload
from tests.deployment import Running, running
from tests.simulators.outside_ca import OutsideCA

CLIENTS = 32


class AheadClock:
    """The present, and what it was moved ahead by."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def move(self, by: timedelta) -> None:
        self._ahead += by


@dataclass
class Traffic:
    """CLIENTS threads that upload without end, each over a connection of its own."""

    up: Running
    answers: Counter[int] = field(default_factory=Counter)
    assets: list[tuple[str, str]] = field(default_factory=list)
    """Asset and entry of each."""

    def __post_init__(self) -> None:
        self.token, self._stop = self.up.key(), threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with self.up.http(self.token) as http:
            while not self._stop.is_set():
                answer = upload(http)
                if answer.status_code == 201:
                    made = answer.json()
                    self.assets.append((made["id"], made["ledger"]["entry"]))
                self.answers[answer.status_code] += 1

    def until_signed_with(self, key: str) -> None:
        """Wait until uploads that begin from now on are signed with `key`."""
        deadline, seen = time.monotonic() + 2 * PATIENCE, len(self.assets)
        while key not in {key_of(self.up, entry) for _, entry in self.assets[seen:]}:
            assert time.monotonic() < deadline, self.answers
            seen = max(seen, len(self.assets) - CLIENTS)
            time.sleep(0.05)


def key_of(up: Running, entry: str) -> str:
    tenant = up.service.deployment.operator().tenant
    return str(up.service.ledger.payloads.open(tenant, EntryId(entry)).payload.key)


@dataclass
class House:
    up: Running
    claims: ClaimKeys
    clock: AheadClock

    def noticed(self) -> None:
        """Let the time pass after which a service notices."""
        self.clock.move(METADATA_LIFE)


@pytest.fixture(params=["local", pytest.param("vault", marks=pytest.mark.openbao)])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    clock = AheadClock()
    if request.param == "local":
        with running(tmp_path / "home", clock) as up:
            # As a command would: the folder opened beside the service that holds it.
            beside = LocalKeyStore.open(up.home.keys, embedded_profile=True, clock=clock)
            yield House(up, beside.claims, clock)
        return
    with OpenBao(tmp_path / "bao") as bao:
        made = bao.bootstrap()
        vault = {"keys": "vault", "vault_url": bao.url, "vault_role_id": made.role_id}
        with running(tmp_path / "home", clock, vault_wrapped_secret_id=made.secret_id.token, **vault) as up:
            yield House(up, VaultClaimKeys(bao.vault(), clock), clock)


def own_ca(house: House) -> Version:
    return rotate(house.claims)


def other_algorithm(house: House) -> Version:
    return rotate(house.claims, Algorithm.ED25519)


def outside_ca(house: House) -> Version:
    ca = OutsideCA(house.clock())
    rotate(house.claims, outside=True)
    csr = certificate_request(house.claims, subject_name("Acme"))[1]
    return install_chain(house.claims, ca.issue(csr), house.clock(), roots=ca.root)


def test_no_upload_fails_while_the_key_is_rotated(house: House) -> None:
    up, first = house.up, house.claims.versions()[0].ref
    made = [str(first)]
    with Traffic(up) as traffic:
        traffic.until_signed_with(made[0])
        for turn in (own_ca, other_algorithm, outside_ca):
            made.append(str(turn(house).ref))
            house.noticed()
            traffic.until_signed_with(made[-1])
            until_recorded(up, made[-1])
            house.clock.move(SETTLING_TIME)
            retire(house.claims, first, house.clock())
    assert set(traffic.answers) == {201}, traffic.answers
    used = [key_of(up, entry) for _, entry in traffic.assets]
    assert set(used) == set(made)
    assert_trusted(up, traffic, used)
    told = changes(up)
    assert list(dict.fromkeys(change.key for change in told)) == made
    assert told[0].reasons == ("key.first",)
    assert all(str(first) in change.retired for change in told[2:])


def assert_trusted(up: Running, traffic: Traffic, used: Sequence[str]) -> None:
    """One file of each key, the retired one's too."""
    with up.http(traffic.token) as http:
        for key in set(used):
            asset = traffic.assets[used.index(key)][0]
            file = http.get(f"/v1/assets/{asset}/content").content
            assert upload(http, file, path="/v1/verifications").json()["verdict"] == "trusted", key


def until_recorded(up: Running, key: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while key not in [change.key for change in changes(up)]:
        assert time.monotonic() < deadline, changes(up)
        time.sleep(0.1)


def changes(up: Running) -> list[ClaimKeyChanged]:
    """What the ledger says of the claim key."""
    tenant = up.service.deployment.operator().tenant
    entries = [json.loads(data) for (data,) in rows(up, 'SELECT data FROM entry ORDER BY "index"')]
    ids = [EntryId(entry["id"]) for entry in entries if entry["kind"] == "claimkey.changed"]
    return [up.service.ledger.payloads.open(tenant, entry).payload for entry in ids]
