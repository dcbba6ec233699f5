"""The claim key is rotated under 32 clients, certified by an outside CA and retired: not one upload fails, and each
file stays trusted. With both key stores.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
from tests.api.wire import PATIENCE, rows
from tests.deployment import Running, running
from tests.journeys.traffic import Uploads, assert_kept
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
class House:
    up: Running
    claims: ClaimKeys
    clock: AheadClock

    def noticed(self) -> None:
        """Let the time pass after which a service notices."""
        self.clock.move(METADATA_LIFE)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Housekeeping records a new key within a moment: meanwhile so many clients keep every core busy."""
    monkeypatch.setattr("api.running.housekeeping.INTERVAL_SECONDS", 0.2)


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
    token = up.key()
    with Uploads(lambda: up.http(token), CLIENTS) as traffic:
        traffic.until_signed_with(made[0])
        for turn in (own_ca, other_algorithm, outside_ca):
            made.append(str(turn(house).ref))
            house.noticed()
            traffic.until_signed_with(made[-1])
            until_recorded(up, made[-1])
            traffic.each()  # what began under the key before is what settling is for
            house.clock.move(SETTLING_TIME)
            retire(house.claims, first, house.clock())
    assert set(traffic.answers) == {"201"}, traffic.answers
    one_of_each = {promise.key: promise for promise in traffic.promises}
    assert one_of_each.keys() == set(made)
    with up.http(token) as http:
        assert_kept(http, list(one_of_each.values()))
    told = changes(up)
    assert list(dict.fromkeys(change.key for change in told)) == made
    assert told[0].reasons == ("key.first",)
    assert all(str(first) in change.retired for change in told[2:])


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
